import { constants, createHash, createPublicKey, type KeyObject, publicDecrypt, verify } from 'node:crypto';
import { promisify } from 'node:util';
import { HASH_SIZES, type HashName, SIGNATURE_ALGORITHMS, type SignatureAlgorithmFacts, type SignatureAlgorithmName } from '../contract/index.ts';
import { parseSpki, type PublicParts } from '../formats/spki.ts';
import { curveOf } from '../formats/curves.ts';
import { digestInfo, maskGeneration } from '../formats/emsa.ts';
import type { Content } from '../keystore/keystore.ts';

const verifyAsync = promisify(verify);
/** Bytes that are hashed in some ten microseconds. */
const SHORT = 16 * 1024;

/**
 * Verifies a signature with a public key alone.
 *
 * @param spki SubjectPublicKeyInfo, DER.
 * @param content the message, or its digest for algorithms that hash first. node:crypto cannot verify ready digests: RSA
 *   is opened and compared here (RFC 8017 §8.2.2, §8.1.2), ECDSA goes to @noble/curves.
 * @param signature ECDSA: DER. PSS: any salt length.
 * @returns false for anything that does not fit: another key, a wrong length, malformed bytes.
 */
export async function verifySignature(spki: Uint8Array, algorithm: SignatureAlgorithmName, content: Content, signature: Uint8Array): Promise<boolean> {
  const facts: SignatureAlgorithmFacts = SIGNATURE_ALGORITHMS[algorithm];
  let own: ReadKey;
  try {
    own = readKey(spki);
  } catch {
    return false;
  }
  const { parts, key } = own;
  if (!facts.keys.includes(parts.algorithm)) return false;
  try {
    if ('message' in content) return await verifyMessage(key, facts, content.message, signature);
    const { digest } = content;
    if (facts.hash === null || digest.length !== HASH_SIZES[facts.hash]) return false;
    if (parts.kind === 'ec') return (await curveOf(parts.algorithm)).verify(signature, digest, parts.bytes, { prehash: false, lowS: false, format: 'der' });
    return facts.family === 'rsa-pss' ? verifyPssDigest(key, facts.hash, digest, signature) : verifyPkcs1Digest(key, facts.hash, digest, signature);
  } catch {
    return false;
  }
}

interface ReadKey {
  readonly spki: Buffer;
  readonly parts: PublicParts;
  readonly key: KeyObject;
}

/** Of a batch all signatures are by one key: reading it takes longer than verifying. */
let readLast: ReadKey | undefined;

/** @throws what parsing does */
function readKey(spki: Uint8Array): ReadKey {
  if (readLast?.spki.equals(spki) !== true) {
    const own = Buffer.from(spki);
    readLast = { spki: own, parts: parseSpki(own), key: createPublicKey({ key: own, format: 'der', type: 'spki' }) };
  }
  return readLast;
}

async function verifyMessage(key: KeyObject, { family, hash }: SignatureAlgorithmFacts, message: Uint8Array, signature: Uint8Array): Promise<boolean> {
  // OpenSSL takes a signature whose leading zero was left out, which is none (RFC 8017 §8.1.2, §8.2.2 step 1).
  if (family.startsWith('rsa') && signature.length !== modulusLength(key)) return false;
  const input = family === 'rsa-pss' ? { key, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_AUTO } : key;
  // A short message takes no longer than the way to the thread pool and back.
  return message.length <= SHORT ? verify(hash, message, input, signature) : verifyAsync(hash, message, input, signature);
}

function verifyPkcs1Digest(key: KeyObject, hash: HashName, digest: Uint8Array, signature: Uint8Array): boolean {
  const length = modulusLength(key);
  if (signature.length !== length) return false;
  return publicDecrypt({ key, padding: constants.RSA_PKCS1_PADDING }, signature).equals(digestInfo(hash, digest));
}

/** EMSA-PSS-VERIFY (RFC 8017 §9.1.2) with MGF1 over the same hash. */
function verifyPssDigest(key: KeyObject, hash: HashName, digest: Uint8Array, signature: Uint8Array): boolean {
  const length = modulusLength(key);
  if (signature.length !== length) return false;
  const encoded = publicDecrypt({ key, padding: constants.RSA_NO_PADDING }, signature);
  const size = HASH_SIZES[hash];
  // emBits is the modulus less one bit: all our moduli are whole bytes, so exactly the top bit must be clear.
  const masked = encoded.subarray(0, length - size - 1);
  const check = encoded.subarray(length - size - 1, length - 1);
  if (encoded[length - 1] !== 0xbc || ((masked[0] as number) & 0x80) !== 0) return false;
  const block = Buffer.from(masked);
  maskGeneration(hash, check, block.length).forEach((byte, index) => { block[index] = (block[index] as number) ^ byte; });
  block[0] = (block[0] as number) & 0x7f;
  const one = block.findIndex((byte) => byte !== 0);
  if (one < 0 || block[one] !== 1) return false;
  const salt = block.subarray(one + 1);
  return createHash(hash).update(Buffer.alloc(8)).update(digest).update(salt).digest().equals(check);
}

function modulusLength(key: KeyObject): number {
  return Math.ceil((key.asymmetricKeyDetails?.modulusLength as number) / 8);
}
