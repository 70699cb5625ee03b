import { decapsulate, encapsulate, type KeyObject } from 'node:crypto';
import { promisify } from 'node:util';
import { KEY_ALGORITHMS, KeywrightError, SecretBytes, type KeyAlgorithmName } from '../../contract/index.ts';
import type { Encapsulator, KeyRef } from '../../keystore/keystore.ts';
import type { SoftwareKeys } from '../software/keys.ts';
import { cannot, doesNotOpen } from '../software/refusals.ts';

const encapsulateAsync = promisify(encapsulate as (key: KeyObject, done: (error: Error | null, result: { sharedKey: Buffer; ciphertext: Buffer }) => void) => void);
const decapsulateAsync = promisify(decapsulate as (key: KeyObject, ciphertext: Uint8Array, done: (error: Error | null, secret: Buffer) => void) => void);

/** Bytes of a ciphertext (FIPS 203 §8, table 3). */
const CIPHERTEXT_SIZES: Partial<Record<KeyAlgorithmName, number>> = { 'ml-kem-512': 768, 'ml-kem-768': 1088, 'ml-kem-1024': 1568 };

/** ML-KEM (FIPS 203 §7). A ciphertext that was tampered with gives another secret and no error: implicit rejection. */
export function encapsulatorOf(keys: SoftwareKeys): Encapsulator {
  return {
    async encapsulate(ref, call) {
      const { head, publicKey } = await keys.usePublic(ref, 'encapsulate', call);
      sizeFor(ref, head.algorithm);
      const { ciphertext, sharedKey } = await encapsulateAsync(publicKey);
      return { ciphertext, secret: new SecretBytes(sharedKey) };
    },

    async decapsulate(ref, ciphertext, call) {
      const { head, key } = await keys.use(ref, 'decapsulate', call);
      const size = sizeFor(ref, head.algorithm);
      if (ciphertext.length !== size) {
        throw new KeywrightError('INVALID_INPUT', { detail: `A ciphertext of ${head.algorithm} has ${size} bytes, and this one has ${ciphertext.length}.`, where: '/ciphertext' });
      }
      try {
        return new SecretBytes(await decapsulateAsync(key, ciphertext));
      } catch {
        throw doesNotOpen();
      }
    },
  };
}

function sizeFor(ref: KeyRef, algorithm: KeyAlgorithmName): number {
  const size = CIPHERTEXT_SIZES[algorithm];
  if (size === undefined || KEY_ALGORITHMS[algorithm].family !== 'ml-kem') throw cannot(ref, algorithm, 'encapsulate secrets', []);
  return size;
}
