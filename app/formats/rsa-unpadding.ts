import { createHash, createHmac } from 'node:crypto';
import type { HashName } from '../contract/index.ts';
import { maskGeneration } from './emsa.ts';

/**
 * What a token that knows nothing of paddings decrypted, made plain. Which check failed must show neither in the answer nor in the
 * time: no branch depends on the block before the last line. Blocks are wiped.
 */

/**
 * EME-OAEP decoding (RFC 8017 §7.1.2 step 3), MGF1 over the same hash.
 * @param block as long as the modulus. @param label empty by default. @returns the message, or undefined whatever was wrong.
 */
export function unpadOaep(hash: HashName | 'sha1', block: Uint8Array, label: Uint8Array = new Uint8Array(0)): Uint8Array | undefined {
  const labelHash = createHash(hash).update(label).digest();
  const size = labelHash.length;
  if (block.length < 2 * size + 2) return undefined;
  const seed = xor(block.subarray(1, 1 + size), maskGeneration(hash, block.subarray(1 + size), size));
  const data = xor(block.subarray(1 + size), maskGeneration(hash, seed, block.length - size - 1));
  let bad = block[0] as number;
  for (let index = 0; index < size; index++) bad |= (data[index] as number) ^ (labelHash[index] as number);
  // The first byte that is not zero must be 1; `from` keeps where the message begins.
  let found = 0;
  let from = 0;
  for (let index = size; index < data.length; index++) {
    const byte = data[index] as number;
    const first = isZero(found) & (isZero(byte) ^ 1);
    bad |= first & (isZero(byte ^ 1) ^ 1);
    from |= -first & (index + 1);
    found |= first;
  }
  bad |= found ^ 1;
  const message = bad === 0 ? Uint8Array.from(data.subarray(from)) : undefined;
  for (const bytes of [block, seed, data]) bytes.fill(0);
  return message;
}

/**
 * EME-PKCS1-v1_5 decoding (RFC 8017 §7.2.2 step 3) with implicit rejection: a block without the padding gives bytes that
 * look like a message, the same for a ciphertext each time, so that nobody learns that it was wrong (Bleichenbacher).
 * @param seed secret, and the same as long as the key is: makes what is given for a wrong padding.
 */
export function unpadPkcs1(block: Uint8Array, ciphertext: Uint8Array, seed: Uint8Array): Uint8Array {
  const { length } = block;
  const most = length - 11;
  const keyed = createHmac('sha256', seed).update(ciphertext).digest();
  const substitute = maskGeneration('sha256', keyed, length);
  const substituteLength = keyed.readUInt32BE(0) % (most + 1);
  let bad = (block[0] as number) | ((block[1] as number) ^ 2);
  let found = 0;
  let from = 0;
  for (let index = 2; index < length; index++) {
    const first = isZero(found) & isZero(block[index] as number);
    from |= -first & (index + 1);
    found |= first;
  }
  // At least eight bytes of padding before the zero.
  bad |= (found ^ 1) | ((from - 11) >>> 31);
  const wrong = -(isZero(bad) ^ 1);
  const start = (from & ~wrong) | ((length - substituteLength) & wrong);
  const chosen = new Uint8Array(length);
  for (let index = 0; index < length; index++) chosen[index] = ((block[index] as number) & ~wrong) | ((substitute[index] as number) & wrong);
  const message = chosen.slice(start);
  for (const bytes of [block, chosen, substitute]) bytes.fill(0);
  return message;
}

/** @param value 0 to 255. @returns 1 for zero, else 0. */
function isZero(value: number): number {
  return ((value - 1) >>> 31) & 1;
}

function xor(left: Uint8Array, right: Uint8Array): Uint8Array {
  return left.map((byte, index) => byte ^ (right[index] as number));
}
