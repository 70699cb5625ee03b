import { copyFileSync, existsSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { all } from '../conformance.ts';
import { filesOf } from '../crash/files-of.ts';
import { readCatalogue, writeCatalogue } from './catalogue.ts';
import { fileKind, openFileStorage } from './index.ts';
import { fileNameOf, keyOf, pathOf } from './names.ts';

let folder: string;
const RECORDS = 40;
const contentOf = (number: number): Buffer => Buffer.from(`content of ${number}`);
const fileOf = (key: string): string => join(folder, 'records', pathOf(key));
const open = () => fileKind.open({ folder, create: false });
const LONG = `long/${'x'.repeat(300)}`;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'keywright-damage-'));
  await using storage = await fileKind.open({ folder, create: true });
  for (let number = 0; number < RECORDS; number++) await storage.put(`record/${number}`, contentOf(number), { ifRevision: 'absent', summary: { number } });
  await storage.put(LONG, contentOf(0), { ifRevision: 'absent' });
});

afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** All records but `damaged` still work, and a check names that one alone. */
async function judgeOthers(damaged: string): Promise<void> {
  await using storage = await open();
  await expect(storage.get(damaged)).rejects.toMatchObject({ code: 'CORRUPT_RECORD', facts: { where: damaged } });
  for (let number = 0; number < RECORDS; number++) {
    const key = `record/${number}`;
    if (key !== damaged) expect(contentOf(number).equals((await storage.get(key))!.value)).toBe(true);
  }
  expect((await storage.check!()).map(({ facts }) => facts.where)).toEqual([damaged]);
  expect((await all(storage, 'record/')).map(({ key }) => key)).toContain(damaged);
}

describe('a record whose file was damaged is CORRUPT_RECORD, and all others still work:', () => {
  test.each([['in its first byte', 0], ['in its key', 26], ['in its value', -1]])('%s', async (_, at) => {
    const bytes = readFileSync(fileOf('record/7'));
    const index = at < 0 ? bytes.length + at : at;
    bytes[index] = bytes[index]! ^ 1;
    writeFileSync(fileOf('record/7'), bytes);
    await judgeOthers('record/7');
  });

  test.each([0, 10, 40, 80])('cut short to %i bytes', async (length) => {
    truncateSync(fileOf('record/7'), length);
    await judgeOthers('record/7');
  });

  test('longer than it was', async () => {
    writeFileSync(fileOf('record/7'), Buffer.concat([readFileSync(fileOf('record/7')), Buffer.from('more')]));
    await judgeOthers('record/7');
  });

  test("another record's file in its place", async () => {
    copyFileSync(fileOf('record/8'), fileOf('record/7'));
    await judgeOthers('record/7');
  });

  test('a new value mends it', async () => {
    truncateSync(fileOf('record/7'), 3);
    await using storage = await open();
    await storage.put('record/7', contentOf(7), { ifRevision: 'any' });
    expect(await storage.check!()).toEqual([]);
  });

  test('one that does not even tell its name is told by a check', async () => {
    truncateSync(fileOf(LONG), 3);
    await using storage = await open();
    expect((await storage.check!()).map(({ facts }) => facts.where)).toEqual([pathOf(LONG)]);
  });
});

test('a record that was put back from an older copy shows its older revision, and a removed one is gone, at once after opening', async () => {
  const copy = join(folder, 'copy');
  copyFileSync(fileOf('record/1'), copy);
  const [before] = await (async () => {
    await using storage = await open();
    const records = await all(storage, 'record/1', 1);
    await storage.put('record/1', Buffer.from('newer'), { ifRevision: 'any' });
    return records;
  })();
  renameSync(copy, fileOf('record/1'));
  rmSync(fileOf('record/2'));
  await using storage = await open();
  const keys = await all(storage, 'record/');
  expect(keys.find(({ key }) => key === 'record/1')!.revision).toBe(before!.revision);
  expect(keys.find(({ key }) => key === 'record/2')).toBeUndefined();
});

test('a record whose file is replaced or removed while the storage is open is CORRUPT_RECORD', async () => {
  const copy = join(folder, 'copy');
  copyFileSync(fileOf('record/1'), copy);
  {
    await using storage = await open();
    await storage.put('record/1', Buffer.from('newer'), { ifRevision: 'any' });
  }
  await using storage = await open();
  renameSync(copy, fileOf('record/1'));
  rmSync(fileOf('record/2'));
  for (const key of ['record/1', 'record/2']) await expect(storage.get(key)).rejects.toMatchObject({ code: 'CORRUPT_RECORD', facts: { where: key } });
});

describe('the journal', () => {
  async function crashed(): Promise<string> {
    const killed = mkdtempSync(join(tmpdir(), 'keywright-damage-'));
    {
      await using storage = await openFileStorage({ folder, create: false, settleDelay: 60_000 });
      for (let number = 0; number < 5; number++) await storage.put(`late/${number}`, contentOf(number), { ifRevision: 'absent' });
      for (const name of readdirSync(folder, { recursive: true, withFileTypes: true })) {
        if (!name.isFile()) continue;
        const path = join(name.parentPath, name.name).slice(folder.length + 1);
        writeFileSync(join(killed, path.replaceAll('/', '=')), readFileSync(join(folder, path)));
      }
    }
    // As it was before closing moved the changes into the records' files.
    for (const name of readdirSync(folder, { recursive: true, withFileTypes: true })) if (name.isFile()) rmSync(join(name.parentPath, name.name));
    for (const name of readdirSync(killed)) copyFileSync(join(killed, name), join(folder, name.replaceAll('=', '/')));
    rmSync(killed, { recursive: true });
    return join(folder, 'journal', readdirSync(join(folder, 'journal')).sort().at(-1)!);
  }

  test('holds what was acknowledged before a crash, and closing moves it into the files', async () => {
    await crashed();
    expect(existsSync(fileOf('late/3'))).toBe(false);
    {
      await using storage = await open();
      expect(await all(storage, 'late/')).toHaveLength(5);
      expect(contentOf(3).equals((await storage.get('late/3'))!.value)).toBe(true);
    }
    expect(existsSync(fileOf('late/3'))).toBe(true);
  });

  test('drops a commit that was cut off', async () => {
    const journal = await crashed();
    truncateSync(journal, readFileSync(journal).length - 1);
    await using storage = await open();
    expect(await all(storage, 'late/')).toHaveLength(4);
  });

  test('is CORRUPT_RECORD and stays as it is when a commit in its middle is damaged', async () => {
    const journal = await crashed();
    const bytes = readFileSync(journal);
    bytes[bytes.indexOf('late/2')] = 0;
    writeFileSync(journal, bytes);
    const before = filesOf(folder);
    await expect(open()).rejects.toMatchObject({ code: 'CORRUPT_RECORD' });
    expect(filesOf(folder)).toEqual(before);
  });
});

test('a storage of a newer format is STORE_TOO_NEW, one without its marker is neither opened nor created over; both stay as they are', async () => {
  const marker = join(folder, 'storage.json');
  for (const [content, code] of [['{"kind":"file","format":2}', 'STORE_TOO_NEW'], ['{"kind":"file"', 'CORRUPT_RECORD'], ['', 'CORRUPT_RECORD']] as const) {
    writeFileSync(marker, content);
    const before = filesOf(folder);
    await expect(open()).rejects.toMatchObject({ code });
    expect(filesOf(folder)).toEqual(before);
  }
  rmSync(marker);
  const before = filesOf(folder);
  await expect(open()).rejects.toMatchObject({ code: 'NOT_FOUND' });
  await expect(fileKind.open({ folder, create: true })).rejects.toMatchObject({ code: 'ALREADY_EXISTS' });
  expect(filesOf(folder)).toEqual(before);
});

test('the catalogue of a large storage saves reading each record, and a damaged one is ignored', async () => {
  await using storage = await open();
  for (let start = 0; start < 1500; start += 100) {
    await storage.transaction(async (tx) => {
      for (let number = start; number < start + 100; number++) await tx.put(`many/${number}`, contentOf(number), { ifRevision: 'absent', summary: ['of', number] });
    });
  }
  const before = await all(storage, '');
  await storage[Symbol.asyncDispose]();
  const path = join(folder, 'catalogue');
  for (const step of [() => undefined, () => writeFileSync(path, readFileSync(path).subarray(0, 5000)), () => writeFileSync(path, ''), () => rmSync(path, { force: true })]) {
    if (existsSync(path)) step();
    await using again = await open();
    expect(await all(again, '')).toEqual(before);
  }
});

test('a catalogue reads as it was written', () => {
  const path = join(folder, 'catalogue');
  const entries = new Map([['a', { revision: 'r1', summary: null, stamp: 1 }], ['b "\\ ~', { revision: 'r2', summary: { label: 'x\ty\nü' }, stamp: 4503599627370495 }]]);
  writeCatalogue(path, [...entries, ['damaged', { revision: 'r3', summary: null, stamp: Number.NaN }]]);
  expect(readCatalogue(path)).toEqual(entries);
});

test('file names are safe, told apart without capitals, and tell their key', () => {
  const keys = ['a', 'A', 'a/b', 'a%2fb', '../../etc/passwd', '.', '..', ' ', '~', 'con', 'k'.repeat(200), 'k'.repeat(201), 'K'.repeat(512)];
  const names = keys.map(fileNameOf);
  expect(new Set(names.map((name) => name.toLowerCase())).size).toBe(keys.length);
  for (const [index, name] of names.entries()) {
    expect(name).toMatch(/^[a-z0-9_%~-]{1,200}$/);
    expect(keyOf(name)).toEqual(name.startsWith('~') ? 'hashed' : { key: keys[index] });
  }
  for (const name of ['README', 'a.new', '%41%zz', '%61', '~short', '']) expect(keyOf(name)).toBe('foreign');
});
