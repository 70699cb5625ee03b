import { expect, test } from 'vitest';
import { NO_SELECTION, select, typeAhead } from './selection.ts';

const keys = ['alpha', 'beta', 'bravo', 'gamma'];
const keyAt = (index: number): string | undefined => keys[index];

test('a plain press selects one row, Ctrl adds and takes away, Shift takes a range from where it began', () => {
  const one = select(NO_SELECTION, 1, {}, keyAt);
  expect([...one.selected]).toEqual(['beta']);
  const range = select(one, 3, { range: true }, keyAt);
  expect([...range.selected]).toEqual(['beta', 'bravo', 'gamma']);
  const back = select(range, 0, { range: true }, keyAt);
  expect([...back.selected]).toEqual(['alpha', 'beta']);
  const less = select(back, 0, { toggle: true }, keyAt);
  expect([...less.selected]).toEqual(['beta']);
});

test('a range leaves out rows that are not loaded', () => {
  expect([...select(NO_SELECTION, 5, { range: true }, keyAt).selected]).toEqual(keys);
});

test('typing finds the next row that begins so; the same letter again goes on', () => {
  expect(typeAhead('b', 0, 4, keyAt)).toBe(1);
  expect(typeAhead('bb', 1, 4, keyAt)).toBe(2);
  expect(typeAhead('bbb', 2, 4, keyAt)).toBe(1);
  expect(typeAhead('br', 1, 4, keyAt)).toBe(2);
  expect(typeAhead('x', 0, 4, keyAt)).toBeUndefined();
});

test('typing is unsure where a row that is not loaded may come first, and only there', () => {
  const some = (index: number): string | undefined => (index === 2 ? undefined : keys[index]);
  expect(typeAhead('g', 0, 4, some)).toBe('unsure');
  expect(typeAhead('b', 0, 4, some)).toBe(1);
  expect(typeAhead('g', 2, 4, some)).toBe(3);
});
