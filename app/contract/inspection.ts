import { z } from 'zod';
import { boundedBytes } from './bytes.ts';
import { Mending } from './mending.ts';
import { operation } from './operation.ts';
import { FileIn } from './records.ts';

/** Looking into files: `files.inspect`. */

/** Largest file that is looked into. */
export const MAX_INSPECTED = 16 * 1024 * 1024;

/** One thing in a file. The list is a tree: `parent` is the position of what it is in. */
export const InspectedItem = z.strictObject({
  parent: z.int().nullable(),
  /** `certificate`, `pkcs8`, `signer` … */
  kind: z.string(),
  /** Whose or which: a common name, a comment, a file name. */
  title: z.string(),
  /** What it is, in a sentence. */
  detail: z.string(),
  facts: z.array(z.strictObject({ name: z.string(), value: z.string() })),
  findings: z.array(z.strictObject({
    /** odd: worth knowing; weak: should be mended; broken: nothing must rely on it. */
    level: z.enum(['odd', 'weak', 'broken']),
    code: z.string(),
    detail: z.string(),
    /** What one can do, here or elsewhere. */
    remedy: z.string(),
    /** The same as a call, where Keywright can do it; the best one first. */
    mendedBy: z.array(Mending),
  })),
  /** URIs of keys held here that are the same key pair. */
  held: z.array(z.string()),
  /** Operations that take it. */
  actions: z.array(z.string()),
  /** Where it begins: `line 3`, `offset 120`; null for the whole file. */
  where: z.string().nullable(),
  /** A passphrase would show more: ask again with `open`. */
  locked: z.boolean(),
});
export type InspectedItem = z.output<typeof InspectedItem>;

export const inspect = operation({
  id: 'files.inspect',
  summary: 'Tell what a file holds, by its content: what it is, whose, what is odd or weak, and what can be done with it',
  effect: 'read',
  permission: 'files:use',
  unhurried: true,
  http: { method: 'POST', path: '/v1/files/inspect', status: 200 },
  cli: { arguments: ['file'], without: ['from'], files: { file: 'content', in: 'content' }, names: { content: 'name' }, table: { rows: 'items', columns: ['kind', 'title', 'detail', 'where'], tree: true }, examples: ['keywright files inspect unknown.bin', 'keywright files inspect ada.p12 --open --import-passphrase-file pw2'] },
  input: z.strictObject({
    /** The file's bytes, or the file itself: exactly one of the two. The window names the file. */
    content: boundedBytes(MAX_INSPECTED).optional(),
    from: FileIn.optional(),
    /** How the file is named in the commands that mend what is found; by default as `from` says. */
    name: z.string().min(1).max(4096).optional(),
    /** Opens what a passphrase protects: it is asked for. */
    open: z.boolean().default(false),
    /** With the ASN.1 structure and the first bytes in hex. */
    bytes: z.boolean().default(false),
    /** Shows these also where they hold a private key, after a confirmation. Never in the window. */
    secrets: z.boolean().default(false),
  }),
  output: z.strictObject({
    kind: z.string(),
    /** What the file is, in a sentence. */
    detail: z.string(),
    bytes: z.int(),
    sha256: z.string(),
    items: z.array(InspectedItem),
    /** What kept a part from being read, with its place. */
    problems: z.array(z.strictObject({ code: z.string(), detail: z.string(), where: z.string().nullable() })),
    asn1: z.array(z.string()),
    hex: z.array(z.string()),
    /** Why the bytes are not shown although they were asked for. */
    hidden: z.string().nullable(),
  }),
  errors: ['INVALID_INPUT', 'NOT_FOUND', 'PERMISSION_DENIED', 'PIN_REQUIRED', 'PIN_INCORRECT', 'CANCELLED'],
});
