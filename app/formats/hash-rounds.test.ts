import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import { hashRounds } from './hash-rounds.ts';

/** OpenSSL, called once for each round. */
function judged(hash: string, first: Uint8Array, rounds: number): string {
  let digest = Buffer.from(first);
  for (let round = 0; round < rounds; round++) digest = createHash(hash).update(digest).digest();
  return digest.toString('hex');
}

test.each(['sha1', 'sha256', 'md5', 'sha384', 'sha512', 'sha512-256'])('%s of a hash of a hash is what OpenSSL makes of it, however often', async (hash) => {
  for (const [length, rounds] of [[0, 1], [0, 2], [64, 3], [200, 50], [20, 4999], [20, 5000], [32, 5001], [32, 5002], [128, 12_345]] as const) {
    const first = Buffer.alloc(length, length + rounds);
    expect((await hashRounds(hash, first, rounds)).toString('hex'), `${length} bytes, ${rounds} rounds`).toBe(judged(hash, first, rounds));
  }
});

test('whoever asks for too many can leave', async () => {
  await expect(hashRounds('sha1', Buffer.alloc(20), 1_000_000_000, AbortSignal.abort())).rejects.toThrow('aborted');
});
