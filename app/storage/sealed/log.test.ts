import { expect, test } from 'vitest';
import type { AppendLog, Storage } from '../storage.ts';
import { bytes, create, freshMemory, open, watch } from './testing.ts';

const read = async (log: AppendLog, from = 1, limit = 100) => (await log.read(from, limit)).map(({ number, entry }) => `${number}:${Buffer.from(entry).toString()}`);

test('entries are numbered from 1 and read back in order, after another opening too', async () => {
  const raw = await freshMemory();
  {
    await using store = await create(raw);
    expect(await store.log.last()).toBe(0);
    expect(await Promise.all(['a', 'b', 'c'].map((entry) => store.log.append(bytes(entry))))).toEqual([1, 2, 3]);
    await store.log.flush();
  }
  await using store = await open(raw);
  expect(await store.log.append(bytes('d'))).toBe(4);
  expect(await read(store.log)).toEqual(['1:a', '2:b', '3:c', '4:d']);
  expect(await read(store.log, 3, 1)).toEqual(['3:c']);
  expect(await store.log.last()).toBe(4);
});

/** The same storage with its log's entries changed. */
function withLog(raw: Storage, change: (entries: Uint8Array[]) => Uint8Array[]): Storage {
  const entries = async () => change((await raw.log.read(1, 1000)).map(({ entry }) => entry));
  const log: AppendLog = {
    append: (entry) => raw.log.append(entry),
    flush: () => raw.log.flush(),
    read: async (from, limit) => (await entries()).map((entry, index) => ({ number: index + 1, entry })).slice(from - 1, from - 1 + limit),
    last: async () => (await entries()).length,
  };
  return new Proxy(raw, { get: (target, name) => (name === 'log' ? log : bindTo(target, Reflect.get(target, name))) });
}
const bindTo = (target: object, value: unknown) => (typeof value === 'function' ? (value.bind(target) as unknown) : value);

test('an entry that was altered, moved or replaced is CORRUPT_RECORD with its number, and verify lists it', async () => {
  const raw = await freshMemory();
  {
    await using store = await create(raw);
    for (const entry of ['a', 'b', 'c', 'd']) await store.log.append(bytes(entry));
  }
  const spoils: [(entries: Uint8Array[]) => Uint8Array[], string[]][] = [
    [(entries) => entries.with(1, Uint8Array.from(entries[1] ?? [], (byte, index) => byte ^ (index === 40 ? 1 : 0))), ['log 2']],
    [(entries) => entries.with(1, bytes('')), ['log 2']],
    [([a, b, c, d]) => [a, c, b, d] as Uint8Array[], ['log 2', 'log 3']],
    [(entries) => entries.toSpliced(1, 1), ['log', 'log 2', 'log 3']],
  ];
  for (const [spoil, expected] of spoils) {
    await using store = await open(withLog(raw, spoil));
    await expect(store.log.read(1, 10)).rejects.toMatchObject({ code: 'CORRUPT_RECORD', facts: { where: 'log 2' } });
    expect(await read(store.log, 1, 1)).toEqual(['1:a']);
    const problems = new Set([...store.problems, ...(await store.verify(watch)).problems].map(({ record }) => record));
    expect([...problems].sort()).toEqual(expected);
  }
});

test('a log whose end was cut off is told once the store knew it to be on disk', async () => {
  const raw = await freshMemory();
  {
    await using store = await create(raw);
    for (const entry of ['a', 'b', 'c']) await store.log.append(bytes(entry));
    await store.log.flush();
    await store.put('a', bytes(''), { ifRevision: 'any' });
  }
  await using store = await open(withLog(raw, (entries) => entries.slice(0, 2)));
  expect(store.problems).toMatchObject([{ record: 'log' }]);
});

test('two openings never seal under the same key and nonce, even for the same number', async () => {
  const raw = await freshMemory();
  {
    await using store = await create(raw);
    await store.log.append(bytes('a'));
  }
  await using second = await open(raw);
  await second.log.append(bytes('a'));
  await second.log.append(bytes('a'));
  const starts = (await raw.log.read(1, 10)).map(({ entry }) => Buffer.from(entry.subarray(0, 29)).toString('hex'));
  expect(new Set(starts).size).toBe(3);
});

test('after a failed append those behind it fail too, and the next ones are numbered without a gap', async () => {
  const raw = await freshMemory();
  let fail = false;
  const append = raw.log.append.bind(raw.log);
  raw.log.append = async (entry) => {
    await Promise.resolve();
    if (fail) throw Object.assign(new Error('no space'), { code: 'STORAGE_FULL' });
    return append(entry);
  };
  await using store = await create(raw);
  await store.log.append(bytes('a'));
  fail = true;
  const results = await Promise.allSettled(['x', 'y'].map((entry) => store.log.append(bytes(entry))));
  expect(results.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
  fail = false;
  expect(await store.log.append(bytes('b'))).toBe(2);
  expect(await read(store.log)).toEqual(['1:a', '2:b']);
});
