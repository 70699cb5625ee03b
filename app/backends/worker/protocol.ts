import { ERRORS, KeywrightError, type ErrorCode } from '../../contract/index.ts';

/**
 * What the core and a provider in a process of its own say to each other (docs/worker-protocol.md). Messages are JSON in frames of
 * four bytes of length, most significant first; bytes are base64url without padding. What a provider says is checked here, field by
 * field: it may be anybody's program.
 */

export const PROTOCOL_VERSION = 1;
/** Largest frame either way: a message of 16 MiB in base64url, and room. */
export const MAX_FRAME = 24 * 1024 * 1024;

export type ToProvider =
  | { type: 'hello'; protocol: number; instance: string; settings: unknown }
  | { type: 'call'; id: number; method: string; input: unknown; seconds: number }
  | { type: 'cancel'; id: number };

interface ProviderError {
  readonly code: ErrorCode;
  readonly detail: string;
  readonly remedy?: string;
  readonly alternatives?: readonly string[];
  readonly triesLeft?: number;
}

/** What a provider says of itself. `facts` is its own: capabilities of a custom provider, the module's version of a PKCS#11 worker. */
export interface ProviderHello {
  readonly name: string;
  readonly version: string;
  readonly facts: unknown;
}

export type FromProvider =
  | ({ type: 'hello'; protocol: number } & ProviderHello)
  | { type: 'result'; id: number; output: unknown }
  | { type: 'failed'; id?: number; error: ProviderError }
  | { type: 'event'; event: string };

/** What a provider may answer with. The rest is ours to say: a provider knows nothing of stores and principals. */
const PROVIDER_CODES: readonly ErrorCode[] = [
  'INVALID_INPUT', 'NOT_FOUND', 'ALREADY_EXISTS', 'CONFLICT', 'PERMISSION_DENIED', 'PIN_REQUIRED', 'PIN_INCORRECT', 'PIN_BLOCKED', 'TOUCH_TIMEOUT', 'TOKEN_REMOVED',
  'CAPABILITY_MISSING', 'BACKEND_UNAVAILABLE', 'RATE_LIMITED', 'CANCELLED', 'TIMEOUT', 'INTERNAL',
];
const MAX_TEXT = 2000;

/** @returns the message, checked, or undefined: then the provider does not keep to the protocol. */
export function readFromProvider(message: unknown): FromProvider | undefined {
  const fields = recordOf(message);
  if (fields === undefined) return undefined;
  const { type, id } = fields;
  switch (type) {
    case 'hello':
      return isCount(fields['protocol']) && isText(fields['name'], 200) && isText(fields['version'], 200)
        ? { type, protocol: fields['protocol'], name: fields['name'], version: fields['version'], facts: fields['facts'] ?? null } : undefined;
    case 'result': return isCount(id) ? { type, id, output: fields['output'] } : undefined;
    case 'failed': {
      const error = readError(fields['error']);
      if (error === undefined || (id !== undefined && !isCount(id))) return undefined;
      return { type, error, ...(id === undefined ? {} : { id }) };
    }
    case 'event': return isText(fields['event'], 100) ? { type, event: fields['event'] } : undefined;
    default: return undefined;
  }
}

/** @returns the error that a provider stands by, as one of ours. What it calls INTERNAL is not our fault but the provider's. */
export function errorOf(error: ProviderError): KeywrightError {
  const { code, ...facts } = error;
  return new KeywrightError(code === 'INTERNAL' ? 'BACKEND_UNAVAILABLE' : code, facts);
}

function readError(value: unknown): ProviderError | undefined {
  const fields = recordOf(value);
  if (fields === undefined || typeof fields['code'] !== 'string' || !(fields['code'] in ERRORS) || typeof fields['detail'] !== 'string') return undefined;
  const code = PROVIDER_CODES.includes(fields['code'] as ErrorCode) ? (fields['code'] as ErrorCode) : 'INTERNAL';
  const { remedy, alternatives, triesLeft } = fields;
  return {
    code, detail: fields['detail'].slice(0, MAX_TEXT),
    ...(typeof remedy === 'string' ? { remedy: remedy.slice(0, MAX_TEXT) } : {}),
    ...(Array.isArray(alternatives) ? { alternatives: alternatives.filter((one) => isText(one, 200)).slice(0, 100) as string[] } : {}),
    ...(isCount(triesLeft) ? { triesLeft } : {}),
  };
}

function recordOf(value: unknown): Readonly<Record<string, unknown>> | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : undefined;
}

const isCount = (value: unknown): value is number => typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
const isText = (value: unknown, most: number): value is string => typeof value === 'string' && value.length <= most;
