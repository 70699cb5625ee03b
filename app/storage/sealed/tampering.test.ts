import { describe, expect, test } from 'vitest';
import type { Storage } from '../storage.ts';
import type { SealedStorage } from './index.ts';
import { bytes, copyOf, create, filled, flip, freshMemory, names, open, putBack, rawKeyOf, rawKeys, valueOf, watch } from './testing.ts';

const RECORDS = { 'keys/a': 'one', 'keys/b': 'two', 'keys/c': 'three', 'certificates/d': 'four' };

/** The named record is told at open and by verify, and does not read; all others read as they were. */
async function expectDamaged(raw: Storage, name: string, expected: Record<string, string> = RECORDS): Promise<void> {
  for (let round = 0; round < 2; round++) { // a second opening finds it again
    await using store = await open(raw);
    expect(store.problems.map(({ record }) => record)).toEqual([name]);
    await expect(store.get(name)).rejects.toMatchObject({ code: 'CORRUPT_RECORD', facts: { where: name } });
    for (const [other, value] of Object.entries(expected)) if (other !== name) expect(await valueOf(store, other)).toBe(value);
    const verified = await store.verify(watch);
    expect(verified.problems.map(({ record }) => record)).toEqual([name]);
    expect(verified.records).toBe(Object.keys(expected).length);
  }
}

const told = (store: SealedStorage): string[] => store.problems.map(({ record }) => record).sort();

describe('records that were tampered with', () => {
  test('an altered record is told by name and does not open; all others do', async () => {
    for (const at of [0, 5, 20, 40, -1]) {
      const raw = await freshMemory();
      await filled(raw, RECORDS);
      await flip(raw, await rawKeyOf(raw, 'keys/b'), at);
      await expectDamaged(raw, 'keys/b');
    }
  });

  test('a truncated or empty record is told by name', async () => {
    for (const length of [0, 1, 44, 45, 60]) {
      const raw = await freshMemory();
      await filled(raw, RECORDS);
      const key = await rawKeyOf(raw, 'keys/b');
      const record = await raw.get(key);
      await raw.put(key, (record?.value ?? bytes('')).subarray(0, length), { ifRevision: 'any', summary: record?.summary ?? null });
      await expectDamaged(raw, 'keys/b');
    }
  });

  test('a record moved under another name does not open', async () => {
    const raw = await freshMemory();
    await filled(raw, RECORDS);
    const moved = await raw.get(await rawKeyOf(raw, 'keys/a'));
    await putBack(raw, moved, await rawKeyOf(raw, 'keys/b'));
    await expectDamaged(raw, 'keys/b');
  });

  test('two swapped records both do not open', async () => {
    const raw = await freshMemory();
    await filled(raw, RECORDS);
    const [first, second] = [await rawKeyOf(raw, 'keys/a'), await rawKeyOf(raw, 'keys/b')];
    const [one, two] = [await raw.get(first), await raw.get(second)];
    await putBack(raw, one, second);
    await putBack(raw, two, first);
    await using store = await open(raw);
    expect(told(store)).toEqual(['keys/a', 'keys/b']);
  });

  test('a record put back from an older copy is told, and its old value is never given', async () => {
    const raw = await freshMemory();
    await filled(raw, { ...RECORDS, 'keys/b': 'old' });
    const old = await raw.get(await rawKeyOf(raw, 'keys/b'));
    {
      await using store = await open(raw);
      await store.put('keys/b', bytes('two'), { ifRevision: 'any', summary: { label: 'two' } });
    }
    await putBack(raw, old);
    await expectDamaged(raw, 'keys/b');
  });

  test('an older value under the mark of the newer one is told as well', async () => {
    const raw = await freshMemory();
    await filled(raw, { ...RECORDS, 'keys/b': 'old' });
    const key = await rawKeyOf(raw, 'keys/b');
    const old = await raw.get(key);
    {
      await using store = await open(raw);
      await store.put('keys/b', bytes('two'), { ifRevision: 'any' });
    }
    const mark = (await raw.get(key))?.summary ?? null;
    await raw.put(key, old?.value ?? bytes(''), { ifRevision: 'any', summary: mark });
    await expectDamaged(raw, 'keys/b');
  });

  test('a removed record is told as missing', async () => {
    const raw = await freshMemory();
    await filled(raw, RECORDS);
    await raw.delete(await rawKeyOf(raw, 'keys/b'), { ifRevision: 'any' });
    await expectDamaged(raw, 'keys/b');
    await using store = await open(raw);
    expect(store.problems[0]?.detail).toContain('missing');
  });

  test('a deleted record that is put back is told by its name and stays deleted', async () => {
    const raw = await freshMemory();
    await filled(raw, RECORDS);
    const old = await raw.get(await rawKeyOf(raw, 'keys/b'));
    {
      await using store = await open(raw);
      await store.delete('keys/b', { ifRevision: 'any' });
    }
    await putBack(raw, old);
    await using store = await open(raw);
    expect(told(store)).toEqual(['keys/b']);
    expect(await store.get('keys/b')).toBeUndefined();
    expect((await store.verify(watch)).problems).toHaveLength(1);
    await store.delete('keys/b', { ifRevision: 'any' });
    expect(store.problems).toEqual([]);
    expect((await store.verify(watch)).problems).toEqual([]);
  });

  test('a record that was added is told, though it has no name', async () => {
    const raw = await freshMemory();
    await filled(raw, RECORDS);
    await raw.put('r/00112233445566778899aabbccddeeff', bytes('rubbish'), { ifRevision: 'absent' });
    await using store = await open(raw);
    expect(told(store)).toEqual(['record 00112233445566778899aabbccddeeff']);
    expect(names(store)).toHaveLength(4);
    expect((await store.verify(watch)).problems).toHaveLength(1);
  });

  test('a record of another store does not open', async () => {
    const [raw, other] = [await freshMemory(), await freshMemory()];
    await filled(raw, RECORDS);
    await filled(other, RECORDS);
    const foreign = await other.get(await rawKeyOf(other, 'keys/b'));
    await putBack(raw, foreign, await rawKeyOf(raw, 'keys/b'));
    await expectDamaged(raw, 'keys/b');
  });

  test('a new write or a deletion mends a bad record', async () => {
    const raw = await freshMemory();
    await filled(raw, RECORDS);
    await flip(raw, await rawKeyOf(raw, 'keys/a'));
    await raw.delete(await rawKeyOf(raw, 'keys/b'), { ifRevision: 'any' });
    await using store = await open(raw);
    expect(told(store)).toEqual(['keys/a', 'keys/b']);
    await store.put('keys/a', bytes('again'), { ifRevision: 'any' });
    await store.delete('keys/b', { ifRevision: 'any' });
    expect(store.problems).toEqual([]);
    expect(await valueOf(store, 'keys/a')).toBe('again');
    expect((await store.verify(watch)).problems).toEqual([]);
  });

  test('a record that is damaged while the store is open is told when it is read', async () => {
    const raw = await freshMemory();
    await filled(raw, RECORDS);
    await using store = await open(raw);
    await flip(raw, await rawKeyOf(raw, 'keys/a'));
    await expect(store.get('keys/a')).rejects.toMatchObject({ code: 'CORRUPT_RECORD' });
    expect(told(store)).toEqual(['keys/a']);
    await expect(store.transaction((tx) => tx.get('keys/a'))).rejects.toMatchObject({ code: 'CORRUPT_RECORD', facts: { where: 'keys/a' } });
  });
});

describe('an index that was tampered with', () => {
  const readable = async (store: SealedStorage, expected: Record<string, string> = RECORDS) => {
    for (const [name, value] of Object.entries(expected)) expect(await valueOf(store, name)).toBe(value);
  };

  test('a delta removed from the middle is told, and its record still reads', async () => {
    const raw = await freshMemory();
    await filled(raw, RECORDS);
    const deltas = await rawKeys(raw, 'i/d/');
    await raw.delete(deltas[1] ?? '', { ifRevision: 'any' });
    await using store = await open(raw);
    expect(told(store)).toEqual(['index', 'keys/b']);
    expect(store.problems.find(({ record }) => record === 'index')?.detail).toContain('Transactions 2 to 2 of the index are missing.');
    await readable(store);
    expect((await store.verify(watch)).problems.length).toBeGreaterThan(0);
  });

  test('the last delta removed is told by the record that it was about', async () => {
    const raw = await freshMemory();
    await filled(raw, RECORDS);
    await raw.delete((await rawKeys(raw, 'i/d/')).at(-1) ?? '', { ifRevision: 'any' });
    await using store = await open(raw);
    expect(told(store)).toEqual(['certificates/d']);
  });

  test('the last delta removed after a change is told by the record that it was about', async () => {
    const raw = await freshMemory();
    await filled(raw, RECORDS);
    {
      await using store = await open(raw);
      await store.put('keys/a', bytes('new'), { ifRevision: 'any' });
    }
    await raw.delete((await rawKeys(raw, 'i/d/')).at(-1) ?? '', { ifRevision: 'any' });
    await expectDamaged(raw, 'keys/a');
  });

  test('a damaged delta is told, and its record still reads', async () => {
    const raw = await freshMemory();
    await filled(raw, RECORDS);
    await flip(raw, (await rawKeys(raw, 'i/d/'))[2] ?? '');
    await using store = await open(raw);
    expect(told(store)).toEqual(['index', 'keys/c']);
    await readable(store);
  });

  test('rubbish among the deltas is told, and changes and openings go on', async () => {
    const raw = await freshMemory();
    await filled(raw, RECORDS);
    await raw.put('i/d/ffffffffffffffff', bytes('rubbish'), { ifRevision: 'absent' });
    await raw.put('i/d/other', bytes('rubbish'), { ifRevision: 'absent' });
    {
      await using store = await open(raw);
      expect(told(store)).toEqual(['index']);
      await store.put('keys/e', bytes('five'), { ifRevision: 'absent' });
    }
    await using store = await open(raw);
    expect(told(store)).toEqual(['index']);
    await readable(store, { ...RECORDS, 'keys/e': 'five' });
  });

  test('two deltas swapped are told', async () => {
    const raw = await freshMemory();
    await filled(raw, RECORDS);
    const [first, second] = [...(await copyOf(raw, 'i/d/')).values()];
    await putBack(raw, first, second?.key);
    await putBack(raw, second, first?.key);
    await using store = await open(raw);
    expect(told(store)).toContain('index');
    await readable(store);
  });

  test('a delta of another history in the place of one with its number is told', async () => {
    const raw = await freshMemory();
    await filled(raw, RECORDS);
    const before = await copyOf(raw);
    const change = async (name: string): Promise<void> => {
      await using store = await open(raw);
      await store.put(name, bytes('new'), { ifRevision: 'any' });
    };
    await change('keys/a');
    const other = await raw.get((await rawKeys(raw, 'i/d/')).at(-1) ?? '');
    for (const key of await rawKeys(raw)) await raw.delete(key, { ifRevision: 'any' });
    for (const record of before.values()) await putBack(raw, record);
    await change('keys/b');
    await change('keys/c');
    await putBack(raw, other);
    await using store = await open(raw);
    expect(told(store)).toEqual(['index', 'keys/a', 'keys/b']);
    expect((await store.verify(watch)).problems.map(({ record }) => record)).toContain('index');
  });

  test('while the index is lost, a record in the place of another one is not taken for it', async () => {
    const raw = await freshMemory();
    await filled(raw, RECORDS);
    const place = await rawKeyOf(raw, 'keys/b');
    await putBack(raw, await raw.get(await rawKeyOf(raw, 'keys/a')), place);
    for (const key of await rawKeys(raw, 'i/')) await raw.delete(key, { ifRevision: 'any' });
    await using store = await open(raw);
    expect(told(store)).toContain(`record ${place.slice('r/'.length)}`);
    expect(await valueOf(store, 'keys/a')).toBe('one');
    expect(names(store)).not.toContain('keys/b');
  });

  test('a lost or damaged head is told, and every record still reads', async () => {
    for (const spoil of [(raw: Storage) => raw.delete('i/head', { ifRevision: 'any' }), (raw: Storage) => flip(raw, 'i/head')]) {
      const raw = await freshMemory();
      await filled(raw, RECORDS);
      await spoil(raw);
      await using store = await open(raw);
      expect(told(store)).toContain('index');
      await readable(store);
      await store.put('keys/e', bytes('five'), { ifRevision: 'absent' });
      await using again = await open(raw);
      await readable(again, { ...RECORDS, 'keys/e': 'five' });
    }
  });

  test('a whole index put back from an older copy is told by each record that changed since', async () => {
    const raw = await freshMemory();
    await filled(raw, RECORDS);
    const old = await copyOf(raw, 'i/');
    {
      await using store = await open(raw);
      await store.put('keys/a', bytes('new'), { ifRevision: 'any' });
      await store.put('keys/e', bytes('five'), { ifRevision: 'any' });
      await store.delete('keys/c', { ifRevision: 'any' });
    }
    for (const key of await rawKeys(raw, 'i/')) await raw.delete(key, { ifRevision: 'any' });
    for (const record of old.values()) await putBack(raw, record);
    await using store = await open(raw);
    expect(told(store)).toEqual(['keys/a', 'keys/c', 'keys/e']);
    expect(await valueOf(store, 'keys/b')).toBe('two');
  });

  const many = Object.fromEntries(Array.from({ length: 420 }, (_, index) => [`keys/${String(index).padStart(4, '0')}`, `value ${index}`]));

  /** In two sittings, so that there are two runs of segments. */
  async function fillTwice(raw: Storage): Promise<void> {
    const entries = Object.entries(many);
    await filled(raw, Object.fromEntries(entries.slice(0, 300)));
    await using store = await open(raw);
    for (const [name, value] of entries.slice(300)) await store.put(name, bytes(value), { ifRevision: 'absent' });
  }

  test('a segment that is damaged, removed or swapped is told, and every record still reads', async () => {
    const spoils: ((raw: Storage, segments: string[]) => Promise<void>)[] = [
      (raw, [first]) => flip(raw, first ?? ''),
      (raw, [first]) => raw.delete(first ?? '', { ifRevision: 'any' }),
      async (raw, [first, second]) => putBack(raw, await raw.get(second ?? ''), first),
    ];
    for (const spoil of spoils) {
      const raw = await freshMemory();
      await fillTwice(raw);
      const segments = await rawKeys(raw, 'i/s/');
      expect(segments.length).toBe(2);
      await spoil(raw, segments);
      await using store = await open(raw);
      expect(told(store)).toContain('index');
      expect(store.size).toBe(420);
      await readable(store, many);
    }
  });

  test('of more records than are examined at open, one that was removed and one that was put back are told all the same', async () => {
    const raw = await freshMemory();
    await filled(raw, many);
    const old = await raw.get(await rawKeyOf(raw, 'keys/0007'));
    {
      await using store = await open(raw);
      await store.put('keys/0007', bytes('new'), { ifRevision: 'any' });
    }
    await putBack(raw, old);
    await raw.delete(await rawKeyOf(raw, 'keys/0300'), { ifRevision: 'any' });
    await using store = await open(raw);
    expect(told(store)).toEqual(['keys/0007', 'keys/0300']);
    expect((await store.verify(watch)).problems.map(({ record }) => record).sort()).toEqual(['keys/0007', 'keys/0300']);
  });

  test('a damaged index mends itself once enough is written', async () => {
    const raw = await freshMemory();
    await filled(raw, many);
    await flip(raw, (await rawKeys(raw, 'i/s/'))[0] ?? '');
    {
      await using store = await open(raw);
      for (let count = 0; count < 140; count++) await store.put('counter', bytes(String(count)), { ifRevision: 'any' });
    }
    await using store = await open(raw);
    expect(store.problems).toEqual([]);
    await readable(store, { ...many, counter: '139' });
  });

  test('nothing of a record shows in the raw storage: no name, no label, no value', async () => {
    const raw = await freshMemory();
    await using store = await create(raw);
    await store.put('keys/secret-name', bytes('secret-value'), { ifRevision: 'absent', summary: { label: 'secret-label' } });
    await store.log.append(bytes('secret-entry'));
    const everything = [...(await copyOf(raw)).values()].map(({ key, value, summary, revision }) => key + revision + JSON.stringify(summary) + Buffer.from(value).toString('latin1'));
    const log = (await raw.log.read(1, 10)).map(({ entry }) => Buffer.from(entry).toString('latin1'));
    expect([...everything, ...log].join('')).not.toContain('secret');
  });
});
