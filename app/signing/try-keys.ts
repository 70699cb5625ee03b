import { KEY_ALGORITHMS, KeywrightError, SIGNATURE_ALGORITHMS, type SignatureAlgorithmName, signatureAlgorithmsOf } from '../contract/index.ts';
import { ecdsaP1363ToDer } from '../formats/index.ts';
import { fingerprint } from '../formats/spki.ts';
import type { Content } from '../keystore/keystore.ts';
import { intactBy, type KnownKey, notIntact, type SignatureVerdict, type Trust } from './format.ts';
import { verifySignature } from './verify.ts';

/** For formats that do not say by which key: each key that counts is tried, with each algorithm that fits. */

export interface Attempt {
  readonly signature: Uint8Array;
  /** What was signed, for an algorithm; asked for as seldom as possible, since it may be a large file's digest. */
  content(algorithm: SignatureAlgorithmName): Promise<Content>;
  /** Algorithms that the format allows for this key; all of the key's by default. */
  algorithms?(key: KnownKey): readonly SignatureAlgorithmName[];
  /** How ECDSA signatures are written here: `either` for bare ones. */
  readonly ecdsa: 'der' | 'p1363' | 'either';
}

/** @returns the verdict by the first key that fits; else one that says what was tried. */
export async function tryKeys(attempt: Attempt, trust: Trust): Promise<SignatureVerdict> {
  let skipped: KeywrightError | undefined;
  for (const key of trust.keys) {
    try {
      const verdict = await tryKey(attempt, key, trust);
      if (verdict !== undefined) return verdict;
    } catch (thrown) {
      // A file too large for one key's scheme, or one key whose record is damaged, says nothing of the other keys.
      if (trust.named || !(thrown instanceof KeywrightError) || !(thrown.code === 'CAPABILITY_MISSING' || thrown.code === 'CORRUPT_RECORD')) throw thrown;
      skipped ??= thrown;
    }
  }
  return notIntact(trust.named
    ? 'The signature does not fit this file and this key: the file was changed, or something else was signed.'
    : `No key held here made this signature of this file.${skipped === undefined ? '' : ` Not every key could be tried: ${skipped.message}`}`);
}

/** @returns the verdict if this key fits; undefined if it does not. */
export async function tryKey(attempt: Attempt, key: KnownKey, trust: Trust): Promise<SignatureVerdict | undefined> {
  const allowed = attempt.algorithms?.(key) ?? signatureAlgorithmsOf(key.algorithm);
  for (const algorithm of trust.algorithm === undefined ? allowed : allowed.filter((name) => name === trust.algorithm)) {
    const content = await attempt.content(algorithm);
    const spki = await key.spki();
    for (const der of encodings(attempt, algorithm, KEY_ALGORITHMS[key.algorithm].bits)) {
      if (await verifySignature(spki, algorithm, content, der)) return intactBy(spki, algorithm, key);
    }
  }
  return undefined;
}

/** @returns the key among those that count, if it is one. */
export function knownKey(spki: Uint8Array, trust: Trust): KnownKey | null {
  const wanted = fingerprint(spki);
  return trust.keys.find((key) => key.fingerprint === wanted) ?? null;
}

function encodings({ signature, ecdsa }: Attempt, algorithm: SignatureAlgorithmName, bits: number): Uint8Array[] {
  if (SIGNATURE_ALGORITHMS[algorithm].family !== 'ecdsa') return [signature];
  return [...(ecdsa === 'p1363' ? [] : [signature]), ...(ecdsa === 'der' ? [] : fromP1363(signature, bits))];
}

/** Both halves must be there and not zero, else it is no signature at all. */
function fromP1363(signature: Uint8Array, bits: number): Uint8Array[] {
  const half = Math.ceil(bits / 8);
  if (signature.length !== 2 * half || [signature.subarray(0, half), signature.subarray(half)].some((part) => part.every((byte) => byte === 0))) return [];
  return [ecdsaP1363ToDer(signature, bits)];
}
