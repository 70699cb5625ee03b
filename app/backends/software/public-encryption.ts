import { createPublicKey } from 'node:crypto';
import { ENCRYPTION_ALGORITHMS, encryptionAlgorithmsOf, KEY_ALGORITHMS, KeywrightError, wrapAlgorithmsOf, type EncryptionAlgorithmName, type KeyAlgorithmName, type WrapAlgorithmName } from '../../contract/index.ts';
import type { KeyRef } from '../../keystore/keystore.ts';
import { hpkeSeal } from './hpke.ts';
import { cannot } from './refusals.ts';
import { encryptOaep, mostForOaep, tooLongForOaep, wrapRsaAes } from './rsa.ts';

/** What anybody can do with the public key, wherever the private one is: encrypt and wrap to it. */

/** The public half of a key. */
export interface Recipient {
  readonly algorithm: KeyAlgorithmName;
  /** SPKI, DER. */
  readonly spki: Uint8Array;
}

export type OaepName = 'rsa-oaep-sha256' | 'rsa-oaep-sha384' | 'rsa-oaep-sha512';
export const oaepHashOf = (algorithm: OaepName): 'sha256' | 'sha384' | 'sha512' => algorithm.slice('rsa-oaep-'.length) as 'sha256';

const publicKeyOf = ({ spki }: Recipient): ReturnType<typeof createPublicKey> => createPublicKey({ key: Buffer.from(spki), format: 'der', type: 'spki' });

/** @returns RSA-OAEP (RFC 8017 §7.1): modulus length; HPKE (RFC 9180): encapsulated key and ciphertext. @throws CAPABILITY_MISSING, INVALID_INPUT */
export async function encryptTo(ref: KeyRef, to: Recipient, algorithm: EncryptionAlgorithmName, { plaintext, aad }: { plaintext: Uint8Array; aad?: Uint8Array }): Promise<Uint8Array> {
  assertEncrypts(ref, to.algorithm, algorithm);
  if (algorithm === 'hpke') return hpkeSeal({ recipient: to.spki, aad }, plaintext);
  if (ENCRYPTION_ALGORITHMS[algorithm].legacy) throw legacy(algorithm, to.algorithm);
  const hash = oaepHashOf(algorithm as OaepName);
  if (plaintext.length > mostForOaep(to.algorithm, hash)) {
    throw tooLongForOaep(to.algorithm, hash, plaintext.length, { what: 'Encrypt it with a symmetric key, or to an elliptic curve with HPKE.', names: ['aes-gcm', 'hpke'] });
  }
  return encryptOaep(publicKeyOf(to), hash, plaintext, aad);
}

/** @returns the wrapped key. @throws CAPABILITY_MISSING */
export function wrapTo(ref: KeyRef, to: Recipient, algorithm: WrapAlgorithmName, material: Uint8Array): Buffer {
  assertWraps(ref, to.algorithm, algorithm);
  if (algorithm === 'rsa-aes-kwp') return wrapRsaAes(publicKeyOf(to), material);
  const hash = oaepHashOf(algorithm as OaepName);
  if (material.length > mostForOaep(to.algorithm, hash)) {
    throw tooLongForOaep(to.algorithm, hash, material.length, { what: 'Wrap it with rsa-aes-kwp, which takes keys of any length.', names: ['rsa-aes-kwp'] });
  }
  return encryptOaep(publicKeyOf(to), hash, material);
}

/** @throws CAPABILITY_MISSING */
export function assertEncrypts(ref: KeyRef, own: KeyAlgorithmName, algorithm: EncryptionAlgorithmName): void {
  const possible = encryptionAlgorithmsOf(own);
  if (!possible.includes(algorithm)) throw cannot(ref, own, `encrypt or decrypt as ${algorithm}`, possible);
}

/** @throws CAPABILITY_MISSING */
export function assertWraps(ref: KeyRef, own: KeyAlgorithmName, algorithm: WrapAlgorithmName): void {
  const possible = wrapAlgorithmsOf(own);
  if (KEY_ALGORITHMS[own].family !== 'rsa' || !possible.includes(algorithm)) throw cannot(ref, own, `wrap keys as ${algorithm}`, possible);
}

function legacy(algorithm: EncryptionAlgorithmName, own: KeyAlgorithmName): KeywrightError {
  return new KeywrightError('CAPABILITY_MISSING', {
    detail: `${algorithm} is too weak to encrypt with; it only decrypts what is old.`, remedy: 'Choose one of the algorithms named.',
    alternatives: encryptionAlgorithmsOf(own).filter((name) => !ENCRYPTION_ALGORITHMS[name].legacy),
  });
}
