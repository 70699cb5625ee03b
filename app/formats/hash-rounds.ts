import { hash as hashOf } from 'node:crypto';
import { setImmediate as nextTurn } from 'node:timers/promises';

/**
 * A hash of a hash of a hash, as the old key derivations ask for: hundreds of thousands of times in files of today's Firefox.
 * A call of OpenSSL for 20 bytes costs several times the hash itself, so that SHA-1 and SHA-256 (FIPS 180-4 §6.1 and §6.2)
 * of one digest, always one block with the same padding, are computed here.
 */

const ROUNDS_A_TURN = 5_000;

/**
 * @param first of any length
 * @param rounds how often it is hashed, 1 at least
 * @returns the last digest. @throws the signal's reason
 */
export async function hashRounds(hash: string, first: Uint8Array, rounds: number, signal?: AbortSignal): Promise<Buffer> {
  let digest: Buffer = hashOf(hash, first, 'buffer');
  const several = hash === 'sha1' ? sha1Rounds : hash === 'sha256' ? sha256Rounds : (bytes: Buffer, times: number) => nativeRounds(hash, bytes, times);
  for (let left = rounds - 1; left > 0; left -= ROUNDS_A_TURN) {
    digest = several(digest, Math.min(left, ROUNDS_A_TURN));
    if (left > ROUNDS_A_TURN) await nextTurn(undefined, signal === undefined ? {} : { signal });
  }
  return digest;
}

function nativeRounds(hash: string, first: Buffer, times: number): Buffer {
  let digest: Buffer = first;
  for (let round = 0; round < times; round++) digest = hashOf(hash, digest, 'buffer');
  return digest;
}

/** @returns words of 32 bits, big-endian, as the schedule's first, with the padding of §5.1.1 behind them. */
function padded(digest: Buffer, words: number): Int32Array {
  const schedule = new Int32Array(words);
  const given = digest.length / 4;
  for (let at = 0; at < given; at++) schedule[at] = digest.readInt32BE(4 * at);
  schedule[given] = 0x80000000;
  schedule[15] = 8 * digest.length;
  return schedule;
}

function unpadded(schedule: Int32Array, words: number): Buffer {
  const digest = Buffer.alloc(4 * words);
  for (let at = 0; at < words; at++) digest.writeInt32BE(schedule[at] as number, 4 * at);
  schedule.fill(0);
  return digest;
}

function sha1Rounds(digest: Buffer, times: number): Buffer {
  const w = padded(digest, 80);
  for (let round = 0; round < times; round++) {
    for (let at = 16; at < 80; at++) {
      const mixed = w[at - 3]! ^ w[at - 8]! ^ w[at - 14]! ^ w[at - 16]!;
      w[at] = (mixed << 1) | (mixed >>> 31);
    }
    let [a, b, c, d, e] = [0x67452301, 0xefcdab89 | 0, 0x98badcfe | 0, 0x10325476, 0xc3d2e1f0 | 0];
    for (let at = 0; at < 20; at++) {
      const next = (((a << 5) | (a >>> 27)) + ((b & c) | (~b & d)) + e + 0x5a827999 + w[at]!) | 0;
      e = d; d = c; c = (b << 30) | (b >>> 2); b = a; a = next;
    }
    for (let at = 20; at < 40; at++) {
      const next = (((a << 5) | (a >>> 27)) + (b ^ c ^ d) + e + 0x6ed9eba1 + w[at]!) | 0;
      e = d; d = c; c = (b << 30) | (b >>> 2); b = a; a = next;
    }
    for (let at = 40; at < 60; at++) {
      const next = (((a << 5) | (a >>> 27)) + ((b & c) | (b & d) | (c & d)) + e + (0x8f1bbcdc | 0) + w[at]!) | 0;
      e = d; d = c; c = (b << 30) | (b >>> 2); b = a; a = next;
    }
    for (let at = 60; at < 80; at++) {
      const next = (((a << 5) | (a >>> 27)) + (b ^ c ^ d) + e + (0xca62c1d6 | 0) + w[at]!) | 0;
      e = d; d = c; c = (b << 30) | (b >>> 2); b = a; a = next;
    }
    w[0] = a + 0x67452301; w[1] = b + 0xefcdab89; w[2] = c + 0x98badcfe; w[3] = d + 0x10325476; w[4] = e + 0xc3d2e1f0;
  }
  return unpadded(w, 5);
}

/** The first 32 bits of the fractional parts of the cube roots of the first 64 primes (§4.2.2), and of the square roots of the first eight (§5.3.3); computed when first needed. */
let constants: { readonly K: Int32Array; readonly H: Int32Array } | undefined;

function makeConstants(): NonNullable<typeof constants> {
  const first = primes(64);
  return { K: Int32Array.from(first, (prime) => fraction(prime, 3n)), H: Int32Array.from(first.slice(0, 8), (prime) => fraction(prime, 2n)) };
}

function primes(many: number): number[] {
  const found: number[] = [];
  for (let candidate = 2; found.length < many; candidate++) if (found.every((prime) => candidate % prime !== 0)) found.push(candidate);
  return found;
}

/** @returns 32 bits behind the point of the root, exactly: the whole root of number · 2^(32·degree), by halving. */
function fraction(number: number, degree: bigint): number {
  const whole = BigInt(number) << (32n * degree);
  let [low, high] = [0n, 1n << 40n];
  while (high - low > 1n) {
    const middle = (low + high) >> 1n;
    if (middle ** degree <= whole) low = middle;
    else high = middle;
  }
  return Number(BigInt.asIntN(32, low));
}

function sha256Rounds(digest: Buffer, times: number): Buffer {
  const { K, H } = (constants ??= makeConstants());
  const w = padded(digest, 64);
  for (let round = 0; round < times; round++) {
    for (let at = 16; at < 64; at++) {
      const [early, late] = [w[at - 15]!, w[at - 2]!];
      const first = ((early >>> 7) | (early << 25)) ^ ((early >>> 18) | (early << 14)) ^ (early >>> 3);
      const second = ((late >>> 17) | (late << 15)) ^ ((late >>> 19) | (late << 13)) ^ (late >>> 10);
      w[at] = w[at - 16]! + first + w[at - 7]! + second;
    }
    let [a, b, c, d, e, f, g, h] = [H[0]!, H[1]!, H[2]!, H[3]!, H[4]!, H[5]!, H[6]!, H[7]!];
    for (let at = 0; at < 64; at++) {
      const one = (h + (((e >>> 6) | (e << 26)) ^ ((e >>> 11) | (e << 21)) ^ ((e >>> 25) | (e << 7))) + ((e & f) ^ (~e & g)) + K[at]! + w[at]!) | 0;
      const two = ((((a >>> 2) | (a << 30)) ^ ((a >>> 13) | (a << 19)) ^ ((a >>> 22) | (a << 10))) + ((a & b) ^ (a & c) ^ (b & c))) | 0;
      h = g; g = f; f = e; e = (d + one) | 0; d = c; c = b; b = a; a = (one + two) | 0;
    }
    w[0] = a + H[0]!; w[1] = b + H[1]!; w[2] = c + H[2]!; w[3] = d + H[3]!; w[4] = e + H[4]!; w[5] = f + H[5]!; w[6] = g + H[6]!; w[7] = h + H[7]!;
  }
  return unpadded(w, 8);
}
