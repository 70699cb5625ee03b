import { createCipheriv, randomBytes } from 'node:crypto';
import { expect, test } from 'vitest';
import { SYMMETRIC } from './algorithms.ts';
import { cfbDecipher } from './cfb.ts';

test.each(Object.values(SYMMETRIC).map((cipher) => [cipher.name, cipher] as const))('%s decrypts what OpenSSL encrypted, in pieces of any size', (_, { name, keyBytes, blockBytes }) => {
  const [key, plain] = [randomBytes(keyBytes), randomBytes(5000)];
  const sealed = createCipheriv(`${name}-cfb`, key, Buffer.alloc(blockBytes)).update(plain);
  for (const sizes of [[5000], [1], [15], [16, 16, 1, 31], [7, 0, 40, 9, 1000]]) {
    const decipher = cfbDecipher(name, key, blockBytes);
    const opened: Buffer[] = [];
    for (let from = 0, turn = 0; from < sealed.length; turn += 1) {
      const size = sizes[turn % sizes.length]!;
      // At any place in memory, as pieces of a file are.
      opened.push(Buffer.from(decipher.update(sealed.subarray(from, from + size))));
      from += size;
    }
    expect(Buffer.concat(opened).equals(plain)).toBe(true);
  }
});
