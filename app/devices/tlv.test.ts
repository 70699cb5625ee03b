import { describe, expect, test } from 'vitest';
import { KeywrightError } from '../contract/index.ts';
import { findTlv, parseTlv, parseTlvs, tlv } from './tlv.ts';

const hex = (text: string): Buffer => Buffer.from(text.replaceAll(' ', ''), 'hex');
const where = (work: () => unknown): string => {
  try {
    work();
  } catch (thrown) {
    if (thrown instanceof KeywrightError && thrown.code === 'INVALID_INPUT') return thrown.facts.where ?? 'nowhere';
    throw thrown;
  }
  return 'accepted';
};

describe('BER-TLV', () => {
  test('reads tags of one, two and three bytes and lengths in every form', () => {
    const found = parseTlvs(hex('01 01 aa  7f49 02 bbcc  5fc105 8103 010203  70 820001 ff  71 83000000'), 'it');
    expect(found.map(({ tag, value, offset }) => [tag.toString(16), Buffer.from(value).toString('hex'), offset])).toEqual([
      ['1', 'aa', 0], ['7f49', 'bbcc', 3], ['5fc105', '010203', 8], ['70', 'ff', 16], ['71', '', 21],
    ]);
    expect(findTlv(found, 0x70)).toEqual(hex('ff'));
    expect(findTlv(found, 0x99)).toBeUndefined();
  });

  test('writes what it reads, with the shortest length', () => {
    for (const length of [0, 1, 127, 128, 255, 256, 65_535, 65_536]) {
      const value = Buffer.alloc(length, 7);
      const written = tlv(0x5fc105, value.subarray(0, length >> 1), value.subarray(length >> 1));
      expect(Buffer.from(parseTlv(written, 0x5fc105, 'it')).equals(value)).toBe(true);
      expect(written.length - length).toBe(3 + (length < 128 ? 1 : length < 256 ? 2 : length < 65_536 ? 3 : 4));
    }
  });

  test('names the offset of what is wrong', () => {
    expect(where(() => parseTlvs(hex('0101aa 5f'), 'it'))).toBe('offset 4');
    expect(where(() => parseTlvs(hex('0101aa 02'), 'it'))).toBe('offset 4');
    expect(where(() => parseTlvs(hex('0101aa 0205aabb'), 'it'))).toBe('offset 3');
    expect(where(() => parseTlvs(hex('02 80 00 00'), 'it'))).toBe('offset 0');
    expect(where(() => parseTlvs(hex('02 84 00000001 aa'), 'it'))).toBe('offset 0');
    expect(where(() => parseTlvs(hex('02 82 01'), 'it'))).toBe('offset 3');
    expect(where(() => parseTlvs(hex('5f ff ff ff 00'), 'it'))).toBe('offset 0');
    expect(where(() => parseTlvs(hex('0205'), 'it', 100))).toBe('offset 100');
    expect(where(() => parseTlv(hex('0100'), 2, 'it'))).toBe('offset 0');
    expect(where(() => parseTlv(hex('0100 ff'), 1, 'it'))).toBe('offset 2');
    expect(where(() => parseTlv(hex(''), 1, 'it'))).toBe('offset 0');
  });

  test('stops at a bounded number of elements', () => {
    expect(where(() => parseTlvs(Buffer.alloc(2 * 4097), 'it'))).toBe('offset 8192');
  });

  test('answers random bytes with elements or a typed error', () => {
    let seed = 1;
    const random = (): number => (seed = (seed * 48_271) % 0x7fff_ffff) & 0xff;
    for (let round = 0; round < 5000; round++) expect(where(() => parseTlvs(Buffer.from(Array.from({ length: random() % 40 }, random)), 'it'))).toMatch(/^(accepted|offset \d+)$/);
  });
});
