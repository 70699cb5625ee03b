import { DerReader, fromBigInt, TAG } from './der.ts';
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

/** The reverse of {@link ecdsaDerToP1363}. Each signature of a token passes here, so it goes byte by byte into one buffer. */
export function ecdsaP1363ToDer(signature: Uint8Array, bits: number): Uint8Array {
  const length = Math.ceil(bits / 8);
  if (signature.length !== 2 * length) throw malformed(`A P1363 signature on a curve of ${bits} bits has ${2 * length} bytes, not ${signature.length}.`, 0);
  const r = firstDigit(signature, 0, length);
  const s = firstDigit(signature, length, 2 * length);
  if (r === length || s === 2 * length) throw malformed('r or s of the ECDSA signature is zero.', r === length ? 0 : length);
  const size = sizeOfInteger(signature, r, length) + sizeOfInteger(signature, s, 2 * length);
  const out = Buffer.allocUnsafe(size + (size < 0x80 ? 2 : 3));
  let at = out.writeUInt8(TAG.sequence, 0);
  if (size >= 0x80) at = out.writeUInt8(0x81, at);
  at = out.writeUInt8(size, at);
  at = writeInteger(out, at, signature, r, length);
  writeInteger(out, at, signature, s, 2 * length);
  return out;
}

/** @returns where the number from `from` to `end` begins once its leading zeros are left out. */
function firstDigit(bytes: Uint8Array, from: number, end: number): number {
  let at = from;
  while (at < end && bytes[at] === 0) at += 1;
  return at;
}

/** An INTEGER whose first bit is set has a zero before it, or it would be negative (X.690 §8.3). */
const needsZero = (bytes: Uint8Array, from: number): boolean => (bytes[from] as number) >= 0x80;

const sizeOfInteger = (bytes: Uint8Array, from: number, end: number): number => 2 + (needsZero(bytes, from) ? 1 : 0) + end - from;

/** @returns where it ends in `out`. */
function writeInteger(out: Buffer, at: number, bytes: Uint8Array, from: number, end: number): number {
  const padding = needsZero(bytes, from) ? 1 : 0;
  let next = out.writeUInt8(TAG.integer, at);
  next = out.writeUInt8(padding + end - from, next);
  if (padding === 1) next = out.writeUInt8(0, next);
  out.set(bytes.subarray(from, end), next);
  return next + end - from;
}
