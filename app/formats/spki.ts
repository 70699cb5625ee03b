import { createHash, createPublicKey, ECDH } from 'node:crypto';
import { KEY_ALGORITHMS, type KeyAlgorithmName } from '../contract/index.ts';
import { derBits, derInteger, DerReader, derSequence } from './der.ts';
import { keyIdentifier, readKeyIdentifier, rsaBySize } from './identifiers.ts';
import { malformed } from './malformed.ts';

/** SubjectPublicKeyInfo (RFC 5280 §4.1.2.7), always in one canonical form: uncompressed points, NULL for RSA. */

export interface RsaPublicNumbers {
  readonly n: bigint;
  readonly e: bigint;
}

/** A public key taken apart: numbers for RSA, the uncompressed point for EC, the bytes themselves for all others. */
export type PublicParts =
  | ({ readonly kind: 'rsa'; readonly algorithm: KeyAlgorithmName } & RsaPublicNumbers)
  | { readonly kind: 'ec' | 'bytes'; readonly algorithm: KeyAlgorithmName; readonly bytes: Uint8Array };

/** @param der SPKI. @throws INVALID_INPUT with the offset, CAPABILITY_MISSING naming an algorithm that is not handled. */
export function parseSpki(der: Uint8Array): PublicParts {
  const outer = new DerReader(der);
  const info = outer.enter('the public key');
  const identifier = readKeyIdentifier(info);
  const { offset } = info;
  const bits = info.bits('the key itself');
  info.finish('the public key');
  outer.finish('the public key');
  if (identifier.family === 'rsa') return { kind: 'rsa', ...parseRsaPublicKey(der, bits.byteOffset - der.byteOffset) };
  const { algorithm } = identifier;
  if (identifier.family === 'ec') return { kind: 'ec', algorithm, bytes: uncompressedPoint(algorithm, bits, offset) };
  const parts = { kind: 'bytes', algorithm, bytes: bits } as const;
  mustLoad(buildSpki(parts), algorithm, offset);
  return parts;
}

/** Reads RSAPublicKey (RFC 8017 A.1.1) that fills `der` from `from` on. */
export function parseRsaPublicKey(der: Uint8Array, from = 0): { algorithm: KeyAlgorithmName } & RsaPublicNumbers {
  const outer = new DerReader(der, from);
  const key = outer.enter('the RSA public key');
  const { offset } = key;
  const n = key.integer('the modulus');
  const e = key.integer('the public exponent');
  key.finish('the RSA public key');
  outer.finish('the RSA public key');
  checkRsaPublic({ n, e }, offset);
  return { algorithm: rsaBySize(n.toString(2).length), n, e };
}

/** SP 800-56B §6.2: an odd modulus and an odd exponent from 3 to 2^256. */
export function checkRsaPublic({ n, e }: RsaPublicNumbers, offset?: number): void {
  if (n <= 0n || n % 2n === 0n) throw malformed('The RSA modulus is not a positive odd number.', offset);
  if (e < 3n || e % 2n === 0n || e >= 1n << 256n || e >= n) throw malformed('The RSA public exponent is not an odd number from 3 to 2^256.', offset);
}

/** @returns the point on the curve of `algorithm`, uncompressed (SEC 1 §2.3.3). @throws INVALID_INPUT when it is not on it. */
export function uncompressedPoint(algorithm: KeyAlgorithmName, point: Uint8Array, offset?: number): Buffer {
  const { openssl, bits } = KEY_ALGORITHMS[algorithm];
  const length = Math.ceil(bits / 8);
  const form = point[0];
  if (!((form === 4 && point.length === 1 + 2 * length) || ((form === 2 || form === 3) && point.length === 1 + length))) {
    throw malformed(`The public point is not one of ${algorithm}: ${point.length} bytes that begin with ${form ?? 'nothing'}.`, offset);
  }
  try {
    return ECDH.convertKey(point, openssl, undefined, undefined, 'uncompressed') as Buffer;
  } catch {
    throw malformed(`The public point is not on the curve of ${algorithm}.`, offset);
  }
}

/** @returns SubjectPublicKeyInfo, DER (RFC 5280 §4.1.2.7). */
export function buildSpki(parts: PublicParts): Buffer {
  const key = parts.kind === 'rsa' ? buildRsaPublicKey(parts) : parts.bytes;
  return derSequence(keyIdentifier(parts.algorithm), derBits(key));
}

/** @returns RSAPublicKey, DER. */
export function buildRsaPublicKey({ n, e }: RsaPublicNumbers): Buffer {
  return derSequence(derInteger(n), derInteger(e));
}

/** @returns the algorithm of a public key. @throws INVALID_INPUT, CAPABILITY_MISSING naming what it is. */
export function algorithmOfSpki(spki: Uint8Array): KeyAlgorithmName {
  return parseSpki(spki).algorithm;
}

/** @param spki DER. @returns `SHA256:` and the hex SHA-256 of it. */
export function fingerprint(spki: Uint8Array): string {
  return `SHA256:${createHash('sha256').update(spki).digest('hex')}`;
}

/** Lets OpenSSL judge the length and value of keys that are bytes alone. */
function mustLoad(spki: Uint8Array, algorithm: KeyAlgorithmName, offset?: number): void {
  try {
    createPublicKey({ key: Buffer.from(spki), format: 'der', type: 'spki' });
  } catch {
    throw malformed(`These bytes are no ${algorithm} public key.`, offset);
  }
}
