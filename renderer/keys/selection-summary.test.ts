import { expect, test } from 'vitest';
import type { KeyRecord } from '../../app/contract/index.ts';
import { hasPublicKey, summaryOf, tagsAfter } from './selection-summary.ts';

const key = (changes: Partial<KeyRecord>): KeyRecord => ({ algorithm: 'ec-p256', backend: 'software', state: 'active', tags: [], notAfter: null, fingerprint: 'SHA256:00', present: true, ...changes }) as KeyRecord;

test('several keys are summed up: what there is of each, the most frequent first, and the first that ends', () => {
  const keys = [
    key({ algorithm: 'aes-256', fingerprint: null, tags: ['mail'] }), key({ notAfter: '2031-01-01T00:00:00.000Z', tags: ['mail', 'ci'] }), key({ notAfter: '2030-01-01T00:00:00.000Z', backend: 'hsm', present: false }),
  ];
  const summary = summaryOf(keys, ({ backend }) => backend);
  expect(summary).toMatchObject({
    algorithms: [{ value: 'ec-p256', n: 2 }, { value: 'aes-256', n: 1 }], places: [{ value: 'software', n: 2 }, { value: 'hsm', n: 1 }], states: [{ value: 'active', n: 3 }],
    tags: [{ value: 'mail', n: 2 }, { value: 'ci', n: 1 }], firstEnd: '2030-01-01T00:00:00.000Z', absent: 1,
  });
  expect(keys.map(hasPublicKey)).toEqual([false, true, true]);
});

test('tags are added once, taken away, and those that stay keep their order', () => {
  expect(tagsAfter(['b', 'a'], ['c', 'a'], new Set(['b']))).toEqual(['a', 'c']);
  expect(tagsAfter(['a'], ['a'], new Set(['a']))).toEqual(['a']);
});
