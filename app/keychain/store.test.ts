import { copyFile, readdir, readFile, readlink, stat, writeFile } from 'node:fs/promises';
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import type { KeyRecord, Prompter, StoreStatus } from '../contract/index.ts';
import { FakeToken, FakeTokens, fakeTokenManifest } from '../keystore/testing/fake-token.ts';
import { answering, openTestCore, PASSPHRASE, somebody, type TestCore } from './testing/core.ts';
import { at, fails, generate, storeFolders, works } from './testing/stores.ts';

const { beside, folder } = storeFolders();

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
  await expect(core.call('store.change-passphrase', {}, { 'store-passphrase': 'wrong', 'new-store-passphrase': 'the next one 11' })).rejects.toMatchObject({ code: 'PIN_INCORRECT', facts: { remedy: expect.stringContaining('store slots add passphrase') } });
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

test('a call that takes longer than the idle time is not cut off by it; one that waits for a person keeps nothing open', async () => {
  const [tokens, card] = [new FakeTokens(), new FakeToken('1001')];
  const token = tokens.insert(card);
  await using core = await openTestCore({ created: false, config: { 'store.idleLockMinutes': 1, 'prompts.waitMinutes': 0 }, backends: [fakeTokenManifest(tokens)] });
  const started = Promise.withResolvers<void>();
  const finished = Promise.withResolvers<Uint8Array>();
  const slow = vi.spyOn(token.store.signer!, 'sign').mockImplementationOnce(() => (started.resolve(), finished.promise));
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date'] });
  try {
    await core.call('store.create', { kind: 'memory' });
    const { uri } = await core.call<KeyRecord>('keys.generate', { backend: 'fake', label: 'Slow', algorithm: 'ed25519' });
    const sign = (prompt: Prompter) => core.core.call('keys.sign', { key: uri, content: { message: 'aGVsbG8' } }, { principal: somebody(), prompt });
    const signing = sign(answering({}));
    await started.promise;
    await vi.advanceTimersByTimeAsync(200_000);
    finished.resolve(new Uint8Array(64));
    await signing;
    slow.mockRestore();
    const waiting = sign({ interactive: true, ask: () => new Promise(() => undefined) }).catch((thrown: unknown) => thrown);
    await vi.advanceTimersByTimeAsync(130_000);
    expect(await waiting).toEqual(fails('STORE_LOCKED'));
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
    backup = beside('backup.kwb');
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
      const file = beside(`bad-${name}`);
      await writeFile(file, bytes);
      await expect(core.call('store.restore', { from: { path: file } }), name).rejects.toSatisfy((error: { code: string }) => ['INVALID_INPUT', 'CORRUPT_RECORD'].includes(error.code));
      await works(core, old.id);
    }
    expect((await readdir(path)).sort()).toEqual(before);
    await expect(core.call('store.restore', { from: { path: beside('not-there') } })).rejects.toEqual(fails('NOT_FOUND'));
    await expect(core.call('store.restore', { from: { path: backup }, kind: 'papyrus' })).rejects.toEqual(fails('INVALID_INPUT'));
    await works(core, old.id);
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
    await writeFile(beside('a-file'), '');
    await expect(open('relative/path')).rejects.toEqual(fails('INVALID_INPUT'));
    await expect(open(beside('a-file'))).rejects.toEqual(fails('INVALID_INPUT'));
    await expect(open('/nul\0byte')).rejects.toEqual(fails('INVALID_INPUT'));
    await writeFile(join(two, 'store.json'), 'nonsense');
    await expect(open(two)).rejects.toEqual(fails('CORRUPT_RECORD'));
    expect(await core.call('store.status')).toMatchObject({ folder: one, state: 'locked', problems: [] });
  });
});
