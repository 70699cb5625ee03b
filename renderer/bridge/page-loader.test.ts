import { QueryClient } from '@tanstack/react-query';
import { expect, test } from 'vitest';
import { PAGE, pageLoader } from './page-loader.ts';

const TOTAL = 100_000;
const settle = () => new Promise((resolve) => { setTimeout(resolve, 5); });

function list() {
  const client = new QueryClient({ defaultOptions: { queries: { staleTime: Infinity, retry: false } } });
  const asked: number[] = [];
  const waiting = new Map<number, () => void>();
  let change = 0;
  const loader = pageLoader<{ total: number; rows: string[] }, string>(client, {
    keyOf: (page) => ['list', page],
    rowsIn: ({ rows }) => rows,
    seek: async (beginning) => Number(beginning),
    loadMany: async (offset, limit) => ({ total: TOTAL, rows: Array.from({ length: limit }, (_, index) => `${offset + index}`) }),
    load: async (page) => {
      asked.push(page);
      await new Promise<void>((resolve) => { waiting.set(page, resolve); });
      return { total: TOTAL, rows: Array.from({ length: PAGE }, (_, index) => `${page * PAGE + index}.${change}`) };
    },
  });
  const answer = async (): Promise<void> => {
    for (const one of waiting.values()) one();
    waiting.clear();
    await settle();
  };
  return { client, asked, loader, answer, changes: () => (change += 1) };
}

test('what is in sight and what comes next is loaded, and told of', async () => {
  const { asked, loader, answer } = list();
  const before = loader.version();
  const end = loader.subscribe(() => undefined);
  await answer();
  expect([loader.rowAt(5), loader.rowAt(PAGE)]).toEqual(['5.0', undefined]);
  loader.onRange(0, 20);
  await answer();
  expect(loader.rowAt(PAGE + 3)).toBe(`${PAGE + 3}.0`);
  expect(asked).toEqual([0, 1]);
  expect(loader.version()).toBeGreaterThan(before);
  end();
});

test('pages that a thumb passes while another is under way are not asked for', async () => {
  const { asked, loader, answer } = list();
  const end = loader.subscribe(() => undefined);
  await answer();
  for (let row = 1000; row < 50_000; row += 1000) loader.onRange(row, row + 20);
  await answer();
  await answer();
  expect(asked.length).toBeLessThan(8);
  expect(loader.rowAt(49_000)).toBe('49000.0');
  end();
});

test('an event makes pages in sight fresh at once, and others when they are seen again', async () => {
  const { client, loader, answer, changes } = list();
  const end = loader.subscribe(() => undefined);
  await answer();
  loader.onRange(1000, 1020);
  await answer();
  changes();
  void client.invalidateQueries({ queryKey: ['list'] });
  await settle();
  await answer();
  expect([loader.rowAt(1000), loader.rowAt(0)]).toEqual(['1000.1', '0.0']);
  loader.onRange(0, 20);
  await settle();
  await answer();
  expect(loader.rowAt(0)).toBe('0.1');
  end();
});

test('rows that are not in sight are given too, some at a time, until that is ended', async () => {
  const { loader } = list();
  const given: string[] = [];
  for await (const some of loader.load(150, 2_149, new AbortController().signal)) given.push(...some);
  expect(given).toEqual(Array.from({ length: 2000 }, (_, index) => `${150 + index}`));
  const ended = new AbortController();
  let pieces = 0;
  for await (const _ of loader.load(0, TOTAL - 1, ended.signal)) {
    pieces += 1;
    if (pieces === 2) ended.abort();
  }
  expect(pieces).toBe(2);
});
