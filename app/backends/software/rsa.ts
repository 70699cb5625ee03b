import { constants, createSecretKey, type KeyObject, privateDecrypt, publicEncrypt, randomBytes, subtle, type webcrypto } from 'node:crypto';
import { HASH_SIZES, KEY_ALGORITHMS, KeywrightError, SecretBytes, type KeyAlgorithmName } from '../../contract/index.ts';
import { unwrapWithAes, wrapWithAes } from './key-wrap.ts';
import type { LoadedKey } from './keys.ts';
import { doesNotOpen } from './refusals.ts';

/** RSA encryption (RFC 8017 §7) and PKCS#11's way to wrap keys of any length. */

type OaepHash = 'sha1' | 'sha256' | 'sha384' | 'sha512';
const SUBTLE_HASHES: Readonly<Record<OaepHash, string>> = { sha1: 'SHA-1', sha256: 'SHA-256', sha384: 'SHA-384', sha512: 'SHA-512' };
const EPHEMERAL_KEY = 32;
const RSA_AES_HASH = 'sha256';

/** @returns most bytes that OAEP takes (RFC 8017 §7.1.1). */
export function mostForOaep(algorithm: KeyAlgorithmName, hash: Exclude<OaepHash, 'sha1'>): number {
  return KEY_ALGORITHMS[algorithm].bits / 8 - 2 * HASH_SIZES[hash] - 2;
}

/** RSAES-OAEP (RFC 8017 §7.1), MGF1 over the same hash, with a label (empty by default). @returns modulus-length bytes. */
export function encryptOaep(publicKey: KeyObject, hash: OaepHash, plaintext: Uint8Array, label?: Uint8Array): Buffer {
  return publicEncrypt({ key: publicKey, padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash: hash, ...(label === undefined ? {} : { oaepLabel: label }) }, plaintext);
}

/**
 * The reverse of {@link encryptOaep}, off the event loop: through Web Crypto, since `privateDecrypt` has no callback.
 * @throws INVALID_INPUT, in the same words whatever was wrong
 */
export async function decryptOaep({ key, derived }: LoadedKey, hash: OaepHash, ciphertext: Uint8Array, label?: Uint8Array): Promise<Uint8Array> {
  assertWholeModulus(key, ciphertext);
  const name = `oaep-${hash}`;
  let cryptoKey = derived.get(name) as webcrypto.CryptoKey | undefined;
  if (cryptoKey === undefined) derived.set(name, cryptoKey = key.toCryptoKey({ name: 'RSA-OAEP', hash: SUBTLE_HASHES[hash] }, false, ['decrypt']));
  try {
    return new Uint8Array(await subtle.decrypt({ name: 'RSA-OAEP', ...(label === undefined ? {} : { label }) }, cryptoKey, ciphertext));
  } catch {
    throw doesNotOpen();
  }
}

/**
 * RSAES-PKCS1-v1_5 (RFC 8017 §7.2.2), for what is old. OpenSSL rejects implicitly: a wrong padding gives random bytes, always
 * the same for a ciphertext, and no error, so that nobody learns of it (Bleichenbacher).
 */
export function decryptPkcs1(key: KeyObject, ciphertext: Uint8Array): Uint8Array {
  assertWholeModulus(key, ciphertext);
  try {
    return privateDecrypt({ key, padding: constants.RSA_PKCS1_PADDING }, ciphertext);
  } catch {
    throw doesNotOpen();
  }
}

/** A ciphertext is as long as the modulus (RFC 8017 §7.1.2 step 1b). OpenSSL takes one without its leading zeros too. @throws INVALID_INPUT */
function assertWholeModulus(key: KeyObject, ciphertext: Uint8Array): void {
  if (ciphertext.length !== (key.asymmetricKeyDetails?.modulusLength as number) / 8) throw doesNotOpen();
}

/**
 * CKM_RSA_AES_KEY_WRAP (PKCS#11 v3.0 §6.1.21), as AWS KMS has it too: an ephemeral AES-256 key under OAEP with SHA-256 for
 * hash and mask, directly followed by the secret under AES-KWP with that key.
 */
export function wrapRsaAes(publicKey: KeyObject, secret: Uint8Array): Buffer {
  const ephemeral = randomBytes(EPHEMERAL_KEY);
  try {
    return Buffer.concat([encryptOaep(publicKey, RSA_AES_HASH, ephemeral), wrapWithAes('aes-kwp', createSecretKey(ephemeral), secret)]);
  } finally {
    ephemeral.fill(0);
  }
}

/** The reverse of {@link wrapRsaAes}; takes ephemeral keys of 16, 24 and 32 bytes, as the standard allows. @throws INVALID_INPUT */
export async function unwrapRsaAes(loaded: LoadedKey, wrapped: Uint8Array): Promise<SecretBytes> {
  const length = KEY_ALGORITHMS[loaded.head.algorithm].bits / 8;
  if (wrapped.length < length + 16) throw doesNotOpen();
  using ephemeral = new SecretBytes(await decryptOaep(loaded, RSA_AES_HASH, wrapped.subarray(0, length)));
  if (![16, 24, 32].includes(ephemeral.length)) throw doesNotOpen();
  return unwrapWithAes('aes-kwp', createSecretKey(Buffer.from(ephemeral.reveal())), wrapped.subarray(length));
}

/** @returns the refusal of what OAEP cannot take. */
export function tooLongForOaep(algorithm: KeyAlgorithmName, hash: Exclude<OaepHash, 'sha1'>, length: number, alternative: { what: string; names: readonly string[] }): KeywrightError {
  return new KeywrightError('CAPABILITY_MISSING', {
    detail: `RSA-OAEP with ${hash} and a key of ${algorithm} takes ${mostForOaep(algorithm, hash)} bytes at most, and these are ${length}.`,
    remedy: alternative.what, alternatives: alternative.names,
  });
}
