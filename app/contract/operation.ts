import type { z, ZodType } from 'zod';
import type { ErrorCode } from './errors.ts';
import type { Usage } from './algorithms.ts';

export const NOUNS = ['store', 'backends', 'keys', 'certificates', 'files', 'tokens', 'jobs', 'audit', 'access', 'config', 'agent', 'doctor', 'health', 'prompts'] as const;
export type Noun = (typeof NOUNS)[number];

/** `prompt` is the prompt surface: the desktop's prompt window or the browser's prompt page. Later: grpc, quic, mcp. */
export const FACES = ['ipc', 'rest', 'cli', 'prompt'] as const;
export type Face = (typeof FACES)[number];

/** What handlers have to know of a face, so that none asks for one by its name; a face to come says it here. */
export const FACE_FACTS: Readonly<Record<Face, {
  /** Whether an answer may hold a private key, in a file’s bytes say. The window’s memory is no place for one. */
  readonly mayHoldPrivateKeys: boolean;
}>> = { ipc: { mayHoldPrivateKeys: false }, prompt: { mayHoldPrivateKeys: false }, rest: { mayHoldPrivateKeys: true }, cli: { mayHoldPrivateKeys: true } };

export const PERMISSIONS = [
  'store:read', 'store:use', 'store:admin', 'backends:read', 'backends:admin', 'keys:read', 'keys:use', 'keys:write', 'keys:admin',
  'certificates:read', 'certificates:use', 'certificates:write', 'certificates:admin', 'files:use', 'files:paths',
  'tokens:read', 'tokens:write', 'tokens:admin', 'jobs:read', 'jobs:write', 'audit:read', 'access:read', 'access:admin', 'config:read', 'config:write',
  'agent:read', 'doctor:read', 'health:read', 'health:write', 'prompts:admin',
] as const;
export type Permission = (typeof PERMISSIONS)[number];

/** What a key can do (its usages), or what can be done to it or its backend. */
export type Capability = Usage | 'generate' | 'import' | 'export' | 'rotate' | 'copy' | 'random';

/** How the command line spells an operation; all of it is data, so that the command line needs no code of its own per operation. */
export interface CommandLine {
  /** Input fields given by position, in order; a trailing `...` takes the rest, a trailing `?` (behind it) is optional. */
  readonly arguments?: readonly string[];
  /** Positional arguments and `--in` that name a file whose bytes become a field (dotted path): `{ in: 'content.message' }`. */
  readonly files?: Readonly<Record<string, string>>;
  /** By a field that gets the bytes of a file: the field that gets its name, as it was typed. */
  readonly names?: Readonly<Record<string, string>>;
  /** Positional arguments that name a thing, or a file whose bytes go into another field: `{ certificate: 'content' }`. A file of that name comes first. */
  readonly fileOr?: Readonly<Record<string, string>>;
  /** Fields whose option is not the field's name in kebab case: `{ tags: 'tag' }`. Repeatable when the field is an array. */
  readonly options?: Readonly<Record<string, string>>;
  /** Fields of the input that the command line has other ways for. */
  readonly without?: readonly string[];
  /** Flags that replace the file's field by another: `{ digest: 'content.digest' }`. */
  readonly switches?: Readonly<Record<string, string>>;
  /** Fields that are paths on this machine and must be made absolute: `in` for reading, `out` for writing. */
  readonly paths?: Readonly<Record<string, 'in' | 'out'>>;
  /** Output field (dotted path) of bytes or text that `--out F` takes, and that goes to standard output alone without `--out`. */
  readonly out?: string;
  /** What `--out` takes is secret: the file is for its owner's eyes alone (0600). */
  readonly secretOut?: true;
  /** Options that take further output fields into files: `{ 'nonce-out': 'nonce' }`. */
  readonly outs?: Readonly<Record<string, string>>;
  /** Where `--out` is a path of the input: the fields that stand for `--out -`. */
  readonly stdout?: Readonly<Record<string, true>>;
  /** Prompts by purpose that the file of another option than their own answers: `{ 'new-store-passphrase': 'passphrase-file' }`. */
  readonly prompts?: Readonly<Record<string, string>>;
  /** Works without an unlocked store where one runs, and has its answer from the store where none does: a command by itself unlocks it. */
  readonly opensStore?: true;
  /** Works without an unlocked store, and tells more with one: a command by itself unlocks it if a file gives the passphrase, and asks nobody. */
  readonly opensStoreIfGiven?: true;
  /** Without an owner of the store, one is started that stays in the background. */
  readonly background?: true;
  /** Human output: the array to show as a table, and its columns; `tree`: each row below the one that its `parent` counts. */
  readonly table?: { readonly rows: string; readonly columns: readonly string[]; readonly tree?: true };
  /** Human output: an output field whose text is shown as it is, instead of the fields. */
  readonly text?: string;
  /** Human output: the output fields to show, where the rest is for programs. */
  readonly shown?: readonly string[];
  /** Examples for `--help`, one a line. */
  readonly examples?: readonly string[];
}

export interface Operation<I extends ZodType = ZodType, O extends ZodType = ZodType, P extends ZodType = ZodType> {
  /** `keys.sign`; `store.slots.add` where a noun has a noun of its own. */
  readonly id: `${Noun}.${string}`;
  readonly summary: string;
  /** use: a private or secret key acts. destroy: something is lost that cannot be had back. */
  readonly effect: 'read' | 'use' | 'write' | 'destroy';
  readonly input: I;
  readonly output: O;
  /** Present: answers stream progress on every face, and the call is a job. */
  readonly progress?: P;
  /** The field of the input whose items (files) are done one by one: the job can be paused, and gone on with after a cancel, a failure or a restart. */
  readonly resumable?: string;
  /** Streams what another call does: not a job of its own. */
  readonly follows?: true;
  readonly errors: readonly ErrorCode[];
  /** null: whoever is known at all may call it, such as to ask who they are. */
  readonly permission: Permission | null;
  readonly capability?: Capability;
  /** On every face unless a reason is written here. */
  readonly notOn?: Partial<Record<Face, string>>;
  readonly http: { readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'; readonly path: `/v1/${string}`; readonly status: 200 | 201 };
  readonly cli?: CommandLine;
  /** Output field of a check: `false` there is exit code 3. */
  readonly check?: string;
  /** Works without an unlocked store. */
  readonly whenLocked?: true;
  /** Works without an unlocked store too, where all of these fields of the input are given: nothing of the store is looked at then. */
  readonly withoutStore?: readonly string[];
  /** REST: a field of the input, or of the output, is the body itself, streamed and not JSON. */
  readonly stream?: { readonly body: 'in' | 'out'; readonly type: string };
  /** No deadline of the dispatcher's own (prompts and files may take as long as they take). */
  readonly unhurried?: true;
  /** Not written to the audit trail when it succeeds (reads that pollute it: status, lists). Refusals always are. */
  readonly quiet?: true;
}

/** Whether something that a module of the contract exports is a record made by {@link operation}. */
export function isOperation(value: unknown): value is Operation {
  return typeof value === 'object' && value !== null && 'id' in value && 'http' in value;
}

/** @returns whether a call needs an unlocked store. @param input wire side or parsed */
export function needsStore({ whenLocked, withoutStore }: Pick<Operation, 'whenLocked' | 'withoutStore'>, input: unknown): boolean {
  const given = (input ?? {}) as Readonly<Record<string, unknown>>;
  return whenLocked !== true && !(withoutStore?.every((field) => given[field] !== undefined) ?? false);
}

/** @returns the first word of an operation's id. */
export function nounOf({ id }: { readonly id: string }): Noun {
  return id.split('.', 1)[0] as Noun;
}

/** Declares an operation: data, and nothing else. Keeps the literal types of its id and its schemas. */
export function operation<const T extends Operation>(record: T): T {
  return record;
}

type SchemaOf<T, Field extends string> = T extends { readonly [K in Field]: infer S extends ZodType } ? S : never;
export type InputOf<T> = z.output<SchemaOf<T, 'input'>>;
export type OutputOf<T> = z.output<SchemaOf<T, 'output'>>;
/** As it travels: bytes are base64url. */
export type WireInputOf<T> = z.input<SchemaOf<T, 'input'>>;
export type WireOutputOf<T> = z.input<SchemaOf<T, 'output'>>;
export type ProgressOf<T> = z.output<SchemaOf<T, 'progress'>>;
