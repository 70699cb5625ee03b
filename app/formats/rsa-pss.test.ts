import { constants, generateKeyPairSync, sign, verify } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { HASH_SIZES, type HashName } from '../contract/index.ts';
import { restrictedToPss } from './rsa-pss.ts';

describe('an RSA key restricted to PSS', () => {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const message = Buffer.from('a message');

  test.each(Object.keys(HASH_SIZES) as HashName[])('signs with %s as the key itself does, with a salt as long as the hash', (hash) => {
    const signature = sign(hash, message, restrictedToPss(privateKey, hash));
    const fits = (padding: number, saltLength: number): boolean => verify(hash, message, { key: publicKey, padding, saltLength }, signature);
    expect(fits(constants.RSA_PKCS1_PSS_PADDING, HASH_SIZES[hash])).toBe(true);
    expect(fits(constants.RSA_PKCS1_PSS_PADDING, HASH_SIZES[hash] - 1)).toBe(false);
  });

  test('signs with no other hash', () => {
    expect(() => sign('sha512', message, restrictedToPss(privateKey, 'sha256'))).toThrow();
  });
});
