import { describe, expect, test } from 'vitest';
import { KeywrightError } from '../contract/index.ts';
import { envelopeHeader, open, seal } from './envelope.ts';

const keyId = '00112233445566778899aabbccddeeff';
const facts = { algorithm: 'aes-gcm', keyId, version: 3 } as const;
const parts = { nonce: new Uint8Array(12).fill(1), tag: new Uint8Array(16).fill(2), ciphertext: Buffer.from('ciphertext') };

describe('the envelope of a ciphertext', () => {
  test('names key, version and algorithm, and gives the parts back', () => {
    const opened = open(seal(facts, parts));
    expect(opened).toMatchObject(facts);
    expect(Buffer.from(opened!.parts.ciphertext).toString()).toBe('ciphertext');
    expect([...opened!.parts.nonce!]).toEqual([...parts.nonce]);
    expect([...opened!.parts.tag!]).toEqual([...parts.tag]);
    expect(Buffer.from(opened!.header).equals(envelopeHeader(facts))).toBe(true);
  });

  test('bytes that are no envelope are left to the caller', () => {
    expect(open(Buffer.from('anything else'))).toBeUndefined();
    expect(open(new Uint8Array())).toBeUndefined();
  });

  test('an envelope cut short anywhere is refused', () => {
    const whole = seal(facts, { ...parts, ciphertext: new Uint8Array() });
    for (let length = 4; length < whole.length; length += 1) expect(() => open(whole.subarray(0, length))).toThrow(KeywrightError);
  });

  test('an unknown algorithm is refused', () => {
    const later = seal(facts, parts);
    later[4] = 200;
    expect(() => open(later)).toThrow(/unknown kind/);
  });
});
