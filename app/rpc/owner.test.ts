import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { noMounting, SmallDisk } from '../storage/crash/small-disk.ts';
import { becomeOwner, findOwner, ownOrUse, type ClaimStore, type Owner } from './owner.ts';
import { ownerFolder, readOwnerRecord } from './places.ts';
import { fakeCore, SOMEBODY, type FakeCore } from './testing/fake-core.ts';

const STARTER = new URL('./testing/starter.ts', import.meta.url).pathname;
const options = { principal: SOMEBODY };

interface Report {
  readonly role: 'owner' | 'client';
  readonly pid: number;
  readonly owner: number;
  readonly opened: number;
}

let dataDir: string;
let children: ChildProcess[];
let owners: Owner[];
beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), 'keywright-owner-'));
  children = [];
  owners = [];
});
afterEach(async () => {
  for (const child of children) if (child.exitCode === null) child.kill('SIGKILL');
  for (const owner of owners) await owner.close({ patience: 0 });
  rmSync(dataDir, { recursive: true, force: true });
});

async function own(core: FakeCore = fakeCore(), kind: 'cli' | 'serve' = 'serve', folder = dataDir): Promise<Owner<FakeCore>> {
  const owner = await becomeOwner({ dataDir: folder, kind, version: '1.2.3', open: async () => core });
  if (owner === undefined) throw new Error('another owner was there');
  owners.push(owner);
  return owner;
}

function start(kind: string, stay: number): { child: ChildProcess; report: Promise<Report> } {
  const child = spawn(process.execPath, [STARTER, dataDir, kind, String(stay)], { stdio: ['ignore', 'pipe', 'inherit'] });
  children.push(child);
  const report = (async () => {
    for await (const line of createInterface({ input: child.stdout! })) return JSON.parse(line) as Report;
    throw new Error('the starter said nothing');
  })();
  return { child, report };
}

describe('one owner', () => {
  test('is found by others and serves them', async () => {
    expect(await findOwner(dataDir)).toBeUndefined();
    await own();
    const core = await findOwner(dataDir);
    expect(core?.owner).toEqual({ pid: process.pid, kind: 'serve', version: '1.2.3' });
    expect(await core!.call('echo', 'x', options)).toBe('x');
    await core![Symbol.asyncDispose]();
  });

  test('keeps everybody else from becoming it, and from opening the core', async () => {
    await own();
    let opened = false;
    expect(await becomeOwner({ dataDir, kind: 'cli', version: '0', open: async () => ((opened = true), fakeCore()) })).toBeUndefined();
    expect(opened).toBe(false);
    await expect(ownOrUse({ dataDir, kind: 'cli', version: '0', alone: true, within: 0, open: async () => fakeCore() })).rejects.toMatchObject({ code: 'BACKEND_UNAVAILABLE' });
  });

  test('leaves nothing for others to find when it ends', async () => {
    const owner = await own();
    await owner.close();
    expect(owner.core.disposed).toBe(true);
    expect(await findOwner(dataDir)).toBeUndefined();
    expect(existsSync(join(ownerFolder(dataDir), 'socket'))).toBe(false);
    await own();
  });

  test('whose core does not open gives the store up again', async () => {
    await expect(becomeOwner({ dataDir, kind: 'cli', version: '0', open: async () => Promise.reject(new Error('damaged')) })).rejects.toThrow('damaged');
    await own();
  });

  test('lets a client finish what is under way before it ends', async () => {
    const owner = await own();
    const core = await findOwner(dataDir);
    const call = core!.call('sleep', 700, options);
    await expect.poll(() => owner.core.calls).toEqual(['sleep']);
    await owner.close();
    expect(await call).toBe('slept');
  });

  test('tells its clients when it does not', async () => {
    const owner = await own();
    const core = await findOwner(dataDir);
    const call = core!.call('deaf', {}, options).catch((thrown: unknown) => thrown);
    await expect.poll(() => owner.core.calls).toEqual(['deaf']);
    await owner.close({ patience: 0 });
    expect(await call).toMatchObject({ code: 'BACKEND_UNAVAILABLE' });
  });
});

describe('processes that start at once', () => {
  test('exactly one becomes the owner and all others its clients', async () => {
    const reports = await Promise.all(Array.from({ length: 12 }, () => start('serve', 60_000).report));
    const ownersSeen = reports.filter(({ role }) => role === 'owner');
    expect(ownersSeen).toHaveLength(1);
    expect(new Set(reports.map(({ owner }) => owner))).toEqual(new Set([ownersSeen[0]!.pid]));
    expect(reports.reduce((sum, { opened }) => sum + opened, 0)).toBe(1);
  });

  test('commands that come and go each get their answer, one owner at a time', async () => {
    const reports = await Promise.all(Array.from({ length: 12 }, () => start('cli', 0).report));
    for (const { role, pid, owner, opened } of reports) {
      expect(opened).toBe(role === 'owner' ? 1 : 0);
      if (role === 'owner') expect(owner).toBe(pid);
    }
  });

  test('a long-lived program waits for a command to end and then owns the store itself', async () => {
    const command = start('cli', 600);
    await command.report;
    const program = start('serve', 0);
    expect((await program.report).role).toBe('owner');
  });
});

describe('an owner that died', () => {
  test('by kill −9 is followed by the next at once, whatever it left behind', async () => {
    const first = start('serve', 60_000);
    await first.report;
    first.child.kill('SIGKILL');
    await once(first.child, 'exit');
    expect(existsSync(join(ownerFolder(dataDir), 'owner.json'))).toBe(true);
    expect(await findOwner(dataDir)).toBeUndefined();
    const second = start('serve', 0);
    expect(await second.report).toMatchObject({ role: 'owner', owner: second.child.pid });
  });

  test('and still takes connections while it ends is not taken for a stranger', async () => {
    const owner = await own();
    const record = readFileSync(join(ownerFolder(dataDir), 'owner.json'), 'utf8');
    await owner.close();
    const dying = createServer((socket) => {
      socket.on('error', () => undefined).destroy();
      dying.close();
    });
    dying.listen(join(ownerFolder(dataDir), 'socket'));
    await once(dying, 'listening');
    writeFileSync(join(ownerFolder(dataDir), 'owner.json'), record, { mode: 0o600 });
    expect(await findOwner(dataDir)).toBeUndefined();
  });

  test('rejects its clients’ calls in flight, and they repeat nothing', async () => {
    const first = start('serve', 60_000);
    await first.report;
    const core = await findOwner(dataDir);
    const call = core!.call('deaf', {}, options).catch((thrown: unknown) => thrown);
    first.child.kill('SIGKILL');
    expect(await call).toMatchObject({ code: 'BACKEND_UNAVAILABLE' });
  });
});

describe('a core that goes on with the store of another folder', () => {
  let other: string;
  beforeEach(() => {
    other = mkdtempSync(join(tmpdir(), 'keywright-other-'));
  });
  afterEach(() => rmSync(other, { recursive: true, force: true }));

  async function withClaim(): Promise<{ owner: Owner<FakeCore>; claim: ClaimStore }> {
    let claim!: ClaimStore;
    const owner = await becomeOwner({ dataDir, kind: 'desktop', version: '0', open: async (given) => ((claim = given), fakeCore()) });
    owners.push(owner!);
    return { owner: owner!, claim };
  }

  test('owns that one from then on, and the one before is free', async () => {
    const { owner, claim } = await withClaim();
    const early = await findOwner(dataDir);
    await (await claim(other)).keep();
    expect(await findOwner(dataDir)).toBeUndefined();
    const found = await findOwner(other);
    expect(await found!.call('pid', {}, options)).toBe(process.pid);
    expect(await early!.call('echo', 'still here', options)).toBe('still here');
    await own(fakeCore(), 'serve', dataDir);
    await owner.close({ patience: 0 });
    expect(await findOwner(other)).toBeUndefined();
    expect(await findOwner(dataDir)).toBeDefined();
  });

  test('stays where it was when it could not open the other', async () => {
    const { claim } = await withClaim();
    (await claim(other)).release();
    expect(await findOwner(dataDir)).toBeDefined();
    await own(fakeCore(), 'serve', other);
  });

  test('cannot take one that another process owns', async () => {
    const { claim } = await withClaim();
    await own(fakeCore(), 'serve', other);
    await expect(claim(other)).rejects.toMatchObject({ code: 'CONFLICT' });
    expect(await findOwner(dataDir)).toBeDefined();
  });

  test('may open its own again', async () => {
    const { claim } = await withClaim();
    await (await claim(dataDir)).keep();
    expect(await findOwner(dataDir)).toBeDefined();
  });
});

describe('strangers', () => {
  test('without the secret are dropped, and the core hears nothing of them', async () => {
    const owner = await own();
    const { socket } = readOwnerRecord(dataDir)!;
    for (const bytes of [Buffer.from('GET / HTTP/1.1\r\n\r\n'), Buffer.alloc(8, 0xff), Buffer.from('\0\0\0\x02{}')]) {
      const stranger = connect(socket);
      stranger.on('error', () => undefined).resume();
      stranger.write(bytes);
      await once(stranger, 'close');
    }
    expect(owner.core.calls).toEqual([]);
    expect(owner.clients).toBe(0);
  });

  test('in any number do not keep a client out', async () => {
    await own();
    const { socket } = readOwnerRecord(dataDir)!;
    const crowd = Array.from({ length: 100 }, () => connect(socket).on('error', () => undefined));
    await Promise.all(crowd.slice(40).map((one) => once(one, 'close')));
    for (const one of crowd) one.destroy();
    await new Promise((resolve) => setTimeout(resolve, 100));
    const core = await findOwner(dataDir);
    expect(await core!.call('echo', 1, options)).toBe(1);
  });

  test('listening in the owner’s place are found out', async () => {
    const owner = await own();
    const record = readFileSync(join(ownerFolder(dataDir), 'owner.json'), 'utf8');
    await owner.close();
    const place = join(ownerFolder(dataDir), 'socket');
    const impostor = createServer((socket) => socket.on('error', () => undefined).on('data', () => socket.write('\0\0\0\x02{}')));
    impostor.listen(place);
    await once(impostor, 'listening');
    writeFileSync(join(ownerFolder(dataDir), 'owner.json'), record, { mode: 0o600 });
    await expect(findOwner(dataDir)).rejects.toMatchObject({ code: 'BACKEND_UNAVAILABLE', facts: { detail: expect.stringContaining('did not prove') } });
    impostor.close();
  });
});

test.skipIf(noMounting !== undefined)(`a full disk keeps nobody from becoming the owner, so that what is there can still be read${noMounting === undefined ? '' : ` (skipped: ${noMounting})`}`, async () => {
  using disk = new SmallDisk(64);
  const folder = join(disk.path, 'data');
  await (await own(fakeCore(), 'cli', folder)).close();
  expect(() => writeFileSync(join(disk.path, 'ballast'), Buffer.alloc(128 * 1024))).toThrow('ENOSPC');
  expect((await own(fakeCore(), 'cli', folder)).facts.kind).toBe('cli');
  await owners.pop()!.close(); // before the disk is taken away
});

describe.skipIf(process.platform === 'win32')('places', () => {
  test('the folder and all that is in it are for this user alone, whatever the umask', async () => {
    const before = process.umask(0);
    try {
      await own();
    } finally {
      process.umask(before);
    }
    const modes = ['.', ...readdirSync(ownerFolder(dataDir))].map((name) => [name, statSync(join(ownerFolder(dataDir), name)).mode & 0o777]);
    expect(modes).toEqual(expect.arrayContaining([['socket', 0o600], ['owner.json', 0o600]]));
    expect(modes.filter(([name, mode]) => mode !== (name === '.' ? 0o700 : 0o600))).toEqual([]);
  });

  test('a record that others may write is not believed', async () => {
    await own();
    chmodSync(join(ownerFolder(dataDir), 'owner.json'), 0o666);
    await expect(findOwner(dataDir)).rejects.toMatchObject({ code: 'PERMISSION_DENIED' });
  });

  test('a record that names a socket in an open folder is not followed', async () => {
    await own();
    const open = mkdtempSync(join(tmpdir(), 'keywright-open-'));
    symlinkSync(join(ownerFolder(dataDir), 'socket'), join(open, 'socket')); // where the owner answers, so that following it would be seen
    chmodSync(open, 0o777);
    const path = join(ownerFolder(dataDir), 'owner.json');
    writeFileSync(path, JSON.stringify({ ...JSON.parse(readFileSync(path, 'utf8')), socket: join(open, 'socket') }));
    expect(await findOwner(dataDir)).toBeUndefined();
    rmSync(open, { recursive: true });
  });

  test('a link in the folder’s place is refused', async () => {
    const elsewhere = mkdtempSync(join(tmpdir(), 'keywright-elsewhere-'));
    symlinkSync(elsewhere, ownerFolder(dataDir));
    await expect(own()).rejects.toMatchObject({ code: 'PERMISSION_DENIED' });
    rmSync(elsewhere, { recursive: true });
  });

  test('a path too long for a socket gets one elsewhere, and is found there', async () => {
    const deep = join(dataDir, 'a'.repeat(120), 'b'.repeat(120));
    mkdirSync(deep, { recursive: true });
    const owner = await own(fakeCore(), 'serve', deep);
    const record = readOwnerRecord(deep);
    expect(Buffer.byteLength(record!.socket)).toBeLessThanOrEqual(103);
    const core = await findOwner(deep);
    expect(await core!.call('echo', 1, options)).toBe(1);
    await core![Symbol.asyncDispose]();
    await owner.close();
    expect(existsSync(record!.socket)).toBe(false);
  });

  test('rubbish in the record’s place counts as nobody', async () => {
    mkdirSync(ownerFolder(dataDir), { mode: 0o700 });
    for (const text of ['', '{', '[]', '{"socket": 7}']) {
      writeFileSync(join(ownerFolder(dataDir), 'owner.json'), text, { mode: 0o600 });
      expect(await findOwner(dataDir)).toBeUndefined();
    }
    await own();
  });
});
