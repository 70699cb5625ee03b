import { constants, generateKeyPairSync, privateDecrypt, publicEncrypt, randomBytes } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { unpadOaep, unpadPkcs1 } from './rsa-unpadding.ts';

const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
/** What a token does: the bare operation. */
const bare = (ciphertext: Uint8Array): Buffer => privateDecrypt({ key: privateKey, padding: constants.RSA_NO_PADDING }, ciphertext);
const rawEncrypt = (block: Uint8Array): Buffer => publicEncrypt({ key: publicKey, padding: constants.RSA_NO_PADDING }, block);

describe('OAEP', () => {
  test.each(['sha1', 'sha256', 'sha384', 'sha512'] as const)('opens what node encrypted with %s, from nothing to the most that fits', (hash) => {
    const size = { sha1: 20, sha256: 32, sha384: 48, sha512: 64 }[hash];
    for (const length of [0, 1, 17, 256 - 2 * size - 2]) {
      const message = randomBytes(length);
      const ciphertext = publicEncrypt({ key: publicKey, padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash: hash }, message);
      expect(Buffer.from(unpadOaep(hash, bare(ciphertext))!).equals(message)).toBe(true);
    }
  });

  test('opens with its label alone', () => {
    const label = Buffer.from('age-encryption.org/v1/ssh-rsa');
    const ciphertext = publicEncrypt({ key: publicKey, padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash: 'sha256', oaepLabel: label }, Buffer.from('message'));
    expect(Buffer.from(unpadOaep('sha256', bare(ciphertext), label)!).toString()).toBe('message');
    expect(unpadOaep('sha256', bare(ciphertext))).toBeUndefined();
  });

  test('opens nothing else: another hash, a changed block, a first byte, no separator', () => {
    const ciphertext = publicEncrypt({ key: publicKey, padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash: 'sha256' }, Buffer.from('message'));
    expect(unpadOaep('sha384', bare(ciphertext))).toBeUndefined();
    for (let index = 0; index < 256; index += 5) {
      const block = bare(ciphertext);
      block[index] = (block[index] as number) ^ 1;
      expect(unpadOaep('sha256', block)).toBeUndefined();
    }
    for (let round = 0; round < 500; round++) expect(unpadOaep('sha256', randomBytes(256))).toBeUndefined();
    expect(unpadOaep('sha512', Buffer.alloc(128))).toBeUndefined();
  });
});

describe('PKCS#1 v1.5', () => {
  const seed = randomBytes(32);

  test('opens what node encrypted, from nothing to the most that fits', () => {
    for (const length of [0, 1, 245]) {
      const message = randomBytes(length);
      const ciphertext = publicEncrypt({ key: publicKey, padding: constants.RSA_PKCS1_PADDING }, message);
      expect(Buffer.from(unpadPkcs1(bare(ciphertext), ciphertext, seed)).equals(message)).toBe(true);
    }
  });

  test('gives the same bytes each time for a wrong padding, and other ones for another ciphertext', () => {
    const block = (changes: Record<number, number>): Buffer => {
      const made = Buffer.concat([Buffer.of(0, 2), Buffer.alloc(8, 7), Buffer.of(0), Buffer.alloc(245, 9)]);
      for (const [at, byte] of Object.entries(changes)) made[Number(at)] = byte;
      return made;
    };
    expect(unpadPkcs1(block({}), rawEncrypt(block({})), seed)).toHaveLength(245);
    const answers = [{ 0: 1 }, { 1: 1 }, { 9: 0 }, { 10: 1 }].map((change) => {
      const wrong = block(change);
      const ciphertext = rawEncrypt(wrong[0] === 0 ? wrong : block({ 200: 1 }));
      const answer = Buffer.from(unpadPkcs1(Uint8Array.from(wrong), ciphertext, seed));
      expect(answer.equals(unpadPkcs1(Uint8Array.from(wrong), ciphertext, seed))).toBe(true);
      expect(answer.includes(Buffer.alloc(16, 9))).toBe(false);
      return answer.toString('hex');
    });
    expect(new Set(answers).size).toBe(answers.length);
  });
});
