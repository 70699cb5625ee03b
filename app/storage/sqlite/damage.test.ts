import { copyFileSync, mkdtempSync, openSync, closeSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { all } from '../conformance.ts';
import { filesOf } from '../crash/files-of.ts';
import { sqliteKind } from './index.ts';
import { APPLICATION_ID, MIGRATIONS } from './schema.ts';

let folder: string;
let database: string;
const RECORDS = 300;
const contentOf = (number: number): Buffer => Buffer.from(`content of ${number} `.repeat(40));

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'keywright-damage-'));
  database = join(folder, 'store.db');
  await fill(folder);
});

afterEach(() => rmSync(folder, { recursive: true, force: true }));

async function fill(into: string): Promise<void> {
  await using storage = await sqliteKind.open({ folder: into, create: true });
  for (let start = 0; start < RECORDS; start += 50) {
    await storage.transaction(async (tx) => {
      for (let number = start; number < start + 50; number++) await tx.put(`record/${number}`, contentOf(number), { ifRevision: 'absent' });
    });
  }
}

const open = () => sqliteKind.open({ folder, create: false });

async function isRefusedUntouched(error: object): Promise<void> {
  const before = filesOf(folder);
  await expect(open()).rejects.toMatchObject(error);
  expect(filesOf(folder)).toEqual(before);
}

function overwrite(path: string, position: number, bytes: Uint8Array): void {
  const file = openSync(path, 'r+');
  writeSync(file, bytes, 0, bytes.length, position);
  closeSync(file);
}

describe('a database that was damaged is CORRUPT_RECORD at open, and stays as it is', () => {
  const corrupt = { code: 'CORRUPT_RECORD', facts: { where: 'store.db' } };

  test.each([['half of it', 0.5], ['nine tenths', 0.9], ['all but a page', -4096], ['all but a byte', -1], ['a page', 4096], ['50 bytes', 50], ['nothing', 0]])('cut short to %s', async (_, length) => {
    const size = statSync(database).size;
    truncateSync(database, length < 0 ? size + length : length < 1 ? Math.floor(size * length) : length);
    await isRefusedUntouched(corrupt);
  });

  test('its header overwritten', async () => {
    overwrite(database, 0, Buffer.alloc(100, 0xff));
    await isRefusedUntouched(corrupt);
  });

  test.each([1, 2, 3, 10])('page %i overwritten', async (page) => {
    overwrite(database, page * 4096, Buffer.alloc(4096, 0xa5));
    await isRefusedUntouched(corrupt);
  });

  test('another file in its place', async () => {
    writeFileSync(database, 'Dear diary, '.repeat(10_000));
    await isRefusedUntouched(corrupt);
  });

  test("another program's database in its place", async () => {
    rmSync(database);
    const other = new DatabaseSync(database);
    other.exec('CREATE TABLE bookmarks (url TEXT)');
    other.close();
    await isRefusedUntouched(corrupt);
  });
});

describe('a database with a write-ahead log, as a kill leaves it,', () => {
  let log: string;

  beforeEach(async () => {
    log = `${database}-wal`;
    const killed = mkdtempSync(join(tmpdir(), 'keywright-damage-'));
    {
      await using storage = await open();
      for (let number = 0; number < 20; number++) await storage.put(`late/${String(number).padStart(2, '0')}`, contentOf(number), { ifRevision: 'absent' });
      for (const name of ['store.db', 'store.db-wal']) copyFileSync(join(folder, name), join(killed, name));
    }
    rmSync(folder, { recursive: true });
    folder = killed;
    database = join(folder, 'store.db');
    log = join(folder, 'store.db-wal');
  });

  test('opens with all that was acknowledged', async () => {
    await using storage = await open();
    expect(await all(storage, 'late/')).toHaveLength(20);
  });

  test('opens without the commit that was cut off in its end', async () => {
    truncateSync(log, statSync(log).size - 100);
    await using storage = await open();
    expect(await all(storage, 'late/')).toHaveLength(19);
  });

  test('is CORRUPT_RECORD and stays as it is when the log is damaged in the middle', async () => {
    overwrite(log, Math.floor(statSync(log).size / 3), Buffer.alloc(64, 0x5a));
    await isRefusedUntouched({ code: 'CORRUPT_RECORD', facts: { where: 'store.db' } });
  });

  test('is CORRUPT_RECORD and stays as it is when the header of the log is damaged', async () => {
    overwrite(log, 8, Buffer.alloc(8, 0x5a));
    await isRefusedUntouched({ code: 'CORRUPT_RECORD' });
  });

  test('is CORRUPT_RECORD and stays as it is when the database was cut short', async () => {
    truncateSync(database, Math.floor(statSync(database).size / 2 / 4096) * 4096);
    await isRefusedUntouched({ code: 'CORRUPT_RECORD' });
  });
});

test('a record whose bytes were changed is CORRUPT_RECORD, all others still work, and the check names it', async () => {
  const bytes = readFileSync(database);
  const at = bytes.indexOf(contentOf(123));
  overwrite(database, at + 5, Buffer.from([bytes[at + 5]! ^ 1]));
  await using storage = await open();
  await expect(storage.get('record/123')).rejects.toMatchObject({ code: 'CORRUPT_RECORD', facts: { where: 'record/123' } });
  for (let number = 0; number < RECORDS; number++) if (number !== 123) expect(contentOf(number).equals((await storage.get(`record/${number}`))!.value)).toBe(true);
  expect((await storage.check!()).map(({ facts }) => facts.where)).toEqual(['record/123']);
  await storage.put('record/123', contentOf(123), { ifRevision: 'any' });
  expect(await storage.check!()).toEqual([]);
});

test('a database of a newer version is STORE_TOO_NEW and stays as it is', async () => {
  const newer = new DatabaseSync(database);
  newer.exec(`PRAGMA user_version = ${MIGRATIONS.length + 1}`);
  newer.close();
  await isRefusedUntouched({ code: 'STORE_TOO_NEW' });
});

test('an older database is brought to the newest version by its steps', async () => {
  rmSync(database);
  const older = new DatabaseSync(database);
  older.exec(`PRAGMA journal_mode = WAL; PRAGMA application_id = ${APPLICATION_ID}`);
  older.close();
  {
    await using storage = await open();
    await storage.put('key', contentOf(1), { ifRevision: 'absent' });
  }
  const migrated = new DatabaseSync(database);
  expect(migrated.prepare('PRAGMA user_version').get()).toEqual({ user_version: MIGRATIONS.length });
  migrated.close();
});

test('a second owner is refused while the first has it open', async () => {
  await using storage = await open();
  await expect(open()).rejects.toMatchObject({ code: 'CONFLICT' });
  await storage.put('still', contentOf(1), { ifRevision: 'absent' });
});
