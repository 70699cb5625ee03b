import { z } from 'zod';
import { KeyAlgorithm, SignatureAlgorithm, SignatureEncoding } from './algorithms.ts';
import { boundedBytes, Bytes } from './bytes.ts';
import { operation } from './operation.ts';
import { Empty, FileIn, FileWritten, Folders, KeyReference, SkippedFile, Timestamp } from './records.ts';
import { FileProgress, SignatureForm, SignatureFormat } from './signature-formats.ts';

const SignatureOut = z.union([
  z.strictObject({ path: z.string().min(1).max(4096), overwrite: z.boolean().default(false) }),
  z.strictObject({ beside: z.literal(true), overwrite: z.boolean().default(false) }),
  z.strictObject({ inline: z.literal(true) }),
]).default({ beside: true, overwrite: false });
/** One of several files that could not be done; the others were. */
export const FailedFile = z.strictObject({ name: z.string(), code: z.string(), detail: z.string(), reason: z.string().optional(), values: z.record(z.string(), z.union([z.string(), z.number()])).optional() });

export const sign = operation({
  id: 'files.sign',
  summary: 'Sign files of any size',
  check: 'complete',
  effect: 'use',
  resumable: 'files',
  permission: 'files:use',
  capability: 'sign',
  unhurried: true,
  http: { method: 'POST', path: '/v1/files/sign', status: 200 },
  cli: {
    arguments: ['files...'], paths: { files: 'in', 'out.path': 'out', 'signature.path': 'in', 'manifest.path': 'out' }, out: 'files.0.signature', stdout: { 'out.inline': true },
    options: { 'out.path': 'out', 'out.overwrite': 'force', encoding: 'signature-encoding', 'signature.path': 'signature', 'manifest.path': 'manifest', 'manifest.overwrite': 'replace-manifest', 'folders.hidden': 'hidden', 'folders.symlinks': 'follow-symlinks' },
    files: { certificate: 'certificate' },
    table: { rows: 'files', columns: ['name', 'written.path', 'algorithm'] },
    examples: ['keywright files sign dist/ --key "Release signing" --manifest dist/manifest.json', 'keywright files sign report.pdf --key "Release signing" --format cms --out report.pdf.p7s', 'keywright files sign report.pdf --key "Release signing" --format raw --out report.pdf.sig', 'keywright files sign report.pdf --key "Release signing" --format pdf --page 1 --rectangle 50,50,250,110 --reason "I approve" --out signed.pdf'],
  },
  input: z.strictObject({
    /** Files; folders, which are walked to their depths; patterns (`*`, `?`, `**`) for either. */
    files: z.array(FileIn).min(1).max(100_000),
    folders: Folders,
    key: KeyReference,
    format: SignatureFormat.default('raw'),
    algorithm: SignatureAlgorithm.optional(),
    encoding: SignatureEncoding.optional(),
    /** How it is written, where the format has more than one way. */
    form: SignatureForm.optional(),
    /** In a file of its own (the default where there is a choice), or with the signed file inside. */
    detached: z.boolean().optional(),
    /** SSHSIG: what the signature is for, so that none can be passed off as another; `file` by default. */
    namespace: z.string().min(1).max(255).optional(),
    /** minisign: the trusted comment, which is signed too. */
    comment: z.string().max(1024).optional(),
    /** DSSE: the type of what is signed. JWS: `typ`. COSE: the content type. */
    payloadType: z.string().min(1).max(255).optional(),
    /** minisign: whether the file is hashed first (the default, for files of any size). */
    prehash: z.boolean().optional(),
    /** The key's certificate, where the format has a place for one: a file of X.509, with its chain if you like, or one of OpenSSH. Without it the one that is held for the key, in CMS; JWS, JWT and COSE then hold none. */
    certificate: boundedBytes(1024 * 1024).optional(),
    /** OpenPGP: its version; 4 where the key allows it. */
    openpgp: z.enum(['v4', 'v6']).optional(),
    /** PDF: why it is signed, for readers to show. */
    reason: z.string().min(1).max(1000).optional(),
    /** PDF: where it is signed, as a person says it: a town. */
    location: z.string().min(1).max(1000).optional(),
    /** PDF: how to reach the signer. */
    contact: z.string().min(1).max(1000).optional(),
    /** PDF: the signer’s name as they write it, beside the one in the certificate. Nothing vouches for it. */
    signerName: z.string().min(1).max(1000).optional(),
    /** PDF: the page, counted from 1, on which the signature is seen; with `rectangle`. Without them it is not seen. */
    page: z.int().min(1).max(1_000_000).optional(),
    /** PDF: where on the page (the first by default) it is seen: `left,bottom,right,top` in points of 1/72 inch from the lower left corner. */
    rectangle: z.string().regex(/^-?\d{1,6}(\.\d{1,3})?(,-?\d{1,6}(\.\d{1,3})?){3}$/, 'four numbers: left,bottom,right,top').optional(),
    /** PDF: an empty signature field of the document, to sign in; without it one is made. */
    field: z.string().min(1).max(1000).optional(),
    /** CMS: a signature that is there already, to which this one is added. */
    signature: FileIn.optional(),
    /** CMS: sign the signatures that are there already, and not the file. */
    counter: z.boolean().optional(),
    /** ASiC: all of the files in one container, by one signature. */
    together: z.boolean().optional(),
    /** The URL of a timestamp authority, which is asked when the signature was made and learns nothing of the file. */
    timestamp: z.url({ protocol: /^https?$/ }).max(2000).optional(),
    /** Where to: `beside` writes it next to each file under the format's usual name, FILE.sig, or FILE.signed.jar where it is within a copy; a path is for one file; `inline` answers with the bytes alone. */
    out: SignatureOut,
    /** A list of what was done, as JSON, itself signed in the same format. */
    manifest: z.strictObject({ path: z.string().min(1).max(4096), overwrite: z.boolean().default(false) }).optional(),
  }),
  output: z.strictObject({
    files: z.array(z.strictObject({
      name: z.string(),
      bytes: z.int(),
      algorithm: SignatureAlgorithm,
      version: z.int(),
      /** Bytes of the signature, also when it was written; null when it holds the file itself and was written. */
      signature: Bytes.nullable(),
      /** How often the key was used. */
      uses: z.int(),
      written: FileWritten.nullable(),
      /** Of several files: this one was signed already, by this version of this key, and was left as it is. */
      kept: z.boolean(),
    })),
    /** Of several files, those that could not be signed. */
    failed: z.array(FailedFile),
    /** In folders, what was not signed. */
    skipped: z.array(SkippedFile),
    complete: z.boolean(),
    manifest: z.strictObject({ path: z.string(), signature: FileWritten.nullable() }).nullable(),
    key: z.string(),
  }),
  progress: FileProgress,
  errors: ['NOT_FOUND', 'ALREADY_EXISTS', 'CAPABILITY_MISSING', 'PERMISSION_DENIED', 'PIN_REQUIRED', 'PIN_INCORRECT', 'STORAGE_FULL', 'CONFLICT', 'BACKEND_UNAVAILABLE', 'CANCELLED'],
});

export const timestamp = operation({
  id: 'files.timestamp',
  summary: 'Have an authority say that a file exists now; it learns the file’s digest and nothing else',
  effect: 'write',
  permission: 'files:use',
  unhurried: true,
  http: { method: 'POST', path: '/v1/files/timestamp', status: 200 },
  cli: {
    arguments: ['file.path'], paths: { 'file.path': 'in', 'out.path': 'out' }, out: 'response', stdout: { 'out.inline': true }, options: { authority: 'timestamp', 'out.path': 'out', 'out.overwrite': 'force' },
    examples: ['keywright files timestamp report.pdf --timestamp https://tsa.example.org/tsr'],
  },
  input: z.strictObject({
    file: FileIn,
    /** The URL of the timestamp authority (RFC 3161). */
    authority: z.url({ protocol: /^https?$/ }).max(2000),
    hash: z.enum(['sha256', 'sha384', 'sha512']).default('sha256'),
    /** Where to: `beside` writes FILE.tsr. */
    out: SignatureOut,
  }),
  output: z.strictObject({
    /** TimeStampResp, DER, as `openssl ts -verify` takes it. */
    response: Bytes,
    at: Timestamp,
    serial: z.string(),
    policy: z.string(),
    /** The subject of the authority's certificate; whether to trust it is what `files.verify` says. */
    by: z.string().nullable(),
    written: FileWritten.nullable(),
  }),
  progress: FileProgress,
  errors: ['NOT_FOUND', 'INVALID_INPUT', 'ALREADY_EXISTS', 'PERMISSION_DENIED', 'BACKEND_UNAVAILABLE', 'STORAGE_FULL', 'CONFLICT', 'CANCELLED'],
});

export const formats = operation({
  id: 'files.formats',
  summary: 'Tell which key can make which signature format, and why not the rest',
  effect: 'read',
  permission: 'keys:read',
  quiet: true,
  http: { method: 'GET', path: '/v1/files/formats', status: 200 },
  cli: { table: { rows: 'rows', columns: ['label', 'format', 'available', 'algorithms', 'reason', 'limit'] } },
  input: z.strictObject({
    key: KeyReference.optional(),
    /** This format alone: a row for each key, those that can make it first. */
    format: SignatureFormat.optional(),
    limit: z.int().min(1).max(100_000).optional(),
  }),
  output: z.strictObject({
    rows: z.array(z.strictObject({ key: z.string(), label: z.string(), keyAlgorithm: KeyAlgorithm, format: SignatureFormat, available: z.boolean(), algorithms: z.array(SignatureAlgorithm),
      /** Why not; null when it can. */
      reason: z.string().nullable(),
      /** The same by its key and what is filled in, for faces in another language. */
      why: z.strictObject({ reason: z.string(), values: z.record(z.string(), z.union([z.string(), z.number()])) }).nullable(),
      /** What it can be made of, where that is not everything. */
      limit: z.string().nullable(),
      /** Signatures, and so touches, a file. */
      uses: z.int(), forms: z.array(SignatureForm),
      /** What is added to the file’s name. */
      suffix: z.string(),
      /** What is written is a copy of the file with the signature within: the suffix goes before its ending, app.signed.jar. */
      copy: z.boolean(),
      /** Whether the signature lies in a file of its own; a choice is made with `detached`, which is then the default. */
      detached: z.enum(['always', 'never', 'choice']),
      /** Where there is a choice: what `suffix` and `copy` are with the signed file inside. */
      inside: z.strictObject({ suffix: z.string(), copy: z.boolean() }).nullable(),
    })),
    /** Rows in all, where `limit` has left some out. */
    total: z.int(),
  }),
  errors: ['NOT_FOUND'],
});

export const pages = operation({
  id: 'files.pages',
  summary: 'Tell the pages of a PDF with their sizes, and its empty signature fields',
  effect: 'read',
  permission: 'files:use',
  unhurried: true,
  http: { method: 'POST', path: '/v1/files/pages', status: 200 },
  cli: { arguments: ['file.path'], paths: { 'file.path': 'in' }, table: { rows: 'pages', columns: ['page', 'left', 'bottom', 'right', 'top', 'turned'] }, examples: ['keywright files pages report.pdf'] },
  input: z.strictObject({ file: FileIn }),
  output: z.strictObject({
    /** In their order, the first 1000. What is seen of each, in points of 1/72 inch, as `rectangle` of `files.sign` counts them. */
    pages: z.array(z.strictObject({
      page: z.int(), left: z.number(), bottom: z.number(), right: z.number(), top: z.number(),
      /** By how much readers turn it, clockwise, in degrees. */
      turned: z.union([z.literal(0), z.literal(90), z.literal(180), z.literal(270)]),
    })),
    /** Pages in all. */
    total: z.int(),
    /** Names of signature fields that wait to be signed: for `field` of `files.sign`. */
    fields: z.array(z.string()),
  }),
  errors: ['NOT_FOUND', 'INVALID_INPUT', 'PERMISSION_DENIED'],
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

export { verify } from './file-verification.ts';
export { convert } from './conversion.ts';
export { inspect } from './inspection.ts';
export { jwt } from './jwt.ts';
