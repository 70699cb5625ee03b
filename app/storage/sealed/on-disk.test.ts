import { copyFile, mkdtemp, readFile, rm, stat, truncate, unlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { pathOf } from '../file/names.ts';
import { storageKind } from '../registry.ts';
import { bytes, filled, open, rawKeyOf, valueOf, watch } from './testing.ts';

/** What somebody does to the files themselves, while the store is closed. */

const RECORDS = { 'keys/a': 'one', 'keys/b': 'old', 'keys/c': 'three' };
let folder: string;
beforeEach(async () => { folder = await mkdtemp(join(tmpdir(), 'keywright-tamper-')); });
afterEach(() => rm(folder, { recursive: true, force: true }));

async function prepare(kindName: string): Promise<{ key: string; change(): Promise<void> }> {
  const kind = await storageKind(kindName);
  const key = await (async () => {
    await using raw = await kind.open({ folder, create: true });
    await filled(raw, RECORDS);
    return rawKeyOf(raw, 'keys/b');
  })();
  const change = async () => {
    await using raw = await kind.open({ folder, create: false });
    await using store = await open(raw);
    await store.put('keys/b', bytes('two'), { ifRevision: 'any' });
  };
  return { key, change };
}

async function expectBadB(kindName: string): Promise<void> {
  await using raw = await (await storageKind(kindName)).open({ folder, create: false });
  await using store = await open(raw);
  expect(store.problems.map(({ record }) => record)).toEqual(['keys/b']);
  await expect(store.get('keys/b')).rejects.toMatchObject({ code: 'CORRUPT_RECORD', facts: { where: 'keys/b' } });
  expect(await valueOf(store, 'keys/a')).toBe('one');
  expect(await valueOf(store, 'keys/c')).toBe('three');
  expect((await store.verify(watch)).problems.map(({ record }) => record)).toEqual(['keys/b']);
}

describe('the file of one record', () => {
  const fileOf = (key: string) => join(folder, 'records', pathOf(key));

  test('that is put back from an older copy is told by the record’s name', async () => {
    const { key, change } = await prepare('file');
    await copyFile(fileOf(key), join(folder, 'aside'));
    await change();
    await copyFile(join(folder, 'aside'), fileOf(key));
    await expectBadB('file');
  });

  test('that is removed, cut short, emptied or altered is told by the record’s name', async () => {
    const { key } = await prepare('file');
    const path = fileOf(key);
    const whole = await readFile(path);
    const spoils = [
      () => unlink(path),
      async () => truncate(path, (await stat(path)).size - 3),
      () => writeFile(path, ''),
      () => writeFile(path, whole.with(whole.length - 1, (whole.at(-1) ?? 0) ^ 1)),
      () => writeFile(path, whole.with(2, 0)),
    ];
    for (const spoil of spoils) {
      await spoil();
      await expectBadB('file');
      await writeFile(path, whole);
    }
  });
});

describe('the row of one record', () => {
  const sql = (work: (database: DatabaseSync) => void) => {
    const database = new DatabaseSync(join(folder, 'store.db'));
    try {
      work(database);
    } finally {
      database.close();
    }
  };
  const contentsOf = (database: DatabaseSync, key: string) =>
    database.prepare('SELECT contents.* FROM records JOIN contents ON contents.id = records.content WHERE key = ?').get(key) as { id: number; checksum: number; value: Uint8Array };

  test('whose value is put back from an older copy is told, with its mark as new as it was', async () => {
    const { key, change } = await prepare('sqlite');
    let old: ReturnType<typeof contentsOf> | undefined;
    sql((database) => { old = contentsOf(database, key); });
    await change();
    sql((database) => database.prepare('UPDATE contents SET value = ?, checksum = ? WHERE id = ?').run(old?.value ?? null, old?.checksum ?? null, contentsOf(database, key).id));
    await expectBadB('sqlite');
  });

  test('that is altered or removed is told by the record’s name', async () => {
    const { key } = await prepare('sqlite');
    sql((database) => {
      const { id, value } = contentsOf(database, key);
      database.prepare('UPDATE contents SET value = ? WHERE id = ?').run(value.with(50, (value[50] ?? 0) ^ 1), id);
    });
    await expectBadB('sqlite');
    sql((database) => database.prepare('DELETE FROM records WHERE key = ?').run(key));
    await expectBadB('sqlite');
  });
});
