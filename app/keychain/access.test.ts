import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { KeywrightError, type Permission, type Principal, type Prompter } from '../contract/index.ts';
import { memoryKind } from '../storage/memory/index.ts';
import type { Storage } from '../storage/storage.ts';
import { Access } from './access.ts';
import { openTestCore, somebody, type TestCore } from './testing/core.ts';

const quiet = (): void => undefined;
const DAY = 24 * 60 * 60 * 1000;
afterEach(() => {
  vi.useRealTimers();
});

describe('the last use of a token', () => {
  let storage: Storage;
  let transactions: number;
  let fails: KeywrightError | undefined;
  beforeEach(async () => {
    storage = await memoryKind.open({ folder: `access-${randomUUID()}`, create: true });
    transactions = 0;
    fails = undefined;
  });
  /** The same storage, counting transactions. */
  const counted = (): Storage => new Proxy(storage, {
    get(target, name) {
      if (name === 'transaction') {
        return (work: Parameters<Storage['transaction']>[0]) => {
          transactions += 1;
          return fails === undefined ? target.transaction(work) : Promise.reject(fails);
        };
      }
      const value = Reflect.get(target, name) as unknown;
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
  async function granted(access: Access): Promise<string> {
    const { token, committed } = await storage.transaction((tx) => access.grant({ name: 'ci', scope: ['keys:use'], expires: '1d' }, somebody(), tx));
    committed();
    return token;
  }
  const lastUses = async (): Promise<(string | null)[]> => (await Access.open(storage, quiet)).list().map(({ lastUsedAt }) => lastUsedAt);

  test('is written down for all tokens together a while after the first, and not with each use', async () => {
    const access = await Access.open(counted(), quiet, 20);
    const tokens = [await granted(access), await granted(access), await granted(access)];
    expect(tokens.slice(1).map((token) => { for (let use = 0; use < 1000; use += 1) access.authenticate(token, 'rest'); return transactions; })).toEqual([0, 0]);
    await vi.waitFor(async () => expect(await lastUses()).toEqual(expect.arrayContaining([null, expect.any(String), expect.any(String)])));
    expect(transactions).toBe(1);
    await sleep(50);
    expect(transactions).toBe(1);
  });

  test('is written down when the store is locked, and told when it is open again', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'keywright-access-'));
    try {
      await using core = await openTestCore({ folder });
      await core.call('store.create', { kind: 'sqlite' });
      const { token } = await core.call<{ token: string }>('access.grant', { name: 'ci', scope: ['keys:use'] });
      await core.core.authenticate(token, 'rest');
      const told = async (): Promise<string | null | undefined> => (await core.call<{ grants: { lastUsedAt: string | null }[] }>('access.list')).grants[0]?.lastUsedAt;
      const used = await told();
      expect(used).toEqual(expect.any(String));
      await core.call('store.lock');
      await core.call('store.unlock');
      expect(await told()).toBe(used);
      expect(await core.call('store.verify')).toMatchObject({ ok: true });
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });

  test('brings no token back that was revoked meanwhile', async () => {
    const access = await Access.open(storage, quiet);
    const [kept, revoked] = [await granted(access), await granted(access)];
    for (const token of [kept, revoked]) access.authenticate(token, 'rest');
    (await storage.transaction((tx) => access.revoke(revoked.slice(3, 11), tx)))();
    await access.noteUses();
    expect(await lastUses()).toEqual([expect.any(String)]);
  });

  test('that cannot be written waits for the next use, and nothing fails for it', async () => {
    const logged: string[] = [];
    const access = await Access.open(counted(), (_level, message) => logged.push(message));
    const token = await granted(access);
    access.authenticate(token, 'rest');
    fails = new KeywrightError('STORAGE_FULL', 'no space');
    await access.noteUses();
    expect(logged).toHaveLength(1);
    expect(await lastUses()).toEqual([null]);
    fails = undefined;
    await access.noteUses();
    expect(await lastUses()).toEqual([expect.any(String)]);
  });
});

describe('a token that ends', () => {
  let core: TestCore;
  beforeEach(async () => {
    core = await openTestCore();
  });
  afterEach(() => core[Symbol.asyncDispose]());
  const waiting: Prompter = { interactive: true, ask: (_request, signal) => new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error))) };
  async function grantee(scope: Permission[], expires = '1d'): Promise<{ id: string; principal: Principal }> {
    const { token, grant } = await core.call<{ token: string; grant: { id: string } }>('access.grant', { name: 'ci', scope, expires });
    return { id: grant.id, principal: await core.core.authenticate(token, 'cli') };
  }
  const refusals = async (): Promise<object[]> => (await core.call<{ entries: { effect: string }[] }>('audit.list')).entries.filter(({ effect }) => effect === 'refused');

  test('by being revoked ends what runs in its name, and nothing else', async () => {
    const [revoked, other] = [await grantee(['store:admin', 'jobs:read']), await grantee(['store:admin', 'jobs:read'])];
    const job = await someJob();
    const changes = [revoked, other].map(({ principal }) => core.core.call('store.change-passphrase', {}, { principal, prompt: waiting, signal: leaving.signal }).then(() => 'done', ({ code }: KeywrightError) => code));
    const watched = core.core.call('jobs.watch', { id: job }, { principal: revoked.principal }).catch((thrown: unknown) => thrown);
    await core.call('access.revoke', { id: revoked.id });
    expect(await changes[0]).toBe('UNAUTHENTICATED');
    expect(await watched).toMatchObject({ code: 'UNAUTHENTICATED' });
    expect(await refusals()).toEqual(expect.arrayContaining([expect.objectContaining({ principal: `token:${revoked.id}`, operation: 'store.change-passphrase', outcome: 'UNAUTHENTICATED' })]));
    leaving.abort(new KeywrightError('CANCELLED', 'The caller went away.'));
    expect(await changes[1]).toBe('CANCELLED');
  });
  let leaving: AbortController;
  beforeEach(() => {
    leaving = new AbortController();
  });
  /** A job that waits for a person until its caller leaves. */
  async function someJob(): Promise<string> {
    const id = randomUUID();
    await core.call('store.backup', { out: { path: join(core.folder, 'backup.kwb') } });
    const { promise: asked, resolve } = Promise.withResolvers<void>();
    const prompt: Prompter = { interactive: true, ask: (request, signal) => { resolve(); return waiting.ask(request, signal); } };
    core.core.call('store.restore', { from: { path: join(core.folder, 'backup.kwb') } }, { principal: somebody(), prompt, requestId: id, signal: leaving.signal }).catch(quiet);
    await asked;
    return id;
  }

  test('revokes itself, and is told so', async () => {
    const { id, principal } = await grantee(['access:admin']);
    expect(await core.core.call('access.revoke', { id }, { principal })).toEqual({});
    await expect(core.core.call('access.list', {}, { principal })).rejects.toMatchObject({ code: 'UNAUTHENTICATED' });
  });

  test('after it was verified begins no call any more: neither expired nor revoked', async () => {
    const [expiring, revoked] = [await grantee(['keys:read'], '1h'), await grantee(['keys:read'])];
    for (const { principal } of [expiring, revoked]) await core.core.call('keys.list', {}, { principal });
    await core.call('access.revoke', { id: revoked.id });
    await expect(core.core.call('keys.list', {}, { principal: revoked.principal })).rejects.toMatchObject({ code: 'UNAUTHENTICATED' });
    vi.useFakeTimers({ toFake: ['Date'], now: expiring.principal.expiresAt! - 1 });
    await core.core.call('keys.list', {}, { principal: expiring.principal });
    vi.setSystemTime(expiring.principal.expiresAt!);
    await expect(core.core.call('keys.list', {}, { principal: expiring.principal })).rejects.toMatchObject({ code: 'UNAUTHENTICATED' });
    vi.setSystemTime(Date.now() + DAY);
    expect(await refusals()).toHaveLength(2);
  });
});
