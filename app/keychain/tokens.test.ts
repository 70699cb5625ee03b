import { createPublicKey, verify } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { KeyRecord, Prompter, PromptRequest, SlotRecord, TokenRecord } from '../contract/index.ts';
import { FakeToken, FakeTokens, fakeTokenManifest } from '../keystore/testing/fake-token.ts';
import { openTestCore, PASSPHRASE, somebody, type TestCore } from './testing/core.ts';

let tokens: FakeTokens;
let core: TestCore;
let card: FakeToken;

beforeEach(async () => {
  tokens = new FakeTokens();
  card = new FakeToken('1001');
  core = await openTestCore({ backends: [fakeTokenManifest(tokens)] });
});
afterEach(() => core[Symbol.asyncDispose]());

const PIN = { pin: '123456' };
const keys = async (input: object = {}): Promise<KeyRecord[]> => (await core.call<{ keys: KeyRecord[] }>('keys.list', input)).keys;
const generate = (changes: object = {}): Promise<KeyRecord> => core.call<KeyRecord>('keys.generate', { backend: 'fake', algorithm: 'ec-p256', label: 'Release', ...changes });
const content = { message: Buffer.from('hello').toString('base64url') };
/** Lets a token be read, as it is a moment after it changed. */
const settle = (): Promise<unknown> => core.call('tokens.slots', { token: 'fake', refresh: true });

describe('a token', () => {
  test('brings its keys along, and they stay as not present when it is out', async () => {
    const other = await openTestCore({ backends: [fakeTokenManifest(tokens)] });
    tokens.insert(card);
    await other.call('keys.generate', { backend: 'fake', algorithm: 'ec-p256', label: 'x', slot: '9c' });
    await other[Symbol.asyncDispose]();
    tokens.insert(card);
    await settle();
    const [found, ...more] = await keys();
    expect(more).toEqual([]);
    expect(found).toMatchObject({
      uri: 'fake:serial=1001;slot=9c', backend: 'fake-1001', origin: 'found', present: true, label: 'Digital signature, Fake token 1001', protection: 'token',
      hardware: { token: 'fake-1001', tokenTitle: 'Fake token 1001', slot: '9c', pinPolicy: 'once' },
    });
    tokens.remove(card);
    expect(await keys()).toMatchObject([{ id: found!.id, present: false }]);
    await expect(core.call('keys.sign', { key: found!.uri, content }, PIN)).rejects.toMatchObject({ code: 'BACKEND_UNAVAILABLE' });
    tokens.insert(card);
    expect(await keys()).toMatchObject([{ id: found!.id, present: true }]);
  });

  test('is named by its type while it is the only one, and by its id else', async () => {
    await expect(generate()).rejects.toMatchObject({ code: 'BACKEND_UNAVAILABLE' });
    tokens.insert(card);
    expect(await generate()).toMatchObject({ uri: 'fake:serial=1001;slot=9a', label: 'Release', backend: 'fake-1001', origin: 'generated' });
    tokens.insert(new FakeToken('1002'));
    await expect(generate()).rejects.toMatchObject({ code: 'INVALID_INPUT', facts: { alternatives: ['fake-1001', 'fake-1002'] } });
    expect(await generate({ backend: 'fake-1002' })).toMatchObject({ uri: 'fake:serial=1002;slot=9a' });
    await expect(generate({ backend: 'fake-1002', algorithm: 'rsa-2048' })).rejects.toMatchObject({ code: 'CAPABILITY_MISSING', facts: { alternatives: ['ec-p256', 'ed25519'] } });
  });

  test('signs with a PIN that is asked for once, and its public key verifies', async () => {
    tokens.insert(card);
    const { uri } = await generate();
    const { signature } = await core.call<{ signature: string }>('keys.sign', { key: uri, algorithm: 'ecdsa-sha256', content }, PIN);
    const { content: pem } = await core.call<{ content: string }>('keys.public', { key: uri });
    expect(verify('sha256', Buffer.from('hello'), createPublicKey(Buffer.from(pem, 'base64url')), Buffer.from(signature, 'base64url'))).toBe(true);
    await core.call('keys.sign', { key: uri, algorithm: 'ecdsa-sha256', content });
    await expect(core.call('keys.sign', { key: uri, algorithm: 'ecdsa-sha256', content }, {}, { principal: { ...somebody(), id: 'token:ci' } })).rejects.toMatchObject({ code: 'CANCELLED' });
  });

  test('is not shown, nor are its keys, while its backend is removed; both come back with it', async () => {
    const { builtIn: _always, ...manifest } = fakeTokenManifest(tokens);
    const other = await openTestCore({ backends: [manifest] });
    await other.call('backends.add', { type: 'fake', name: 'fake' });
    tokens.insert(card);
    const { id } = await other.call<KeyRecord>('keys.generate', { backend: 'fake', algorithm: 'ec-p256', label: 'Stays there' });
    expect(await other.call('backends.remove', { name: 'fake' })).toEqual({ hiddenKeys: 1 });
    expect(await other.call('keys.list', {})).toMatchObject({ total: 0, keys: [] });
    await other.call('backends.add', { type: 'fake', name: 'fake' });
    await other.call('tokens.list', {});
    expect(await other.call('keys.list', {})).toMatchObject({ keys: [{ id, label: 'Stays there' }] });
    await other[Symbol.asyncDispose]();
  });

  test('that is out of reach keeps its public keys', async () => {
    tokens.insert(card);
    const { uri } = await generate();
    tokens.remove(card);
    expect(await core.call<{ content: string }>('keys.public', { key: uri })).toMatchObject({ format: 'pem' });
  });

  test('whose key another program replaced brings a new entry and loses the old', async () => {
    tokens.insert(card);
    const first = await generate({ slot: '9c' });
    await settle();
    tokens.remove(card);
    const foreign = new FakeTokens();
    const otherHost = await openTestCore({ backends: [fakeTokenManifest(foreign)] });
    foreign.insert(card);
    const second = await otherHost.call<KeyRecord>('keys.generate', { backend: 'fake', algorithm: 'ec-p256', label: 'y', slot: '9c' });
    await otherHost[Symbol.asyncDispose]();
    tokens.insert(card);
    await expect.poll(async () => (await keys()).map(({ fingerprint }) => fingerprint)).toEqual([second.fingerprint]);
    expect(second.fingerprint).not.toBe(first.fingerprint);
  });

  test('that is being read while a key is made in it does not lose the key’s entry, nor its label', async () => {
    const token = tokens.insert(card);
    await settle();
    const before = await token.contents({} as never);
    const { promise: reading, resolve: begun } = Promise.withResolvers<void>();
    const { promise: slow, resolve: go } = Promise.withResolvers<void>();
    const real = token.contents.bind(token);
    let first = true;
    token.contents = async (call) => {
      if (!first) return real(call);
      first = false;
      begun();
      await slow;
      return before;
    };
    const read = settle();
    await reading;
    const made = await generate({ slot: '9c' });
    go();
    await read;
    expect(await keys()).toMatchObject([{ id: made.id, label: 'Release', origin: 'generated' }]);
  });

  test('that says the same as before changes nothing in the store', async () => {
    tokens.insert(card);
    await generate();
    await core.call('store.lock');
    await core.call('store.unlock', {}, { 'store-passphrase': PASSPHRASE });
    tokens.insert(card);
    await settle();
    const { entries } = await core.call<{ entries: { operation: string }[] }>('audit.list', {});
    expect(entries.filter(({ operation }) => operation === 'tokens.watch')).toEqual([]);
  });

  test('whose key was deleted or reset loses its entry', async () => {
    tokens.insert(card);
    await generate({ slot: '9a' });
    const kept = await generate({ slot: '9c' });
    await core.call('tokens.delete-key', { token: 'fake', slot: '9a' });
    expect((await keys()).map(({ id }) => id)).toEqual([kept.id]);
    card.slots.clear();
    tokens.remove(card);
    tokens.insert(card);
    await expect.poll(() => keys(), { timeout: 10_000 }).toEqual([]);
  });

  test('keeps label and id of a key that is moved to another slot', async () => {
    tokens.insert(card);
    const key = await generate({ slot: '9a', tags: ['prod'] });
    const moved = await core.call<KeyRecord>('tokens.move-key', { token: '1001', from: '9a', to: '82' });
    expect(moved).toMatchObject({ id: key.id, label: 'Release', tags: ['prod'], uri: 'fake:serial=1001;slot=82', hardware: { slot: '82' } });
    expect(await keys()).toHaveLength(1);
  });

  test('has no trash: a key in it is not deleted, the entry of one that is out is', async () => {
    tokens.insert(card);
    const { uri } = await generate();
    await expect(core.call('keys.delete', { key: uri })).rejects.toMatchObject({ code: 'CAPABILITY_MISSING', facts: { remedy: expect.stringContaining('tokens delete-key fake-1001 9a') } });
    tokens.remove(card);
    await core.call('keys.delete', { key: uri });
    await core.call('keys.purge', { key: uri });
    expect(card.slots.has('9a')).toBe(true);
    expect(await keys({ trash: true })).toEqual([]);
  });

  test('is listed while it is plugged in and after, under the name that it was given', async () => {
    tokens.insert(card);
    const [listed] = (await core.call<{ tokens: TokenRecord[] }>('tokens.list')).tokens;
    expect(listed).toMatchObject({ id: 'fake-1001', name: 'Fake token 1001', backend: 'fake', present: true, reader: 'Fake reader', keys: 0 });
    await core.call('tokens.rename', { token: '1001', name: 'Blue one' });
    tokens.remove(card);
    expect(await core.call('tokens.show', { token: 'blue one' })).toMatchObject({ name: 'Blue one', present: false, status: null, actions: [] });
    expect((await core.call<{ tokens: TokenRecord[] }>('tokens.list', { present: true })).tokens).toEqual([]);
  });

  test('tells watchers that it came and went', async () => {
    tokens.insert(card);
    await settle();
    const seen: string[] = [];
    const { promise: shown, resolve: show } = Promise.withResolvers<void>();
    const watching = core.call('tokens.watch', { changes: 2 }, {}, { progress: (event) => {
      seen.push(`${(event as { type: string }).type} ${(event as { token: TokenRecord }).token.id}`);
      show();
    } });
    // Whoever was shown what is there is told of all that follows.
    await shown;
    tokens.remove(card);
    tokens.insert(card);
    expect(await watching).toEqual({ changes: 2 });
    expect(seen).toEqual(['present fake-1001', 'removed fake-1001', 'inserted fake-1001']);
  });

  test('shows its slots: what is empty, what has a key, what a certificate', async () => {
    tokens.insert(card);
    await generate({ slot: '9c' });
    const { slots, complete } = await core.call<{ slots: SlotRecord[]; complete: boolean }>('tokens.slots', { token: 'fake', refresh: true });
    expect(complete).toBe(true);
    expect(slots.map(({ slot, state, key }) => [slot, state, key?.label])).toEqual([['9a', 'empty', undefined], ['9c', 'key', 'Release'], ['9d', 'empty', undefined], ['9e', 'empty', undefined]]);
    await expect(core.call('tokens.put-certificate', { token: 'fake', slot: '9c', certificate: Buffer.from('no').toString('base64url') })).rejects.toMatchObject({ code: 'INVALID_INPUT' });
  });

  test('is forgotten by nobody when the store is locked and opened again', async () => {
    tokens.insert(card);
    const key = await generate();
    await core.call('store.lock');
    await core.call('store.unlock', {}, { 'store-passphrase': PASSPHRASE });
    expect(await core.call('keys.show', { key: key.id })).toMatchObject({ label: 'Release', hardware: { slot: '9a', touchPolicy: 'never', madeOnDevice: true } });
    expect((await core.call<{ tokens: TokenRecord[] }>('tokens.list')).tokens).toMatchObject([{ id: 'fake-1001', keys: 1 }]);
  });
});

test('keys of one pair in two places are shown beside each other', async () => {
  tokens.insert(card);
  const soft = await core.call<KeyRecord>('keys.generate', { algorithm: 'ec-p256', label: 'Soft' });
  const { content: pem } = await core.call<{ content: string }>('keys.export', { key: soft.uri, encrypt: false });
  await core.call('keys.import', { content: pem, backend: 'fake', label: 'Hard' });
  const shown = await core.call<KeyRecord>('keys.show', { key: soft.uri });
  expect(shown.alsoAt).toEqual(['fake:serial=1001;slot=9a']);
  const { groups } = await core.call<{ groups: { title: string; count: number; start: number }[] }>('keys.list', { group: 'publicKey' });
  expect(groups).toMatchObject([{ title: 'Hard', start: 0, count: 2 }]);
});

test('keys are listed in groups, each with its place in the list', async () => {
  for (const [label, algorithm] of [['b', 'ed25519'], ['a', 'ec-p256'], ['c', 'ec-p256']]) await core.call('keys.generate', { algorithm, label });
  const { keys: listed, groups } = await core.call<{ keys: KeyRecord[]; groups: object[] }>('keys.list', { group: 'algorithm' });
  expect(listed.map(({ label }) => label)).toEqual(['a', 'c', 'b']);
  expect(groups).toEqual([{ name: 'ec-p256', title: 'ec-p256', start: 0, count: 2 }, { name: 'ed25519', title: 'ed25519', start: 2, count: 1 }]);
  expect(await core.call('keys.list', { group: 'backend' })).toMatchObject({ groups: [{ name: 'software', title: 'This computer', count: 3 }] });
});

test('a PIN that serves for several files is asked for once, and says so', async () => {
  tokens.insert(card);
  const { uri } = await generate({ algorithm: 'ed25519' });
  const files = ['a', 'b', 'c'].map((name) => ({ path: join(core.folder, name) }));
  for (const { path } of files) await writeFile(path, path);
  const asked: PromptRequest[] = [];
  const prompt: Prompter = { interactive: true, ask: async (request) => (asked.push(request), { kind: 'secret', secret: '123456' }) };
  await core.core.call('files.sign', { files, key: uri, out: { inline: true } }, { principal: somebody(), prompt });
  expect(asked).toMatchObject([{ kind: 'secret', purpose: 'pin', title: 'Sign 3 files with “Release”', triesLeft: 3 }]);
});
