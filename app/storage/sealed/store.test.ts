import { describe, expect, test, vi } from 'vitest';
import type { Storage, Summary } from '../storage.ts';
import { breathe } from './bytes.ts';
import { bytes, copyOf, create, freshMemory, names, open, rawKeys, ringOf, valueOf, watch } from './testing.ts';

const put = { ifRevision: 'any' } as const;

describe('a sealed store', () => {
  test('keeps what thousands of writes, rewrites and deletions leave, over several openings', async () => {
    const raw = await freshMemory();
    await (await create(raw))[Symbol.asyncDispose]();
    const expected = new Map<string, string>();
    let seed = 7;
    const random = (below: number) => (seed = (Math.imul(seed, 1103515245) + 12345) >>> 0) % below;
    for (let round = 0; round < 6; round++) {
      await using store = await open(raw);
      expect(names(store)).toEqual([...expected.keys()].sort());
      for (let count = 0; count < 500; count++) {
        const name = `keys/${random(400)}`;
        if (random(4) === 0) {
          await store.delete(name, put);
          expected.delete(name);
        } else {
          await store.put(name, bytes(`${round}/${count}`), { ...put, summary: { count, label: 'Zürich 🔑' } });
          expected.set(name, `${round}/${count}`);
        }
      }
    }
    await using store = await open(raw);
    expect(store.problems).toEqual([]);
    expect(names(store)).toEqual([...expected.keys()].sort());
    for (const [name, value] of expected) expect(await valueOf(store, name)).toBe(value);
    expect([...store.snapshot('keys/')][0]?.summary).toMatchObject({ label: 'Zürich 🔑' });
    expect(await store.verify(watch)).toEqual({ records: expected.size, problems: [] });
    expect((await rawKeys(raw, 'i/')).length).toBeLessThan(140); // compaction keeps up
  });

  test('an empty store that once had records opens, and its index is small again', async () => {
    const raw = await freshMemory();
    {
      await using store = await create(raw);
      for (let count = 0; count < 200; count++) await store.put(`k${count}`, bytes(''), put);
      for (let count = 0; count < 200; count++) await store.delete(`k${count}`, put);
    }
    await using store = await open(raw);
    expect(store.size).toBe(0);
    expect(store.problems).toEqual([]);
    expect(await rawKeys(raw, 'r/')).toEqual([]);
  });

  test('readers among writers get a whole value, the old or the new one, and never an error', async () => {
    await using store = await create(slow(await freshMemory()));
    await store.put('a', bytes('0'), put);
    let last = 0;
    let writing = true;
    const reader = async () => {
      for (let seen = 0; writing;) {
        const now = Number(await valueOf(store, 'a'));
        expect(now).toBeGreaterThanOrEqual(seen);
        seen = now;
      }
    };
    const readers = Promise.all([reader(), reader(), reader()]);
    for (last = 1; last <= 300; last++) await store.put('a', bytes(String(last)), put);
    writing = false;
    await readers;
    expect(store.problems).toEqual([]);
  });

  test('a reader may see a record or not while it is deleted and made anew, but no damage', async () => {
    await using store = await create(slow(await freshMemory()));
    let writing = true;
    const readers = Promise.all([1, 2, 3].map(async () => {
      while (writing) {
        expect([undefined, 'there']).toContain(await valueOf(store, 'a'));
        await breathe();
      }
    }));
    for (let count = 0; count < 100; count++) {
      await store.put('a', bytes('there'), put);
      await store.delete('a', put);
    }
    writing = false;
    await readers;
    expect(store.problems).toEqual([]);
  });

  test('a failed write leaves the store as it was, and the next one works', async () => {
    const memory = await freshMemory();
    let full = false;
    const raw = intercepted(memory, {
      transaction: (work) => memory.transaction(async (tx) => {
        const answer = await work(tx);
        if (full) throw Object.assign(new Error('no space'), { code: 'STORAGE_FULL' });
        return answer;
      }),
    });
    await using store = await create(raw);
    await store.put('a', bytes('1'), put);
    const before = await copyOf(memory);
    full = true;
    await expect(store.put('a', bytes('2'), put)).rejects.toThrow('no space');
    await expect(store.put('b', bytes('2'), put)).rejects.toThrow('no space');
    await expect(store.delete('a', put)).rejects.toThrow('no space');
    expect(await copyOf(memory)).toEqual(before);
    full = false;
    expect(await valueOf(store, 'a')).toBe('1');
    expect(store.size).toBe(1);
    await store.put('a', bytes('3'), put);
    await using again = await open(memory);
    expect(await valueOf(again, 'a')).toBe('3');
    expect(again.problems).toEqual([]);
  });

  test('a transaction whose work throws changes nothing, and what it wrote is never listed', async () => {
    await using store = await create(await freshMemory());
    await expect(store.transaction(async (tx) => {
      await tx.put('a', bytes('1'), put);
      expect((await tx.list('', { limit: 10 })).items).toHaveLength(1);
      expect(names(store)).toEqual([]);
      throw new Error('changed my mind');
    })).rejects.toThrow('changed my mind');
    expect(names(store)).toEqual([]);
    expect(await store.get('a')).toBeUndefined();
  });

  test('a second writer on the same storage is told that it is second', async () => {
    const raw = await freshMemory();
    await using first = await create(raw);
    await using second = await open(raw);
    await first.put('a', bytes('1'), put);
    await expect(second.put('b', bytes('2'), put)).rejects.toMatchObject({ code: 'CONFLICT' });
    await using third = await open(raw);
    expect(names(third)).toEqual(['a']);
    expect(third.problems).toEqual([]);
  });

  test('a compaction cut short leaves a store that opens without problems', async () => {
    const memory = await freshMemory();
    let cut = false;
    const raw = intercepted(memory, {
      transaction: (work) => memory.transaction(async (tx) => {
        const answer = await work({ ...bound(tx), delete: (key, options) => (cut && key.startsWith('i/') ? Promise.reject(new Error('cut')) : tx.delete(key, options)) });
        return answer;
      }),
    });
    {
      await using store = await create(raw);
      cut = true;
      for (let count = 0; count < 300; count++) await store.put(`k${count}`, bytes(''), put);
    }
    expect(await rawKeys(memory, 'i/s/')).toEqual([]);
    {
      await using store = await open(memory);
      expect(store.size).toBe(300);
      expect(store.problems).toEqual([]);
      await store.put('more', bytes(''), put);
    }
    await using store = await open(memory);
    expect(store.size).toBe(301);
    expect((await rawKeys(memory, 'i/d/')).length).toBeLessThan(40);
  });

  test('segments that nothing refers to are cleared away', async () => {
    const raw = await freshMemory();
    await (await create(raw))[Symbol.asyncDispose]();
    await raw.put('i/s/00112233445566778899aabbccddeeff', bytes('left over'), { ifRevision: 'absent' });
    await using store = await open(raw);
    expect(store.problems).toEqual([]);
    for (let count = 0; count < 140; count++) await store.put('k', bytes(''), put);
    await expect.poll(() => rawKeys(raw, 'i/s/')).not.toContain('i/s/00112233445566778899aabbccddeeff');
  });

  test('a cancelled verification is CANCELLED, and progress reaches its end otherwise', async () => {
    await using store = await create(await freshMemory());
    for (let count = 0; count < 50; count++) await store.put(`k${count}`, bytes(''), put);
    await expect(store.verify({ signal: AbortSignal.abort(), progress: () => undefined })).rejects.toMatchObject({ code: 'CANCELLED' });
    const seen: string[] = [];
    await store.verify({ signal: watch.signal, progress: (done, total) => seen.push(`${done}/${total}`) });
    expect(seen.at(-1)).toBe('50/50');
  });

  test('takes a value of 64 MiB with the longest name, and refuses a byte more', async () => {
    await using store = await create(await freshMemory());
    const name = 'n'.repeat(512);
    const value = new Uint8Array(64 * 1024 * 1024).fill(5);
    await store.put(name, value, { ...put, summary: 's'.repeat(100_000) });
    expect(Buffer.compare((await store.get(name))?.value ?? bytes(''), value)).toBe(0);
    await expect(store.put(name, new Uint8Array(64 * 1024 * 1024 + 1), put)).rejects.toMatchObject({ code: 'INVALID_INPUT', facts: { where: '/value' } });
    await expect(store.put(name, bytes(''), { ...put, summary: 's'.repeat(1024 * 1024) })).rejects.toMatchObject({ code: 'INVALID_INPUT', facts: { where: '/summary' } });
    await store.log.append(new Uint8Array(1024 * 1024));
    await expect(store.log.append(new Uint8Array(1024 * 1024 + 1))).rejects.toMatchObject({ code: 'INVALID_INPUT' });
    expect((await store.log.read(1, 1))[0]?.entry.length).toBe(1024 * 1024);
  });

  test('a summary is a copy: changing it changes nothing in the store', async () => {
    await using store = await create(await freshMemory());
    const summary: Summary = { label: 'mine' };
    await store.put('a', bytes(''), { ...put, summary });
    summary['label'] = 'changed';
    const [listed] = (await store.list('', { limit: 1 })).items;
    Object.assign(listed?.summary as object, { label: 'changed' });
    expect((await store.get('a'))?.summary).toEqual({ label: 'mine' });
  });
});

test('keys, opaque ids and envelopes are as docs/store-format.md says', async () => {
  const { createDecipheriv, createHmac, hkdfSync } = await import('node:crypto');
  const raw = await freshMemory();
  await using store = await create(raw);
  await store.put('keys/a', bytes('value'), { ...put, summary: { label: 'A' } });
  using ring = await ringOf(raw);
  const storeId = Buffer.from(store.header.id, 'hex');
  const purposeKey = (purpose: string) => Buffer.from(hkdfSync('sha256', ring.root.reveal(), storeId, `keywright/store/1/${purpose}`, 32));
  const id = createHmac('sha256', purposeKey('names')).update('keys/a').digest('hex').slice(0, 32);
  const sealed = (await raw.get(`r/${id}`))?.value ?? new Uint8Array();
  const salt = sealed.subarray(1, 17);
  const decipher = createDecipheriv('aes-256-gcm', createHmac('sha256', purposeKey('records')).update(salt).digest(), sealed.subarray(17, 29));
  decipher.setAAD(Buffer.concat([storeId, Buffer.from(`keywright/record/1/${id}/${Buffer.from(salt).toString('hex')}`)]));
  decipher.setAuthTag(sealed.subarray(-16));
  const plain = Buffer.concat([decipher.update(sealed.subarray(29, -16)), decipher.final()]);
  expect(sealed[0]).toBe(1);
  expect(plain.toString()).toBe('\0\u0006\0\0\0\u000dkeys/a{"label":"A"}value');
  expect((await raw.get(`r/${id}`))?.summary).toBe(Buffer.from(salt).toString('hex'));
});

/** Lets others run within each raw operation, as real storages do. */
function slow(raw: Storage): Storage {
  const pause = () => new Promise((resolve) => setImmediate(resolve));
  return intercepted(raw, {
    get: async (key) => {
      await pause();
      const record = await raw.get(key);
      await pause();
      return record;
    },
    transaction: async (work) => {
      const answer = await raw.transaction(work);
      await pause();
      return answer;
    },
  });
}

function bound<T extends Pick<Storage, 'get' | 'list' | 'put' | 'delete'>>(tx: T): Pick<Storage, 'get' | 'list' | 'put' | 'delete'> {
  return { get: tx.get.bind(tx), list: tx.list.bind(tx), put: tx.put.bind(tx), delete: tx.delete.bind(tx) };
}

function intercepted(raw: Storage, changed: Partial<Storage>): Storage {
  return { kind: raw.kind, log: raw.log, ...bound(raw), transaction: raw.transaction.bind(raw), [Symbol.asyncDispose]: () => raw[Symbol.asyncDispose](), ...changed };
}

test('a large store is examined little by little, and tells what it finds', async () => {
  const { Examiner } = await import('./examiner.ts');
  vi.useFakeTimers();
  try {
    const examined: string[] = [];
    const examiner = new Examiner(async (name) => { examined.push(name); });
    await examiner.start(Array.from({ length: 1000 }, (_, index) => `k${index}`));
    expect(examined).toHaveLength(0);
    await vi.advanceTimersByTimeAsync(1000);
    expect(examined).toHaveLength(128);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(new Set(examined).size).toBe(1000);
    const stopped = new Examiner(async (name) => { examined.push(name); });
    await stopped.start(Array.from({ length: 1000 }, (_, index) => `k${index}`));
    stopped.stop();
    await vi.advanceTimersByTimeAsync(60_000);
    expect(examined).toHaveLength(1000);
  } finally {
    vi.useRealTimers();
  }
});
