import { describe, expect, test } from 'vitest';
import type { AppendLog, Storage } from '../storage.ts';
import type { SealedLog } from './log.ts';
import { bytes, create, freshMemory, open, ringOf, watch } from './testing.ts';

const examine = (log: AppendLog, from: number, limit: number) => (log as SealedLog).examine(from, limit);
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

test('a log that was cut off is missed until that is accepted, and from then on what it has since', async () => {
  const raw = await freshMemory();
  {
    await using store = await create(raw);
    for (const entry of ['a', 'b', 'c', 'd']) await store.log.append(bytes(entry));
  }
  const shortened = (length: number) => withLog(raw, (entries) => entries.slice(0, length));
  for (const _ of ['once', 'and again']) {
    await using store = await open(shortened(2));
    expect(store.problems).toMatchObject([{ record: 'log', detail: expect.stringContaining('had 4 entries') }]);
    expect(store.logKnown).toBe(4);
    await store.put('a', bytes('a change'), { ifRevision: 'any' });
  }
  {
    await using store = await open(shortened(2));
    await store.acceptShortLog(2, (tx) => tx.put('told', bytes('it is gone'), { ifRevision: 'any' }));
    await store.put('a', bytes('another change'), { ifRevision: 'any' });
  }
  {
    await using store = await open(shortened(2));
    expect([store.problems, store.logKnown, Buffer.from((await store.get('told'))!.value).toString()]).toEqual([[], 2, 'it is gone']);
  }
  await using store = await open(shortened(1));
  expect(store.problems).toMatchObject([{ record: 'log', detail: expect.stringContaining('had 2 entries') }]);
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
  const appendGroup = raw.log.appendGroup!.bind(raw.log);
  raw.log.appendGroup = async (group, count) => {
    await Promise.resolve();
    if (fail) throw Object.assign(new Error('no space'), { code: 'STORAGE_FULL' });
    return appendGroup(group, count);
  };
  await using store = await create(raw);
  await store.log.append(bytes('a'));
  fail = true;
  const appended = [...Array(40).keys()].map((number) => store.log.append(bytes(`x${number}`)));
  const results = await Promise.allSettled(appended);
  expect(results.map(({ status }) => status)).toEqual(Array(40).fill('rejected'));
  fail = false;
  expect(await store.log.append(bytes('b'))).toBe(2);
  expect(await read(store.log)).toEqual(['1:a', '2:b']);
});

describe('entries that come together', () => {
  const words = [...Array(100).keys()].map((number) => `entry ${number + 1}`);
  const together = (log: AppendLog) => Promise.all(words.map((word) => log.append(bytes(word))));
  const expected = words.map((word, index) => `${index + 1}:${word}`);

  test('share envelopes, and each is read from any number on', async () => {
    const raw = await freshMemory();
    await using store = await create(raw);
    expect(await together(store.log)).toEqual(words.map((_, index) => index + 1));
    const envelopes = (await raw.log.read(1, 1000)).filter(({ entry }) => entry.length > 0);
    expect(envelopes.length).toBeLessThan(words.length / 8);
    for (let from = 1; from <= words.length; from++) {
      expect(await read(store.log, from, 5)).toEqual(expected.slice(from - 1, from + 4));
      expect(await examine(store.log, from, 5)).toEqual(expected.slice(from - 1, from + 4).map((_, index) => ({ number: from + index, damaged: false })));
    }
  });

  test('of a size that does not fit together are sealed apart', async () => {
    await using store = await create(await freshMemory());
    const large = Buffer.alloc(40_000, 'x');
    expect(await Promise.all([large, large, large].map((entry) => store.log.append(entry)))).toEqual([1, 2, 3]);
    for (const { entry } of await store.log.read(1, 3)) expect(large.equals(entry)).toBe(true);
  });

  test('are sealed one by one over a storage that knows no groups', async () => {
    const raw = await freshMemory();
    raw.log.appendGroup = undefined as never;
    await using store = await create(raw);
    await together(store.log);
    expect((await raw.log.read(1, 1000)).every(({ entry }) => entry.length > 0)).toBe(true);
    expect(await read(store.log)).toEqual(expected);
  });

  test('are each told when their envelope was altered or taken away, and the others are read', async () => {
    const raw = await freshMemory();
    {
      await using store = await create(raw);
      await store.log.append(bytes('alone'));
      await Promise.all(['a', 'b', 'c'].map((entry) => store.log.append(bytes(entry))));
      await store.log.append(bytes('last'));
    }
    const spoils: ((entries: Uint8Array[]) => Uint8Array[])[] = [
      (entries) => entries.with(1, Uint8Array.from(entries[1] ?? [], (byte, index) => byte ^ (index === 50 ? 1 : 0))),
      (entries) => entries.with(1, new Uint8Array()),
    ];
    for (const spoil of spoils) {
      await using store = await open(withLog(raw, spoil));
      expect(await examine(store.log, 1, 10)).toEqual([1, 2, 3, 4, 5].map((number) => ({ number, damaged: number > 1 && number < 5 })));
      expect(await read(store.log, 5)).toEqual(['5:last']);
    }
    await using longer = await open(withLog(raw, (entries) => entries.toSpliced(4, 0, new Uint8Array())));
    expect((await examine(longer.log, 5, 1))[0]).toEqual({ number: 5, damaged: true });
  });
});

test('entries that format 1 sealed one by one are read as they are', async () => {
  const raw = await freshMemory();
  await (await create(raw))[Symbol.asyncDispose]();
  {
    using keys = await ringOf(raw);
    for (const [index, entry] of ['a', 'b'].entries()) await raw.log.append(keys.seal('log', `keywright/log/1/${index + 1}`, [bytes(entry)]));
  }
  await using store = await open(raw);
  await store.log.append(bytes('c'));
  expect(await read(store.log)).toEqual(['1:a', '2:b', '3:c']);
});
