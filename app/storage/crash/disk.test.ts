import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { boundByPermissions, noPermissions, whoIsBound } from '../../testing/nobody.ts';
import { all } from '../conformance.ts';
import { fileKind } from '../file/index.ts';
import { sqliteKind } from '../sqlite/index.ts';
import type { Storage } from '../storage.ts';
import { filesOf } from './files-of.ts';
import { noMounting, SmallDisk } from './small-disk.ts';

const WOULD_BE_WRITER = fileURLToPath(new URL('./would-be-writer.ts', import.meta.url));
const skipped = noMounting === undefined ? '' : ` (skipped: ${noMounting})`;
const contentOf = (number: number): Buffer => Buffer.alloc(3000, number);

describe.each([fileKind, sqliteKind])('$kind', (kind) => {
  describe.skipIf(noMounting !== undefined)(`on a disk that fills up${skipped}`, () => {
    test('says STORAGE_FULL, keeps what was acknowledged and nothing else, and goes on once there is space', async () => {
      using disk = new SmallDisk(3 * 1024);
      const folder = join(disk.path, 'store');
      mkdirSync(folder, { mode: 0o700 });
      writeFileSync(join(disk.path, 'ballast'), Buffer.alloc(1024 * 1024));
      let storage = await kind.open({ folder, create: true });
      const full = await fill(storage, 0);
      expect(full.error).toMatchObject({ code: 'STORAGE_FULL' });
      await judge(storage, full.written);
      await expect(storage.transaction(async (tx) => {
        await tx.put('both', contentOf(1), { ifRevision: 'absent' });
        await tx.put('or none', Buffer.alloc(1024 * 1024), { ifRevision: 'absent' });
      })).rejects.toMatchObject({ code: 'STORAGE_FULL' });
      await judge(storage, full.written);

      rmSync(join(disk.path, 'ballast'));
      await put(storage, full.written);
      await judge(storage, full.written + 1);
      const again = await fill(storage, full.written + 1);
      expect(again.error).toMatchObject({ code: 'STORAGE_FULL' });
      expect(again.written).toBeGreaterThan(full.written + 1);
      await storage[Symbol.asyncDispose]();
      storage = await kind.open({ folder, create: false });
      await judge(storage, again.written);
      await storage[Symbol.asyncDispose]();
    });

    test('says STORAGE_FULL for an entry of the log, and numbers go on without a gap once there is space', async () => {
      using disk = new SmallDisk(2 * 1024);
      const folder = join(disk.path, 'store');
      mkdirSync(folder, { mode: 0o700 });
      writeFileSync(join(disk.path, 'ballast'), Buffer.alloc(512 * 1024));
      let storage = await kind.open({ folder, create: true });
      let written = 0;
      let error: unknown;
      while (error === undefined) {
        // Several at once, so that one write(2) holds some that fit and some that do not.
        const outcomes = await Promise.allSettled([1, 2, 3].map((index) => storage.log.append(contentOf(written + index))));
        written += outcomes.filter(({ status }) => status === 'fulfilled').length;
        error = outcomes.find((outcome) => outcome.status === 'rejected')?.reason;
      }
      expect(error).toMatchObject({ code: 'STORAGE_FULL' });
      expect(await storage.log.last()).toBe(written);
      rmSync(join(disk.path, 'ballast'));
      expect(await storage.log.append(contentOf(written + 1))).toBe(written + 1);
      await storage.log.flush();
      await storage[Symbol.asyncDispose]();
      storage = await kind.open({ folder, create: false });
      const entries = await storage.log.read(1, 10_000);
      expect(entries.map(({ number }) => number)).toEqual(Array.from({ length: written + 1 }, (_, index) => index + 1));
      for (const { number, entry } of entries) expect(contentOf(number).equals(entry)).toBe(true);
      await storage[Symbol.asyncDispose]();
    });

    test('says STORAGE_FULL when there is no space to create it, and leaves none that is half made', async () => {
      using disk = new SmallDisk(64);
      writeFileSync(join(disk.path, 'ballast'), Buffer.alloc(56 * 1024));
      const folder = join(disk.path, 'store');
      mkdirSync(folder, { mode: 0o700 });
      await expect(kind.open({ folder, create: true }).then((storage) => fill(storage, 0)).then(({ error }) => Promise.reject(error as Error))).rejects.toMatchObject({ code: 'STORAGE_FULL' });
    });
  });

  describe('in a folder that cannot be written', () => {
    test.skipIf(noMounting !== undefined)(`says STORAGE_READ_ONLY and leaves every byte as it is: a file system mounted read-only${skipped}`, async () => {
      using disk = new SmallDisk(4 * 1024);
      await create(disk.path);
      disk.remount('ro');
      const before = filesOf(disk.path);
      await expect(kind.open({ folder: join(disk.path, 'store'), create: false })).rejects.toMatchObject({ code: 'STORAGE_READ_ONLY' });
      await expect(kind.open({ folder: join(disk.path, 'empty'), create: true })).rejects.toMatchObject({ code: 'STORAGE_READ_ONLY' });
      expect(filesOf(disk.path)).toEqual(before);
      disk.remount('rw');
      await using storage = await kind.open({ folder: join(disk.path, 'store'), create: false });
      await judge(storage, 3);
    });

    // By a process of its own: access(2), which either kind asks first, judges by the real user.
    test.skipIf(noPermissions !== undefined)(`says STORAGE_READ_ONLY and leaves every byte as it is: permissions${noPermissions === undefined ? '' : ` (skipped: ${noPermissions})`}`, async () => {
      const folder = await boundByPermissions(async () => {
        const made = mkdtempSync(join(tmpdir(), 'keywright-mode-'));
        await create(made);
        return made;
      });
      const attempt = (name: string, how: 'open' | 'create'): string => execFileSync(process.execPath, [WOULD_BE_WRITER, kind.kind, join(folder, name), how], { ...whoIsBound, encoding: 'utf8' }).trim();
      expect(attempt('store', 'open')).toBe('opened');
      for (const name of ['store', 'empty']) chmodSync(join(folder, name), 0o500);
      const before = filesOf(folder);
      expect(attempt('store', 'open')).toBe('STORAGE_READ_ONLY');
      expect(attempt('empty', 'create')).toBe('STORAGE_READ_ONLY');
      expect(filesOf(folder)).toEqual(before);
      for (const name of ['store', 'empty']) chmodSync(join(folder, name), 0o700);
      rmSync(folder, { recursive: true });
    });

    async function create(path: string): Promise<void> {
      for (const name of ['store', 'empty']) mkdirSync(join(path, name), { mode: 0o700 });
      await using storage = await kind.open({ folder: join(path, 'store'), create: true });
      for (let number = 0; number < 3; number++) await put(storage, number);
      await storage.log.append(contentOf(1));
    }
  });

  test('keeps everything in its folder, readable by its owner alone', async () => {
    const around = mkdtempSync(join(tmpdir(), 'keywright-around-'));
    const folder = join(around, 'store');
    mkdirSync(folder, { mode: 0o700 });
    const storage = await kind.open({ folder, create: true });
    for (let number = 0; number < 10; number++) await put(storage, number);
    await storage.log.append(contentOf(1));
    const whileOpen = filesOf(around);
    await storage[Symbol.asyncDispose]();
    for (const files of [whileOpen, filesOf(around)]) {
      expect(Object.keys(files).filter((name) => name !== 'store' && !name.startsWith('store/'))).toEqual([]);
      expect(Object.entries(files).filter(([, facts]) => !/^(700|600 .*)$/.test(facts))).toEqual([]);
    }
    rmSync(around, { recursive: true });
  });
});

const keyOf = (number: number): string => `record/${String(number).padStart(6, '0')}`;

async function put(storage: Storage, number: number): Promise<void> {
  await storage.put(keyOf(number), contentOf(number), { ifRevision: 'absent' });
}

async function fill(storage: Storage, from: number): Promise<{ written: number; error: unknown }> {
  for (let number = from; ; number++) {
    try {
      await put(storage, number);
    } catch (error) {
      return { written: number, error };
    }
  }
}

async function judge(storage: Storage, written: number): Promise<void> {
  expect((await all(storage, '')).map(({ key }) => key)).toEqual(Array.from({ length: written }, (_, number) => keyOf(number)));
  for (let number = 0; number < written; number++) expect(contentOf(number).equals((await storage.get(keyOf(number)))!.value)).toBe(true);
}
