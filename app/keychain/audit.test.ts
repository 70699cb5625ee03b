import { createHash, randomUUID } from 'node:crypto';
import { mkdtemp, readdir, rm, truncate } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { KeywrightError, type KeyRecord } from '../contract/index.ts';
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
    const reading = (log: readonly { number: number; entry: Uint8Array }[]): Promise<AuditTrail> => AuditTrail.open(withLog(raw, { read: async (from, limit) => log.slice(from - 1, from - 1 + limit) }), options);
    expect(await (await reading(entries)).verify(quiet)).toMatchObject({ ok: true, entries: 4 });
    expect(await (await reading(altered)).verify(quiet)).toMatchObject({ ok: false, firstBroken: 2 });
    let link: Uint8Array = Buffer.alloc(32);
    const chained = altered.map(({ number, entry }) => {
      link = createHash('sha256').update(link).update(entry.subarray(32)).digest();
      return { number, entry: Buffer.concat([link, entry.subarray(32)]) };
    });
    expect(await (await reading(chained)).verify(quiet)).toMatchObject({ ok: false, firstBroken: 3, detail: expect.stringContaining('a later change saw') });
  });

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
