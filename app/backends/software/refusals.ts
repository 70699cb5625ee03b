import { KEY_ALGORITHMS, KeywrightError, type KeyAlgorithmFacts, type KeyAlgorithmName, type Usage } from '../../contract/index.ts';
import type { KeyRef } from '../../keystore/keystore.ts';

/** What software keys refuse, in the same words wherever it happens. */

/** @returns the one error of everything that does not decrypt or unwrap: it never tells which check failed. */
export function doesNotOpen(): KeywrightError {
  return new KeywrightError('INVALID_INPUT', {
    detail: 'It does not decrypt: the key, the ciphertext, or what belongs to it is not the right one.',
    remedy: 'Check that nothing was cut off or changed, and that it was made for this key.',
  });
}

export const nameOf = (ref: Pick<KeyRef, 'uri' | 'label'>): string => `“${ref.label ?? ref.uri}”`;

/** A key that the caller takes for another kind: `what` completes "cannot …". */
export function cannot(ref: KeyRef, algorithm: KeyAlgorithmName, what: string, alternatives: readonly string[]): KeywrightError {
  return new KeywrightError('CAPABILITY_MISSING', {
    detail: `${nameOf(ref)} is ${algorithm}: it cannot ${what}.`,
    remedy: alternatives.length > 0 ? 'Choose one of the algorithms that fit the key.' : 'Choose another key.',
    alternatives,
  });
}

export function usageMissing(ref: KeyRef, usages: readonly Usage[], usage: Usage): KeywrightError {
  return new KeywrightError('CAPABILITY_MISSING', { detail: `${nameOf(ref)} was not made to ${usage}.`, remedy: 'Choose a key with that usage.', alternatives: [...usages] });
}

/** @throws INVALID_INPUT when `usages` holds one that no key of the algorithm can have. */
export function assertUsages(algorithm: KeyAlgorithmName, usages: readonly Usage[]): void {
  const facts: KeyAlgorithmFacts = KEY_ALGORITHMS[algorithm];
  const beyond = usages.find((usage) => !facts.usages.includes(usage));
  if (beyond === undefined) return;
  throw new KeywrightError('INVALID_INPUT', { detail: `${algorithm} keys cannot be used to ${beyond}.`, where: '/usages', alternatives: [...facts.usages] });
}

/** @throws CAPABILITY_MISSING when fewer usages are asked for than the key has, where nothing keeps such a restriction. @param place "A YubiKey" */
export function assertAllUsages(algorithm: string, all: readonly Usage[], wanted: readonly Usage[], place: string): void {
  if (all.every((usage) => wanted.includes(usage))) return;
  throw new KeywrightError('CAPABILITY_MISSING', { detail: `${place} cannot restrict what an ${algorithm} key is used for.`, remedy: 'Leave the usages out.', alternatives: [...all] });
}

/** @throws INVALID_INPUT when associated data is given to an algorithm that cannot authenticate it. */
export function assertNoAad(algorithm: string, aad: Uint8Array | undefined): void {
  if (aad === undefined) return;
  throw new KeywrightError('INVALID_INPUT', {
    detail: `${algorithm} does not authenticate associated data.`, where: '/aad', remedy: 'Leave it out, or use an algorithm that does.', alternatives: ['aes-gcm', 'chacha20-poly1305', 'hpke'],
  });
}
