import { expect, test } from 'vitest';
import { atLine, lineOfRow, linesOf } from './groups.ts';

const GROUPS = [{ name: 'a', title: 'A', start: 0, count: 2 }, { name: 'b', title: 'B', start: 2, count: 1 }, { name: 'c', title: 'C', start: 3, count: 3 }];

test('each group has a heading above its rows', () => {
  const lines = Array.from({ length: linesOf(6, GROUPS) }, (_, line) => atLine(line, GROUPS));
  expect(lines.map((line) => ('row' in line ? line.row : line.heading.title))).toEqual(['A', 0, 1, 'B', 2, 'C', 3, 4, 5]);
});

test('a row is found on its line', () => {
  for (let row = 0; row < 6; row += 1) expect(atLine(lineOfRow(row, GROUPS), GROUPS)).toEqual({ row });
});

test('without groups a line is a row', () => {
  expect(linesOf(3, [])).toBe(3);
  expect(lineOfRow(2, [])).toBe(2);
  expect(atLine(2, [])).toEqual({ row: 2 });
});
