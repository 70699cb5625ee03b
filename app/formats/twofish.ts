/**
 * Twofish with a key of 256 bits (Schneier, Kelsey, Whiting, Wagner, Hall, Ferguson: "Twofish: A 128-Bit Block Cipher", 1998), to
 * open old files alone: OpenSSL does not have it. Tables are filled for the key, which makes it fast and, as all ciphers of
 * tables are, not constant in time: nothing of it answers anybody who could measure that.
 */

export const TWOFISH_BLOCK = 16;
const ROUNDS = 16;

/** §4.3.5: q0 and q1, each made of four permutations of four bits. */
const [Q0, Q1] = ['817d6f320b59eca4ecb81235f4a6709dba5e6d90c8f32471d7f4126e9b3085ca', '28bdf76e31940ac51e2b4c376da5f9084c75169a0ed82b3fb951c3de647f208a'].map((digits) => {
  const tables = Array.from({ length: 4 }, (_, table) => Array.from(digits.slice(16 * table, 16 * table + 16), (digit) => Number.parseInt(digit, 16)));
  const mix = (a: number, b: number): [number, number] => [a ^ b, a ^ ((b >> 1) | ((b & 1) << 3)) ^ ((8 * a) & 15)];
  return Uint8Array.from({ length: 256 }, (_, x) => {
    const [a1, b1] = mix(x >> 4, x & 15);
    const [a3, b3] = mix(tables[0]![a1]!, tables[1]![b1]!);
    return 16 * tables[3]![b3]! + tables[2]![a3]!;
  });
}) as [Uint8Array, Uint8Array];
/** §4.3.2: which of the two each byte passes on the way to the key's words 3, 2, 1, 0, and at last. */
const WAYS = [[Q1, Q1, Q0, Q0, Q1], [Q0, Q1, Q1, Q0, Q0], [Q0, Q0, Q0, Q1, Q1], [Q1, Q0, Q1, Q1, Q0]] as const;

/** §4.2 and §4.3.3: matrices over GF(2^8), of which each has its own polynomial. */
const MDS = [[0x01, 0xef, 0x5b, 0x5b], [0x5b, 0xef, 0xef, 0x01], [0xef, 0x5b, 0x01, 0xef], [0xef, 0x01, 0xef, 0x5b]] as const;
const RS = ['01a455875a58db9e', 'a45682f31ec668e5', '02a1fcc147ae3d19', 'a455875a58db9e03'].map((row) => Buffer.from(row, 'hex'));
const [MDS_POLYNOMIAL, RS_POLYNOMIAL] = [0x169, 0x14d];

function times(a: number, b: number, polynomial: number): number {
  let [product, power] = [0, a];
  for (let left = b; left > 0; left >>= 1) {
    if ((left & 1) !== 0) product ^= power;
    power <<= 1;
    if (power > 255) power ^= polynomial;
  }
  return product;
}

const rotate = (word: number, by: number): number => (word << by) | (word >>> (32 - by));

/** For one of the four bytes that go into h: what its 256 values add to the outcome. @param list the key's words, 0 first */
function column(byte: number, list: readonly Buffer[]): Int32Array {
  const way = WAYS[byte]!;
  return Int32Array.from({ length: 256 }, (_, value) => {
    let y = value;
    for (let word = 3; word >= 0; word--) y = way[3 - word]![y]! ^ list[word]![byte]!;
    y = way[4][y]!;
    return MDS.reduce((sum, row, at) => sum | (times(y, row[byte]!, MDS_POLYNOMIAL) << (8 * at)), 0);
  });
}

/** §4.3.5 */
function functionOf(list: readonly Buffer[]): (word: number) => number {
  const [a, b, c, d] = [0, 1, 2, 3].map((byte) => column(byte, list)) as [Int32Array, Int32Array, Int32Array, Int32Array];
  return (word) => a[word & 255]! ^ b[(word >>> 8) & 255]! ^ c[(word >>> 16) & 255]! ^ d[word >>> 24]!;
}

/** @param key 32 bytes. @returns what decrypts one block of 16 bytes in place */
function decryptor(key: Uint8Array): (block: Buffer) => void {
  const words = Array.from({ length: 8 }, (_, at) => Buffer.from(key.subarray(4 * at, 4 * at + 4)));
  const even = functionOf(words.filter((_, at) => at % 2 === 0));
  const odd = functionOf(words.filter((_, at) => at % 2 === 1));
  const g = functionOf(Array.from({ length: 4 }, (_, at) => Buffer.from(RS.map((row) => row.reduce((sum, factor, index) => sum ^ times(key[8 * (3 - at) + index]!, factor, RS_POLYNOMIAL), 0)))));
  const subkeys = new Int32Array(40);
  for (let at = 0; at < 20; at++) {
    const a = even(Math.imul(2 * at, 0x01010101));
    const b = rotate(odd(Math.imul(2 * at + 1, 0x01010101)), 8);
    subkeys[2 * at] = a + b;
    subkeys[2 * at + 1] = rotate((a + 2 * b) | 0, 9);
  }
  return (block) => {
    let [a, b, c, d] = [0, 1, 2, 3].map((at) => block.readInt32LE(4 * at) ^ subkeys[4 + at]!) as [number, number, number, number];
    for (let round = ROUNDS - 1; round >= 0; round--) {
      const [t0, t1] = [g(a), g(rotate(b, 8))];
      const first = rotate(c, 1) ^ (t0 + t1 + subkeys[8 + 2 * round]!);
      const second = rotate(d ^ (t0 + 2 * t1 + subkeys[9 + 2 * round]!), 31);
      [a, b, c, d] = [first, second, a, b];
    }
    [c, d, a, b].forEach((word, at) => block.writeInt32LE(word ^ subkeys[at]!, 4 * at));
  };
}

/**
 * @param key 32 bytes. @param iv 16 bytes. @param encrypted whole blocks
 * @returns the plaintext with its padding; the caller takes that off and wipes it
 */
export function twofishCbcDecrypt(key: Uint8Array, iv: Uint8Array, encrypted: Uint8Array): Buffer {
  const decrypt = decryptor(key);
  const plain = Buffer.from(encrypted);
  let before: Uint8Array = iv;
  for (let at = 0; at < plain.length; at += TWOFISH_BLOCK) {
    const block = plain.subarray(at, at + TWOFISH_BLOCK);
    decrypt(block);
    for (let index = 0; index < TWOFISH_BLOCK; index++) block[index]! ^= before[index]!;
    before = encrypted.subarray(at, at + TWOFISH_BLOCK);
  }
  return plain;
}
