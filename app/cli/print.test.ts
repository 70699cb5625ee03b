import { expect, test } from 'vitest';
import { humanOutput, progressLine, styleFor } from './print.ts';
import type { CommandSpec } from './spec.ts';

test('what was passed over in a batch is told with the reason, and of very many only how many', () => {
  const spec = { table: { rows: 'files', columns: ['name'] } } as unknown as CommandSpec;
  const skipped = Array.from({ length: 23 }, (_, index) => ({ name: `/f/${index}\n`, reason: 'name' }));
  const said = (left: readonly object[]): string[] => humanOutput(spec, { files: [{ name: '/f/ok' }], failed: [{ name: '/f/bad', code: 'NOT_FOUND', detail: 'There is no file /f/bad.' }], skipped: left, complete: false }, styleFor(false)).trimEnd().split('\n');
  expect(said([])).toEqual(['name', '/f/ok', 'failed: There is no file /f/bad.']);
  expect(said(skipped.slice(0, 2)).slice(3)).toEqual(['skipped: /f/0\\u000a (name)', 'skipped: /f/1\\u000a (name)']);
  expect(said(skipped).slice(-2)).toEqual(['skipped: /f/19\\u000a (name)', 'skipped: 3 more']);
});

test('how far a call is never takes more than a line of the terminal', () => {
  const event = { file: `${'long '.repeat(30)}.txt`, bytes: 1, totalBytes: 2 };
  expect(progressLine(event, 40)).toHaveLength(39);
  expect(progressLine(event)).toHaveLength(120);
  expect(progressLine({ file: 'a.txt', bytes: 1, totalBytes: 2 }, 40)).toBe('a.txt 50 %');
});
