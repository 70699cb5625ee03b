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

interface PasswordKey extends Disposable {
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
 * that its words but four are constants, which are in the sums below; neither buffers nor objects are made. What depends on the step before is added last,
 * so that the processor can have the rest ready. node:crypto would take ten times as long.
 */
function hashOfHash(state: Int32Array, count: number): void {
  let [h0, h1, h2, h3] = state as unknown as [number, number, number, number];
  for (let round = 0; round < count; round += 1) {
    let a = 0x67452301 | 0;
    let b = 0xefcdab89 | 0;
    let c = 0x98badcfe | 0;
    let d = 0x10325476 | 0;
    a = turn((a + h0 - 0x28955b88 + ((b & c) | (~b & d))) | 0, 7) + b | 0; d = turn((d + h1 - 0x173848aa + ((a & b) | (~a & c))) | 0, 12) + a | 0; c = turn((c + h2 + 0x242070db + ((d & a) | (~d & b))) | 0, 17) + d | 0; b = turn((b + h3 - 0x3e423112 + ((c & d) | (~c & a))) | 0, 22) + c | 0;
    a = turn((a - 0x0a83efd1 + ((b & c) | (~b & d))) | 0, 7) + b | 0; d = turn((d + 0x4787c62a + ((a & b) | (~a & c))) | 0, 12) + a | 0; c = turn((c - 0x57cfb9ed + ((d & a) | (~d & b))) | 0, 17) + d | 0; b = turn((b - 0x02b96aff + ((c & d) | (~c & a))) | 0, 22) + c | 0;
    a = turn((a + 0x698098d8 + ((b & c) | (~b & d))) | 0, 7) + b | 0; d = turn((d - 0x74bb0851 + ((a & b) | (~a & c))) | 0, 12) + a | 0; c = turn((c - 0x0000a44f + ((d & a) | (~d & b))) | 0, 17) + d | 0; b = turn((b - 0x76a32842 + ((c & d) | (~c & a))) | 0, 22) + c | 0;
    a = turn((a + 0x6b901122 + ((b & c) | (~b & d))) | 0, 7) + b | 0; d = turn((d - 0x02678e6d + ((a & b) | (~a & c))) | 0, 12) + a | 0; c = turn((c - 0x5986bbf2 + ((d & a) | (~d & b))) | 0, 17) + d | 0; b = turn((b + 0x49b40821 + ((c & d) | (~c & a))) | 0, 22) + c | 0;
    a = turn((a + h1 - 0x09e1da9e + ((d & b) | (~d & c))) | 0, 5) + b | 0; d = turn((d - 0x3fbf4cc0 + ((c & a) | (~c & b))) | 0, 9) + a | 0; c = turn((c + 0x265e5a51 + ((b & d) | (~b & a))) | 0, 14) + d | 0; b = turn((b + h0 - 0x16493856 + ((a & c) | (~a & d))) | 0, 20) + c | 0;
    a = turn((a - 0x29d0efa3 + ((d & b) | (~d & c))) | 0, 5) + b | 0; d = turn((d + 0x02441453 + ((c & a) | (~c & b))) | 0, 9) + a | 0; c = turn((c - 0x275e197f + ((b & d) | (~b & a))) | 0, 14) + d | 0; b = turn((b - 0x182c03b8 + ((a & c) | (~a & d))) | 0, 20) + c | 0;
    a = turn((a + 0x21e1cde6 + ((d & b) | (~d & c))) | 0, 5) + b | 0; d = turn((d - 0x3cc8f7aa + ((c & a) | (~c & b))) | 0, 9) + a | 0; c = turn((c + h3 - 0x0b2af279 + ((b & d) | (~b & a))) | 0, 14) + d | 0; b = turn((b + 0x455a14ed + ((a & c) | (~a & d))) | 0, 20) + c | 0;
    a = turn((a - 0x561c16fb + ((d & b) | (~d & c))) | 0, 5) + b | 0; d = turn((d + h2 - 0x03105c08 + ((c & a) | (~c & b))) | 0, 9) + a | 0; c = turn((c + 0x676f02d9 + ((b & d) | (~b & a))) | 0, 14) + d | 0; b = turn((b - 0x72d5b376 + ((a & c) | (~a & d))) | 0, 20) + c | 0;
    a = turn((a - 0x0005c6be + (b ^ c ^ d)) | 0, 4) + b | 0; d = turn((d - 0x788e097f + (a ^ b ^ c)) | 0, 11) + a | 0; c = turn((c + 0x6d9d6122 + (d ^ a ^ b)) | 0, 16) + d | 0; b = turn((b - 0x021ac774 + (c ^ d ^ a)) | 0, 23) + c | 0;
    a = turn((a + h1 - 0x5b4115bc + (b ^ c ^ d)) | 0, 4) + b | 0; d = turn((d + 0x4bded029 + (a ^ b ^ c)) | 0, 11) + a | 0; c = turn((c - 0x0944b4a0 + (d ^ a ^ b)) | 0, 16) + d | 0; b = turn((b - 0x41404390 + (c ^ d ^ a)) | 0, 23) + c | 0;
    a = turn((a + 0x289b7ec6 + (b ^ c ^ d)) | 0, 4) + b | 0; d = turn((d + h0 - 0x155ed806 + (a ^ b ^ c)) | 0, 11) + a | 0; c = turn((c + h3 - 0x2b10cf7b + (d ^ a ^ b)) | 0, 16) + d | 0; b = turn((b + 0x04881d05 + (c ^ d ^ a)) | 0, 23) + c | 0;
    a = turn((a - 0x262b2fc7 + (b ^ c ^ d)) | 0, 4) + b | 0; d = turn((d - 0x1924661b + (a ^ b ^ c)) | 0, 11) + a | 0; c = turn((c + 0x1fa27cf8 + (d ^ a ^ b)) | 0, 16) + d | 0; b = turn((b + h2 - 0x3b53a99b + (c ^ d ^ a)) | 0, 23) + c | 0;
    a = turn((a + h0 - 0x0bd6ddbc + (c ^ (b | ~d))) | 0, 6) + b | 0; d = turn((d + 0x432aff97 + (b ^ (a | ~c))) | 0, 10) + a | 0; c = turn((c - 0x546bdbd9 + (a ^ (d | ~b))) | 0, 15) + d | 0; b = turn((b - 0x036c5fc7 + (d ^ (c | ~a))) | 0, 21) + c | 0;
    a = turn((a + 0x655b59c3 + (c ^ (b | ~d))) | 0, 6) + b | 0; d = turn((d + h3 - 0x70f3336e + (b ^ (a | ~c))) | 0, 10) + a | 0; c = turn((c - 0x00100b83 + (a ^ (d | ~b))) | 0, 15) + d | 0; b = turn((b + h1 - 0x7a7ba22f + (d ^ (c | ~a))) | 0, 21) + c | 0;
    a = turn((a + 0x6fa87e4f + (c ^ (b | ~d))) | 0, 6) + b | 0; d = turn((d - 0x01d31920 + (b ^ (a | ~c))) | 0, 10) + a | 0; c = turn((c - 0x5cfebcec + (a ^ (d | ~b))) | 0, 15) + d | 0; b = turn((b + 0x4e0811a1 + (d ^ (c | ~a))) | 0, 21) + c | 0;
    a = turn((a - 0x08ac80fe + (c ^ (b | ~d))) | 0, 6) + b | 0; d = turn((d - 0x42c50dcb + (b ^ (a | ~c))) | 0, 10) + a | 0; c = turn((c + h2 + 0x2ad7d2bb + (a ^ (d | ~b))) | 0, 15) + d | 0; b = turn((b - 0x14792c6f + (d ^ (c | ~a))) | 0, 21) + c | 0;
    h0 = (a + 0x67452301) | 0;
    h1 = (b + 0xefcdab89) | 0;
    h2 = (c + 0x98badcfe) | 0;
    h3 = (d + 0x10325476) | 0;
  }
  state.set([h0, h1, h2, h3]);
}
