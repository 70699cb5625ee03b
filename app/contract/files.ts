import { z } from 'zod';
import { SignatureAlgorithm, SignatureEncoding } from './algorithms.ts';
import { boundedBytes, Bytes } from './bytes.ts';
import { operation } from './operation.ts';
import { Empty, FileIn, FileWritten, KeyReference } from './records.ts';

/** `raw`: the bare signature. Others come with certificates and later. */
export const SignatureFormat = z.enum(['raw']);
const FileProgress = z.strictObject({ file: z.string(), index: z.int(), files: z.int(), bytes: z.int(), totalBytes: z.int() });

export const sign = operation({
  id: 'files.sign',
  summary: 'Sign files of any size',
  effect: 'use',
  resumable: 'files',
  permission: 'files:use',
  capability: 'sign',
  unhurried: true,
  http: { method: 'POST', path: '/v1/files/sign', status: 200 },
  cli: {
    arguments: ['files...'], paths: { files: 'in', 'out.path': 'out' }, out: 'files.0.signature', stdout: { 'out.inline': true },
    options: { 'out.path': 'out', 'out.overwrite': 'force', encoding: 'signature-encoding' },
    table: { rows: 'files', columns: ['name', 'written.path', 'algorithm'] },
    examples: ['keywright files sign report.pdf --key "Release signing" --format raw --out report.pdf.sig'],
  },
  input: z.strictObject({
    files: z.array(FileIn).min(1).max(10_000),
    key: KeyReference,
    format: SignatureFormat.default('raw'),
    algorithm: SignatureAlgorithm.optional(),
    encoding: SignatureEncoding.default('der'),
    /** Where to: `beside` writes FILE.sig next to each file; a path is for one file; `inline` answers with the bytes alone. */
    out: z.union([
      z.strictObject({ path: z.string().min(1).max(4096), overwrite: z.boolean().default(false) }),
      z.strictObject({ beside: z.literal(true), overwrite: z.boolean().default(false) }),
      z.strictObject({ inline: z.literal(true) }),
    ]).default({ beside: true, overwrite: false }),
  }),
  output: z.strictObject({
    files: z.array(z.strictObject({
      name: z.string(),
      bytes: z.int(),
      algorithm: SignatureAlgorithm,
      version: z.int(),
      /** Bytes of the signature, also when it was written. */
      signature: Bytes,
      written: FileWritten.nullable(),
    })),
    key: z.string(),
  }),
  progress: FileProgress,
  errors: ['NOT_FOUND', 'ALREADY_EXISTS', 'CAPABILITY_MISSING', 'PERMISSION_DENIED', 'PIN_REQUIRED', 'PIN_INCORRECT', 'STORAGE_FULL', 'CANCELLED'],
});

export const verify = operation({
  id: 'files.verify',
  summary: 'Verify the signature of a file',
  effect: 'read',
  permission: 'files:use',
  unhurried: true,
  check: 'trusted',
  http: { method: 'POST', path: '/v1/files/verify', status: 200 },
  cli: { arguments: ['file.path'], paths: { 'file.path': 'in', 'signature.path': 'in' }, files: { 'public-key': 'publicKey' }, options: { 'signature.path': 'signature', encoding: 'signature-encoding' } },
  input: z.strictObject({
    file: FileIn,
    /** The signature's file, or its bytes. */
    signature: z.union([FileIn, z.strictObject({ bytes: boundedBytes(64 * 1024) })]),
    /** A key held here; without it every key that fits is tried. */
    key: KeyReference.optional(),
    /** Or a public key: SPKI, PEM or DER. Trusted because you name it. */
    publicKey: boundedBytes(64 * 1024).optional(),
    format: SignatureFormat.optional(),
    algorithm: SignatureAlgorithm.optional(),
    encoding: SignatureEncoding.optional(),
  }),
  output: z.strictObject({
    /** The signature fits the file and some key that was looked at. */
    intact: z.boolean(),
    /** Intact, and by a key held here or named by the caller. */
    trusted: z.boolean(),
    /** In a sentence. */
    verdict: z.string(),
    signer: z.strictObject({ key: z.string().nullable(), label: z.string().nullable(), fingerprint: z.string(), version: z.int().nullable() }).nullable(),
    algorithm: SignatureAlgorithm.nullable(),
    format: SignatureFormat,
    bytes: z.int(),
  }),
  progress: FileProgress,
  errors: ['NOT_FOUND', 'INVALID_INPUT', 'CAPABILITY_MISSING', 'PERMISSION_DENIED', 'CANCELLED'],
});

export const formats = operation({
  id: 'files.formats',
  summary: 'Tell which key can make which signature format, and why not the rest',
  effect: 'read',
  permission: 'keys:read',
  quiet: true,
  http: { method: 'GET', path: '/v1/files/formats', status: 200 },
  cli: { table: { rows: 'rows', columns: ['label', 'format', 'available', 'algorithms', 'reason'] } },
  input: z.strictObject({ key: KeyReference.optional() }),
  output: z.strictObject({
    rows: z.array(z.strictObject({ key: z.string(), label: z.string(), format: SignatureFormat, available: z.boolean(), algorithms: z.array(SignatureAlgorithm), reason: z.string().nullable() })),
  }),
  errors: ['NOT_FOUND'],
});

const PATHS_SERVE = 'Callers on this machine name the file by its path.';

export const upload = operation({
  id: 'files.upload',
  summary: 'Hand over a file for a later call; it is deleted after its use, or after an hour',
  effect: 'write',
  permission: 'files:use',
  unhurried: true,
  whenLocked: true,
  quiet: true,
  stream: { body: 'in', type: 'application/octet-stream' },
  notOn: { ipc: PATHS_SERVE, cli: PATHS_SERVE },
  http: { method: 'POST', path: '/v1/files/uploads', status: 201 },
  input: z.strictObject({ name: z.string().min(1).max(255).default('file') }),
  output: z.strictObject({ upload: z.string(), bytes: z.int(), sha256: z.string() }),
  errors: ['STORAGE_FULL', 'INVALID_INPUT'],
});

export const download = operation({
  id: 'files.download',
  summary: 'Fetch a file that an earlier call made',
  effect: 'read',
  permission: 'files:use',
  unhurried: true,
  whenLocked: true,
  quiet: true,
  stream: { body: 'out', type: 'application/octet-stream' },
  notOn: { ipc: PATHS_SERVE, cli: PATHS_SERVE },
  http: { method: 'GET', path: '/v1/files/downloads/{id}', status: 200 },
  input: z.strictObject({ id: z.string().max(100) }),
  output: Empty,
  errors: ['NOT_FOUND'],
});
