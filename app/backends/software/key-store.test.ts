import { execFileSync, spawnSync } from 'node:child_process';
import { createPrivateKey, createPublicKey, createHash, generateKeyPairSync, randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { KEY_ALGORITHMS, SecretBytes, type KeyAlgorithmName, type PromptRequest } from '../../contract/index.ts';
import { PBKDF2_ROUNDS } from '../../formats/pbes.ts';
import type { KeyDescription, KeyRef, KeyStore } from '../../keystore/keystore.ts';
import { callFor, codeOf, refusalOf } from '../../keystore/testing/calls.ts';
import { memoryKind } from '../../storage/memory/index.ts';
import type { Storage, StorageTransaction } from '../../storage/storage.ts';
import { openAes } from '../aes/index.ts';
import { BACKENDS, LATER_BACKENDS } from '../index.ts';
import { openPkcs8 } from '../pkcs8/index.ts';

const MESSAGE = Buffer.from('a message');
const open = (): Promise<Storage> => memoryKind.open({ folder: randomUUID(), create: true });
const newId = (): string => randomUUID().replaceAll('-', '');
const ref = ({ uri, id }: KeyDescription, version = 1, label?: string): KeyRef => ({ uri, id, version, ...(label === undefined ? {} : { label }) });
const request = (algorithm: KeyAlgorithmName, more: { id?: string; passphrase?: SecretBytes; extractable?: boolean } = {}) =>
  ({ id: newId(), algorithm, label: 'a key', usages: KEY_ALGORITHMS[algorithm].usages, extractable: true, ...more });

/** A storage that counts its reads, and can be told to fail its writes. */
function watched(storage: Storage): Storage & { reads: number; failing: boolean } {
  const wrapped: Storage & { reads: number; failing: boolean } = Object.assign(Object.create(storage) as Storage, {
    reads: 0,
    failing: false,
    get: (key: string) => { wrapped.reads++; return storage.get(key); },
    list: (prefix: string, page: { limit: number }) => { wrapped.reads++; return storage.list(prefix, page); },
    put: (...args: Parameters<Storage['put']>) => (wrapped.failing ? Promise.reject(new Error('no writes now')) : storage.put(...args)),
    delete: (...args: Parameters<Storage['delete']>) => storage.delete(...args),
  });
  return wrapped;
}

/** Writes held back, as the dispatcher's unit of work holds them. */
function heldBack(storage: Storage): StorageTransaction & { commit(): Promise<void> } {
  const writes = new Map<string, Uint8Array | undefined>();
  return {
    async get(key) {
      if (!writes.has(key)) return storage.get(key);
      const value = writes.get(key);
      return value === undefined ? undefined : { key, value, revision: 'pending', summary: null };
    },
    async list(prefix, page) {
      const stored = await storage.list(prefix, page);
      const added = [...writes].flatMap(([key, value]) => (value !== undefined && key.startsWith(prefix) ? [{ key, revision: 'pending', summary: null }] : []));
      return { items: [...stored.items.filter(({ key }) => !writes.has(key)), ...added].toSorted((a, b) => (a.key < b.key ? -1 : 1)) };
    },
    async put(key, value) {
      writes.set(key, value);
      return { key, value, revision: 'pending', summary: null };
    },
    async delete(key) {
      writes.set(key, undefined);
    },
    async commit() {
      for (const [key, value] of writes) {
        if (value === undefined) await storage.delete(key, { ifRevision: 'any' });
        else await storage.put(key, value, { ifRevision: 'any' });
      }
    },
  };
}

describe('where keys are', () => {
  test('the built-in instance has the short form of URI, others name themselves', async () => {
    const storage = await open();
    const [own, archive, secrets] = [openPkcs8('software', { storage }), openPkcs8('archive', { storage }), openAes('vault-2', { storage })];
    const id = newId();
    expect((await own.generate(request('ed25519', { id }), callFor(storage))).uri).toBe(`pkcs8:${id}`);
    expect((await archive.generate(request('ed25519', { id }), callFor(storage))).uri).toBe(`pkcs8:archive/${id}`);
    expect((await secrets.generate(request('aes-256', { id }), callFor(storage))).uri).toBe(`aes:vault-2/${id}`);
    const { items } = await storage.list('material/', { limit: 10 });
    expect(items.map(({ key, summary }) => [key, summary])).toEqual([[`material/archive/pkcs8/${id}/000001`, null], [`material/software/pkcs8/${id}/000001`, null], [`material/vault-2/aes/${id}/000001`, null]]);
    expect((await own.list({ limit: 10 }, callFor(storage))).items).toHaveLength(1);
  });

  test('a damaged record is named, and the other keys still work', async () => {
    const storage = await open();
    const store = openPkcs8('software', { storage });
    const [good, bad] = [await store.generate(request('ed25519'), callFor(storage)), await store.generate(request('ed25519'), callFor(storage))];
    const name = `material/software/pkcs8/${bad.id}/000001`;
    const { value } = (await storage.get(name))!;
    for (const damaged of [value.subarray(0, 6), value.subarray(0, 60), Buffer.concat([value.subarray(0, -4)]), Buffer.from('nonsense that is long enough')]) {
      await storage.put(name, damaged, { ifRevision: 'any' });
      const refusal = await refusalOf(store.signer!.sign(ref(bad), 'ed25519', { message: MESSAGE }, callFor(storage)));
      expect(refusal).toMatchObject({ code: 'CORRUPT_RECORD', facts: { where: name } });
    }
    expect(await codeOf(store.signer!.sign(ref(good), 'ed25519', { message: MESSAGE }, callFor(storage)))).toBe('accepted');
  });

  test('each manifest says what its store then offers, and loads it', async () => {
    for (const manifest of BACKENDS.filter(({ type }) => type === 'pkcs8' || type === 'aes')) {
      const module = await manifest.load();
      if (!('open' in module)) throw new Error(`${manifest.type} has tokens`);
      const store = await module.open({ name: 'software', config: manifest.config.parse({}) }, { storage: await open(), keepPinMinutes: () => 0 });
      expect(store).toMatchObject({ name: 'software', type: manifest.type, capabilities: manifest.capabilities });
    }
    expect(LATER_BACKENDS.map(({ type }) => type)).toEqual(['tpm2', 'awskms', 'gcpkms', 'azurekv', 'vault']);
  });
});

describe('keys at hand', () => {
  test('a key that was used a moment ago signs without reading the storage', async () => {
    const storage = watched(await open());
    const store = openPkcs8('software', { storage });
    const key = await store.generate(request('ec-p256'), callFor(storage));
    await store.signer!.sign(ref(key), 'ecdsa-sha256', { message: MESSAGE }, callFor(storage));
    const { reads } = storage;
    for (let count = 0; count < 10; count++) await store.signer!.sign(ref(key), 'ecdsa-sha256', { message: MESSAGE }, callFor(storage));
    expect(storage.reads).toBe(reads);
  });

  test('a call uses the key that it has just made, and nothing of it is left when the call fails', async () => {
    const storage = await open();
    const store = openAes('software', { storage });
    const unit = heldBack(storage);
    const key = await store.generate(request('aes-256'), callFor(storage, { unit }));
    const sealed = await store.encrypter!.encrypt(ref(key), 'aes-gcm', { plaintext: MESSAGE }, callFor(storage, { unit }));
    expect(Buffer.from(await store.decrypter!.decrypt(ref(key), 'aes-gcm', sealed, callFor(storage, { unit }))).equals(MESSAGE)).toBe(true);
    // The unit is dropped: to everybody else the key was never there.
    expect(await codeOf(store.encrypter!.encrypt(ref(key), 'aes-gcm', { plaintext: MESSAGE }, callFor(storage)))).toBe('NOT_FOUND');
    expect((await storage.list('', { limit: 10 })).items).toEqual([]);
  });

  test('messages that a call encrypts under its new key are counted once it commits', async () => {
    const storage = await open();
    const store = openAes('software', { storage });
    const unit = heldBack(storage);
    const key = await store.generate(request('aes-256'), callFor(storage, { unit }));
    for (let count = 0; count < 3; count++) await store.encrypter!.encrypt(ref(key), 'aes-gcm', { plaintext: MESSAGE }, callFor(storage, { unit }));
    await unit.commit();
    await store.encrypter!.encrypt(ref(key), 'aes-gcm', { plaintext: MESSAGE }, callFor(storage));
    expect((await store.exporter!.exportKey(ref(key), callFor(storage))).aeadMessages).toBe(4);
  });

  test('a removed key is gone for the remover at once, stays for others until it commits, and is not kept by either', async () => {
    const storage = await open();
    const store = openPkcs8('software', { storage });
    const key = await store.generate(request('ed25519'), callFor(storage));
    const sign = (unit?: StorageTransaction): Promise<unknown> => store.signer!.sign(ref(key), 'ed25519', { message: MESSAGE }, callFor(storage, unit === undefined ? {} : { unit }));
    await sign();
    const unit = heldBack(storage);
    await store.remover!.remove(key.id, callFor(storage, { unit }));
    expect(await codeOf(sign(unit))).toBe('NOT_FOUND');
    expect(await codeOf(sign())).toBe('accepted');
    await unit.commit();
    expect(await codeOf(sign())).toBe('NOT_FOUND');
  });
});

describe('counting messages', () => {
  const encrypt = (store: KeyStore, key: KeyDescription, storage: Storage): Promise<unknown> => store.encrypter!.encrypt(ref(key), 'chacha20-poly1305', { plaintext: MESSAGE }, callFor(storage));
  const stored = async (storage: Storage, key: KeyDescription): Promise<number> => Number(Buffer.from((await storage.get(`counter/software/${key.id}/1`))!.value).toString());

  test('a block is written before its first number is used, and one write serves the whole block', async () => {
    const storage = watched(await open());
    const store = openAes('software', { storage });
    const key = await store.generate(request('chacha20-poly1305'), callFor(storage));
    storage.failing = true;
    await expect(encrypt(store, key, storage)).rejects.toThrow('no writes now');
    storage.failing = false;
    await encrypt(store, key, storage);
    expect(await stored(storage, key)).toBe(1024);
    storage.failing = true;
    for (let count = 1; count < 1024; count++) await encrypt(store, key, storage);
    await expect(encrypt(store, key, storage)).rejects.toThrow('no writes now');
    storage.failing = false;
    await encrypt(store, key, storage);
    expect(await stored(storage, key)).toBe(2048);
  });

  test('what a crash leaves of a block counts as used', async () => {
    const storage = await open();
    const before = openAes('software', { storage });
    const key = await before.generate(request('chacha20-poly1305'), callFor(storage));
    await encrypt(before, key, storage);
    const after = openAes('software', { storage });
    await encrypt(after, key, storage);
    expect((await after.exporter!.exportKey(ref(key), callFor(storage))).aeadMessages).toBe(1025);
    await encrypt(before, key, storage); // a stray opening of the same instance never counts down
    expect(await stored(storage, key)).toBe(2048);
  });

  test('many at once are counted one by one', async () => {
    const storage = await open();
    const store = openAes('software', { storage });
    const key = await store.generate(request('chacha20-poly1305'), callFor(storage));
    await Promise.all(Array.from({ length: 3000 }, () => encrypt(store, key, storage)));
    expect((await store.exporter!.exportKey(ref(key), callFor(storage))).aeadMessages).toBe(3000);
    expect(await stored(storage, key)).toBe(3072);
  });
});

describe.each([
  { title: 'a pair', openStore: openPkcs8, algorithm: 'ec-p256' as const },
  { title: 'a symmetric key', openStore: openAes, algorithm: 'hmac-sha256' as const },
])('$title with a passphrase of its own', ({ openStore, algorithm }) => {
  const use = (store: KeyStore, key: KeyRef, call: ReturnType<typeof callFor>): Promise<unknown> =>
    (algorithm === 'ec-p256' ? store.signer!.sign(key, 'ecdsa-sha256', { message: MESSAGE }, call) : store.macMaker!.mac(key, MESSAGE, call));

  test('asks at each use by purpose and name, refuses a wrong one, keeps nothing, and wraps the secret with PBES2', async () => {
    const storage = await open();
    const store = openStore('software', { storage });
    using passphrase = SecretBytes.fromText('correct horse');
    const key = await store.generate(request(algorithm, { passphrase }), callFor(storage));
    expect(key.protection).toBe('store+passphrase');
    const asked: PromptRequest[] = [];
    const typing = (answer: string) => callFor(storage, { answer: (prompt) => { asked.push(prompt); return answer; } });

    expect(await codeOf(use(store, ref(key), callFor(storage)))).toBe('PIN_REQUIRED');
    expect(await codeOf(use(store, ref(key), typing('wrong')))).toBe('PIN_INCORRECT');
    await use(store, ref(key, 1, 'Release signing'), typing('correct horse'));
    await use(store, ref(key, 1, 'Release signing'), typing('correct horse'));
    expect(asked).toHaveLength(3);
    expect(asked[2]).toMatchObject({ kind: 'secret', purpose: 'key-passphrase', title: 'Passphrase of the key “Release signing”', subject: key.uri });
    expect(await codeOf(use(store, ref(key), callFor(storage)))).toBe('PIN_REQUIRED');

    const record = Buffer.from((await storage.get(`material/software/${store.type}/${key.id}/000001`))!.value);
    using exported = (await store.exporter!.exportKey(ref(key), typing('correct horse'))).secret;
    expect(record.includes(Buffer.from(exported.reveal()))).toBe(false);
    const rounds = Buffer.alloc(3);
    rounds.writeUIntBE(PBKDF2_ROUNDS, 0, 3);
    expect(record.includes(rounds)).toBe(true);
  });

  test('a new version has the passphrase that is given, or one that is asked for', async () => {
    const storage = await open();
    const store = openStore('software', { storage });
    using passphrase = SecretBytes.fromText('correct horse');
    using second = SecretBytes.fromText('battery staple');
    const key = await store.generate(request(algorithm, { passphrase }), callFor(storage));
    await store.rotator!.rotate(ref(key), { passphrase: second }, callFor(storage));
    const third = await store.rotator!.rotate(ref(key), {}, callFor(storage, { answer: ({ purpose }) => (purpose === 'new-key-passphrase' ? 'a third passphrase' : '') }));
    expect(third.versions).toHaveLength(3);
    for (const [version, answer] of [[1, 'correct horse'], [2, 'battery staple'], [3, 'a third passphrase']] as const) {
      await use(store, ref(key, version), callFor(storage, { answer: () => answer }));
    }
    expect(await codeOf(use(store, ref(key, 2), callFor(storage, { answer: () => 'correct horse' })))).toBe('PIN_INCORRECT');
  });

  test('nobody is asked for what is refused anyway', async () => {
    const storage = await open();
    const store = openStore('software', { storage });
    using passphrase = SecretBytes.fromText('correct horse');
    const key = await store.generate({ ...request(algorithm, { passphrase, extractable: false }), usages: algorithm === 'ec-p256' ? ['verify'] : ['derive'] }, callFor(storage));
    const never = callFor(storage, { answer: () => { throw new Error('It asked.'); } });
    expect(await codeOf(use(store, ref(key), never))).toBe('CAPABILITY_MISSING');
    expect(await codeOf(store.exporter!.exportKey(ref(key), never))).toBe('PERMISSION_DENIED');
  });
});

describe('cancelling', () => {
  test('making an RSA key of 8192 bits ends as soon as the call is cancelled', async () => {
    const storage = await open();
    const store = openPkcs8('software', { storage });
    const controller = new AbortController();
    const making = store.generate(request('rsa-8192'), callFor(storage, { signal: controller.signal }));
    setImmediate(() => controller.abort());
    expect(await codeOf(making)).toBe('CANCELLED');
    expect((await storage.list('', { limit: 1 })).items).toEqual([]);
  });

  test('a deadline that passes is told as one', async () => {
    const storage = await open();
    const store = openPkcs8('software', { storage });
    expect(await codeOf(store.generate(request('rsa-8192'), callFor(storage, { signal: AbortSignal.timeout(5) })))).toBe('TIMEOUT');
  });
});

describe('taking keys in', () => {
  test('what is not the algorithm that it claims, or not whole, is refused', async () => {
    const storage = await open();
    const store = openPkcs8('software', { storage });
    const pkcs8 = generateKeyPairSync('ec', { namedCurve: 'prime256v1' }).privateKey.export({ type: 'pkcs8', format: 'der' });
    const take = (algorithm: KeyAlgorithmName, bytes: Uint8Array): Promise<unknown> => {
      const { algorithm: _algorithm, ...rest } = request(algorithm);
      return store.importer!.importKey({ ...rest, usages: ['sign'] }, { algorithm, secret: new SecretBytes(Uint8Array.from(bytes)) }, callFor(storage));
    };
    expect(await codeOf(take('ec-p384', pkcs8))).toBe('INVALID_INPUT');
    expect(await codeOf(take('ec-p256', pkcs8.subarray(0, 60)))).toBe('INVALID_INPUT');
    const mixed = Buffer.from(pkcs8);
    mixed[40] = (mixed[40] as number) ^ 1; // the scalar no longer fits the public point
    expect(await codeOf(take('ec-p256', mixed))).toBe('INVALID_INPUT');
    expect(await codeOf(take('aes-256', Buffer.alloc(32)))).toBe('CAPABILITY_MISSING');
    const secrets = openAes('software', { storage });
    const { algorithm: _algorithm, ...rest } = request('aes-256');
    expect(await codeOf(secrets.importer!.importKey(rest, { algorithm: 'aes-256', secret: new SecretBytes(new Uint8Array(31)) }, callFor(storage)))).toBe('INVALID_INPUT');
  });
});

const OPENSSL = spawnSync('openssl', ['version'], { encoding: 'utf8' });
const withoutOpenssl = OPENSSL.status !== 0;

describe.skipIf(withoutOpenssl)(`openssl agrees${withoutOpenssl ? ' (skipped: there is no openssl)' : ''}`, () => {
  test.each([
    ['ec-p256', 'ecdsa-sha256', 'sha256', []], ['ec-p521', 'ecdsa-sha512', 'sha512', []], ['ec-secp256k1', 'ecdsa-sha256', 'sha256', []], ['ec-brainpoolp384r1', 'ecdsa-sha384', 'sha384', []],
    ['rsa-2048', 'rsa-pkcs1-sha384', 'sha384', []], ['rsa-3072', 'rsa-pss-sha512', 'sha512', ['-sigopt', 'rsa_padding_mode:pss', '-sigopt', 'rsa_pss_saltlen:digest']],
  ] as const)('%s: %s of a message and of its digest verify', async (algorithm, scheme, hash, options) => {
    const folder = mkdtempSync(join(tmpdir(), 'keywright-openssl-'));
    try {
      const storage = await open();
      const store = openPkcs8('software', { storage });
      const key = await store.generate(request(algorithm), callFor(storage));
      const publicKey = createPublicKey({ key: Buffer.from(key.versions[0]!.publicKey!), format: 'der', type: 'spki' });
      writeFileSync(join(folder, 'public.pem'), publicKey.export({ type: 'spki', format: 'pem' }));
      writeFileSync(join(folder, 'message'), MESSAGE);
      for (const content of [{ message: MESSAGE }, { digest: createHash(hash).update(MESSAGE).digest() }]) {
        writeFileSync(join(folder, 'signature'), await store.signer!.sign(ref(key), scheme, content, callFor(storage)));
        const said = execFileSync('openssl', ['dgst', `-${hash}`, '-verify', 'public.pem', ...options, '-signature', 'signature', 'message'], { cwd: folder, encoding: 'utf8' });
        expect(said).toContain('Verified OK');
      }
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });

  test('it unwraps what rsa-aes-kwp wrapped, step by step as PKCS#11 lays it out', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'keywright-openssl-'));
    try {
      const storage = await open();
      const store = openPkcs8('software', { storage });
      const key = await store.generate(request('rsa-2048'), callFor(storage));
      using exported = (await store.exporter!.exportKey(ref(key), callFor(storage))).secret;
      writeFileSync(join(folder, 'private.pem'), createPrivateKey({ key: Buffer.from(exported.reveal()), format: 'der', type: 'pkcs8' }).export({ type: 'pkcs8', format: 'pem' }), { mode: 0o600 });
      using material = new SecretBytes(generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'der' }));
      const wrapped = await store.wrapper!.wrap(ref(key), 'rsa-aes-kwp', material, callFor(storage));
      writeFileSync(join(folder, 'first'), wrapped.subarray(0, 256));
      writeFileSync(join(folder, 'second'), wrapped.subarray(256));
      const oaep = ['-pkeyopt', 'rsa_padding_mode:oaep', '-pkeyopt', 'rsa_oaep_md:sha256', '-pkeyopt', 'rsa_mgf1_md:sha256'];
      const ephemeral = execFileSync('openssl', ['pkeyutl', '-decrypt', '-inkey', 'private.pem', ...oaep, '-in', 'first'], { cwd: folder });
      expect(ephemeral).toHaveLength(32);
      const opened = execFileSync('openssl', ['enc', '-d', '-id-aes256-wrap-pad', '-K', ephemeral.toString('hex'), '-iv', 'a65959a6', '-in', 'second'], { cwd: folder });
      expect(opened.equals(material.reveal())).toBe(true);
      using unwrapped = await store.wrapper!.unwrap(ref(key), 'rsa-aes-kwp', wrapped, callFor(storage));
      expect(Buffer.from(unwrapped.reveal()).equals(material.reveal())).toBe(true);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});
