import { describe, expect, it } from 'vitest';
import { twofishCbcDecrypt } from './twofish.ts';

const bytes = (hex: string): Buffer => Buffer.from(hex, 'hex');

describe('Twofish', () => {
  it('decrypts the vector for 256 bits that its authors publish (paper, appendix B.2)', () => {
    const plain = twofishCbcDecrypt(bytes('0123456789abcdeffedcba987654321000112233445566778899aabbccddeeff'), Buffer.alloc(16), bytes('37527be0052334b89f0cfccae87cfa20'));
    expect(plain.toString('hex')).toBe('00'.repeat(16));
  });

  it('decrypts the first of the authors’ chained vectors (ecb_tbl.txt, 256 bits)', () => {
    // Each key begins with the ciphertext before: key, plaintext, ciphertext.
    for (const [key, plain, encrypted] of [
      ['00'.repeat(32), '00'.repeat(16), '57ff739d4dc92c1bd7fc01700cc8216f'],
      ['00'.repeat(32), '57ff739d4dc92c1bd7fc01700cc8216f', 'd43bb7556ea32e46f2a282b7d45b4e0d'],
      ['57ff739d4dc92c1bd7fc01700cc8216f00000000000000000000000000000000', 'd43bb7556ea32e46f2a282b7d45b4e0d', '90afe91bb288544f2c32dc239b2635e6'],
    ] as const) expect(twofishCbcDecrypt(bytes(key), Buffer.alloc(16), bytes(encrypted)).toString('hex')).toBe(plain);
  });

  it('chains blocks', () => {
    const [key, block] = ['00'.repeat(32), '57ff739d4dc92c1bd7fc01700cc8216f'];
    const plain = twofishCbcDecrypt(bytes(key), bytes('0102030405060708090a0b0c0d0e0f10'), bytes(block + block));
    expect(plain.toString('hex')).toBe(`0102030405060708090a0b0c0d0e0f10${block}`);
  });
});
