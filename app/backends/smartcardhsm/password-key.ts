import { createHash } from 'node:crypto';
import { KeywrightError, type Call } from '../../contract/index.ts';

/**
 * OpenSSL's EVP_BytesToKey with MD5 and ten million rounds: what `sc-hsm-tool` derives the key of a DKEK share's file with. It is old and the
 * hash is weak, but there is no other form that cards' own tools read. Thirty million hashes one after another take some seconds, in which
 * the event loop gets its turn every few milliseconds.
 */
export const ROUNDS = 10_000_000;

const KEY_LENGTH = 32;
const IV_LENGTH = 16;
/** As many rounds as take about ten milliseconds. */
const SLICE = 50_000;

export interface PasswordKey extends Disposable {
  /** 32 bytes. */
  readonly key: Uint8Array;
  /** 16 bytes. */
  readonly iv: Uint8Array;
}

/** @param salt 8 bytes. @throws CANCELLED */
export async function keyFromPassword(password: Uint8Array, salt: Uint8Array, call: Pick<Call, 'signal'>, rounds = ROUNDS): Promise<PasswordKey> {
  const material = Buffer.alloc(KEY_LENGTH + IV_LENGTH);
  const state = new Int32Array(4);
  try {
    for (let at = 0; at < material.length; at += 16) {
      const first = createHash('md5').update(material.subarray(Math.max(0, at - 16), at)).update(password).update(salt).digest();
      for (let word = 0; word < 4; word += 1) state[word] = first.readInt32LE(4 * word);
      first.fill(0);
      for (let left = rounds - 1; left > 0; left -= SLICE) {
        hashOfHash(state, Math.min(left, SLICE));
        await new Promise((resolve) => { setImmediate(resolve); });
        if (call.signal.aborted) throw new KeywrightError('CANCELLED', 'It was cancelled. Nothing was changed.');
      }
      for (let word = 0; word < 4; word += 1) material.writeInt32LE(state[word] as number, at + 4 * word);
    }
  } catch (thrown) {
    material.fill(0);
    throw thrown;
  } finally {
    state.fill(0);
  }
  return { key: material.subarray(0, KEY_LENGTH), iv: material.subarray(KEY_LENGTH), [Symbol.dispose]: () => { material.fill(0); } };
}

const turn = (value: number, by: number): number => (value << by) | (value >>> (32 - by));

/**
 * MD5 (RFC 1321 §3.4) of the sixteen bytes of the hash before, `count` times in place. The block is the hash, a one bit, zeros and the length, so
 * that its words but four are constants, which are in the sums below; neither buffers nor objects are made. node:crypto would take ten times as long.
 */
function hashOfHash(state: Int32Array, count: number): void {
  let [h0, h1, h2, h3] = state as unknown as [number, number, number, number];
  for (let round = 0; round < count; round += 1) {
    let a = 0x67452301 | 0;
    let b = 0xefcdab89 | 0;
    let c = 0x98badcfe | 0;
    let d = 0x10325476 | 0;
    a = turn((a + ((b & c) | (~b & d)) + h0 - 0x28955b88) | 0, 7) + b | 0; d = turn((d + ((a & b) | (~a & c)) + h1 - 0x173848aa) | 0, 12) + a | 0; c = turn((c + ((d & a) | (~d & b)) + h2 + 0x242070db) | 0, 17) + d | 0; b = turn((b + ((c & d) | (~c & a)) + h3 - 0x3e423112) | 0, 22) + c | 0;
    a = turn((a + ((b & c) | (~b & d)) - 0x0a83efd1) | 0, 7) + b | 0; d = turn((d + ((a & b) | (~a & c)) + 0x4787c62a) | 0, 12) + a | 0; c = turn((c + ((d & a) | (~d & b)) - 0x57cfb9ed) | 0, 17) + d | 0; b = turn((b + ((c & d) | (~c & a)) - 0x02b96aff) | 0, 22) + c | 0;
    a = turn((a + ((b & c) | (~b & d)) + 0x698098d8) | 0, 7) + b | 0; d = turn((d + ((a & b) | (~a & c)) - 0x74bb0851) | 0, 12) + a | 0; c = turn((c + ((d & a) | (~d & b)) - 0x0000a44f) | 0, 17) + d | 0; b = turn((b + ((c & d) | (~c & a)) - 0x76a32842) | 0, 22) + c | 0;
    a = turn((a + ((b & c) | (~b & d)) + 0x6b901122) | 0, 7) + b | 0; d = turn((d + ((a & b) | (~a & c)) - 0x02678e6d) | 0, 12) + a | 0; c = turn((c + ((d & a) | (~d & b)) - 0x5986bbf2) | 0, 17) + d | 0; b = turn((b + ((c & d) | (~c & a)) + 0x49b40821) | 0, 22) + c | 0;
    a = turn((a + ((d & b) | (~d & c)) + h1 - 0x09e1da9e) | 0, 5) + b | 0; d = turn((d + ((c & a) | (~c & b)) - 0x3fbf4cc0) | 0, 9) + a | 0; c = turn((c + ((b & d) | (~b & a)) + 0x265e5a51) | 0, 14) + d | 0; b = turn((b + ((a & c) | (~a & d)) + h0 - 0x16493856) | 0, 20) + c | 0;
    a = turn((a + ((d & b) | (~d & c)) - 0x29d0efa3) | 0, 5) + b | 0; d = turn((d + ((c & a) | (~c & b)) + 0x02441453) | 0, 9) + a | 0; c = turn((c + ((b & d) | (~b & a)) - 0x275e197f) | 0, 14) + d | 0; b = turn((b + ((a & c) | (~a & d)) - 0x182c03b8) | 0, 20) + c | 0;
    a = turn((a + ((d & b) | (~d & c)) + 0x21e1cde6) | 0, 5) + b | 0; d = turn((d + ((c & a) | (~c & b)) - 0x3cc8f7aa) | 0, 9) + a | 0; c = turn((c + ((b & d) | (~b & a)) + h3 - 0x0b2af279) | 0, 14) + d | 0; b = turn((b + ((a & c) | (~a & d)) + 0x455a14ed) | 0, 20) + c | 0;
    a = turn((a + ((d & b) | (~d & c)) - 0x561c16fb) | 0, 5) + b | 0; d = turn((d + ((c & a) | (~c & b)) + h2 - 0x03105c08) | 0, 9) + a | 0; c = turn((c + ((b & d) | (~b & a)) + 0x676f02d9) | 0, 14) + d | 0; b = turn((b + ((a & c) | (~a & d)) - 0x72d5b376) | 0, 20) + c | 0;
    a = turn((a + (b ^ c ^ d) - 0x0005c6be) | 0, 4) + b | 0; d = turn((d + (a ^ b ^ c) - 0x788e097f) | 0, 11) + a | 0; c = turn((c + (d ^ a ^ b) + 0x6d9d6122) | 0, 16) + d | 0; b = turn((b + (c ^ d ^ a) - 0x021ac774) | 0, 23) + c | 0;
    a = turn((a + (b ^ c ^ d) + h1 - 0x5b4115bc) | 0, 4) + b | 0; d = turn((d + (a ^ b ^ c) + 0x4bded029) | 0, 11) + a | 0; c = turn((c + (d ^ a ^ b) - 0x0944b4a0) | 0, 16) + d | 0; b = turn((b + (c ^ d ^ a) - 0x41404390) | 0, 23) + c | 0;
    a = turn((a + (b ^ c ^ d) + 0x289b7ec6) | 0, 4) + b | 0; d = turn((d + (a ^ b ^ c) + h0 - 0x155ed806) | 0, 11) + a | 0; c = turn((c + (d ^ a ^ b) + h3 - 0x2b10cf7b) | 0, 16) + d | 0; b = turn((b + (c ^ d ^ a) + 0x04881d05) | 0, 23) + c | 0;
    a = turn((a + (b ^ c ^ d) - 0x262b2fc7) | 0, 4) + b | 0; d = turn((d + (a ^ b ^ c) - 0x1924661b) | 0, 11) + a | 0; c = turn((c + (d ^ a ^ b) + 0x1fa27cf8) | 0, 16) + d | 0; b = turn((b + (c ^ d ^ a) + h2 - 0x3b53a99b) | 0, 23) + c | 0;
    a = turn((a + (c ^ (b | ~d)) + h0 - 0x0bd6ddbc) | 0, 6) + b | 0; d = turn((d + (b ^ (a | ~c)) + 0x432aff97) | 0, 10) + a | 0; c = turn((c + (a ^ (d | ~b)) - 0x546bdbd9) | 0, 15) + d | 0; b = turn((b + (d ^ (c | ~a)) - 0x036c5fc7) | 0, 21) + c | 0;
    a = turn((a + (c ^ (b | ~d)) + 0x655b59c3) | 0, 6) + b | 0; d = turn((d + (b ^ (a | ~c)) + h3 - 0x70f3336e) | 0, 10) + a | 0; c = turn((c + (a ^ (d | ~b)) - 0x00100b83) | 0, 15) + d | 0; b = turn((b + (d ^ (c | ~a)) + h1 - 0x7a7ba22f) | 0, 21) + c | 0;
    a = turn((a + (c ^ (b | ~d)) + 0x6fa87e4f) | 0, 6) + b | 0; d = turn((d + (b ^ (a | ~c)) - 0x01d31920) | 0, 10) + a | 0; c = turn((c + (a ^ (d | ~b)) - 0x5cfebcec) | 0, 15) + d | 0; b = turn((b + (d ^ (c | ~a)) + 0x4e0811a1) | 0, 21) + c | 0;
    a = turn((a + (c ^ (b | ~d)) - 0x08ac80fe) | 0, 6) + b | 0; d = turn((d + (b ^ (a | ~c)) - 0x42c50dcb) | 0, 10) + a | 0; c = turn((c + (a ^ (d | ~b)) + h2 + 0x2ad7d2bb) | 0, 15) + d | 0; b = turn((b + (d ^ (c | ~a)) - 0x14792c6f) | 0, 21) + c | 0;
    h0 = (a + 0x67452301) | 0;
    h1 = (b + 0xefcdab89) | 0;
    h2 = (c + 0x98badcfe) | 0;
    h3 = (d + 0x10325476) | 0;
  }
  state.set([h0, h1, h2, h3]);
}
