import { z } from 'zod';
import { EncryptionAlgorithm, KeyAlgorithm, SignatureAlgorithm, SignatureEncoding, WrapAlgorithm } from './algorithms.ts';
import { boundedBytes, Bytes, MAX_INLINE_MESSAGE } from './bytes.ts';
import { operation } from './operation.ts';
import { BackendName, KeyRecord, KeyReference, Label, Tags, UsageName } from './records.ts';

/** Operations in which a key acts. */

const USE_ERRORS = ['NOT_FOUND', 'INVALID_INPUT', 'CAPABILITY_MISSING', 'PERMISSION_DENIED', 'PIN_REQUIRED', 'PIN_INCORRECT', 'TOUCH_TIMEOUT', 'TOKEN_REMOVED'] as const;
const use = { effect: 'use', permission: 'keys:use', errors: USE_ERRORS, unhurried: true } as const;
const Message = boundedBytes(MAX_INLINE_MESSAGE);
const AssociatedData = boundedBytes(64 * 1024);
const Hash = z.enum(['sha256', 'sha384', 'sha512']);
/** What is signed: the message itself, or its digest, as long as the algorithm's hash. Pure schemes take a message alone. */
const Content = z.union([z.strictObject({ message: Message }), z.strictObject({ digest: boundedBytes(64) })]);
const DerivedLength = z.int().min(1).max(8160);

export const sign = operation({
  id: 'keys.sign',
  summary: 'Sign a message or a digest with a private key',
  ...use,
  capability: 'sign',
  http: { method: 'POST', path: '/v1/keys/{key}/sign', status: 200 },
  cli: {
    arguments: ['key'], files: { in: 'content.message' }, switches: { digest: 'content.digest' }, options: { encoding: 'signature-encoding' }, out: 'signature',
    examples: ['echo hello | keywright keys sign "Release signing" --algorithm ecdsa-sha256 --in - --out sig.der'],
  },
  input: z.strictObject({
    key: KeyReference,
    /** Default: the one recommended for the key. */
    algorithm: SignatureAlgorithm.optional(),
    content: Content,
    encoding: SignatureEncoding.default('der'),
  }),
  output: z.strictObject({ signature: Bytes, algorithm: SignatureAlgorithm, key: z.string(), version: z.int().positive() }),
});

export const verify = operation({
  id: 'keys.verify',
  summary: 'Verify a signature with a key held here, any version of it',
  effect: 'read',
  permission: 'keys:read',
  capability: 'verify',
  check: 'valid',
  http: { method: 'POST', path: '/v1/keys/{key}/verify', status: 200 },
  cli: { arguments: ['key'], files: { in: 'content.message', signature: 'signature' }, switches: { digest: 'content.digest' }, options: { encoding: 'signature-encoding' } },
  input: z.strictObject({
    key: KeyReference,
    algorithm: SignatureAlgorithm.optional(),
    content: Content,
    signature: boundedBytes(64 * 1024),
    encoding: SignatureEncoding.default('der'),
  }),
  output: z.strictObject({ valid: z.boolean(), algorithm: SignatureAlgorithm, key: z.string(), version: z.int().positive().nullable() }),
  errors: ['NOT_FOUND', 'INVALID_INPUT', 'CAPABILITY_MISSING'],
});

export const encrypt = operation({
  id: 'keys.encrypt',
  summary: 'Encrypt bytes; AEAD ciphertexts carry the key and its version',
  ...use,
  capability: 'encrypt',
  http: { method: 'POST', path: '/v1/keys/{key}/encrypt', status: 200 },
  cli: { arguments: ['key'], files: { in: 'plaintext', 'aad-file': 'aad' }, out: 'ciphertext', outs: { 'nonce-out': 'nonce', 'tag-out': 'tag' } },
  input: z.strictObject({
    key: KeyReference,
    algorithm: EncryptionAlgorithm.optional(),
    plaintext: Message,
    /** Authenticated, not encrypted: AEADs and HPKE. With RSA-OAEP it is the label (RFC 8017 §7.1). */
    aad: AssociatedData.optional(),
    /** `keywright`: one piece that names key and version. `parts`: bare ciphertext, nonce and tag, for other programs. */
    form: z.enum(['keywright', 'parts']).default('keywright'),
  }),
  output: z.strictObject({
    ciphertext: Bytes, nonce: Bytes.optional(), tag: Bytes.optional(), algorithm: EncryptionAlgorithm, key: z.string(), version: z.int().positive(),
  }),
});

export const decrypt = operation({
  id: 'keys.decrypt',
  summary: 'Decrypt bytes, also those of older versions of the key',
  ...use,
  capability: 'decrypt',
  http: { method: 'POST', path: '/v1/keys/{key}/decrypt', status: 200 },
  cli: { arguments: ['key'], files: { in: 'ciphertext', 'aad-file': 'aad', 'nonce-file': 'nonce', 'tag-file': 'tag' }, out: 'plaintext', secretOut: true },
  input: z.strictObject({
    key: KeyReference,
    algorithm: EncryptionAlgorithm.optional(),
    ciphertext: boundedBytes(MAX_INLINE_MESSAGE + 4096),
    aad: AssociatedData.optional(),
    /** With these, `ciphertext` is bare. */
    nonce: boundedBytes(16).optional(),
    tag: boundedBytes(16).optional(),
    version: z.int().positive().optional(),
  }),
  output: z.strictObject({ plaintext: Bytes, algorithm: EncryptionAlgorithm, key: z.string(), version: z.int().positive() }),
});

export const wrap = operation({
  id: 'keys.wrap',
  summary: 'Wrap an extractable key with another key',
  ...use,
  permission: 'keys:admin',
  capability: 'wrap',
  http: { method: 'POST', path: '/v1/keys/{key}/wrap', status: 200 },
  cli: { arguments: ['key', 'target'], out: 'wrapped' },
  input: z.strictObject({ key: KeyReference, target: KeyReference, algorithm: WrapAlgorithm.optional() }),
  output: z.strictObject({ wrapped: Bytes, algorithm: WrapAlgorithm, key: z.string(), version: z.int().positive() }),
});

export const unwrap = operation({
  id: 'keys.unwrap',
  summary: 'Unwrap a key and keep it',
  ...use,
  permission: 'keys:admin',
  effect: 'write',
  capability: 'unwrap',
  http: { method: 'POST', path: '/v1/keys/{key}/unwrap', status: 201 },
  cli: { arguments: ['key'], files: { in: 'wrapped' }, options: { tags: 'tag', usages: 'usage' } },
  input: z.strictObject({
    key: KeyReference,
    wrapped: boundedBytes(64 * 1024),
    algorithm: WrapAlgorithm.optional(),
    /** Of the key within: pairs are PKCS#8, symmetric keys raw. */
    keyAlgorithm: KeyAlgorithm,
    label: Label,
    tags: Tags.default([]),
    usages: z.array(UsageName).max(12).optional(),
    extractable: z.boolean().optional(),
    backend: BackendName.default('software'),
  }),
  output: KeyRecord,
});

export const agree = operation({
  id: 'keys.agree',
  summary: 'Agree on a shared secret with a peer (ECDH, X25519, X448)',
  ...use,
  capability: 'agree',
  http: { method: 'POST', path: '/v1/keys/{key}/agree', status: 200 },
  cli: { arguments: ['key'], files: { in: 'peer' }, out: 'secret', secretOut: true },
  input: z.strictObject({
    key: KeyReference,
    /** The peer's public key: SPKI, PEM or DER. */
    peer: boundedBytes(16 * 1024),
    /** Derive from the secret instead of giving it (HKDF, RFC 5869). */
    hkdf: z.strictObject({ hash: Hash, salt: boundedBytes(1024).optional(), info: boundedBytes(1024).optional(), length: DerivedLength }).optional(),
  }),
  output: z.strictObject({ secret: Bytes, key: z.string(), version: z.int().positive() }),
});

export const derive = operation({
  id: 'keys.derive',
  summary: 'Derive bytes from a secret key (HKDF, RFC 5869)',
  ...use,
  capability: 'derive',
  http: { method: 'POST', path: '/v1/keys/{key}/derive', status: 200 },
  cli: { arguments: ['key'], files: { 'salt-file': 'salt', 'info-file': 'info' }, options: { length: 'bytes' }, out: 'derived', secretOut: true },
  input: z.strictObject({ key: KeyReference, hash: Hash.default('sha256'), salt: boundedBytes(1024).optional(), info: boundedBytes(1024).optional(), length: DerivedLength.default(32) }),
  output: z.strictObject({ derived: Bytes, key: z.string(), version: z.int().positive() }),
});

export const derivePassword = operation({
  id: 'keys.derive-password',
  summary: 'Derive bytes from a password that is asked for (PBKDF2, RFC 8018, or Argon2id, RFC 9106)',
  ...use,
  http: { method: 'POST', path: '/v1/keys/derive-password', status: 200 },
  cli: { files: { 'salt-file': 'salt' }, options: { length: 'bytes' }, out: 'derived', secretOut: true, outs: { 'salt-out': 'salt' } },
  input: z.strictObject({
    function: z.enum(['argon2id', 'pbkdf2-sha256', 'pbkdf2-sha512']).default('argon2id'),
    /** At least 8 bytes; random and returned when absent. */
    salt: boundedBytes(1024).optional(),
    length: DerivedLength.default(32),
    /** PBKDF2 rounds, at least 600,000; Argon2id passes, at least 3. */
    iterations: z.int().positive().max(100_000_000).optional(),
    /** Argon2id: KiB, 64 MiB at least. */
    memory: z.int().min(65_536).max(4_194_304).optional(),
  }),
  output: z.strictObject({ derived: Bytes, salt: Bytes, function: z.string(), iterations: z.int(), memory: z.int().nullable() }),
});

export const encapsulate = operation({
  id: 'keys.encapsulate',
  summary: 'Make a shared secret for the holder of an ML-KEM key (FIPS 203)',
  ...use,
  capability: 'encapsulate',
  http: { method: 'POST', path: '/v1/keys/{key}/encapsulate', status: 200 },
  cli: { arguments: ['key'], out: 'ciphertext', outs: { 'secret-out': 'secret' } },
  input: z.strictObject({ key: KeyReference }),
  output: z.strictObject({ ciphertext: Bytes, secret: Bytes, key: z.string(), version: z.int().positive() }),
});

export const decapsulate = operation({
  id: 'keys.decapsulate',
  summary: 'Recover the shared secret from an ML-KEM ciphertext (FIPS 203)',
  ...use,
  capability: 'decapsulate',
  http: { method: 'POST', path: '/v1/keys/{key}/decapsulate', status: 200 },
  cli: { arguments: ['key'], files: { in: 'ciphertext' }, out: 'secret', secretOut: true },
  input: z.strictObject({ key: KeyReference, ciphertext: boundedBytes(4096), version: z.int().positive().optional() }),
  output: z.strictObject({ secret: Bytes, key: z.string(), version: z.int().positive() }),
});

export const mac = operation({
  id: 'keys.mac',
  summary: 'Make a message authentication code (HMAC, FIPS 198-1)',
  ...use,
  capability: 'mac',
  http: { method: 'POST', path: '/v1/keys/{key}/mac', status: 200 },
  cli: { arguments: ['key'], files: { in: 'message' }, out: 'mac' },
  input: z.strictObject({ key: KeyReference, message: Message }),
  output: z.strictObject({ mac: Bytes, key: z.string(), version: z.int().positive() }),
});

export const verifyMac = operation({
  id: 'keys.verify-mac',
  summary: 'Check a message authentication code, any version of the key',
  ...use,
  capability: 'verify-mac',
  check: 'valid',
  http: { method: 'POST', path: '/v1/keys/{key}/verify-mac', status: 200 },
  cli: { arguments: ['key'], files: { in: 'message', 'mac-file': 'mac' } },
  input: z.strictObject({ key: KeyReference, message: Message, mac: boundedBytes(64) }),
  output: z.strictObject({ valid: z.boolean(), key: z.string(), version: z.int().positive().nullable() }),
});

export const random = operation({
  id: 'keys.random',
  summary: 'Give random bytes from the system or a backend',
  effect: 'use',
  permission: 'keys:use',
  capability: 'random',
  quiet: true,
  http: { method: 'POST', path: '/v1/keys/random', status: 200 },
  cli: { out: 'random', secretOut: true },
  input: z.strictObject({ bytes: z.int().min(1).max(1024 * 1024).default(32), backend: BackendName.default('software') }),
  output: z.strictObject({ random: Bytes, backend: z.string() }),
  errors: ['NOT_FOUND', 'CAPABILITY_MISSING', 'INVALID_INPUT'],
});
