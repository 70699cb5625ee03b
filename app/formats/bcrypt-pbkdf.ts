import { createHash } from 'node:crypto';
import { setImmediate as nextTurn } from 'node:timers/promises';

/**
 * bcrypt_pbkdf, which protects OpenSSH's private keys: PBKDF2 with bcrypt over SHA-512 in place of HMAC, and the output
 * spread over all blocks (OpenBSD's bcrypt_pbkdf(3); it has no RFC).
 */

const HASH_BYTES = 32;
const MAGIC = Buffer.from('OxychromaticBlowfishSwatDynamite');
const SUBKEYS = 18;
const WORDS = SUBKEYS + 4 * 256;

/** @param rounds at least 1. @returns `length` bytes, at most 1024. Yields to other work between rounds. @throws AbortError */
export async function bcryptPbkdf(passphrase: Uint8Array, salt: Uint8Array, rounds: number, length: number, signal: AbortSignal): Promise<Buffer> {
  const hashedPassphrase = sha512(passphrase);
  const blocks = Math.ceil(length / HASH_BYTES);
  const output = Buffer.alloc(length);
  for (let block = 1; block <= blocks; block++) {
    const counter = Buffer.alloc(4);
    counter.writeUInt32BE(block);
    let last = bcryptHash(hashedPassphrase, sha512(salt, counter));
    const sum = Buffer.from(last);
    for (let round = 1; round < rounds; round++) {
      last = bcryptHash(hashedPassphrase, sha512(last));
      last.forEach((byte, index) => { sum[index] = (sum[index] as number) ^ byte; });
      await nextTurn(undefined, { signal });
    }
    // Byte i of this block goes to place i * blocks + block - 1, so that who guesses must compute all blocks.
    for (let index = 0; index < HASH_BYTES; index++) {
      const place = index * blocks + block - 1;
      if (place < length) output[place] = sum[index] as number;
    }
  }
  hashedPassphrase.fill(0);
  return output;
}

function sha512(...parts: readonly Uint8Array[]): Buffer {
  const hash = createHash('sha512');
  for (const part of parts) hash.update(part);
  return hash.digest();
}

function bcryptHash(passphrase: Buffer, salt: Buffer): Buffer {
  const state = Uint32Array.from(initialState());
  const passphraseWords = cyclicWords(passphrase);
  const saltWords = cyclicWords(salt);
  expand(state, passphraseWords, saltWords);
  const none = new Uint32Array(1);
  for (let round = 0; round < 64; round++) {
    expand(state, saltWords, none);
    expand(state, passphraseWords, none);
  }
  const text = Uint32Array.from({ length: HASH_BYTES / 4 }, (_, index) => MAGIC.readUInt32BE(index * 4));
  for (let round = 0; round < 64; round++) {
    for (let at = 0; at < text.length; at += 2) encipher(state, text, at);
  }
  const output = Buffer.alloc(HASH_BYTES);
  text.forEach((word, index) => output.writeUInt32LE(word, index * 4));
  state.fill(0);
  return output;
}

function cyclicWords(bytes: Buffer): Uint32Array {
  return Uint32Array.from({ length: bytes.length / 4 }, (_, index) => bytes.readUInt32BE(index * 4));
}

/** Blowfish's key schedule with a salt (Provos and Mazières 1999, §3). `state`: 18 subkeys, then four S-boxes of 256 words. */
function expand(state: Uint32Array, key: Uint32Array, salt: Uint32Array): void {
  for (let index = 0; index < SUBKEYS; index++) state[index] = (state[index] as number) ^ (key[index % key.length] as number);
  const block = new Uint32Array(2);
  let place = 0;
  for (let index = 0; index < WORDS; index += 2) {
    block[0] = (block[0] as number) ^ (salt[place % salt.length] as number);
    block[1] = (block[1] as number) ^ (salt[(place + 1) % salt.length] as number);
    place += 2;
    encipher(state, block, 0);
    state[index] = block[0] as number;
    state[index + 1] = block[1] as number;
  }
}

/** One Blowfish encryption of the two words at `at`, in place. */
function encipher(state: Uint32Array, words: Uint32Array, at: number): void {
  let left = (words[at] as number) ^ (state[0] as number);
  let right = words[at + 1] as number;
  for (let round = 1; round <= 16; round += 2) {
    right ^= scramble(state, left) ^ (state[round] as number);
    left ^= scramble(state, right) ^ (state[round + 1] as number);
  }
  words[at] = right ^ (state[17] as number);
  words[at + 1] = left;
}

function scramble(state: Uint32Array, word: number): number {
  const sum = ((state[18 + (word >>> 24)] as number) + (state[274 + ((word >>> 16) & 255)] as number)) | 0;
  return ((sum ^ (state[530 + ((word >>> 8) & 255)] as number)) + (state[786 + (word & 255)] as number)) | 0;
}

let piWords: Uint32Array | undefined;

/** Blowfish begins with the hexadecimal digits of pi after the point (Schneier 1993), which are cheaper computed than copied. */
function initialState(): Uint32Array {
  if (piWords !== undefined) return piWords;
  const bits = BigInt(32 * WORDS);
  const guard = 64n;
  const one = 1n << (bits + guard);
  const inverseTangent = (divisor: bigint): bigint => {
    let term = one / divisor;
    let sum = term;
    for (let odd = 3n, sign = -1n; term > 0n; odd += 2n, sign = -sign) {
      term /= divisor * divisor;
      sum += (sign * term) / odd;
    }
    return sum;
  };
  const pi = 4n * (4n * inverseTangent(5n) - inverseTangent(239n)); // Machin 1706
  const fraction = ((pi - 3n * one) >> guard).toString(16).padStart(8 * WORDS, '0');
  piWords = Uint32Array.from({ length: WORDS }, (_, index) => Number.parseInt(fraction.slice(8 * index, 8 * index + 8), 16));
  return piWords;
}
