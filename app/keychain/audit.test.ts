import { createHash, randomUUID } from 'node:crypto';
import { cp, mkdtemp, readdir, readFile, rename, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { KeywrightError, type AuditEntry, type KeyRecord } from '../contract/index.ts';
import { memoryKind } from '../storage/memory/index.ts';
import type { Storage } from '../storage/storage.ts';
import { AuditTrail, type AuditFacts } from './audit.ts';
import { openTestCore, somebody, type TestCore } from './testing/core.ts';

const facts = (changes: Partial<AuditFacts> = {}): AuditFacts => ({
  at: new Date().toISOString(), request: randomUUID(), principal: 'tester', principalName: 'a test', face: 'cli', operation: 'keys.update', effect: 'write', outcome: 'ok', subjects: [], detail: null, ...changes,
});
const quiet = { signal: new AbortController().signal, progress: () => undefined };
const options = { strict: false, onAppend: () => undefined };
const storage = (): Promise<Storage> => memoryKind.open({ folder: `audit-${randomUUID()}`, create: true });
/** The same storage, with another log. */
const withLog = (raw: Storage, log: Partial<Storage['log']>): Storage => new Proxy(raw, {
  get: (target, name) => {
    if (name === 'log') return { append: (entry: Uint8Array) => raw.log.append(entry), flush: () => raw.log.flush(), read: (from: number, limit: number) => raw.log.read(from, limit), last: () => raw.log.last(), ...log };
    const value = Reflect.get(target, name) as unknown;
    return typeof value === 'function' ? value.bind(target) : value;
  },
});

describe('an entry and its change', () => {
  test('a change whose process died before its entry was appended gets it at the next open, once', async () => {
    const raw = await storage();
    const trail = await AuditTrail.open(raw, options);
    await trail.append(facts());
    const lost = facts({ detail: 'committed, not appended' });
    await raw.transaction((tx) => trail.record(lost, tx));
    for (const _ of ['first open', 'second open', 'third open']) {
      const again = await AuditTrail.open(raw, options);
      expect((await again.read(1, 100)).filter(({ request }) => request === lost.request)).toHaveLength(1);
      expect(await again.verify(quiet)).toMatchObject({ ok: true, entries: 2 });
    }
    const later = await AuditTrail.open(raw, options);
    const next = facts();
    await raw.transaction((tx) => later.record(next, tx));
    await later.settle(next);
    expect((await raw.list('audit/pending/', { limit: 10 })).items).toHaveLength(1);
  });

  test('a log that takes no more keeps the entry waiting; what follows follows from what is there', async () => {
    const raw = await storage();
    let full = false;
    const failing = withLog(raw, { append: (entry) => (full ? Promise.reject(new KeywrightError('STORAGE_FULL', 'no space')) : raw.log.append(entry)) });
    const trail = await AuditTrail.open(failing, options);
    await trail.append(facts());
    full = true;
    const waiting = facts();
    await failing.transaction((tx) => trail.record(waiting, tx));
    await expect(trail.settle(waiting)).rejects.toMatchObject({ code: 'STORAGE_FULL' });
    const refused = await Promise.allSettled(Array.from({ length: 10 }, () => trail.append(facts())));
    expect(refused.every(({ status }) => status === 'rejected')).toBe(true);
    full = false;
    await Promise.all(Array.from({ length: 10 }, () => trail.append(facts())));
    const next = facts();
    await failing.transaction((tx) => trail.record(next, tx));
    await trail.settle(next);
    expect(await trail.verify(quiet)).toMatchObject({ ok: true, entries: 12 });
    const reopened = await AuditTrail.open(raw, options);
    expect((await reopened.read(1, 100)).filter(({ request }) => request === waiting.request)).toHaveLength(1);
    expect(await reopened.verify(quiet)).toMatchObject({ ok: true, entries: 13 });
  });

  test('strict durability makes each use durable before it is answered; grouped leaves that to the log', async () => {
    for (const strict of [true, false]) {
      const raw = await storage();
      let flushes = 0;
      const counting = withLog(raw, { append: (entry) => raw.log.append(entry), flush: async () => { flushes += 1; await raw.log.flush(); } });
      const trail = await AuditTrail.open(counting, { ...options, strict });
      for (let uses = 0; uses < 3; uses += 1) await trail.append(facts({ operation: 'keys.sign', effect: 'use' }));
      expect(flushes).toBe(strict ? 3 : 0);
      const change = facts();
      await counting.transaction((tx) => trail.record(change, tx));
      await trail.settle(change);
      expect(flushes).toBeGreaterThan(strict ? 3 : 0);
    }
  });

  test('facts that are larger than the log takes are refused before anything follows from them', async () => {
    const trail = await AuditTrail.open(await storage(), options);
    const outcomes = await Promise.allSettled([trail.append(facts()), trail.append(facts({ detail: 'x'.repeat(2 ** 20) })), trail.append(facts())]);
    expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
    expect(await trail.verify(quiet)).toMatchObject({ ok: true, entries: 2 });
  });
});

describe('what was tampered with', () => {
  test('by who has the root key and sealed it anew: an entry that was changed does not follow, and another chain is not the one that a change saw', async () => {
    const raw = await storage();
    const trail = await AuditTrail.open(raw, options);
    for (let uses = 0; uses < 3; uses += 1) await trail.append(facts({ operation: 'keys.sign', effect: 'use', detail: `use ${uses}` }));
    const change = facts();
    await raw.transaction((tx) => trail.record(change, tx));
    await trail.settle(change);
    const entries = await raw.log.read(1, 10);
    const altered = entries.map(({ number, entry }) => ({ number, entry: Buffer.from(Buffer.from(entry).toString('latin1').replace('use 1', 'use 9'), 'latin1') }));
    let log = entries;
    const reading = withLog(raw, { read: async (from, limit) => log.slice(from - 1, from - 1 + limit) });
    const reader = await AuditTrail.open(reading, options);
    expect(await reader.verify(quiet)).toMatchObject({ ok: true, entries: 4 });
    log = altered;
    expect(await reader.verify(quiet)).toMatchObject({ ok: false, firstBroken: 2 });
    let link: Uint8Array = Buffer.alloc(32);
    const chained = altered.map(({ number, entry }) => {
      link = createHash('sha256').update(link).update(entry.subarray(32)).digest();
      return { number, entry: Buffer.concat([link, entry.subarray(32)]) };
    });
    log = chained;
    expect(await reader.verify(quiet)).toMatchObject({ ok: false, firstBroken: 3, detail: expect.stringContaining('a later change saw') });
  });

  /** A store with a key and a trail of some entries. */
  async function withTrail(work: (folder: string, key: KeyRecord) => Promise<void>): Promise<void> {
    const folder = await mkdtemp(join(tmpdir(), 'keywright-audit-'));
    try {
      const key = await inSession(folder, async (core) => {
        await core.call('store.create', { kind: 'sqlite' });
        const made = await core.call<KeyRecord>('keys.generate', { label: 'Watched', algorithm: 'ed25519' });
        for (let uses = 0; uses < 5; uses += 1) await core.call('keys.sign', { key: made.id, content: { message: 'aGVsbG8' } });
        return core.call<KeyRecord>('keys.update', { key: made.id, label: 'Watched on' });
      });
      await work(folder, key);
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  }
  async function inSession<T>(folder: string, work: (core: TestCore) => Promise<T>): Promise<T> {
    await using core = await openTestCore({ folder });
    return await work(core);
  }
  const opened = <T>(folder: string, work: (core: TestCore) => Promise<T>): Promise<T> => inSession(folder, async (core) => {
    await core.call('store.unlock');
    return work(core);
  });
  const entriesOf = async (core: TestCore, input: object = {}): Promise<AuditEntry[]> => (await core.call<{ entries: AuditEntry[] }>('audit.list', input)).entries;
  const lossesOf = (core: TestCore): Promise<AuditEntry[]> => entriesOf(core, { operation: 'audit.lost' });

  test('a log that was taken away is told for good, by one entry with what the store knew of it', () => withTrail(async (folder, key) => {
    const hashes = await opened(folder, async (core) => (await core.call<{ content: string }>('audit.export')).content.trim().split('\n').map((line) => (JSON.parse(line) as { hash: string }).hash));
    const log = join(folder, 'store', 'log');
    await rm(log, { recursive: true });
    for (const session of [1, 2, 3]) {
      await opened(folder, async (core) => {
        const [loss, ...others] = await lossesOf(core);
        expect(others).toEqual([]);
        // The last change saw entry 7; closing noted how many there were.
        expect(loss).toMatchObject({ number: 1, principal: 'keywright', effect: 'destroy', outcome: 'CORRUPT_RECORD', detail: `The log had 10 entries, and 0 when the store was opened: the others are gone. Entry 7 had the hash ${hashes[6]}.` });
        expect(await core.call('audit.verify')).toMatchObject({ ok: false, firstBroken: 1, detail: `Entry 1 tells of a loss: ${loss!.detail}` });
        await core.call('keys.update', { key: key.id, label: `After ${session}` });
        await core.call('keys.sign', { key: key.id, content: { message: 'aGVsbG8' } });
      });
    }
    // As often as it happens: the log has grown beyond nothing, and is taken away again.
    await rm(log, { recursive: true });
    expect(await opened(folder, lossesOf)).toMatchObject([{ number: 1, detail: expect.stringMatching(/^The log had 1[0-9] entries, and 0 when/) }]);
  }));

  test('a log that was cut is told by an entry behind the cut, though it grows beyond what it was', () => withTrail(async (folder, key) => {
    const [file] = await readdir(join(folder, 'store', 'log'));
    const path = join(folder, 'store', 'log', file!);
    await truncate(path, (await readFile(path)).indexOf('KWen', 1000, 'latin1'));
    const number = await opened(folder, async (core) => {
      for (let uses = 0; uses < 10; uses += 1) await core.call('keys.sign', { key: key.id, content: { message: 'aGVsbG8' } });
      await core.call('keys.update', { key: key.id, label: 'Later' });
      const [loss] = await lossesOf(core);
      expect(loss).toMatchObject({ detail: expect.stringContaining(`and ${loss!.number - 1} when the store was opened`) });
      return loss!.number;
    });
    await opened(folder, async (core) => {
      expect(await core.call('audit.verify')).toMatchObject({ ok: false, firstBroken: number });
      expect(await lossesOf(core)).toHaveLength(1);
    });
  }));

  test('a log of the same store that was put in the place of the right one is told for good', () => withTrail(async (folder, key) => {
    const log = join(folder, 'store', 'log');
    await rename(log, join(folder, 'old'));
    await opened(folder, (core) => core.call('keys.update', { key: key.id, label: 'On another log' }));
    await rm(log, { recursive: true });
    await rename(join(folder, 'old'), log);
    for (const session of [1, 2]) {
      await opened(folder, async (core) => {
        expect(await lossesOf(core)).toMatchObject([{ detail: expect.stringContaining('another log was put in its place') }]);
        expect(await core.call('audit.verify')).toMatchObject({ ok: false });
        await core.call('keys.update', { key: key.id, label: `After ${session}` });
      });
    }
  }));

  test('by who puts back all but the log: the log tells of a change that the store does not have, which is told at open, by verify, and for good', () => withTrail(async (folder, key) => {
    const store = join(folder, 'store');
    const older = join(folder, 'older');
    await cp(store, older, { recursive: true });
    await opened(folder, async (core) => {
      await core.call('keys.update', { key: key.id, label: 'Retired' });
      for (let uses = 0; uses < 3; uses += 1) await core.call('keys.sign', { key: key.id, content: { message: 'aGVsbG8' } });
    });
    await rm(join(older, 'log'), { recursive: true });
    await cp(join(store, 'log'), join(older, 'log'), { recursive: true });
    await rm(store, { recursive: true });
    await rename(older, store);
    const told = { record: 'index', detail: expect.stringContaining('an older copy of itself') };
    await opened(folder, async (core) => {
      expect(await core.call('store.status')).toMatchObject({ problems: [told] });
      expect(await core.call('store.verify')).toMatchObject({ ok: false, problems: [told] });
      await core.call('keys.update', { key: key.id, label: 'Goes on' });
    });
    for (const _ of ['next session', 'and the one after it']) {
      await opened(folder, async (core) => {
        expect(await lossesOf(core)).toMatchObject([{ detail: told.detail }]);
        expect(await core.call('audit.verify')).toMatchObject({ ok: false, detail: told.detail });
        expect(await core.call('store.verify')).toMatchObject({ ok: true });
      });
    }
  }));

  test('a store whose process died after changes and uses is no older copy, and neither is one from a backup that was made meanwhile', () => withTrail(async (folder, key) => {
    const died = join(folder, 'died');
    await opened(folder, async (core) => {
      const work = async (count: number): Promise<void> => {
        await core.call('keys.update', { key: key.id, label: `Change ${count}` }).catch(() => undefined); // of those at once, one holds
        await core.call('keys.generate', { label: `Made ${count}`, algorithm: 'ed25519' });
        await core.call('keys.sign', { key: key.id, content: { message: 'aGVsbG8' } });
      };
      const working = Promise.all(Array.from({ length: 20 }, (_, count) => work(count)));
      await core.call('store.backup', { out: { path: join(folder, 'meanwhile.kwb') } });
      await working;
      // The log first: as a kill leaves it, the rest is never older.
      await cp(join(folder, 'store', 'log'), join(died, 'store', 'log'), { recursive: true });
      for (const name of await readdir(folder)) if (!['died', 'meanwhile.kwb'].includes(name)) await cp(join(folder, name), join(died, name), { recursive: true, force: false });
    });
    await inSession(join(folder, 'restored'), (core) => core.call('store.restore', { from: { path: join(folder, 'meanwhile.kwb') } }));
    for (const place of [died, join(folder, 'restored')]) {
      await opened(place, async (core) => {
        expect(await lossesOf(core)).toEqual([]);
        expect(await core.call('audit.verify')).toMatchObject({ ok: true });
        expect(await core.call('store.status')).toMatchObject({ problems: [] });
      });
    }
  }));

  test('a process that dies while it tells of a loss leaves it to be told once, with the change that waits', async () => {
    const raw = await storage();
    const trail = await AuditTrail.open(raw, options);
    for (let uses = 0; uses < 3; uses += 1) await trail.append(facts());
    const change = facts({ detail: 'waits' });
    await raw.transaction((tx) => trail.record(change, tx));
    const fresh = await storage();
    const cut = (log: Partial<Storage['log']> = {}): Storage => withLog(raw, { append: (entry) => fresh.log.append(entry), flush: () => fresh.log.flush(), read: (from, limit) => fresh.log.read(from, limit), last: () => fresh.log.last(), ...log });
    await expect(AuditTrail.open(cut({ append: () => Promise.reject(new Error('killed')) }), options)).rejects.toThrow('killed');
    for (const _ of ['next', 'and again']) {
      const next = await AuditTrail.open(cut(), options);
      expect((await next.read(1, 10)).map(({ operation, detail }) => [operation, detail?.slice(0, 21)])).toEqual([['audit.lost', 'The log had 3 entries'], ['keys.update', 'waits']]);
    }
  });

  test('what a change saw is what was written: a use that could not be is no loss', async () => {
    const raw = await storage();
    const full = withLog(raw, { append: () => Promise.reject(new KeywrightError('STORAGE_FULL', 'no space')) });
    const trail = await AuditTrail.open(full, options);
    const use = trail.append(facts()).catch(() => undefined);
    const change = facts();
    await raw.transaction((tx) => trail.record(change, tx));
    await use;
    expect((await (await AuditTrail.open(raw, options)).read(1, 10)).map(({ request }) => request)).toEqual([change.request]);
  });

  for (const [what, damage, broken] of [
    ['its last entry damaged', async (log: string) => flip(log, (bytes) => bytes.lastIndexOf('KWen', undefined, 'latin1') + 40), 8],
    ['an entry in its middle damaged', async (log: string) => flip(log, (bytes) => bytes.indexOf('KWen', 700, 'latin1') + 40), undefined],
    ['an empty file in the place of its own', async (log: string) => {
      for (const name of await readdir(log)) await rm(join(log, name));
      await writeFile(join(log, '0000000000000010.log'), '');
    }, 1],
  ] as const) {
    test(`with ${what} the store opens, the keys work, and the trail goes on and shows what can be read`, () => withTrail(async (folder, key) => {
      await damage(join(folder, 'store', 'log'));
      for (const _ of ['first', 'second']) {
        await opened(folder, async (core) => {
          await core.call('keys.sign', { key: key.id, content: { message: 'aGVsbG8' } });
          await core.call('keys.update', { key: key.id, label: `Anew ${randomUUID()}` });
          expect(await core.call('audit.verify')).toMatchObject({ ok: false, firstBroken: broken ?? expect.any(Number) });
        });
      }
      await opened(folder, async (core) => {
        const { firstBroken } = await core.call<{ firstBroken: number }>('audit.verify');
        const numbers = (await entriesOf(core)).map(({ number }) => number).reverse();
        // What was done since stands there without a gap.
        expect(numbers.slice(-7)).toEqual(Array.from({ length: 7 }, (_, index) => numbers.at(-1)! - 6 + index));
        expect(numbers).not.toContain(firstBroken);
        if (firstBroken > 1) expect(numbers.slice(0, firstBroken - 1)).toEqual(Array.from({ length: firstBroken - 1 }, (_, index) => index + 1));
      });
    }));
  }

  async function flip(log: string, at: (bytes: Buffer) => number): Promise<void> {
    const [name] = await readdir(log);
    const bytes = await readFile(join(log, name!));
    bytes[at(bytes)]! ^= 1;
    await writeFile(join(log, name!), bytes);
  }

  for (const [what, tamper] of [
    ['removed', (log: string) => rm(log, { recursive: true })],
    ['cut short', async (log: string) => { for (const name of await readdir(log)) await truncate(join(log, name), 700); }],
  ] as const) {
    test(`a log that is ${what} is told by status and by audit.verify; the keys still work`, async () => {
      const folder = await mkdtemp(join(tmpdir(), 'keywright-audit-'));
      try {
        let key: KeyRecord;
        {
          await using core = await openTestCore({ folder });
          await core.call('store.create', { kind: 'sqlite' });
          key = await core.call<KeyRecord>('keys.generate', { label: 'Watched', algorithm: 'ed25519' });
          for (let uses = 0; uses < 5; uses += 1) await core.call('keys.sign', { key: key.id, content: { message: 'aGVsbG8' } });
          await core.call('keys.update', { key: key.id, label: 'Watched on' });
        }
        await tamper(join(folder, 'store', 'log'));
        await using core = await openTestCore({ folder });
        const { problems } = await core.call<{ problems: { record: string }[] }>('store.unlock');
        expect(problems.map(({ record }) => record)).toContain('log');
        expect(await core.call('audit.verify')).toMatchObject({ ok: false, firstBroken: expect.any(Number), detail: expect.stringMatching(/./) });
        await core.call('keys.sign', { key: key.id, content: { message: 'aGVsbG8' } });
      } finally {
        await rm(folder, { recursive: true, force: true });
      }
    });
  }
});

describe('over a whole core', () => {
  let core: TestCore;
  let key: KeyRecord;
  beforeAll(async () => {
    core = await openTestCore({ kind: 'sqlite' });
    key = await core.call<KeyRecord>('keys.generate', { label: 'Busy', algorithm: 'ed25519' });
  });
  afterAll(() => core[Symbol.asyncDispose]());

  test('200 calls of all sorts at once keep the chain whole, and none fails for a reason that is ours', async () => {
    const message = { content: { message: 'aGVsbG8' } };
    const sorts: ((index: number) => Promise<unknown>)[] = [
      () => core.call('keys.sign', { key: key.id, ...message }),
      (index) => core.call('keys.generate', { label: `At once ${index}`, algorithm: 'aes-256' }),
      (index) => core.call('keys.update', { key: key.id, tags: [`tag-${index}`] }),
      () => core.call('keys.list'),
      () => core.call('keys.generate', { label: 'x', algorithm: 'ed25519' }, {}, { principal: somebody(['keys:read']) }),
      () => core.call('keys.rotate', { key: key.id }),
      () => core.call('audit.verify'),
      (index) => core.call('access.grant', { name: `token ${index}`, scope: ['keys:read'], expires: '1h' }),
    ];
    const outcomes = await Promise.allSettled(Array.from({ length: 200 }, (_, index) => sorts[index % sorts.length]!(index)));
    const codes = new Set(outcomes.map((outcome) => (outcome.status === 'fulfilled' ? 'ok' : (outcome.reason as KeywrightError).code)));
    expect([...codes].filter((code) => !['ok', 'CONFLICT', 'PERMISSION_DENIED'].includes(code))).toEqual([]);
    expect(codes).toContain('ok');
    expect(await core.call('audit.verify')).toMatchObject({ ok: true });
    expect(await core.call('store.verify')).toMatchObject({ ok: true });
    const busy = await core.call<KeyRecord>('keys.show', { key: key.id });
    await core.call('store.lock');
    await core.call('store.unlock');
    expect(await core.call('keys.show', { key: key.id })).toEqual(busy);
    expect(await core.call('audit.verify')).toMatchObject({ ok: true });
  });

  test('of two changes of one key at once, one holds and the other is a CONFLICT', async () => {
    const outcomes = await Promise.allSettled(['One', 'Other'].map((label) => core.call<KeyRecord>('keys.update', { key: key.id, label })));
    const [won, lost] = [outcomes.filter(({ status }) => status === 'fulfilled'), outcomes.filter(({ status }) => status === 'rejected')];
    expect([won.length, lost.length]).toEqual([1, 1]);
    expect(lost[0]).toMatchObject({ reason: { code: 'CONFLICT' } });
    expect((await core.call<KeyRecord>('keys.show', { key: key.id })).label).toBe((won[0] as PromiseFulfilledResult<KeyRecord>).value.label);
  });

  test('an export in pages is the export as a whole, without gaps', async () => {
    const whole = await core.call<{ content: string; entries: number }>('audit.export', { limit: 10_000 });
    let from: number | null = 1;
    let paged = '';
    while (from !== null) {
      const page: { content: string; next: number | null } = await core.call('audit.export', { from, limit: 17 });
      paged += page.content;
      from = page.next;
    }
    expect(paged.startsWith(whole.content)).toBe(true);
    const numbers = paged.trim().split('\n').map((line) => (JSON.parse(line) as { number: number }).number);
    expect(numbers).toEqual(numbers.map((_, index) => index + 1));
  });
});
