import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { PERMISSIONS, type Principal, type Prompter } from '../contract/index.ts';
import { noMounting, SmallDisk } from '../storage/crash/small-disk.ts';
import { startBackgroundOwner } from './background.ts';
import { processChannel } from './channel.ts';
import { connectCore, type RemoteCore } from './client.ts';
import { findOwner } from './owner.ts';
import { ownerFolder } from './places.ts';

const HOST = new URL('./host.ts', import.meta.url).pathname;
const PASSPHRASE = 'seven quiet canaries sing 71';
const WINDOW: Principal = { id: 'desktop', name: 'this window', face: 'ipc', permissions: new Set(PERMISSIONS) };

let dataDir: string;
let children: ChildProcess[];
beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), 'keywright-host-'));
  children = [];
});
afterEach(async () => {
  for (const child of children) if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL');
  const left = await findOwner(dataDir).catch(() => undefined);
  if (left?.owner !== undefined) process.kill(left.owner.pid, 'SIGKILL');
  rmSync(dataDir, { recursive: true, force: true });
});

const prompt: Prompter = { interactive: true, ask: async () => ({ kind: 'secret', secret: PASSPHRASE }) };
const options = { principal: WINDOW, prompt };

function launch(): { child: ChildProcess; core: RemoteCore } {
  const child = spawn(process.execPath, [HOST], { env: { ...process.env, KEYWRIGHT_DATA_DIR: dataDir }, stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
  children.push(child);
  return { child, core: connectCore(processChannel(child)) };
}

async function gone(pid: number): Promise<void> {
  for (;;) {
    try {
      process.kill(pid, 0);
    } catch {
      return;
    }
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** Command line and environment of a process, as others see them. */
function seenOf(pid: number): string {
  return ['cmdline', 'environ'].map((name) => readFileSync(`/proc/${pid}/${name}`, 'utf8')).join('\n');
}

test('the desktop’s host serves its parent and the command line, and ends with its parent’s channel', async () => {
  const { child, core } = launch();
  expect(await core.call('store.create', { kind: 'file' }, options)).toMatchObject({ state: 'unlocked', owner: { pid: child.pid, kind: 'desktop' } });
  const other = await findOwner(dataDir);
  expect(await other!.call('store.status', {}, options)).toMatchObject({ state: 'unlocked' });
  if (existsSync('/proc/self')) expect(seenOf(child.pid!)).not.toContain(PASSPHRASE);
  child.disconnect();
  await once(child, 'exit');
  await other!.closed;
  expect(await findOwner(dataDir)).toBeUndefined();
});

test('the desktop’s host comes back after kill −9 and opens the same store', async () => {
  const first = launch();
  await first.core.call('store.create', { kind: 'file' }, options);
  first.child.kill('SIGKILL');
  await first.core.closed;
  const second = launch();
  expect(await second.core.call('store.status', {}, options)).toMatchObject({ state: 'locked' });
  expect(await second.core.call('store.unlock', {}, options)).toMatchObject({ state: 'unlocked' });
});

test('a mistyped setting does not keep the window from opening', async () => {
  writeFileSync(join(dataDir, 'config.json'), '{"store.idleLockMinuets": 5}');
  const { core } = launch();
  expect(await core.call('config.validate', {}, options)).toMatchObject({ ok: false, problems: [{ suggestion: 'store.idleLockMinutes' }] });
});

test('a store that cannot be had fails each call with the reason, until it can', async () => {
  writeFileSync(ownerFolder(dataDir), 'in the way');
  const { child, core } = launch();
  await expect(core.call('store.status', {}, options)).rejects.toMatchObject({ code: 'STORAGE_READ_ONLY' });
  expect(child.exitCode).toBeNull();
  rmSync(ownerFolder(dataDir));
  await expect.poll(() => core.call('store.status', {}, options).catch(() => undefined), { timeout: 10_000 }).toMatchObject({ state: 'absent', owner: { pid: child.pid } });
});

test('a window that opens another store owns that one, unless another process does', async () => {
  const other = mkdtempSync(join(tmpdir(), 'keywright-other-'));
  const { child, core } = launch();
  await core.call('store.open', { folder: other }, options);
  expect(await findOwner(dataDir)).toBeUndefined();
  expect((await findOwner(other))!.owner).toMatchObject({ pid: child.pid });
  await startBackgroundOwner({ dataDir });
  // Its client keeps it: locked and alone it would end.
  const keeping = await findOwner(dataDir);
  await expect(core.call('store.open', { folder: dataDir }, options)).rejects.toMatchObject({ code: 'CONFLICT' });
  expect(await core.call('store.status', {}, options)).toMatchObject({ folder: other });
  await keeping![Symbol.asyncDispose]();
  child.disconnect();
  await once(child, 'exit');
  rmSync(other, { recursive: true, force: true });
});

test('the desktop’s host uses a background owner, and takes over when that ends', async () => {
  await startBackgroundOwner({ dataDir });
  const direct = await findOwner(dataDir);
  const { pid, kind } = direct!.owner!;
  expect(kind).toBe('background');
  await direct!.call('store.create', { kind: 'file' }, options);
  const { child, core } = launch();
  expect(await core.call('store.status', {}, options)).toMatchObject({ state: 'unlocked', owner: { pid } });
  const events: string[] = [];
  core.subscribe(({ type }) => events.push(type));
  await core.call('store.status', {}, options);
  process.kill(pid, 'SIGKILL');
  await direct!.closed;
  await expect.poll(() => events).toContain('core.restarted');
  expect(await core.call('store.status', {}, options)).toMatchObject({ state: 'locked', owner: { pid: child.pid } });
});

test('a background owner stays while the store is open, survives its starter’s end, and ends once it is locked', async () => {
  await startBackgroundOwner({ dataDir });
  const first = await findOwner(dataDir);
  const { pid } = first!.owner!;
  await first!.call('store.create', { kind: 'file' }, options);
  await first![Symbol.asyncDispose]();
  const second = await findOwner(dataDir);
  expect(second!.owner!.pid).toBe(pid);
  if (existsSync('/proc/self')) expect(seenOf(pid)).not.toContain(PASSPHRASE);
  expect(await second!.call('store.lock', {}, options)).toMatchObject({ state: 'locked' });
  await second![Symbol.asyncDispose]();
  await gone(pid);
  expect(await findOwner(dataDir)).toBeUndefined();
  expect(readFileSync(join(ownerFolder(dataDir), 'log'), 'utf8')).not.toContain(PASSPHRASE);
});

test('a background owner that is never unlocked ends when its client leaves', async () => {
  await startBackgroundOwner({ dataDir });
  const core = await findOwner(dataDir);
  const { pid } = core!.owner!;
  await core!.call('store.status', {}, options);
  await core![Symbol.asyncDispose]();
  await gone(pid);
});

test('a background owner that cannot start tells why', async () => {
  writeFileSync(join(dataDir, 'config.json'), '{"storage.modules": "./missing.ts"}');
  await expect(startBackgroundOwner({ dataDir })).rejects.toMatchObject({ code: 'INVALID_INPUT', facts: { detail: expect.stringContaining('missing.ts') } });
});

test.skipIf(noMounting !== undefined)(`a background owner that nobody could find, since the disk is full, does not stay and says so${noMounting === undefined ? '' : ` (skipped: ${noMounting})`}`, async () => {
  using disk = new SmallDisk(256);
  const folder = join(disk.path, 'data');
  mkdirSync(join(folder, 'owner'), { recursive: true, mode: 0o700 });
  for (const name of ['lock', 'log']) writeFileSync(join(folder, 'owner', name), '', { mode: 0o600 });
  expect(() => writeFileSync(join(disk.path, 'ballast'), Buffer.alloc(512 * 1024))).toThrow('ENOSPC');
  await expect(startBackgroundOwner({ dataDir: folder })).rejects.toMatchObject({ code: 'STORAGE_FULL' });
  expect(await findOwner(folder)).toBeUndefined();
});

test('of two background owners started at once one stays, and both starters find it', async () => {
  await Promise.all([startBackgroundOwner({ dataDir }), startBackgroundOwner({ dataDir })]);
  const core = await findOwner(dataDir);
  expect(core!.owner!.kind).toBe('background');
});
