import { createHash } from 'node:crypto';
import type { KeyAlgorithmName } from '../../contract/index.ts';

/** Names of JWE (RFC 7518 §4 and §5, RFC 8037 §3.2) and what they stand for. */

export interface ContentCipher {
  readonly cipher: string;
  /** Of the content encryption key, whole. */
  readonly keyBytes: number;
  readonly ivBytes: number;
  /** CBC with HMAC (RFC 7518 §5.2): its hash, and how much of the MAC is kept. */
  readonly mac?: { readonly hash: string; readonly bytes: number };
}

export const CONTENT_CIPHERS: Readonly<Record<string, ContentCipher>> = {
  A128GCM: { cipher: 'aes-128-gcm', keyBytes: 16, ivBytes: 12 },
  A192GCM: { cipher: 'aes-192-gcm', keyBytes: 24, ivBytes: 12 },
  A256GCM: { cipher: 'aes-256-gcm', keyBytes: 32, ivBytes: 12 },
  'A128CBC-HS256': { cipher: 'aes-128-cbc', keyBytes: 32, ivBytes: 16, mac: { hash: 'sha256', bytes: 16 } },
  'A192CBC-HS384': { cipher: 'aes-192-cbc', keyBytes: 48, ivBytes: 16, mac: { hash: 'sha384', bytes: 24 } },
  'A256CBC-HS512': { cipher: 'aes-256-cbc', keyBytes: 64, ivBytes: 16, mac: { hash: 'sha512', bytes: 32 } },
};

export const RSA_OAEP = { 'RSA-OAEP': 'rsa-oaep-sha1', 'RSA-OAEP-256': 'rsa-oaep-sha256', 'RSA-OAEP-384': 'rsa-oaep-sha384', 'RSA-OAEP-512': 'rsa-oaep-sha512' } as const;
/** Bytes of the key that wraps; 0: the agreed key is the content's itself. */
export const ECDH: Readonly<Record<string, number>> = { 'ECDH-ES': 0, 'ECDH-ES+A128KW': 16, 'ECDH-ES+A192KW': 24, 'ECDH-ES+A256KW': 32 };
export const PBES2: Readonly<Record<string, { readonly hash: string; readonly keyBytes: number }>> = {
  'PBES2-HS256+A128KW': { hash: 'sha256', keyBytes: 16 }, 'PBES2-HS384+A192KW': { hash: 'sha384', keyBytes: 24 }, 'PBES2-HS512+A256KW': { hash: 'sha512', keyBytes: 32 },
};
export const KEY_WRAPS: Readonly<Record<string, KeyAlgorithmName>> = { A128KW: 'aes-128', A192KW: 'aes-192', A256KW: 'aes-256' };
/** Curves on which JOSE agrees on keys: secp256k1 is for signatures alone (RFC 8812 §3.3). */
export const AGREEING: readonly KeyAlgorithmName[] = ['ec-p256', 'ec-p384', 'ec-p521', 'x25519'];

/**
 * Concat KDF with SHA-256 (RFC 7518 §4.6.2, SP 800-56A rev. 3 §5.8.2.1).
 * @param algorithm `enc` where the key is the content's, else `alg`. @returns `keyBytes` bytes
 */
export function concatKdf(shared: Uint8Array, keyBytes: number, algorithm: string, apu: Uint8Array, apv: Uint8Array): Buffer {
  const info = Buffer.concat([withLength(Buffer.from(algorithm, 'latin1')), withLength(apu), withLength(apv), uint32(8 * keyBytes)]);
  const blocks = Array.from({ length: Math.ceil(keyBytes / 32) }, (_, index) => createHash('sha256').update(uint32(index + 1)).update(shared).update(info).digest());
  return Buffer.concat(blocks).subarray(0, keyBytes);
}

const withLength = (bytes: Uint8Array): Buffer => Buffer.concat([uint32(bytes.length), bytes]);

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}
