import { z } from 'zod';
import { KeyAlgorithm } from './algorithms.ts';
import { boundedBytes, Bytes } from './bytes.ts';
import { operation } from './operation.ts';
import { FileIn, FileOut, FileWritten } from './records.ts';

/** From one kind of file to another: `files.convert`. */

/** Largest file that is converted. */
export const MAX_CONVERTED = 4 * 1024 * 1024;

/**
 * What a file can become. `pem`: all that is in it, as blocks. `pkcs8` to `raw`: files of private and secret keys. `spki` and those with `public-`:
 * public keys. `certificate`, `pkcs7`, `crl`, `request`: what they say.
 */
const ConvertFormat = z.enum([
  'pem', 'pkcs8', 'pkcs1', 'sec1', 'openssh', 'ppk', 'jwk', 'jwe', 'pkcs12', 'jks', 'bks', 'cose', 'age', 'minisign', 'signify', 'raw',
  'spki', 'public-jwk', 'public-openssh', 'public-minisign', 'public-cose', 'public-age', 'certificate', 'pkcs7', 'crl', 'request',
]);
export type ConvertFormatName = z.output<typeof ConvertFormat>;

export const convert = operation({
  id: 'files.convert',
  summary: 'Write what a file of keys or certificates holds as another kind of file, or list what it can become and why not the rest',
  effect: 'read',
  permission: 'files:use',
  unhurried: true,
  http: { method: 'POST', path: '/v1/files/convert', status: 200 },
  cli: {
    arguments: ['file'], without: ['from', 'to'], files: { file: 'content', in: 'content' }, out: 'content', secretOut: true, table: { rows: 'formats', columns: ['part', 'format', 'available', 'passphrase', 'opens', 'reason'] },
    examples: ['keywright files convert ada.p12 --import-passphrase-file pw2', 'keywright files convert ada.p12 --format openssh --import-passphrase-file pw2 --export-passphrase-file pw3 --out ada.key'],
  },
  input: z.strictObject({
    /** The file's bytes, or the file itself: exactly one of the two. The window names the file, so that no key passes through it. */
    content: boundedBytes(MAX_CONVERTED).optional(),
    from: FileIn.optional(),
    /** What it shall become; left out, the list alone is given. */
    format: ConvertFormat.optional(),
    /** Which of several keys (or certificates, or lists), counted from 1, where the format has a place for one. */
    item: z.int().min(1).max(10_000).optional(),
    /** Raw bytes do not say what key they are: with an algorithm the file is taken as one. */
    algorithm: KeyAlgorithm.optional(),
    encoding: z.enum(['pem', 'der']).default('pem'),
    /** Formats of private keys with a place for it are encrypted with a passphrase that is asked for. Without encryption: only after a confirmation. */
    encrypt: z.boolean().default(true),
    /** PKCS#12: for who will open it. */
    profile: z.enum(['modern', 'strict', 'legacy']).default('modern'),
    /** Write it to a file instead of giving it in the answer: the window does so. */
    to: FileOut.optional(),
  }),
  output: z.strictObject({
    kind: z.string(),
    /** What the file is, in a sentence. */
    detail: z.string(),
    keys: z.int(), publicKeys: z.int(), certificates: z.int(),
    formats: z.array(z.strictObject({
      part: z.enum(['all', 'private', 'public', 'certificate', 'list', 'request']),
      format: ConvertFormat,
      title: z.string(),
      available: z.boolean(),
      /** Why not, in a sentence. */
      reason: z.string().nullable(),
      /** What it has no place for, a sentence each. */
      loses: z.array(z.string()),
      passphrase: z.enum(['none', 'possible', 'needed']),
      /** Who opens it. */
      opens: z.string(),
    })),
    /** Absent when it was written, or nothing was converted. */
    content: Bytes.optional(),
    written: FileWritten.optional(),
    format: ConvertFormat.nullable(),
    encrypted: z.boolean(),
    fileName: z.string().nullable(),
    /** What was left out and what to know of the file, a sentence each. */
    notes: z.array(z.string()),
  }),
  errors: ['NOT_FOUND', 'INVALID_INPUT', 'CAPABILITY_MISSING', 'ALREADY_EXISTS', 'PERMISSION_DENIED', 'PIN_REQUIRED', 'PIN_INCORRECT', 'CANCELLED'],
});
