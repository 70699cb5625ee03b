import { expect, test } from 'vitest';
import { linesInSight, linesToDraw, ROW_HEIGHT, slotsFor, topFor } from './lines-in-sight.ts';

const HEIGHT = 20 * ROW_HEIGHT;

test('what is drawn covers what is in sight, wherever the list is', () => {
  for (const count of [0, 1, 15, 40, 100_000]) {
    for (let top = 0; top <= Math.max(0, count * ROW_HEIGHT - HEIGHT); top += Math.max(1, Math.floor((count * ROW_HEIGHT) / 997))) {
      for (const forward of [true, false]) {
        const { first, end } = linesToDraw(top, HEIGHT, count, forward);
        const seen = linesInSight(top, HEIGHT, count);
        expect(first).toBeGreaterThanOrEqual(0);
        expect(end).toBeLessThanOrEqual(count);
        if (count > 0) expect([first <= seen.first, end > seen.last]).toEqual([true, true]);
        expect(end - first).toBeLessThan(40);
      }
    }
  }
});

test('a line that stays keeps its slot; no slot has two lines; after a leap nothing is made or moved', () => {
  const start = slotsFor({ first: 0, slots: [] }, { first: 0, end: 6 });
  expect(new Set(start.slots).size).toBe(6);
  const down = slotsFor(start, { first: 2, end: 8 });
  expect(down.slots).toEqual([...start.slots.slice(2), ...start.slots.slice(0, 2)]);
  const up = slotsFor(down, { first: 1, end: 7 });
  expect(up.slots.slice(1)).toEqual(down.slots.slice(0, 5));
  expect(down.slots).not.toContain(up.slots[0]);
  const far = slotsFor(up, { first: 5000, end: 5006 });
  expect(far.slots).toEqual(up.slots);
  const larger = slotsFor(far, { first: 4999, end: 5010 });
  expect(new Set(larger.slots).size).toBe(11);
  expect(slotsFor(larger, { first: 4999, end: 5010 })).toBe(larger);
});

test('the list moves no further than a line needs, under its heading', () => {
  expect(topFor(3, 0, HEIGHT)).toBe(0);
  expect(topFor(2, 10 * ROW_HEIGHT, HEIGHT)).toBe(2 * ROW_HEIGHT);
  const top = topFor(50, 0, HEIGHT);
  expect(linesInSight(top, HEIGHT, 100).last).toBe(50);
});
