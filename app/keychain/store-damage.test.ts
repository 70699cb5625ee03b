import { chmod, mkdir, mkdtemp, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { execFileSync } from 'node:child_process';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { beforeAll, describe, expect, test } from 'vitest';
import type { KeyRecord, StoreStatus } from '../contract/index.ts';
import { DATABASE } from '../storage/sqlite/schema.ts';
import { boundByPermissions, noPermissions } from '../testing/nobody.ts';
import { answering, openTestCore, PASSPHRASE, somebody } from './testing/core.ts';
import { at, fails, generate, storeFolders, works } from './testing/stores.ts';

const isRoot = process.getuid?.() === 0;
const { beside, folder, fresh } = storeFolders();

describe('damage on disk', () => {
  /** Overwrites one record's bytes where they lie. @returns nothing; the store must be closed. */
  const damage: Record<string, (path: string) => Promise<void>> = {
    async sqlite(path) {
      const database = new DatabaseSync(join(path, 'store', DATABASE));
      const { changes } = database.prepare("UPDATE contents SET value = zeroblob(length(value)) WHERE id = (SELECT content FROM records JOIN contents ON id = content WHERE key LIKE 'r/%' ORDER BY length(value) DESC LIMIT 1)").run();
      database.close();
      expect(changes).toBe(1);
    },
    async file(path) {
      const records = join(path, 'store', 'records');
      const files = (await readdir(records, { recursive: true, withFileTypes: true })).filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
      for (const file of files) {
        const bytes = await readFile(file);
        // A record's name is in its head; further on, sealed bytes may be anything.
        if (bytes.length < 1000 || !bytes.subarray(0, 100).includes('r/')) continue;
        bytes.fill(0, bytes.length - 64);
        await writeFile(file, bytes);
        return;
      }
      throw new Error(`no record found among ${files.length} files`);
    },
  };

  for (const kind of ['sqlite', 'file']) {
    test(`one damaged record (${kind}) is named by unlock or verify; the others still work`, async () => {
      const path = await folder();
      const keys: KeyRecord[] = [];
      {
        await using core = await at(path, kind);
        for (let index = 0; index < 6; index += 1) keys.push(await core.call<KeyRecord>('keys.generate', { label: `Key ${index}`, algorithm: 'ec-p256' }));
        await core.call('store.lock');
        // Closing empties the journal into the records' files.
      }
      await damage[kind]!(path);
      await using core = await openTestCore({ folder: path });
      await core.call('store.unlock');
      const { ok, problems } = await core.call<{ ok: boolean; problems: { record: string; detail: string }[] }>('store.verify');
      expect(ok).toBe(false);
      expect(problems.length).toBeGreaterThan(0);
      expect(problems.every(({ record, detail }) => record !== '' && detail !== '')).toBe(true);
      const outcomes = await Promise.all(keys.map(async ({ id }) => works(core, id).then(() => 'ok', (error: { code: string; facts: { where?: string } }) => `${error.code} ${error.facts.where ?? ''}`)));
      expect(outcomes.filter((outcome) => outcome === 'ok').length).toBeGreaterThanOrEqual(keys.length - 1);
      for (const outcome of outcomes) if (outcome !== 'ok') expect(outcome).toMatch(/^CORRUPT_RECORD .+/);
      // What is damaged does not stand in the way of anything else.
      await core.call('keys.list');
      await generate(core, 'After');
      expect(await core.call('audit.verify')).toMatchObject({ ok: true });
    });
  }

  const wreck: Record<string, (path: string) => Promise<void>> = {
    'a truncated database': async (path) => truncate(join(path, 'store', DATABASE), 5000),
    'a database of zeros': async (path) => writeFile(join(path, 'store', DATABASE), Buffer.alloc(40_000)),
    'a lost storage': (path) => rm(join(path, 'store'), { recursive: true }),
    'a corrupt store.json': (path) => writeFile(join(path, 'store.json'), '{"kind":'),
    'a store.json of null': (path) => writeFile(join(path, 'store.json'), 'null'),
    'an unknown kind of storage': (path) => writeFile(join(path, 'store.json'), '{"kind":"papyrus","format":1}'),
    'a corrupt header': async (path) => {
      const database = new DatabaseSync(join(path, 'store', DATABASE));
      const { changes } = database.prepare("UPDATE contents SET value = zeroblob(length(value)) WHERE id = (SELECT content FROM records WHERE key = 'header')").run();
      database.close();
      expect(changes).toBe(1);
    },
  };
  let backup: string;
  let key: KeyRecord;
  let model: string;
  beforeAll(async () => {
    model = await folder();
    await using core = await at(model);
    key = await generate(core, 'Survivor');
    backup = beside('rescue.kwb');
    await core.call('store.backup', { out: { path: backup } });
  });
  for (const [what, wrecking] of Object.entries(wreck)) {
    test(`with ${what} the core starts, says what is wrong before it asks for a passphrase, and restores a backup`, async () => {
      const path = fresh('wreck');
      execFileSync('cp', ['-r', model, path]);
      await wrecking(path);
      await using core = await openTestCore({ folder: path });
      const status = await core.call<StoreStatus>('store.status');
      expect(status).toMatchObject({ state: 'locked', problems: [{ record: expect.stringMatching(/./), detail: expect.stringMatching(/./) }] });
      const asked: string[] = [];
      await expect(core.core.call('store.unlock', {}, { principal: somebody(), prompt: answering({ 'store-passphrase': PASSPHRASE }, asked) })).rejects.toMatchObject({ code: expect.stringMatching(/^(CORRUPT_RECORD|INVALID_INPUT)$/) });
      expect(asked).toEqual([]);
      await expect(core.call('keys.list')).rejects.toMatchObject({ code: expect.stringMatching(/^(CORRUPT_RECORD|INVALID_INPUT)$/) });
      await expect(core.call('store.create')).rejects.toEqual(fails('ALREADY_EXISTS'));
      await core.call('store.restore', { from: { path: backup }, kind: 'sqlite' });
      expect(await core.call('store.unlock')).toMatchObject({ state: 'unlocked', problems: [] });
      await works(core, key.id);
    });
  }

  test('a store of a newer version is told, left alone, and opens once it is as before', async () => {
    const path = fresh('newer');
    execFileSync('cp', ['-r', model, path]);
    const facts = await readFile(join(path, 'store.json'));
    await writeFile(join(path, 'store.json'), '{"kind":"sqlite","format":2}');
    await using core = await openTestCore({ folder: path });
    expect(await core.call('store.status')).toMatchObject({ state: 'locked', problems: [{ detail: expect.stringContaining('newer') }] });
    await expect(core.call('store.unlock')).rejects.toEqual(fails('STORE_TOO_NEW'));
    await writeFile(join(path, 'store.json'), facts);
    await core.call('store.unlock');
    await works(core, key.id);
  });

  test('without store.json a store is not taken for none: no new one takes its place, and the file written anew opens it', async () => {
    const path = fresh('without-facts');
    execFileSync('cp', ['-r', model, path]);
    const facts = await readFile(join(path, 'store.json'));
    await rm(join(path, 'store.json'));
    await using core = await openTestCore({ folder: path });
    expect(await core.call('store.status')).toMatchObject({ state: 'locked', problems: [{ record: 'store.json', detail: expect.stringContaining('{"kind":"sqlite","format":1}') as unknown }] });
    await expect(core.call('store.create')).rejects.toEqual(fails('ALREADY_EXISTS'));
    await expect(core.call('store.unlock')).rejects.toEqual(fails('CORRUPT_RECORD'));
    await writeFile(join(path, 'store.json'), facts);
    await core.call('store.unlock');
    await works(core, key.id);
  });

  test('what a creation left that was cut off is not in the way, and is not deleted', async () => {
    const path = fresh('cut-off');
    await mkdir(join(path, 'store'), { recursive: true });
    await writeFile(join(path, 'store', 'store.db'), '');
    await using core = await openTestCore({ folder: path });
    expect(await core.call('store.create')).toMatchObject({ state: 'unlocked', keys: 0 });
    expect((await readdir(path)).some((name) => name.startsWith('store-unfinished-'))).toBe(true);
  });
});


/** Runs work on a small tmpfs, which only root may mount. */
async function onTmpfs(size: string, work: (path: string) => Promise<void>): Promise<void> {
  const path = await folder();
  execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${size},mode=0700`, 'tmpfs', path]);
  try {
    await work(path);
  } finally {
    execFileSync('umount', ['-l', path]);
  }
}

function mounts(): boolean {
  if (!isRoot) return false;
  const path = execFileSync('mktemp', ['-d']).toString().trim();
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', path], { stdio: 'ignore' });
    execFileSync('umount', [path]);
    return true;
  } catch {
    return false;
  } finally {
    execFileSync('rmdir', [path]);
  }
}
const mayMount = mounts();
const why = mayMount ? '' : ' (skipped: this user may not mount a tmpfs)';

describe('disks that are full or read-only', () => {
  for (const kind of ['sqlite', 'file']) {
    test.skipIf(!mayMount)(`a full disk (${kind}) is STORAGE_FULL; the store stays as it was and works on when there is space${why}`, async () => {
      await onTmpfs('3m', async (path) => {
        await using core = await at(path, kind);
        const key = await generate(core, 'Before');
        const ballast = join(path, 'ballast');
        execFileSync('sh', ['-c', `dd if=/dev/zero of="${ballast}" bs=4k 2>/dev/null; true`]);
        const outcomes: string[] = [];
        for (let tries = 0; tries < 40 && !outcomes.includes('STORAGE_FULL'); tries += 1) outcomes.push(await generate(core, 'While full').then(() => 'ok', (error: { code: string }) => error.code));
        expect(outcomes.filter((outcome) => outcome !== 'ok')).toEqual(['STORAGE_FULL']);
        const held = outcomes.filter((outcome) => outcome === 'ok').length + 1;
        expect(await core.call('keys.list')).toMatchObject({ total: held });
        await rm(ballast);
        await works(core, key.id);
        await generate(core, 'After');
        await core.call('store.lock');
        expect(await core.call('store.unlock')).toMatchObject({ keys: held + 1, problems: [] });
        expect(await core.call('store.verify')).toMatchObject({ ok: true });
        expect(await core.call('audit.verify')).toMatchObject({ ok: true });
      });
    });

    test.skipIf(!mayMount)(`a store that does not fit (${kind}) leaves nothing that is in the way of the next try${why}`, async () => {
      await onTmpfs(kind === 'file' ? '8k' : '16k', async (path) => {
        await using core = await openTestCore({ folder: path });
        await expect(core.call('store.create', { kind })).rejects.toEqual(fails('STORAGE_FULL'));
        expect(await core.call('store.status')).toMatchObject({ state: 'absent' });
        execFileSync('mount', ['-o', 'remount,size=8m', path]);
        expect(await core.call('store.create', { kind })).toMatchObject({ state: 'unlocked' });
      });
    });
  }

  test.skipIf(!mayMount)(`a read-only disk is STORAGE_READ_ONLY, and the core starts all the same${why}`, async () => {
    await onTmpfs('4m', async (path) => {
      { await using core = await at(path); await generate(core, 'Before'); }
      execFileSync('mount', ['-o', 'remount,ro', path]);
      await using core = await openTestCore({ folder: path });
      expect(await core.call('store.status')).toMatchObject({ state: 'locked' });
      const error = await core.call('store.unlock').then(() => generate(core, 'x')).catch((thrown: { code: string }) => thrown);
      expect(error).toEqual(fails('STORAGE_READ_ONLY'));
    });
  });

  test.skipIf(noPermissions !== undefined)(`a folder without permission to write is STORAGE_READ_ONLY${noPermissions === undefined ? '' : ` (skipped: ${noPermissions})`}`, () => boundByPermissions(async () => {
    const path = await mkdtemp(join(tmpdir(), 'keywright-closed-'));
    await chmod(path, 0o500);
    await using core = await openTestCore({ folder: path });
    await expect(core.call('store.create')).rejects.toEqual(fails('STORAGE_READ_ONLY'));
    expect(await readdir(path)).toEqual([]);
    await rm(path, { recursive: true });
  }));
});
