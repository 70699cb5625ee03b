import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { MAX_LOG_ENTRY, MAX_VALUE, SEALING_ROOM } from './limits.ts';
import type { ListedRecord, Storage, StorageKind, StorageReader } from './storage.ts';

/**
 * What every kind of storage must pass, by whatever interface of `storage.ts` promises. A kind's own test calls it:
 *
 *     describeStorage(sqliteKind);
 */
export function describeStorage(kind: StorageKind): void {
  describe(`storage kind ${kind.kind}`, () => {
    let folder: string;
    let storage: Storage;

    beforeEach(async () => {
      folder = await mkdtemp(join(tmpdir(), 'keywright-storage-'));
      storage = await kind.open({ folder, create: true });
    });

    afterEach(async () => {
      await storage[Symbol.asyncDispose]();
      await rm(folder, { recursive: true, force: true });
    });

    const reopen = async () => {
      await storage[Symbol.asyncDispose]();
      storage = await kind.open({ folder, create: false });
    };

    describe('records', () => {
      test('gives back what was put, also after it was closed and opened', async () => {
        const put = await storage.put('keys/one', bytes('value'), { ifRevision: 'absent', summary: { label: 'Ünï', n: [1, null, true] } });
        expect(put).toMatchObject({ key: 'keys/one', summary: { label: 'Ünï', n: [1, null, true] } });
        for (const step of [async () => {}, reopen]) {
          await step();
          const got = await storage.get('keys/one');
          expect(got && { ...got, value: textOf(got.value) }).toEqual({ ...put, value: 'value' });
        }
      });

      test('has nothing under a key that was never put', async () => {
        expect(await storage.get('nothing')).toBeUndefined();
      });

      test('keeps values of no byte, of every byte and of several megabytes', async () => {
        const values = [new Uint8Array(0), Uint8Array.from({ length: 256 }, (_, index) => index), noise(3 * 1024 * 1024 + 1)];
        for (const [index, value] of values.entries()) await storage.put(`v${index}`, value, { ifRevision: 'absent' });
        await reopen();
        for (const [index, value] of values.entries()) expect(Buffer.compare((await storage.get(`v${index}`))!.value, value)).toBe(0);
      });

      test('takes keys of every printable character and of 512 characters, and tells those apart that differ in case alone', async () => {
        const keys = [Array.from({ length: 95 }, (_, index) => String.fromCharCode(32 + index)).join(''), 'k'.repeat(512), 'K'.repeat(512), 'a', 'A', '.', '..', '../x', '/', '//', 'a/', 'a/b', 'a%2fb', '~', ' ', 'con', '-'];
        for (const key of keys) await storage.put(key, bytes(key), { ifRevision: 'absent' });
        await reopen();
        for (const key of keys) expect(textOf((await storage.get(key))!.value)).toBe(key);
        expect((await all(storage, '')).map(({ key }) => key)).toEqual([...keys].sort());
        for (const key of keys) await storage.delete(key, { ifRevision: 'any' });
        expect(await all(storage, '')).toEqual([]);
      });

      test.each([['an empty one', ''], ['one of 513 characters', 'x'.repeat(513)], ['one with a line break', 'a\nb'], ['one outside of ASCII', 'schlüssel']])('refuses a key: %s', async (_, key) => {
        await expect(storage.put(key, bytes('x'), { ifRevision: 'any' })).rejects.toMatchObject({ code: 'INVALID_INPUT', facts: { where: '/key' } });
        await expect(storage.get(key)).rejects.toMatchObject({ code: 'INVALID_INPUT' });
      });

      test('refuses a value beyond 64 MiB, and a page beyond 10,000 records', async () => {
        await expect(storage.put('large', new Uint8Array(MAX_VALUE + SEALING_ROOM + 1), { ifRevision: 'any' })).rejects.toMatchObject({ code: 'INVALID_INPUT', facts: { where: '/value' } });
        for (const limit of [0, 10_001, 1.5]) await expect(storage.list('', { limit })).rejects.toMatchObject({ code: 'INVALID_INPUT' });
      });

      test('does not see what happens to a value after it was put or got', async () => {
        const value = bytes('before');
        await storage.put('mine', value, { ifRevision: 'any' });
        value.fill(0);
        (await storage.get('mine'))!.value.fill(0);
        expect(textOf((await storage.get('mine'))!.value)).toBe('before');
      });

      test('takes a part of a larger buffer for that part alone', async () => {
        await storage.put('part', Buffer.from('xxpartxx').subarray(2, 6), { ifRevision: 'any' });
        const { value } = (await storage.get('part'))!;
        expect(textOf(value)).toBe('part');
      });
    });

    describe('revisions', () => {
      test('gives another revision at each write, and none that the key had before, not even after a deletion', async () => {
        const seen = new Set<string>();
        for (let round = 0; round < 3; round++) {
          for (let write = 0; write < 3; write++) seen.add((await storage.put('key', bytes('same'), { ifRevision: 'any' })).revision);
          await storage.delete('key', { ifRevision: 'any' });
          await reopen();
        }
        expect(seen.size).toBe(9);
      });

      test('refuses `absent` for a record that is there', async () => {
        await storage.put('key', bytes('first'), { ifRevision: 'absent' });
        await expect(storage.put('key', bytes('second'), { ifRevision: 'absent' })).rejects.toMatchObject({ code: 'ALREADY_EXISTS' });
        expect(textOf((await storage.get('key'))!.value)).toBe('first');
      });

      test('refuses a revision that is not the newest, and one of a record that is gone', async () => {
        const first = await storage.put('key', bytes('first'), { ifRevision: 'absent' });
        const second = await storage.put('key', bytes('second'), { ifRevision: first.revision });
        await expect(storage.put('key', bytes('third'), { ifRevision: first.revision })).rejects.toMatchObject({ code: 'CONFLICT' });
        await expect(storage.delete('key', { ifRevision: first.revision })).rejects.toMatchObject({ code: 'CONFLICT' });
        expect(textOf((await storage.get('key'))!.value)).toBe('second');
        await storage.delete('key', { ifRevision: second.revision });
        expect(await storage.get('key')).toBeUndefined();
        await expect(storage.put('key', bytes('third'), { ifRevision: second.revision })).rejects.toMatchObject({ code: 'CONFLICT' });
      });

      test('deletes what is not there without a complaint, unless a revision was expected', async () => {
        await storage.delete('nothing', { ifRevision: 'any' });
        await expect(storage.delete('nothing', { ifRevision: 'some' })).rejects.toMatchObject({ code: 'CONFLICT' });
      });

      test('lets exactly one of many concurrent changes of one revision through', async () => {
        const { revision } = await storage.put('key', bytes('0'), { ifRevision: 'absent' });
        const outcomes = await Promise.allSettled(Array.from({ length: 8 }, (_, index) => storage.put('key', bytes(String(index)), { ifRevision: revision })));
        expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
      });
    });

    describe('lists', () => {
      test('pages through a prefix in the order of the keys, with revisions and summaries, and no value', async () => {
        const put: ListedRecord[] = [];
        for (const key of ['b/2', 'a', 'b/10', 'b/1', 'b', 'b0', 'c/1', 'b/3']) {
          const { revision } = await storage.put(key, bytes(key), { ifRevision: 'absent', summary: `of ${key}` });
          put.push({ key, revision, summary: `of ${key}` });
        }
        const expected = put.filter(({ key }) => key.startsWith('b/')).sort((a, b) => (a.key < b.key ? -1 : 1));
        for (const step of [async () => {}, reopen]) {
          await step();
          for (const limit of [1, 2, 3, 4, 100]) expect(await all(storage, 'b/', limit)).toEqual(expected);
        }
      });

      test('gives a cursor only if there is more', async () => {
        for (const key of ['a/1', 'a/2', 'b/1']) await storage.put(key, bytes(key), { ifRevision: 'absent' });
        expect(await storage.list('a/', { limit: 2 })).not.toHaveProperty('cursor');
        expect(await storage.list('a/', { limit: 1 })).toHaveProperty('cursor');
        expect(await storage.list('none/', { limit: 1 })).toEqual({ items: [] });
      });

      test('goes on behind its cursor when records come and go between pages', async () => {
        for (const key of ['a', 'c', 'e', 'g']) await storage.put(key, bytes(key), { ifRevision: 'absent' });
        const first = await storage.list('', { limit: 2 });
        await storage.delete('c', { ifRevision: 'any' });
        await storage.put('b', bytes('b'), { ifRevision: 'absent' });
        await storage.put('d', bytes('d'), { ifRevision: 'absent' });
        const rest = await storage.list('', { limit: 10, ...(first.cursor === undefined ? {} : { cursor: first.cursor }) });
        expect(rest.items.map(({ key }) => key)).toEqual(['d', 'e', 'g']);
      });
    });

    describe('transactions', () => {
      test('commit together, and are there after a reopening', async () => {
        await storage.put('old', bytes('old'), { ifRevision: 'absent' });
        const result = await storage.transaction(async (tx) => {
          await tx.put('one', bytes('1'), { ifRevision: 'absent' });
          await tx.put('two', bytes('2'), { ifRevision: 'absent' });
          await tx.delete('old', { ifRevision: 'any' });
          return 'result';
        });
        expect(result).toBe('result');
        await reopen();
        expect((await all(storage, '')).map(({ key }) => key)).toEqual(['one', 'two']);
      });

      test('roll back when the work throws, and pass on what it threw', async () => {
        const thrown = new Error('not today');
        await expect(storage.transaction(async (tx) => {
          await tx.put('one', bytes('1'), { ifRevision: 'absent' });
          throw thrown;
        })).rejects.toBe(thrown);
        expect(await storage.get('one')).toBeUndefined();
      });

      test('change nothing when one condition does not hold, even if the work caught the error', async () => {
        await storage.put('there', bytes('there'), { ifRevision: 'absent' });
        await expect(storage.transaction(async (tx) => {
          await tx.put('one', bytes('1'), { ifRevision: 'absent' });
          await tx.put('there', bytes('other'), { ifRevision: 'absent' }).catch(() => undefined);
          await tx.put('two', bytes('2'), { ifRevision: 'absent' });
        })).rejects.toMatchObject({ code: 'ALREADY_EXISTS' });
        await expect(storage.transaction(async (tx) => {
          await tx.put('one', bytes('1'), { ifRevision: 'absent' });
          await tx.put('one', bytes('2'), { ifRevision: 'absent' }).catch(() => undefined);
        })).rejects.toMatchObject({ code: 'ALREADY_EXISTS' });
        expect((await all(storage, '')).map(({ key }) => key)).toEqual(['there']);
        expect(textOf((await storage.get('there'))!.value)).toBe('there');
      });

      test('see their own writes, which nobody else sees before the commit', async () => {
        await storage.put('a', bytes('a'), { ifRevision: 'absent' });
        await storage.put('c', bytes('c'), { ifRevision: 'absent' });
        await storage.transaction(async (tx) => {
          const put = await tx.put('b', bytes('b'), { ifRevision: 'absent', summary: 'new' });
          await tx.delete('a', { ifRevision: 'any' });
          await tx.put('c', bytes('changed'), { ifRevision: 'any' });
          await tx.put('b', bytes('b again'), { ifRevision: put.revision });
          expect(textOf((await tx.get('b'))!.value)).toBe('b again');
          expect(await tx.get('a')).toBeUndefined();
          for (const limit of [1, 2, 10]) expect((await all(tx, '', limit)).map(({ key }) => key)).toEqual(['b', 'c']);
          expect(textOf((await storage.get('c'))!.value)).toBe('c');
          expect((await all(storage, '')).map(({ key }) => key)).toEqual(['a', 'c']);
        });
        expect((await all(storage, '')).map(({ key }) => key)).toEqual(['b', 'c']);
      });

      test('promise revisions that are those of the commit', async () => {
        const put = await storage.transaction((tx) => tx.put('key', bytes('x'), { ifRevision: 'absent' }));
        expect((await storage.get('key'))!.revision).toBe(put.revision);
        await storage.put('key', bytes('y'), { ifRevision: put.revision });
      });

      test('run one after the other, so that none overwrites what it has not read', async () => {
        await storage.put('count', bytes('0'), { ifRevision: 'absent' });
        await Promise.all(Array.from({ length: 20 }, () => storage.transaction(async (tx) => {
          const count = Number(textOf((await tx.get('count'))!.value));
          await tx.put('count', bytes(String(count + 1)), { ifRevision: 'any' });
        })));
        expect(textOf((await storage.get('count'))!.value)).toBe('20');
      });

      test('take no write after their end', async () => {
        let kept: Parameters<Parameters<Storage['transaction']>[0]>[0] | undefined;
        await storage.transaction(async (tx) => void (kept = tx));
        await expect(kept!.put('late', bytes('x'), { ifRevision: 'any' })).rejects.toThrow();
        expect(await storage.get('late')).toBeUndefined();
      });

      test('hold hundreds of writes', async () => {
        await storage.transaction(async (tx) => {
          for (let index = 0; index < 500; index++) await tx.put(`many/${index}`, bytes(String(index)), { ifRevision: 'absent' });
        });
        await reopen();
        expect(await all(storage, 'many/', 77)).toHaveLength(500);
      });
    });

    describe('the append log', () => {
      test('numbers entries from 1 without gaps, and goes on after a reopening', async () => {
        expect(await storage.log.last()).toBe(0);
        expect(await storage.log.read(1, 10)).toEqual([]);
        expect(await Promise.all(['a', 'b', 'c'].map((entry) => storage.log.append(bytes(entry))))).toEqual([1, 2, 3]);
        await reopen();
        expect(await storage.log.last()).toBe(3);
        expect(await storage.log.append(bytes('d'))).toBe(4);
        expect((await storage.log.read(1, 10)).map(({ number, entry }) => `${number}${textOf(entry)}`)).toEqual(['1a', '2b', '3c', '4d']);
      });

      test('reads from a number on, as many as are asked for', async () => {
        for (let index = 1; index <= 20; index++) await storage.log.append(bytes(String(index)));
        await storage.log.flush();
        expect((await storage.log.read(7, 3)).map(({ entry }) => textOf(entry))).toEqual(['7', '8', '9']);
        expect((await storage.log.read(19, 100)).map(({ number }) => number)).toEqual([19, 20]);
        expect(await storage.log.read(21, 100)).toEqual([]);
      });

      test('takes entries of no byte and of a mebibyte, and refuses a larger one', async () => {
        const large = noise(1024 * 1024);
        await storage.log.append(new Uint8Array(0));
        await storage.log.append(large);
        await expect(storage.log.append(new Uint8Array(MAX_LOG_ENTRY + SEALING_ROOM + 1))).rejects.toMatchObject({ code: 'INVALID_INPUT' });
        await reopen();
        const [empty, full] = await storage.log.read(1, 10);
        expect(empty!.entry).toHaveLength(0);
        expect(Buffer.compare(full!.entry, large)).toBe(0);
      });

      test('appends a group whole, if it knows groups: the first entry is the group, the others have no byte', async () => {
        const { log } = storage;
        if (log.appendGroup === undefined) return;
        await log.append(bytes('before'));
        expect(await Promise.all([log.appendGroup(bytes('group'), 3), log.append(bytes('between')), log.appendGroup(bytes('alone'), 1), log.appendGroup(bytes('many'), 256)])).toEqual([2, 5, 6, 7]);
        await expect(log.appendGroup(bytes('none'), 0)).rejects.toMatchObject({ code: 'INVALID_INPUT' });
        await expect(log.appendGroup(bytes('too many'), 257)).rejects.toMatchObject({ code: 'INVALID_INPUT' });
        expect(await log.last()).toBe(262);
        await reopen();
        expect(await storage.log.append(bytes('after'))).toBe(263);
        expect((await storage.log.read(1, 8)).map(({ entry }) => textOf(entry))).toEqual(['before', 'group', '', '', 'between', 'alone', 'many', '']);
        expect((await storage.log.read(261, 9)).map(({ number, entry }) => `${number}${textOf(entry)}`)).toEqual(['261', '262', '263after']);
      });

      test('does not see what happens to an entry after it was handed over', async () => {
        const entry = bytes('before');
        const appended = storage.log.append(entry);
        entry.fill(0);
        await appended;
        expect(textOf((await storage.log.read(1, 1))[0]!.entry)).toBe('before');
      });

      test('keeps the order of thousands of appends, awaited sixteen at once', async () => {
        let next = 0;
        await Promise.all(Array.from({ length: 16 }, async () => {
          while (next < 4000) {
            const mine = ++next;
            expect(await storage.log.append(bytes(String(mine)))).toBe(mine);
          }
        }));
        await storage.log.flush();
        const read = await storage.log.read(1, 10_000);
        expect(read.every(({ number, entry }) => String(number) === textOf(entry))).toBe(true);
        expect(read.length).toBe(await storage.log.last());
      });
    });

    describe('opening and closing', () => {
      test('refuses to create where one is, and to open where none is', async () => {
        await storage[Symbol.asyncDispose]();
        await expect(kind.open({ folder, create: true })).rejects.toMatchObject({ code: 'ALREADY_EXISTS' });
        const empty = await mkdtemp(join(tmpdir(), 'keywright-storage-'));
        await expect(kind.open({ folder: empty, create: false })).rejects.toMatchObject({ code: 'NOT_FOUND' });
        await rm(empty, { recursive: true, force: true });
      });

      test('waits on closing for what is under way, takes nothing afterwards, and may be closed twice', async () => {
        const pending = storage.put('key', bytes('x'), { ifRevision: 'absent' });
        await Promise.all([storage[Symbol.asyncDispose](), storage[Symbol.asyncDispose]()]);
        await pending;
        await expect(storage.put('late', bytes('x'), { ifRevision: 'any' })).rejects.toThrow();
        await expect(storage.get('key')).rejects.toThrow();
        storage = await kind.open({ folder, create: false });
        expect(await storage.get('key')).toBeDefined();
      });

      test('names itself, and finds nothing wrong with a sound store', async () => {
        expect(storage.kind).toBe(kind.kind);
        await storage.put('key', bytes('x'), { ifRevision: 'absent' });
        await storage.log.append(bytes('entry'));
        expect((await storage.check?.()) ?? []).toEqual([]);
      });
    });
  });
}

/** @returns everything under a prefix, page by page. */
export async function all(reader: StorageReader, prefix: string, limit = 1000): Promise<ListedRecord[]> {
  const items: ListedRecord[] = [];
  let cursor: string | undefined;
  do {
    const page = await reader.list(prefix, { limit, ...(cursor === undefined ? {} : { cursor }) });
    items.push(...page.items);
    cursor = page.cursor;
  } while (cursor !== undefined);
  return items;
}

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const textOf = (value: Uint8Array): string => new TextDecoder().decode(value);

/** Bytes that compress badly and are the same in every run (a xorshift generator; nothing secret depends on it). */
function noise(length: number): Uint8Array {
  const out = new Uint8Array(length);
  let state = 0x9e3779b9;
  for (let index = 0; index < length; index++) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    out[index] = state;
  }
  return out;
}
