import { derInteger, DerReader, derSequence, fromBigInt } from './der.ts';
import { malformed } from './malformed.ts';

/** The two ways to write an ECDSA signature. */

/**
 * @param signature SEQUENCE of r and s (RFC 3279 §2.2.3), DER.
 * @param bits of the curve: 256, 384, 512 or 521.
 * @returns r and s side by side (IEEE P1363), each as long as the curve's field.
 * @throws INVALID_INPUT
 */
export function ecdsaDerToP1363(signature: Uint8Array, bits: number): Uint8Array {
  const outer = new DerReader(signature);
  const pair = outer.enter('the ECDSA signature');
  const length = Math.ceil(bits / 8);
  const halves = (['r', 's'] as const).map((name) => {
    const { offset } = pair;
    const value = pair.integer(name, length + 1);
    if (value <= 0n || value >> BigInt(8 * length) > 0n) throw malformed(`${name} does not fit a curve of ${bits} bits.`, offset);
    return fromBigInt(value, length);
  });
  pair.finish('the ECDSA signature');
  outer.finish('the ECDSA signature');
  return Buffer.concat(halves);
}

/** The reverse of {@link ecdsaDerToP1363}. */
export function ecdsaP1363ToDer(signature: Uint8Array, bits: number): Uint8Array {
  const length = Math.ceil(bits / 8);
  if (signature.length !== 2 * length) throw malformed(`A P1363 signature on a curve of ${bits} bits has ${2 * length} bytes, not ${signature.length}.`, 0);
  const [r, s] = [signature.subarray(0, length), signature.subarray(length)].map((half) => BigInt(`0x${Buffer.from(half).toString('hex')}`)) as [bigint, bigint];
  if (r === 0n || s === 0n) throw malformed('r or s of the ECDSA signature is zero.', r === 0n ? 0 : length);
  return derSequence(derInteger(r), derInteger(s));
}
