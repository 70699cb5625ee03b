import { z } from 'zod';
import { KeyAlgorithm } from './algorithms.ts';
import { Bytes } from './bytes.ts';
import { FailedFile } from './files.ts';
import { operation } from './operation.ts';
import { FileIn, FileWritten, Folders, KeyReference, SkippedFile } from './records.ts';
import { FileProgress } from './signature-formats.ts';

/** Operations that encrypt and decrypt files. */

export const FileEncryptionFormat = z.enum(['age', 'cms', 'jwe', 'openpgp']);
export type FileEncryptionFormat = z.output<typeof FileEncryptionFormat>;
/** Where to: `beside` writes next to each file; a path is for one file; `inline` answers with the bytes of small ones. */
const Out = z.union([
  z.strictObject({ path: z.string().min(1).max(4096), overwrite: z.boolean().default(false) }),
  z.strictObject({ beside: z.literal(true), overwrite: z.boolean().default(false) }),
  z.strictObject({ inline: z.literal(true) }),
]);
/** Files; folders, which are walked to their depths; patterns (`*`, `?`, `**`) for either. */
const Files = z.array(FileIn).min(1).max(100_000);
const walking = { 'folders.hidden': 'hidden', 'folders.symlinks': 'follow-symlinks' } as const;
const cliOut = { arguments: ['files...'], stdout: { 'out.inline': true }, out: 'files.0.content' } as const;
const several = { /** Of several files, those that could not be done. */ failed: z.array(FailedFile), /** In folders, what was left out. */ skipped: z.array(SkippedFile), complete: z.boolean() };
const FileDone = z.strictObject({ name: z.string(), bytes: z.int(), written: FileWritten.nullable(), /** With `inline`. */ content: Bytes.optional() });

export const encryptFiles = operation({
  id: 'files.encrypt',
  check: 'complete',
  summary: 'Encrypt files for keys held here, public keys of others, or a passphrase',
  effect: 'use',
  resumable: 'files',
  permission: 'files:use',
  unhurried: true,
  http: { method: 'POST', path: '/v1/files/encrypt', status: 200 },
  cli: {
    ...cliOut, paths: { files: 'in', recipientFiles: 'in', 'out.path': 'out' },
    options: { recipients: 'recipient', recipientFiles: 'recipients-file', toPassphrase: 'to-passphrase', 'out.path': 'out', 'out.overwrite': 'force', ...walking },
    table: { rows: 'files', columns: ['name', 'written.path', 'bytes'] },
    examples: ['keywright files encrypt plan.pdf --recipient "Ada’s key" --recipient age1zp7jhuc92zwzpnvy76dd7r7h5gejj3mxcy47kpp950rwdfg2wpqq3gmy9h', 'keywright files encrypt plan.pdf --recipient "Ada Example" --format cms', 'keywright files encrypt plan.pdf --recipient-passphrase-file pw'],
  },
  input: z.strictObject({
    files: Files,
    folders: Folders,
    /** Keys held here (URI, id or label), certificates held here (label, id or fingerprint), `age1…`, `ssh-ed25519 …`, `ssh-rsa …`. */
    recipients: z.array(z.string().trim().min(1).max(8192)).max(1000).default([]),
    /** Files with recipients: lines as above, certificates, OpenPGP keys, or a public key. */
    recipientFiles: z.array(FileIn).max(100).default([]),
    /** Also to a passphrase, which is asked for. Without any recipient it is asked for anyway. */
    toPassphrase: z.boolean().default(false),
    /** Default: `cms` for certificates, `jwe` for symmetric keys, `openpgp` for OpenPGP keys, `age` for all else. */
    format: FileEncryptionFormat.optional(),
    /** As text (PEM, armour), to be pasted into mail. JWE is text always. */
    armor: z.boolean().default(false),
    /** OpenPGP: v6 is what RFC 9580 brought (AEAD, Argon2), which GnuPG does not read. Left out: v6 where every recipient’s key says that it reads it. */
    openpgp: z.enum(['v4', 'v6']).optional(),
    out: Out.default({ beside: true, overwrite: false }),
  }),
  output: z.strictObject({ files: z.array(FileDone), ...several, recipients: z.array(z.string()), format: FileEncryptionFormat }),
  progress: FileProgress,
  errors: ['NOT_FOUND', 'INVALID_INPUT', 'ALREADY_EXISTS', 'CAPABILITY_MISSING', 'PERMISSION_DENIED', 'PIN_REQUIRED', 'STORAGE_FULL', 'CANCELLED'],
});

export const recipients = operation({
  id: 'files.recipients',
  summary: 'Tell for which keys held here a file can be encrypted in a format, and why not for the rest',
  effect: 'read',
  permission: 'keys:read',
  quiet: true,
  http: { method: 'GET', path: '/v1/files/recipients', status: 200 },
  cli: { table: { rows: 'rows', columns: ['label', 'keyAlgorithm', 'available', 'reason'] }, examples: ['keywright files recipients --format age'] },
  input: z.strictObject({ format: FileEncryptionFormat, limit: z.int().min(1).max(100_000).optional() }),
  output: z.strictObject({
    /** Those that can be recipients first. */
    rows: z.array(z.strictObject({
      key: z.string(), label: z.string(), keyAlgorithm: KeyAlgorithm, available: z.boolean(),
      /** Why not; null when it can. */
      reason: z.string().nullable(),
      /** The same by its key and what is filled in, for faces in another language. */
      why: z.strictObject({ reason: z.string(), values: z.record(z.string(), z.union([z.string(), z.number()])) }).nullable(),
    })),
    /** Rows in all, where `limit` has left some out. */
    total: z.int(),
  }),
  errors: [],
});

export const decryptFiles = operation({
  id: 'files.decrypt',
  check: 'complete',
  summary: 'Decrypt files with the keys held here, an identity file or a passphrase',
  effect: 'use',
  resumable: 'files',
  permission: 'files:use',
  unhurried: true,
  http: { method: 'POST', path: '/v1/files/decrypt', status: 200 },
  cli: {
    ...cliOut, paths: { files: 'in', identityFiles: 'in', 'out.path': 'out' }, secretOut: true,
    options: { identityFiles: 'identity', 'out.path': 'out', 'out.overwrite': 'force', ...walking },
    table: { rows: 'files', columns: ['name', 'written.path', 'bytes', 'openedBy'] },
    examples: ['keywright files decrypt plan.pdf.age --out plan.pdf'],
  },
  input: z.strictObject({
    files: Files,
    folders: Folders,
    /** Only this key is tried; without it every key held here that can be among the recipients. */
    key: KeyReference.optional(),
    /** Files with identities of age (`AGE-SECRET-KEY-1…`). */
    identityFiles: z.array(FileIn).max(100).default([]),
    out: Out.default({ beside: true, overwrite: false }),
  }),
  output: z.strictObject({ files: z.array(FileDone.extend({ format: FileEncryptionFormat, /** The key, the identity or “a passphrase”. */ openedBy: z.string(), /** False: an old cipher, which does not show whether somebody changed the content. */ authenticated: z.boolean(), /** There is a signature inside, which was not checked. */ signed: z.boolean() })), ...several }),
  progress: FileProgress,
  errors: ['NOT_FOUND', 'INVALID_INPUT', 'ALREADY_EXISTS', 'CAPABILITY_MISSING', 'PERMISSION_DENIED', 'PIN_REQUIRED', 'PIN_INCORRECT', 'TOUCH_TIMEOUT', 'TOKEN_REMOVED', 'STORAGE_FULL', 'CANCELLED'],
});
