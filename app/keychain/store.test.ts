import { chmod, copyFile, mkdir, mkdtemp, readdir, readFile, readlink, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { execFileSync } from 'node:child_process';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import type { KeyRecord, StoreStatus } from '../contract/index.ts';
import { DATABASE } from '../storage/sqlite/schema.ts';
import { boundByPermissions, noPermissions } from '../testing/nobody.ts';
import { answering, openTestCore, PASSPHRASE, somebody, type TestCore } from './testing/core.ts';

const fails = (code: string): unknown => expect.objectContaining({ code });
const isRoot = process.getuid?.() === 0;

let scratch: string;
beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'keywright-store-'));
});
afterAll(() => rm(scratch, { recursive: true, force: true }));

let folders = 0;
const folder = async (): Promise<string> => {
  const path = join(scratch, `store-${(folders += 1)}`);
  await mkdir(path, { mode: 0o700 });
  return path;
};
const at = async (path: string, kind = 'sqlite'): Promise<TestCore> => {
  const core = await openTestCore({ folder: path });
  if ((await core.call<StoreStatus>('store.status')).state === 'absent') await core.call('store.create', { kind });
  return core;
};
const generate = (core: TestCore, label: string): Promise<KeyRecord> => core.call<KeyRecord>('keys.generate', { label, algorithm: 'ed25519' });
const works = async (core: TestCore, key: string): Promise<void> => {
  await core.call('keys.sign', { key, content: { message: 'aGVsbG8' } });
};

describe('recovery code', () => {
  test('is shown once, unlocks the store, and is nowhere in status, slots or the audit trail', async () => {
    await using core = await openTestCore({ created: false });
    const shown: string[] = [];
    const prompt = answering({ 'new-store-passphrase': PASSPHRASE });
    await core.core.call('store.create', { kind: 'memory', recoveryCode: true }, {
      principal: somebody(),
      prompt: { interactive: true, ask: async (request, signal) => (request.kind === 'show-secret' ? (shown.push(request.secret), { kind: 'confirmed' }) : prompt.ask(request, signal)) },
    });
    expect(shown).toHaveLength(1);
    const [code] = shown as [string];
    const told = JSON.stringify([await core.call('store.status'), await core.call('store.slots.list'), await core.call('audit.export')]);
    expect(told).not.toContain(code);
    await core.call('store.lock');
    await expect(core.call('store.unlock', { with: 'recovery-code' }, { 'recovery-code': `${code.slice(0, -1)}${code.endsWith('A') ? 'B' : 'A'}` })).rejects.toSatisfy((error: { code: string }) => ['PIN_INCORRECT', 'INVALID_INPUT'].includes(error.code));
    expect(await core.call('store.unlock', { with: 'recovery-code' }, { 'recovery-code': code })).toMatchObject({ state: 'unlocked', hasRecoveryCode: true });
  });

  test('one that nobody confirmed as kept opens nothing', async () => {
    await using core = await openTestCore();
    await expect(core.call('store.slots.add', { kind: 'recovery-code' })).rejects.toEqual(fails('CANCELLED'));
    expect((await core.call<{ slots: unknown[] }>('store.slots.list')).slots).toHaveLength(1);
    expect(await core.call('store.status')).toMatchObject({ hasRecoveryCode: false });
  });
});

test('ways to unlock are added and removed, never the last one', async () => {
  await using core = await openTestCore();
  const first = (await core.call<{ slots: { id: string }[] }>('store.slots.list')).slots[0]!;
  const second = await core.call<{ id: string }>('store.slots.add', { kind: 'passphrase', label: 'Travel' }, { 'new-store-passphrase': 'another way in 7' });
  await expect(core.call('store.slots.remove', { id: 'nonsense' })).rejects.toEqual(fails('NOT_FOUND'));
  expect((await core.call<{ slots: unknown[] }>('store.slots.remove', { id: first.id })).slots).toHaveLength(1);
  await expect(core.call('store.slots.remove', { id: second.id })).rejects.toEqual(fails('CONFLICT'));
  await core.call('store.lock');
  await expect(core.call('store.unlock')).rejects.toEqual(fails('PIN_INCORRECT'));
  await core.call('store.unlock', {}, { 'store-passphrase': 'another way in 7' });
});

test('the passphrase changes for who knows it; a wrong one changes nothing', async () => {
  await using core = await openTestCore();
  const key = await generate(core, 'Kept');
  await expect(core.call('store.change-passphrase', {}, { 'store-passphrase': 'wrong', 'new-store-passphrase': 'the next one 11' })).rejects.toEqual(fails('PIN_INCORRECT'));
  await expect(core.call('store.change-passphrase', {}, { 'new-store-passphrase': 'short' })).rejects.toEqual(fails('INVALID_INPUT'));
  await core.call('store.change-passphrase', {}, { 'new-store-passphrase': 'the next one 11' });
  await core.call('store.lock');
  await expect(core.call('store.unlock')).rejects.toEqual(fails('PIN_INCORRECT'));
  await core.call('store.unlock', {}, { 'store-passphrase': 'the next one 11' });
  await works(core, key.id);
});

test('the sixth wrong passphrase must wait, and the right one too', async () => {
  await using core = await openTestCore();
  await core.call('store.lock');
  for (let tries = 0; tries < 5; tries += 1) await expect(core.call('store.unlock', {}, { 'store-passphrase': 'wrong' })).rejects.toEqual(fails('PIN_INCORRECT'));
  await expect(core.call('store.unlock', {}, { 'store-passphrase': 'wrong' })).rejects.toMatchObject({ code: 'RATE_LIMITED', facts: { retryAfter: expect.any(Number) } });
  await expect(core.call('store.unlock')).rejects.toEqual(fails('RATE_LIMITED'));
});

test('an idle store locks itself; one in use does not', async () => {
  await using core = await openTestCore({ config: { 'store.idleLockMinutes': 1 } });
  const key = await generate(core, 'In use');
  await core.call('store.lock');
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date'] });
  try {
    await core.call('store.unlock');
    for (const _ of [1, 2]) {
      await vi.advanceTimersByTimeAsync(40_000);
      await works(core, key.id);
    }
    await vi.advanceTimersByTimeAsync(61_000);
    await expect(core.call('keys.list')).rejects.toEqual(fails('STORE_LOCKED'));
    await expect(works(core, key.id)).rejects.toEqual(fails('STORE_LOCKED'));
  } finally {
    vi.useRealTimers();
  }
});

describe('backup and restore', () => {
  let source: TestCore;
  let key: KeyRecord;
  let backup: string;
  beforeAll(async () => {
    source = await at(await folder());
    key = await generate(source, 'Backed up');
    backup = join(scratch, 'backup.kwb');
    const told = await source.call<{ bytes: number }>('store.backup', { out: { path: backup } });
    expect(told.bytes).toBe((await stat(backup)).size);
    await expect(source.call('store.backup', { out: { path: backup } })).rejects.toEqual(fails('ALREADY_EXISTS'));
  });
  afterAll(() => source[Symbol.asyncDispose]());

  test('into a new folder, of either kind of storage', async () => {
    for (const kind of ['sqlite', 'file']) {
      await using core = await openTestCore({ folder: await folder() });
      expect(await core.call('store.restore', { from: { path: backup }, kind })).toMatchObject({ store: { state: 'locked', kind }, setAside: null });
      await core.call('store.unlock');
      await works(core, key.id);
      expect(await core.call('store.verify')).toMatchObject({ ok: true, problems: [] });
      expect(await core.call('audit.verify')).toMatchObject({ ok: true });
    }
  });

  test('over a store that is there: that one is set aside, and opens when it is put back', async () => {
    const path = await folder();
    await using core = await at(path);
    const old = await generate(core, 'Old');
    await expect(core.call('store.restore', { from: { path: backup } }, { confirm: undefined as never })).rejects.toEqual(fails('CANCELLED'));
    await works(core, old.id);
    const { setAside } = await core.call<{ setAside: string }>('store.restore', { from: { path: backup } });
    await core.call('store.unlock');
    await works(core, key.id);
    await expect(core.call('keys.show', { key: old.id })).rejects.toEqual(fails('NOT_FOUND'));
    const again = await folder();
    await copyFile(join(path, 'store.json'), join(again, 'store.json'));
    execFileSync('cp', ['-r', setAside, join(again, 'store')]);
    await using older = await openTestCore({ folder: again });
    await older.call('store.unlock');
    await works(older, old.id);
  });

  test('a backup that is cut short, altered or none changes nothing and leaves nothing', async () => {
    const path = await folder();
    await using core = await at(path);
    const old = await generate(core, 'Old');
    const whole = await readFile(backup);
    const altered = Buffer.from(whole);
    altered[altered.length >> 1]! ^= 1;
    const bad = { short: whole.subarray(0, whole.length - 100), header: whole.subarray(0, 20), empty: Buffer.alloc(0), altered, nonsense: Buffer.from('this is no backup'.repeat(100)) };
    const before = (await readdir(path)).sort();
    for (const [name, bytes] of Object.entries(bad)) {
      const file = join(scratch, `bad-${name}`);
      await writeFile(file, bytes);
      await expect(core.call('store.restore', { from: { path: file } }), name).rejects.toSatisfy((error: { code: string }) => ['INVALID_INPUT', 'CORRUPT_RECORD'].includes(error.code));
      await works(core, old.id);
    }
    expect((await readdir(path)).sort()).toEqual(before);
    await expect(core.call('store.restore', { from: { path: join(scratch, 'not-there') } })).rejects.toEqual(fails('NOT_FOUND'));
    await expect(core.call('store.restore', { from: { path: backup }, kind: 'papyrus' })).rejects.toEqual(fails('INVALID_INPUT'));
    await works(core, old.id);
  });
});

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
        if (bytes.length < 1000 || !bytes.includes('r/')) continue;
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
        await new Promise((resolve) => setTimeout(resolve, kind === 'file' ? 700 : 0)); // the journal settles into the records' files
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
    backup = join(scratch, 'rescue.kwb');
    await core.call('store.backup', { out: { path: backup } });
  });
  for (const [what, wrecking] of Object.entries(wreck)) {
    test(`with ${what} the core starts, says what is wrong before it asks for a passphrase, and restores a backup`, async () => {
      const path = join(scratch, `wreck-${(folders += 1)}`);
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
    const path = join(scratch, `newer-${(folders += 1)}`);
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

  test('what a creation left that was cut off is not in the way, and is not deleted', async () => {
    const path = join(scratch, `cut-off-${(folders += 1)}`);
    execFileSync('cp', ['-r', model, path]);
    await rm(join(path, 'store.json'));
    await using core = await openTestCore({ folder: path });
    expect(await core.call('store.create')).toMatchObject({ state: 'unlocked', keys: 0 });
    expect((await readdir(path)).some((name) => name.startsWith('store-unfinished-'))).toBe(true);
  });
});

describe.skipIf(process.platform !== 'linux')('a database that stays locked', () => {
  const openFiles = async (path: string): Promise<string[]> => {
    const files = await Promise.all((await readdir('/proc/self/fd')).map((name) => readlink(`/proc/self/fd/${name}`).catch(() => '')));
    return files.filter((file) => file.startsWith(path));
  };

  test('is closed, tells its state all the same, and is opened again when it is unlocked', async () => {
    const path = await folder();
    await using core = await openTestCore({ folder: path, as: 'serve' });
    await core.call('store.create', { kind: 'sqlite' });
    const { id } = await generate(core, 'Before');
    expect(await openFiles(path)).not.toEqual([]);
    await core.call('store.lock');
    await vi.waitFor(async () => expect(await openFiles(path)).toEqual([]), { timeout: 30_000, interval: 100 });
    expect(await core.call('store.status')).toMatchObject({ state: 'locked', kind: 'sqlite', problems: [] });
    await expect(core.call('store.unlock', {}, { 'store-passphrase': 'something else' })).rejects.toEqual(fails('PIN_INCORRECT'));
    await core.call('store.unlock');
    await works(core, id);
  });
});

describe('several stores', () => {
  test('another folder is opened and left again; both are among the recent ones', async () => {
    const [one, two] = [await folder(), await folder()];
    await using core = await at(one);
    const key = await generate(core, 'In one');
    const desktop = somebody(undefined, 'ipc');
    const open = (path: string): Promise<StoreStatus> => core.call<StoreStatus>('store.open', { folder: path }, {}, { principal: desktop });
    expect(await open(two)).toMatchObject({ state: 'absent', folder: two });
    await core.call('store.create', { name: 'Second' });
    expect(await open(one)).toMatchObject({ state: 'locked', folder: one });
    await core.call('store.unlock');
    await works(core, key.id);
    const { stores } = await core.call<{ stores: { folder: string; exists: boolean }[] }>('store.recent');
    expect(stores.map(({ folder: path }) => path)).toEqual([one, two]);
    await writeFile(join(scratch, 'a-file'), '');
    await expect(open('relative/path')).rejects.toEqual(fails('INVALID_INPUT'));
    await expect(open(join(scratch, 'a-file'))).rejects.toEqual(fails('INVALID_INPUT'));
    await expect(open('/nul\0byte')).rejects.toEqual(fails('INVALID_INPUT'));
    await writeFile(join(two, 'store.json'), 'nonsense');
    await expect(open(two)).rejects.toEqual(fails('CORRUPT_RECORD'));
    expect(await core.call('store.status')).toMatchObject({ folder: one, state: 'locked', problems: [] });
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
