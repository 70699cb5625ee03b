import { z } from 'zod';
import { KeyAlgorithm } from './algorithms.ts';
import { boundedBytes, Bytes } from './bytes.ts';
import { CertificateRecord } from './certificates.ts';
import { inToken } from './hardware.ts';
import { operation } from './operation.ts';
import { BackendName, FileIn, FileOut, FileWritten, KEY_COLUMNS, KeyRecord, KeyReference, Label, Tags, UsageName } from './records.ts';

/** How keys come and go: from and into files, from one backend into another. */

/** Largest file of keys that is read. */
const MAX_KEY_FILE = 4 * 1024 * 1024;
/** `jks` and `bks` are read alone; `jwe` is a JWK for a passphrase. */
export const KeyFileFormat = z.enum(['pkcs8', 'pkcs1', 'sec1', 'jwk', 'jwe', 'openssh', 'ppk', 'pkcs12', 'jks', 'bks', 'cose', 'age', 'minisign', 'signify', 'raw']);
/** PKCS#12 for who will open it: of today; with PBMAC1 (OpenSSL 3.4, Java 24 and newer); the keychain of macOS and older Windows. */
export const Pkcs12Profile = z.enum(['modern', 'strict', 'legacy']);
export const PublicKeyFormat = z.enum(['pem', 'der', 'jwk', 'openssh', 'minisign', 'cose', 'age', 'openpgp']);

export const importKeys = operation({
  id: 'keys.import',
  summary: 'Import keys from a file, told by its content, with the certificates beside them',
  effect: 'write',
  permission: 'keys:write',
  capability: 'import',
  unhurried: true,
  http: { method: 'POST', path: '/v1/keys/import', status: 201 },
  cli: {
    arguments: ['file'],
    without: ['from'],
    files: { file: 'content', in: 'content' },
    options: { tags: 'tag', usages: 'usage', ownPassphrase: 'own-passphrase' },
    table: { rows: 'keys', columns: KEY_COLUMNS },
    examples: ['keywright keys import key.pem --import-passphrase-file pw --label "Copy"'],
  },
  input: z.strictObject({
    /** The file's bytes, or the file itself: exactly one of the two. The window names the file, so that no key passes through it. */
    content: boundedBytes(MAX_KEY_FILE).optional(),
    from: FileIn.optional(),
    /** Told by content when absent. Raw bytes always need it, and `algorithm`. */
    format: KeyFileFormat.optional(),
    algorithm: KeyAlgorithm.optional(),
    backend: BackendName.default('software'),
    label: Label.optional(),
    tags: Tags.default([]),
    usages: z.array(UsageName).max(12).optional(),
    extractable: z.boolean().optional(),
    ...inToken,
    ownPassphrase: z.boolean().default(false),
  }),
  output: z.strictObject({
    keys: z.array(KeyRecord),
    /** URIs of keys with the same public key that were here before. */
    alreadyHeld: z.array(z.string()),
    /** Certificates that stood beside the keys. They are not trusted until somebody says so. */
    certificates: z.array(CertificateRecord),
    /** What else was in the file, a sentence each. */
    notes: z.array(z.string()),
  }),
  errors: ['INVALID_INPUT', 'CAPABILITY_MISSING', 'PIN_REQUIRED', 'PIN_INCORRECT'],
});

export const exportKey = operation({
  id: 'keys.export',
  summary: 'Export a private or secret key',
  effect: 'use',
  permission: 'keys:admin',
  capability: 'export',
  unhurried: true,
  http: { method: 'POST', path: '/v1/keys/{key}/export', status: 200 },
  cli: { arguments: ['key'], without: ['to'], out: 'content', secretOut: true, examples: ['keywright keys export "Release signing" --format pkcs8 --export-passphrase-file pw --out key.pem'] },
  input: z.strictObject({
    key: KeyReference,
    format: KeyFileFormat.default('pkcs8'),
    version: z.int().positive().optional(),
    /** Formats with a place for it are encrypted with a passphrase that is asked for. Without encryption: only after a confirmation. */
    encrypt: z.boolean().default(true),
    encoding: z.enum(['pem', 'der']).default('pem'),
    profile: Pkcs12Profile.default('modern'),
    /** Write it to a file instead of giving it in the answer: the window does so, so that no key passes through it. */
    to: FileOut.optional(),
  }),
  output: z.strictObject({
    /** Absent when it was written. */
    content: Bytes.optional(),
    written: FileWritten.optional(),
    format: KeyFileFormat,
    encrypted: z.boolean(),
    fileName: z.string(),
    /** What to know of the file, a sentence each. */
    notes: z.array(z.string()),
  }),
  errors: ['NOT_FOUND', 'PERMISSION_DENIED', 'CAPABILITY_MISSING', 'PIN_REQUIRED', 'PIN_INCORRECT', 'CANCELLED'],
});

const transfer = {
  input: z.strictObject({
    /** Keys to transfer; all are checked before the first is touched. */
    keys: z.array(KeyReference).min(1).max(1000),
    to: BackendName,
    /** Only say what would happen. */
    dryRun: z.boolean().default(false),
  }),
  output: z.strictObject({
    transferred: z.array(z.strictObject({ from: z.string(), to: KeyRecord })),
    refused: z.array(z.strictObject({ key: z.string(), label: z.string(), reason: z.string() })),
    dryRun: z.boolean(),
  }),
  progress: z.strictObject({ done: z.int(), total: z.int(), label: z.string() }),
} as const;

export const copy = operation({
  id: 'keys.copy',
  summary: 'Copy keys with all versions into another backend',
  effect: 'write',
  permission: 'keys:admin',
  capability: 'copy',
  unhurried: true,
  http: { method: 'POST', path: '/v1/keys/copy', status: 200 },
  cli: { arguments: ['keys...'] },
  ...transfer,
  errors: ['NOT_FOUND', 'PERMISSION_DENIED', 'CAPABILITY_MISSING', 'PIN_REQUIRED', 'PIN_INCORRECT'],
});

export const move = operation({
  id: 'keys.move',
  summary: 'Move keys with all versions into another backend; a source goes to the trash once its copy has proved itself',
  effect: 'write',
  permission: 'keys:admin',
  capability: 'copy',
  unhurried: true,
  http: { method: 'POST', path: '/v1/keys/move', status: 200 },
  cli: { arguments: ['keys...'] },
  ...transfer,
  errors: ['NOT_FOUND', 'PERMISSION_DENIED', 'CAPABILITY_MISSING', 'PIN_REQUIRED', 'PIN_INCORRECT'],
});

export const publicKey = operation({
  id: 'keys.public',
  summary: 'Give the public key',
  effect: 'read',
  permission: 'keys:read',
  quiet: true,
  http: { method: 'GET', path: '/v1/keys/{key}/public', status: 200 },
  cli: { arguments: ['key'], out: 'content', examples: ['keywright keys public "Release signing" --format pem', 'keywright keys public "Ada" --format openpgp --user-id "Ada <ada@example.com>" --encryption-key "Files" --out ada.asc'] },
  input: z.strictObject({
    key: KeyReference, format: PublicKeyFormat.default('pem'), version: z.int().positive().optional(),
    /** OpenPGP: whose key it is, `Ada Example <ada@example.com>`; the label by default. The key signs this name, which needs the permission keys:use. */
    userId: z.string().trim().min(1).max(300).optional(),
    /** OpenPGP: its version; 4 where the key allows it. */
    openpgp: z.enum(['v4', 'v6']).optional(),
    /** OpenPGP: a key held here with which files for this person are opened, as a subkey; it may be this key itself. Without it others can check signatures, and encrypt nothing. */
    encryptionKey: KeyReference.optional(),
  }),
  output: z.strictObject({ content: Bytes, format: PublicKeyFormat, fingerprint: z.string() }),
  errors: ['NOT_FOUND', 'INVALID_INPUT', 'CAPABILITY_MISSING', 'PERMISSION_DENIED', 'PIN_REQUIRED', 'PIN_INCORRECT'],
});

export const formats = operation({
  id: 'keys.formats',
  summary: 'Tell as which files a key can be had, and why not the rest',
  effect: 'read',
  permission: 'keys:read',
  quiet: true,
  http: { method: 'GET', path: '/v1/keys/{key}/formats', status: 200 },
  cli: { arguments: ['key'], table: { rows: 'formats', columns: ['part', 'format', 'available', 'opens', 'reason'] }, examples: ['keywright keys formats "Release signing"'] },
  input: z.strictObject({ key: KeyReference }),
  output: z.strictObject({
    formats: z.array(z.strictObject({
      /** private: `keys.export`; public: `keys.public`; certificate: `certificates.export`. */
      part: z.enum(['private', 'public', 'certificate']),
      format: z.string(),
      title: z.string(),
      available: z.boolean(),
      /** Why not, in a sentence. */
      reason: z.string().nullable(),
      /** Whether a passphrase protects it: it can, it must, or there is no place for one. */
      passphrase: z.enum(['none', 'possible', 'needed']),
      /** Who opens it. */
      opens: z.string(),
      operation: z.enum(['keys.export', 'keys.public', 'certificates.export']),
    })),
  }),
  errors: ['NOT_FOUND'],
});
