import { createHmac, hash, randomBytes } from 'node:crypto';
import { expect, test } from 'vitest';
import { HmacKey } from './hmac.ts';

test('is HMAC-SHA256 for messages of every length, in any order', () => {
  const key = randomBytes(32);
  const hmac = new HmacKey(key);
  for (const length of [0, 1, 16, 55, 56, 64, 511, 512, 513, 5000, 3, 64, 0]) {
    const message = randomBytes(length);
    expect(hmac.of(message)).toEqual(createHmac('sha256', key).update(message).digest());
  }
});

test('is the first test case of RFC 4231', () => {
  const key = Buffer.alloc(20, 0x0b);
  expect(new HmacKey(key).of(Buffer.from('Hi There')).toString('hex')).toBe('b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7');
});

test('is gone once it is disposed', () => {
  const key = new HmacKey(Buffer.alloc(32, 7));
  key[Symbol.dispose]();
  expect(key.of(Buffer.from('message'))).toEqual(hash('sha256', Buffer.concat([Buffer.alloc(64), hash('sha256', Buffer.concat([Buffer.alloc(64), Buffer.from('message')]), 'buffer')]), 'buffer'));
});
