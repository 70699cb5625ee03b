import { sign, verify } from 'node:crypto';
import { expect, test } from 'vitest';
import { KEY_ALGORITHMS } from '../contract/index.ts';
import { ecdsaDerToP1363, ecdsaP1363ToDer } from './index.ts';
import { failure, pairOf, PAIRS } from './testing/keys.ts';

const CURVES = PAIRS.filter((name) => KEY_ALGORITHMS[name].family === 'ec');

test.each(CURVES)('signatures of %s go from DER to P1363 and back, and verify in both', (algorithm) => {
  const { privateKey, publicKey } = pairOf(algorithm);
  const { bits } = KEY_ALGORITHMS[algorithm];
  for (let index = 0; index < 40; index++) {
    const message = Buffer.from(`message ${index}`);
    const der = sign('sha256', message, privateKey);
    const p1363 = ecdsaDerToP1363(der, bits);
    expect(p1363).toHaveLength(2 * Math.ceil(bits / 8));
    expect(verify('sha256', message, { key: publicKey, dsaEncoding: 'ieee-p1363' }, p1363)).toBe(true);
    expect(Buffer.from(ecdsaP1363ToDer(p1363, bits))).toEqual(der);
  }
});

test('malformed signatures are refused', async () => {
  for (const hex of ['', '3000', '30060201000201ff', '3006020101020101ff', '30070202000102010', '3006020100020101', '302602210100000000000000000000000000000000000000000000000000000000000000000201']) {
    expect((await failure(() => ecdsaDerToP1363(Buffer.from(hex, 'hex'), 256))).code).toBe('INVALID_INPUT');
  }
  expect((await failure(() => ecdsaP1363ToDer(Buffer.alloc(63, 1), 256))).code).toBe('INVALID_INPUT');
  expect((await failure(() => ecdsaP1363ToDer(Buffer.alloc(64), 256))).code).toBe('INVALID_INPUT');
});

test.each([
  ['01'.padStart(64, '0') + '80'.padStart(64, '0'), '300702010102020080'],
  ['00ff'.padEnd(64, '0') + '7f'.padEnd(64, '0'), `3044022000ff${'0'.repeat(60)}02207f${'0'.repeat(62)}`],
])('%s is written with the fewest bytes that keep it positive', (p1363, der) => {
  expect(Buffer.from(ecdsaP1363ToDer(Buffer.from(p1363, 'hex'), 256)).toString('hex')).toBe(der);
});
