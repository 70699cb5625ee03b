import { createPublicKey, verify } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { NOUNS, OPERATIONS, type KeyRecord } from '../contract/index.ts';
import { HANDLERS, loadNoun } from './handlers/index.ts';
import { openTestCore, PASSPHRASE, somebody, type TestCore } from './testing/core.ts';

const bytes = (text: string): string => Buffer.from(text).toString('base64url');

let core: TestCore;
beforeAll(async () => {
  core = await openTestCore();
});
afterAll(() => core[Symbol.asyncDispose]());

const generate = (input: Record<string, unknown>, answers = {}): Promise<KeyRecord> => core.call<KeyRecord>('keys.generate', { label: 'A key', algorithm: 'ec-p256', ...input }, answers);
const fails = (code: string): unknown => expect.objectContaining({ code });

test('every operation has one handler in the module of its noun, and no handler is without an operation', async () => {
  const modules = await Promise.all(Object.values(HANDLERS).map((load) => load()));
  expect([...new Set(modules.flatMap((handlers) => [...handlers.keys()]))].sort()).toEqual(OPERATIONS.map(({ id }) => id).sort());
  const loaded = await Promise.all(NOUNS.map(loadNoun));
  expect(loaded.flatMap((noun) => [...noun.values()]).map(({ operation }) => operation).toSorted((a, b) => (a.id < b.id ? -1 : 1))).toEqual(OPERATIONS.toSorted((a, b) => (a.id < b.id ? -1 : 1)));
  expect(loaded.flatMap((noun) => [...noun.values()]).filter(({ handler }) => typeof handler !== 'function')).toEqual([]);
  for (const word of ['nothing', '', '__proto__', 'constructor']) expect([...(await loadNoun(word)).keys()]).toEqual([]);
});

describe('making and finding keys', () => {
  test('a generated key is listed, shown by URI, id and label, and signs so that an outsider can verify', async () => {
    const key = await generate({ label: 'Release signing', tags: ['release'] });
    expect(key).toMatchObject({ uri: `pkcs8:${key.id}`, backend: 'software', algorithm: 'ec-p256', state: 'active', version: 1, extractable: true, fingerprint: expect.stringMatching(/^SHA256:[0-9a-f]{64}$/) });
    for (const reference of [key.uri, key.id, 'Release signing']) expect((await core.call<KeyRecord>('keys.show', { key: reference })).id).toBe(key.id);
    const { signature } = await core.call<{ signature: string }>('keys.sign', { key: 'Release signing', content: { message: bytes('hello') } });
    const { content } = await core.call<{ content: string }>('keys.public', { key: key.id });
    expect(verify('sha256', Buffer.from('hello'), createPublicKey(Buffer.from(content, 'base64url').toString()), Buffer.from(signature, 'base64url'))).toBe(true);
  });

  test('an ambiguous label is refused with the candidates', async () => {
    const [one, two] = [await generate({ label: 'Twin' }), await generate({ label: 'Twin' })];
    await expect(core.call('keys.show', { key: 'Twin' })).rejects.toMatchObject({ code: 'INVALID_INPUT', facts: { alternatives: expect.arrayContaining([one.uri, two.uri]) } });
  });

  test('a list tells the position of the next label that begins so, in the order it is asked for', async () => {
    for (const label of ['Sought ant', 'Sought bee', 'sought BEETLE', 'Sought cow']) await generate({ label, tags: ['sought'], algorithm: label.endsWith('ant') ? 'ed25519' : 'ec-p256' });
    const seek = async (more: Record<string, unknown>): Promise<unknown> => (await core.call<{ position?: number | null }>('keys.list', { filter: 'tag=sought', limit: 1, ...more })).position;
    expect(await seek({})).toBeUndefined();
    expect(await seek({ seek: 'sought BEE' })).toBe(1);
    expect(await seek({ seek: 'sought bee', seekFrom: 2 })).toBe(2);
    expect(await seek({ seek: 'sought bee', seekFrom: 3 })).toBe(1);
    expect(await seek({ seek: 'sought bee', sort: '-label' })).toBe(1);
    expect(await seek({ seek: 'sought a', group: 'algorithm' })).toBe(3);
    expect(await seek({ seek: 'bee' })).toBeNull();
    expect(await seek({ seek: 'sought', seekFrom: 1000 })).toBeTypeOf('number');
  });

  test('a list is searched, filtered, sorted and paged without gaps', async () => {
    for (let index = 0; index < 12; index += 1) await generate({ label: `Page ${String(index).padStart(2, '0')}`, algorithm: 'ed25519', tags: ['paged'] });
    const seen: string[] = [];
    let cursor: string | null = null;
    do {
      const page: { keys: KeyRecord[]; cursor: string | null; total: number } = await core.call('keys.list', { filter: 'tag=paged algorithm=ed25519', sort: '-label', limit: 5, ...(cursor === null ? {} : { cursor }) });
      expect(page.total).toBe(12);
      seen.push(...page.keys.map(({ label }) => label));
      cursor = page.cursor;
    } while (cursor !== null);
    expect(seen).toEqual(Array.from({ length: 12 }, (_, index) => `Page ${String(11 - index).padStart(2, '0')}`));
    const found = await core.call<{ keys: KeyRecord[] }>('keys.list', { search: 'PAGE 07' });
    expect(found.keys.map(({ label }) => label)).toEqual(['Page 07']);
    await expect(core.call('keys.list', { backend: 'softwear' })).rejects.toMatchObject({ code: 'NOT_FOUND', facts: { alternatives: expect.arrayContaining(['software']) } });
    await expect(core.call('keys.show', { key: 'yubikey:serial=123;slot=9c' })).rejects.toMatchObject({ code: 'NOT_FOUND', facts: { remedy: expect.stringContaining('Plug') } });
    await expect(core.call('keys.list', { filter: 'colour=red' })).rejects.toEqual(fails('INVALID_INPUT'));
    await expect(core.call('keys.list', { cursor: 'bm9uc2Vuc2U' })).rejects.toEqual(fails('INVALID_INPUT'));
  });

  test('an unknown field, a wrong type and an unknown algorithm are refused with their place', async () => {
    await expect(core.call('keys.generate', { label: 'x', algorithm: 'ec-p256', colour: 'red' })).rejects.toMatchObject({ code: 'INVALID_INPUT', message: expect.stringContaining('colour') });
    await expect(core.call('keys.generate', { label: 7, algorithm: 'ec-p256' })).rejects.toMatchObject({ code: 'INVALID_INPUT', facts: { where: '/label' } });
    await expect(core.call('keys.generate', { label: 'x', algorithm: 'rsa-512' })).rejects.toMatchObject({ code: 'INVALID_INPUT', facts: { alternatives: expect.arrayContaining(['rsa-2048']) } });
    await expect(core.call('keys.show', { key: 'pkcs11:token=x?pin-value=1234' })).rejects.toMatchObject({ code: 'INVALID_INPUT', message: expect.not.stringContaining('1234') });
  });
});

describe('rotation', () => {
  test('old ciphertext decrypts and old signatures verify after two rotations', async () => {
    await generate({ label: 'Rotating AES', algorithm: 'aes-256' });
    await generate({ label: 'Rotating EC' });
    const { ciphertext } = await core.call<{ ciphertext: string }>('keys.encrypt', { key: 'Rotating AES', plaintext: bytes('old secret') });
    const { signature } = await core.call<{ signature: string }>('keys.sign', { key: 'Rotating EC', content: { message: bytes('old') } });
    for (const key of ['Rotating AES', 'Rotating EC']) {
      await core.call('keys.rotate', { key });
      expect(await core.call('keys.rotate', { key })).toMatchObject({ version: 3, versions: 3 });
    }
    expect(await core.call('keys.decrypt', { key: 'Rotating AES', ciphertext })).toMatchObject({ plaintext: bytes('old secret'), version: 1 });
    expect(await core.call('keys.verify', { key: 'Rotating EC', content: { message: bytes('old') }, signature })).toMatchObject({ valid: true, version: 1 });
    await core.call('keys.update', { key: 'Rotating EC', retireVersions: [1] });
    expect(await core.call('keys.verify', { key: 'Rotating EC', content: { message: bytes('old') }, signature })).toMatchObject({ valid: false, version: null });
    await expect(core.call('keys.update', { key: 'Rotating EC', retireVersions: [3] })).rejects.toEqual(fails('INVALID_INPUT'));
  });

  test('a ciphertext of another key is refused, and that key is named', async () => {
    const [one] = [await generate({ label: 'AES one', algorithm: 'aes-256' }), await generate({ label: 'AES two', algorithm: 'aes-256' })];
    const { ciphertext } = await core.call<{ ciphertext: string }>('keys.encrypt', { key: one.id, plaintext: bytes('x') });
    await expect(core.call('keys.decrypt', { key: 'AES two', ciphertext })).rejects.toMatchObject({ code: 'INVALID_INPUT', facts: { alternatives: [one.uri] } });
  });
});

describe('what a key may do', () => {
  test('usages, states and the trash are enforced, with the reason', async () => {
    const key = await generate({ label: 'Limited', usages: ['sign', 'verify'] });
    const message = { content: { message: bytes('x') } };
    await expect(core.call('keys.agree', { key: key.id, peer: bytes('x') })).rejects.toMatchObject({ code: 'CAPABILITY_MISSING', facts: { alternatives: ['sign', 'verify'] } });
    const { signature } = await core.call<{ signature: string }>('keys.sign', { key: key.id, ...message });
    await core.call('keys.update', { key: key.id, state: 'suspended' });
    await expect(core.call('keys.sign', { key: key.id, ...message })).rejects.toMatchObject({ code: 'CAPABILITY_MISSING', message: expect.stringContaining('suspended') });
    await core.call('keys.update', { key: key.id, state: 'active' });
    await core.call('keys.update', { key: key.id, state: 'compromised' });
    await expect(core.call('keys.update', { key: key.id, state: 'active' })).rejects.toEqual(fails('INVALID_INPUT'));
    expect(await core.call('keys.verify', { key: key.id, ...message, signature })).toMatchObject({ valid: true });
    await core.call('keys.delete', { key: key.id });
    await expect(core.call('keys.verify', { key: key.id, ...message, signature })).rejects.toEqual(fails('CONFLICT'));
    expect(await core.call('keys.restore', { key: key.id })).toMatchObject({ trashedUntil: null });
  });

  test('a key that is not yet valid, or not any more, does not sign', async () => {
    const day = 86_400_000;
    const early = await generate({ notBefore: new Date(Date.now() + day).toISOString() });
    const late = await generate({ notAfter: new Date(Date.now() - day).toISOString() });
    expect([early.state, late.state]).toEqual(['pre-active', 'deactivated']);
    for (const key of [early.id, late.id]) await expect(core.call('keys.sign', { key, content: { message: bytes('x') } })).rejects.toEqual(fails('CAPABILITY_MISSING'));
    await expect(generate({ notBefore: new Date(Date.now() + day).toISOString(), notAfter: new Date().toISOString() })).rejects.toEqual(fails('INVALID_INPUT'));
  });

  test('pure schemes refuse a digest; others refuse one of the wrong length', async () => {
    const pure = await generate({ algorithm: 'ed25519' });
    const hashed = await generate({});
    const digest = Buffer.alloc(20).toString('base64url');
    await expect(core.call('keys.sign', { key: pure.id, content: { digest } })).rejects.toEqual(fails('CAPABILITY_MISSING'));
    await expect(core.call('keys.sign', { key: hashed.id, content: { digest } })).rejects.toMatchObject({ code: 'INVALID_INPUT', facts: { where: '/content/digest' } });
  });

  test('capabilities say what is possible and why the rest is not', async () => {
    const key = await generate({ algorithm: 'ed25519', extractable: false });
    const { capabilities } = await core.call<{ capabilities: { capability: string; available: boolean; reason: string | null }[] }>('keys.capabilities', { key: key.id });
    const by = new Map(capabilities.map((entry) => [entry.capability, entry]));
    const rsa = await core.call<{ id: string }>('keys.generate', { backend: 'software', algorithm: 'rsa-2048', label: 'Old files' });
    const ofRsa = (await core.call<{ capabilities: { capability: string; algorithms: string[] }[] }>('keys.capabilities', { key: rsa.id })).capabilities;
    const algorithms = (capability: string): string[] | undefined => ofRsa.find((entry) => entry.capability === capability)?.algorithms;
    // What is too weak only decrypts.
    expect([algorithms('encrypt')?.includes('rsa-pkcs1'), algorithms('decrypt')?.includes('rsa-pkcs1')]).toEqual([false, true]);
    expect(by.get('sign')).toMatchObject({ available: true, algorithms: ['ed25519'] });
    expect(by.get('encrypt')).toMatchObject({ available: false, reason: expect.stringContaining('ed25519') });
    expect(by.get('export')).toMatchObject({ available: false, reason: expect.stringContaining('not extractable') });
  });

  test('a key that is not extractable is exported by nobody', async () => {
    const key = await generate({ extractable: false });
    await expect(core.call('keys.export', { key: key.id }, { 'export-passphrase': 'another pass phrase 99' })).rejects.toEqual(fails('PERMISSION_DENIED'));
  });
});

describe('trash', () => {
  test('a key is deleted, restored, deleted and purged; a purge must be typed', async () => {
    const key = await generate({ label: 'Doomed' });
    await expect(core.call('keys.purge', { key: key.id })).rejects.toEqual(fails('CONFLICT'));
    const trashed = await core.call<KeyRecord>('keys.delete', { key: key.id });
    expect(Date.parse(trashed.trashedUntil!)).toBeGreaterThan(Date.now() + 29 * 86_400_000);
    expect((await core.call<{ keys: KeyRecord[] }>('keys.list', { trash: true })).keys.map(({ id }) => id)).toContain(key.id);
    expect(await core.call('keys.purge', { key: key.id })).toEqual({});
    await expect(core.call('keys.show', { key: key.id })).rejects.toEqual(fails('NOT_FOUND'));
  });
});

describe('import, export, copy and move', () => {
  test('what a format cannot hold is refused before anybody is asked for a passphrase or a confirmation', async () => {
    const [ec, ed] = [await generate({ label: 'On a curve of NIST' }), await generate({ label: 'For age', algorithm: 'ed25519' })];
    const nobody = {}; // whoever is asked answers with PERMISSION_DENIED or PIN_REQUIRED
    await expect(core.call('keys.export', { key: ec.id, format: 'minisign' }, nobody)).rejects.toMatchObject({ code: 'CAPABILITY_MISSING', message: expect.stringContaining('Ed25519'), facts: { alternatives: expect.arrayContaining(['pkcs8', 'openssh']) } });
    await expect(core.call('keys.export', { key: ec.id, format: 'pkcs1', encrypt: false }, nobody)).rejects.toMatchObject({ code: 'CAPABILITY_MISSING', message: expect.stringContaining('RSA') });
    await expect(core.call('keys.export', { key: ec.id, format: 'ppk', encoding: 'der' }, nobody)).rejects.toMatchObject({ code: 'CAPABILITY_MISSING', message: expect.stringContaining('no DER form') });
    await expect(core.call('keys.export', { key: ed.id, format: 'age' }, nobody)).rejects.toMatchObject({ code: 'CAPABILITY_MISSING', message: expect.stringContaining('OpenSSH') });
  });

  test('a JWK is encrypted with rounds enough for its hash, and not with more than libraries take', async () => {
    const key = await generate({ label: 'For JOSE' });
    const { content } = await core.call<{ content: string }>('keys.export', { key: key.id, format: 'jwe' }, { 'export-passphrase': 'another pass phrase 99' });
    const header = JSON.parse(Buffer.from(Buffer.from(content, 'base64url').toString().split('.')[0]!, 'base64url').toString()) as { alg: string; p2c: number };
    expect(header.alg).toBe('PBES2-HS512+A256KW');
    expect(header.p2c).toBeGreaterThanOrEqual(210_000); // OWASP, for PBKDF2-HMAC-SHA512
    expect(header.p2c).toBeLessThanOrEqual(300_000); // joserfc
  });

  test('an exported key comes back as the same key, and it is said that it is held already', async () => {
    const key = await generate({ label: 'Traveller' });
    const { content, encrypted } = await core.call<{ content: string; encrypted: boolean }>('keys.export', { key: key.id }, { 'export-passphrase': 'another pass phrase 99' });
    expect(encrypted).toBe(true);
    expect(Buffer.from(content, 'base64url').toString()).toContain('BEGIN ENCRYPTED PRIVATE KEY');
    await expect(core.call('keys.import', { content }, { 'import-passphrase': 'wrong' })).rejects.toEqual(fails('PIN_INCORRECT'));
    const { keys, alreadyHeld } = await core.call<{ keys: KeyRecord[]; alreadyHeld: string[] }>('keys.import', { content, label: 'Copy' }, { 'import-passphrase': 'another pass phrase 99' });
    expect(keys[0]).toMatchObject({ label: 'Copy', fingerprint: key.fingerprint, origin: 'imported' });
    expect(alreadyHeld).toEqual([key.uri]);
  });

  test('a move takes all versions along; what was encrypted before still decrypts; the source is in the trash', async () => {
    await core.call('backends.add', { type: 'aes', name: 'archive' });
    const key = await generate({ label: 'Mover', algorithm: 'aes-256' });
    const { ciphertext } = await core.call<{ ciphertext: string }>('keys.encrypt', { key: key.id, plaintext: bytes('moved') });
    await core.call('keys.rotate', { key: key.id });
    const plan = await core.call<{ transferred: unknown[] }>('keys.move', { keys: [key.id], to: 'archive', dryRun: true });
    expect(plan).toMatchObject({ dryRun: true, transferred: [{ from: key.uri }] });
    const { transferred } = await core.call<{ transferred: { to: KeyRecord }[] }>('keys.move', { keys: [key.id], to: 'archive' });
    const [{ to }] = transferred as [{ to: KeyRecord }];
    expect(to).toMatchObject({ backend: 'archive', versions: 2 });
    expect(await core.call('keys.decrypt', { key: to.id, ciphertext })).toMatchObject({ plaintext: bytes('moved'), version: 1 });
    expect((await core.call<KeyRecord>('keys.show', { key: key.id })).trashedUntil).not.toBeNull();
    await expect(core.call('backends.remove', { name: 'archive' })).rejects.toEqual(fails('CONFLICT'));
  });

  test('a dry run says what cannot go and why; then nothing is copied at all', async () => {
    const stays = await generate({ label: 'Stays', algorithm: 'aes-128', extractable: false });
    const goes = await generate({ label: 'Goes', algorithm: 'aes-128' });
    expect(await core.call('keys.copy', { keys: [stays.id, goes.id], to: 'archive', dryRun: true })).toMatchObject({ refused: [{ key: stays.uri, reason: expect.stringContaining('extractable') }] });
    await expect(core.call('keys.copy', { keys: [stays.id, goes.id], to: 'archive' })).rejects.toEqual(fails('CAPABILITY_MISSING'));
    expect((await core.call<{ total: number }>('keys.list', { backend: 'archive', search: 'Goes' })).total).toBe(0);
  });
});

describe('who may call', () => {
  test('a caller without the permission is refused, and the refusal is audited', async () => {
    const reader = somebody(['keys:read'], 'rest');
    await expect(core.call('keys.generate', { label: 'x', algorithm: 'ec-p256' }, {}, { principal: reader })).rejects.toEqual(fails('PERMISSION_DENIED'));
    const { entries } = await core.call<{ entries: { operation: string; effect: string; face: string }[] }>('audit.list', { limit: 1 });
    expect(entries[0]).toMatchObject({ operation: 'keys.generate', effect: 'refused', outcome: 'PERMISSION_DENIED', face: 'rest' });
  });

  test('prompts are answered in the prompt surface alone', async () => {
    await expect(core.call('prompts.pending', {}, {}, { principal: somebody(undefined, 'ipc') })).rejects.toEqual(fails('PERMISSION_DENIED'));
  });

  test('a token acts within its scope until it is revoked, and is nowhere in the store', async () => {
    await expect(core.call('access.grant', { name: 'ci', scope: ['keys:admin'] }, {}, { principal: somebody(['access:admin']) })).rejects.toEqual(fails('PERMISSION_DENIED'));
    const { token, grant } = await core.call<{ token: string; grant: { id: string } }>('access.grant', { name: 'ci', scope: ['keys:read'], expires: '12h' });
    const principal = await core.core.authenticate(token, 'rest');
    const guessed = `${token.slice(0, -1)}${token.endsWith('A') ? 'B' : 'A'}`;
    await expect(core.core.authenticate(guessed, 'rest')).rejects.toEqual(fails('UNAUTHENTICATED'));
    const { content: trail } = await core.call<{ content: string }>('audit.export');
    expect(trail).not.toContain(token.slice(-43));
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 12 * 60 * 60 * 1000 });
    try {
      await expect(core.core.authenticate(token, 'rest')).rejects.toEqual(fails('UNAUTHENTICATED'));
    } finally {
      vi.useRealTimers();
    }
    expect(await core.call('access.whoami', {}, {}, { principal })).toEqual({ principal: `token:${grant.id}`, name: 'ci', face: 'rest', permissions: ['keys:read'] });
    expect(JSON.stringify(await core.call('access.list'))).not.toContain(token);
    await core.call('access.revoke', { id: grant.id });
    await expect(core.core.authenticate(token, 'rest')).rejects.toEqual(fails('UNAUTHENTICATED'));
    await expect(core.core.authenticate('kw_nonsense', 'rest')).rejects.toEqual(fails('UNAUTHENTICATED'));
  });
});

describe('the audit trail', () => {
  test('records changes and uses with their key, chains them, and holds no label or secret', async () => {
    const key = await generate({ label: 'Audited canary label' });
    await core.call('keys.sign', { key: key.id, content: { message: bytes('canary message') } });
    const { entries } = await core.call<{ entries: { operation: string; subjects: string[] }[] }>('audit.list', { subject: key.uri });
    expect(entries.map(({ operation }) => operation)).toEqual(['keys.sign', 'keys.generate']);
    expect(await core.call('audit.verify')).toMatchObject({ ok: true, firstBroken: null });
    const { content } = await core.call<{ content: string }>('audit.export');
    expect(content).not.toContain('Audited canary label');
    expect(content).not.toContain('canary message');
  });
});

describe('lock and unlock', () => {
  test('a locked store answers STORE_LOCKED, a wrong passphrase PIN_INCORRECT, and everything is there again after unlocking', async () => {
    await using other = await openTestCore({ kind: 'sqlite' });
    const key = await other.call<KeyRecord>('keys.generate', { label: 'Kept', algorithm: 'ed25519' });
    expect(await other.call('store.lock')).toMatchObject({ state: 'locked' });
    await expect(other.call('keys.list')).rejects.toEqual(fails('STORE_LOCKED'));
    await expect(other.call('store.unlock', {}, { 'store-passphrase': 'wrong' })).rejects.toEqual(fails('PIN_INCORRECT'));
    expect(await other.call('store.unlock', {}, { 'store-passphrase': PASSPHRASE })).toMatchObject({ state: 'unlocked', keys: 1, problems: [] });
    expect(await other.call('keys.show', { key: 'Kept' })).toEqual({ ...key, alsoAt: [], findings: [] });
    expect(await other.call('audit.verify')).toMatchObject({ ok: true });
  });

  test('a call in flight ends with the lock', async () => {
    await using other = await openTestCore();
    const waiting = other.core.call('keys.generate', { label: 'x', algorithm: 'ec-p256', ownPassphrase: true }, {
      principal: somebody(), prompt: { interactive: true, ask: () => new Promise(() => undefined) },
    });
    await new Promise((resolve) => setImmediate(resolve));
    await other.call('store.lock');
    await expect(waiting).rejects.toEqual(fails('STORE_LOCKED'));
  });

  test('a cancelled call leaves nothing behind', async () => {
    const controller = new AbortController();
    const before = await core.call<{ total: number }>('keys.list');
    const cancelled = core.call('keys.generate', { label: 'Never', algorithm: 'rsa-4096' }, {}, { signal: controller.signal });
    controller.abort();
    await expect(cancelled).rejects.toEqual(fails('CANCELLED'));
    expect((await core.call<{ total: number }>('keys.list')).total).toBe(before.total);
  });
});
