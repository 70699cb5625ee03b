import { expect, test } from 'vitest';
import { byteSize, relativeTime } from './words.ts';

const now = new Date('2026-11-24T12:00:00Z');
const inDays = (days: number): Date => new Date(now.getTime() + days * 86_400_000);

test('times are said in words, days rather than weeks', () => {
  expect(relativeTime(inDays(9), now, 'en')).toBe('in 9 days');
  expect(relativeTime(inDays(-1), now, 'en')).toBe('yesterday');
  expect(relativeTime(inDays(9), now, 'de')).toBe('in 9 Tagen');
  expect(relativeTime(inDays(400), now, 'en')).toBe('next year');
  expect(relativeTime(new Date(now.getTime() - 20_000), now, 'en')).toBe('now');
});

test('sizes have a unit that fits', () => {
  expect(byteSize(999, 'en')).toBe('999 bytes');
  expect(byteSize(1_234_567, 'en')).toBe('1.2 MB');
  expect(byteSize(1_234_567, 'de')).toBe('1,2 MB');
});
