import type { Principal } from '../contract/call.ts';
import type { Refusal } from '../contract/core.ts';
import type { CoreEvent } from '../contract/events.ts';
import { ERRORS, type ErrorCode, type Problem } from '../contract/errors.ts';
import { FACES, PERMISSIONS, type Face, type Permission } from '../contract/operation.ts';
import type { PromptAnswer, PromptRequest } from '../contract/prompts.ts';

/**
 * What two processes say to each other, and how each checks what it hears. Checked by hand, since the command line's
 * short way loads no schemas; inputs and outputs are the dispatcher's to judge.
 */

/** More than there are purposes. */
const MOST_GIVEN = 100;

/** A principal as it travels: a set becomes a list. */
interface WirePrincipal extends Omit<Principal, 'permissions'> {
  readonly permissions: readonly Permission[];
}

/** From whoever uses the core. Ids are the sender's and count up. */
export type Request =
  | { type: 'call'; id: number; operation: string; input: unknown; principal: WirePrincipal; prompts: 'none' | 'plain' | 'interactive'; given?: readonly PromptRequest['purpose'][]; progress: boolean; requestId?: string }
  | { type: 'cancel'; id: number; problem: Problem }
  | { type: 'answer'; prompt: number; answer: PromptAnswer }
  | { type: 'unanswered'; prompt: number; problem: Problem }
  | { type: 'authenticate'; id: number; token: string; face: Face }
  | { type: 'refuse'; id: number; refusal: Refusal }
  | { type: 'subscribe' }
  | { type: 'attach'; surface: number }
  | { type: 'detach'; surface: number };

/** What a process is that owns a store. */
export interface OwnerFacts {
  readonly pid: number;
  readonly kind: string;
  readonly version: string;
}

/** From whoever has the core. */
export type Reply =
  | { type: 'welcome'; spoolFolder: string; owner: OwnerFacts }
  | { type: 'result'; id: number; output: unknown }
  | { type: 'failed'; id: number; problem: Problem }
  | { type: 'principal'; id: number; principal: WirePrincipal }
  | { type: 'progress'; id: number; event: unknown }
  | { type: 'prompt'; prompt: number; id: number; request: PromptRequest }
  | { type: 'withdraw'; prompt: number }
  | { type: 'event'; event: CoreEvent };

const MAX_NAME = 300;
/** Calls that one peer may have in flight. */
export const MAX_CALLS = 1000;

type Fields = Readonly<Record<string, unknown>>;

/** @returns the message if it is a record at all. */
export function fieldsOf(message: unknown): Fields | undefined {
  return typeof message === 'object' && message !== null && !Array.isArray(message) ? (message as Fields) : undefined;
}

export function isId(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}

export function isText(value: unknown, longest: number): value is string {
  return typeof value === 'string' && value.length <= longest;
}

function isOneOf<T extends string>(value: unknown, names: readonly T[]): value is T {
  return typeof value === 'string' && (names as readonly string[]).includes(value);
}

/** @returns the request, checked, or undefined: then the peer does not keep to the protocol. */
export function readRequest(message: unknown): Request | undefined {
  const fields = fieldsOf(message);
  return fields !== undefined && isRequest(fields) ? (fields as Request) : undefined;
}

function isRequest(fields: Fields): boolean {
  switch (fields['type']) {
    case 'call':
      return isId(fields['id']) && isText(fields['operation'], 100) && isPrincipal(fields['principal']) && typeof fields['progress'] === 'boolean'
        && isOneOf(fields['prompts'], ['none', 'plain', 'interactive']) && (fields['requestId'] === undefined || isText(fields['requestId'], 100)) && (fields['given'] === undefined || isGiven(fields['given']));
    case 'cancel': return isId(fields['id']) && isProblem(fields['problem']);
    // What kind of answer it is, is checked by the contract's schema.
    case 'answer': return isId(fields['prompt']) && fieldsOf(fields['answer']) !== undefined;
    case 'unanswered': return isId(fields['prompt']) && isProblem(fields['problem']);
    case 'authenticate': return isId(fields['id']) && isText(fields['token'], 4096) && isOneOf(fields['face'], FACES);
    case 'refuse': return isId(fields['id']) && isRefusal(fields['refusal']);
    case 'subscribe': return true;
    case 'attach':
    case 'detach': return isId(fields['surface']);
    default: return false;
  }
}

const isGiven = (value: unknown): boolean => Array.isArray(value) && value.length <= MOST_GIVEN && value.every((purpose) => isText(purpose, 40));

/** @returns the reply, checked, or undefined. */
export function readReply(message: unknown): Reply | undefined {
  const fields = fieldsOf(message);
  return fields !== undefined && isReply(fields) ? (fields as Reply) : undefined;
}

function isReply(fields: Fields): boolean {
  switch (fields['type']) {
    case 'welcome': {
      const owner = fieldsOf(fields['owner']);
      return isText(fields['spoolFolder'], 4096) && owner !== undefined && isId(owner['pid']) && isText(owner['kind'], MAX_NAME) && isText(owner['version'], MAX_NAME);
    }
    case 'result':
    case 'progress': return isId(fields['id']);
    case 'failed': return isId(fields['id']) && isProblem(fields['problem']);
    case 'principal': return isId(fields['id']) && isPrincipal(fields['principal']);
    case 'prompt': return isId(fields['prompt']) && isId(fields['id']) && isPrompt(fields['request']);
    case 'withdraw': return isId(fields['prompt']);
    case 'event': return isText(fieldsOf(fields['event'])?.['type'], MAX_NAME);
    default: return false;
  }
}

function isPrincipal(value: unknown): value is WirePrincipal {
  const fields = fieldsOf(value);
  const permissions = fields?.['permissions'];
  return fields !== undefined && isText(fields['id'], MAX_NAME) && isText(fields['name'], MAX_NAME) && isOneOf(fields['face'], FACES)
    && Array.isArray(permissions) && permissions.length <= PERMISSIONS.length && permissions.every((one) => isOneOf(one, PERMISSIONS))
    && (fields['expiresAt'] === undefined || Number.isSafeInteger(fields['expiresAt']));
}

function isProblem(value: unknown): value is Problem {
  const fields = fieldsOf(value);
  return fields !== undefined && isOneOf(fields['code'], Object.keys(ERRORS) as ErrorCode[]) && typeof fields['detail'] === 'string';
}

function isRefusal(value: unknown): value is Refusal {
  const fields = fieldsOf(value);
  return fields !== undefined && isOneOf(fields['face'], FACES) && isText(fields['request'], 4096) && isText(fields['reason'], 4096)
    && isOneOf(fields['code'], ['UNAUTHENTICATED', 'PERMISSION_DENIED', 'INVALID_INPUT', 'RATE_LIMITED']);
}

// Every kind there is, or the compiler says so: a kind that is left out would end the connection.
const PROMPT_KINDS = Object.keys({ secret: true, 'new-secret': true, confirm: true, 'show-secret': true, touch: true } satisfies Record<PromptRequest['kind'], true>);

function isPrompt(value: unknown): value is PromptRequest {
  const fields = fieldsOf(value);
  return fields !== undefined && isOneOf(fields['kind'], PROMPT_KINDS) && isText(fields['purpose'], MAX_NAME) && isText(fields['title'], 4096);
}

export function toWire({ id, name, face, permissions, expiresAt }: Principal): WirePrincipal {
  return { id, name, face, permissions: [...permissions], ...(expiresAt === undefined ? {} : { expiresAt }) };
}

export function fromWire({ id, name, face, permissions, expiresAt }: WirePrincipal): Principal {
  return { id, name, face, permissions: new Set(permissions), ...(expiresAt === undefined ? {} : { expiresAt }) };
}
