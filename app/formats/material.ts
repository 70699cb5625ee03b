import { createPrivateKey, createPublicKey, decapsulate, encapsulate, type KeyObject, sign, timingSafeEqual, verify } from 'node:crypto';
import { promisify } from 'node:util';
import { KEY_ALGORITHMS, type KeyAlgorithmName, SecretBytes } from '../contract/index.ts';
import type { KeyMaterial } from '../keystore/keystore.ts';
import { TAG } from './der.ts';
import { malformed } from './malformed.ts';
import { buildPkcs8, parsePkcs8, pointOf, type PrivateParts } from './private-parts.ts';
import { parseSpki } from './spki.ts';

const signAsync = promisify(sign);
const verifyAsync = promisify(verify);
const encapsulateAsync = promisify(encapsulate);
const decapsulateAsync = promisify(decapsulate);
const MISMATCH = 'The private and the public part of this key do not belong together.';
const TAMPERED = 'The file is damaged or was tampered with: do not use it.';

/**
 * Checks that a private key is whole, and gives it the one form in which we keep it.
 *
 * The public part is computed anew where that can be done, and compared with the one that the file gave; RSA, ML-DSA and
 * SLH-DSA make a trial signature and ML-KEM a trial secret, which fails also when an RSA factor is not prime.
 * @returns PKCS#8, DER: EC with its public point, ML-DSA and ML-KEM with seed and expanded key where the seed is known.
 * @throws INVALID_INPUT
 */
export async function checkedMaterial(parts: PrivateParts): Promise<KeyMaterial> {
  const { algorithm } = parts;
  if (parts.kind === 'ec' && parts.point !== undefined && !Buffer.from(parts.point).equals(pointOf(algorithm, parts.scalar))) {
    throw malformed(MISMATCH, undefined, TAMPERED);
  }
  const built = buildPkcs8(parts);
  const key = load(built, algorithm);
  if (parts.kind === 'bytes' && parts.publicBytes !== undefined) {
    const own = parseSpki(createPublicKey(key).export({ type: 'spki', format: 'der' }));
    if (own.kind === 'rsa' || !Buffer.from(own.bytes).equals(parts.publicBytes)) throw malformed(MISMATCH, undefined, TAMPERED);
  }
  if (!(await provesItself(key, KEY_ALGORITHMS[algorithm].family))) throw malformed(MISMATCH, undefined, TAMPERED);
  if (parts.kind !== 'bytes') return { algorithm, secret: new SecretBytes(built) };
  built.fill(0);
  return { algorithm, secret: new SecretBytes(key.export({ type: 'pkcs8', format: 'der' })) };
}

/** Like {@link checkedMaterial}, from PKCS#8. */
export function materialOfPkcs8(bytes: Uint8Array): Promise<KeyMaterial> {
  return checkedMaterial(parsePkcs8(bytes));
}

/**
 * A key of ML-DSA or ML-KEM is its seed, its expanded form, or both (RFC 9881 §6, RFC 9935 §6). The seed cannot be had from the expanded form.
 * @param secret PKCS#8, DER, unencrypted. @returns whether the seed is not in it; false for keys that have none
 */
export function lacksSeed(algorithm: KeyAlgorithmName, secret: Uint8Array): boolean {
  if (!['ml-dsa', 'ml-kem'].includes(KEY_ALGORITHMS[algorithm].family)) return false;
  const parts = parsePkcs8(secret);
  return parts.kind === 'bytes' && parts.secret[0] === TAG.octetString;
}

/** @param pkcs8 DER, unencrypted. @returns SPKI, DER. @throws INVALID_INPUT */
export function publicOfPkcs8(pkcs8: Uint8Array): Uint8Array {
  return createPublicKey(load(Buffer.from(pkcs8), 'private')).export({ type: 'spki', format: 'der' });
}

function load(pkcs8: Buffer, what: string): KeyObject {
  try {
    return createPrivateKey({ key: pkcs8, format: 'der', type: 'pkcs8' });
  } catch {
    throw malformed(`These bytes are no ${what} key, or its parts do not belong together.`, undefined, TAMPERED);
  }
}

async function provesItself(key: KeyObject, family: string): Promise<boolean> {
  try {
    if (family === 'rsa' || family === 'ml-dsa' || family === 'slh-dsa') {
      const message = Buffer.from('Keywright asks whether this key is whole');
      const hash = family === 'rsa' ? 'sha256' : null;
      return await verifyAsync(hash, message, createPublicKey(key), await signAsync(hash, message, key));
    }
    if (family === 'ml-kem') {
      const { sharedKey, ciphertext } = await encapsulateAsync(createPublicKey(key)) as { sharedKey: Buffer; ciphertext: Buffer };
      return timingSafeEqual(sharedKey, await decapsulateAsync(key, ciphertext) as Buffer);
    }
    return true;
  } catch {
    return false;
  }
}
