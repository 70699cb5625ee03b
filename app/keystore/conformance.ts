import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { KEY_ALGORITHM_NAMES, KEY_ALGORITHMS, type Capability, type KeyAlgorithmFacts, type KeyAlgorithmName, type Usage } from '../contract/index.ts';
import type { Storage } from '../storage/storage.ts';
import { describeUses } from './conformance-uses.ts';
import type { KeyDescription, KeyRef, KeyStore } from './keystore.ts';
import { callFor, codeOf, refusalOf } from './testing/calls.ts';

/** What every key store must do, whatever it stands on. A backend's own test runs it with a way to make a fresh instance. */

export interface OpenedKeyStore {
  readonly store: KeyStore;
  /** Where calls write. */
  readonly storage: Storage;
  /** The same instance once more, as after a restart. */
  reopen(): Promise<KeyStore>;
}

interface KeyStoreUnderTest {
  open(): Promise<OpenedKeyStore>;
  /** Algorithms whose keys take too long to make for each run; they are tested when KEYWRIGHT_SLOW_TESTS is set. */
  readonly slow?: readonly KeyAlgorithmName[];
  /** What the store claims, known before it is opened. */
  readonly claims: KeyStore['capabilities'];
  /** Keys are for whatever their algorithm can do: the store keeps no usages, and refuses to restrict them. */
  readonly usagesAreFixed?: true;
}

/** What the suites share: one store, and one key of each algorithm, made when first needed. */
export interface Bench {
  readonly claims: KeyStore['capabilities'];
  readonly opened: OpenedKeyStore;
  readonly store: KeyStore;
  readonly algorithms: readonly KeyAlgorithmName[];
  call(options?: Parameters<typeof callFor>[1]): ReturnType<typeof callFor>;
  key(algorithm: KeyAlgorithmName): Promise<KeyDescription>;
  /** A key for one test alone. */
  freshKey(algorithm: KeyAlgorithmName, changes?: { usages?: readonly Usage[]; extractable?: boolean }): Promise<KeyDescription>;
}

export const refTo = ({ uri, id }: KeyDescription, version = 1): KeyRef => ({ uri, id, version });

let ids = 0;
const nextId = (): string => (++ids).toString(16).padStart(32, '0');

/** What keys of an algorithm can be used for in a store: a token may have no key derivation, say. */
const usagesIn = ({ capabilities }: KeyStore['capabilities'], algorithm: KeyAlgorithmName): readonly Usage[] => KEY_ALGORITHMS[algorithm].usages.filter((usage) => capabilities.includes(usage));

/** The facet that a capability needs; none for what a public key alone can do. */
const FACETS: Record<Capability, Exclude<keyof KeyStore, symbol> | undefined> = {
  sign: 'signer', verify: undefined, encrypt: 'encrypter', decrypt: 'decrypter', wrap: 'wrapper', unwrap: 'wrapper', agree: 'agreement', derive: 'deriver',
  encapsulate: 'encapsulator', decapsulate: 'encapsulator', mac: 'macMaker', 'verify-mac': 'macMaker', generate: 'generate', import: 'importer', export: 'exporter',
  rotate: 'rotator', copy: 'exporter', random: 'random',
};

export function describeKeyStore(title: string, { open, claims, slow = [], usagesAreFixed }: KeyStoreUnderTest): void {
  const patient = (process.env['KEYWRIGHT_SLOW_TESTS'] ?? '') !== '';
  const algorithms = claims.algorithms.filter((name) => patient || !slow.includes(name));
  const leftOut = claims.algorithms.filter((name) => !algorithms.includes(name));
  describe(`${title}${leftOut.length > 0 ? ` (${leftOut.join(', ')}: only with KEYWRIGHT_SLOW_TESTS)` : ''}`, () => {
    let opened: OpenedKeyStore;
    const made = new Map<KeyAlgorithmName, Promise<KeyDescription>>();
    const bench: Bench = {
      claims,
      algorithms,
      get opened() { return opened; },
      get store() { return opened.store; },
      call: (options) => callFor(opened.storage, options),
      key(algorithm) {
        let key = made.get(algorithm);
        if (key === undefined) made.set(algorithm, key = bench.freshKey(algorithm));
        return key;
      },
      freshKey: (algorithm, { usages = usagesIn(claims, algorithm), extractable = opened.store.exporter !== undefined } = {}) =>
        opened.store.generate({ id: nextId(), algorithm, label: `test ${algorithm}`, usages, extractable }, bench.call()),
    };
    beforeAll(async () => { opened = await open(); });
    afterAll(async () => { await opened.store[Symbol.asyncDispose](); });
    describeKeeping(bench, slow, usagesAreFixed === true);
    describeUses(bench);
    describeLifecycle(bench);
  });
}

/** The cheapest algorithm that the store has with a usage. */
function cheapest(bench: Bench, usage?: Usage): KeyAlgorithmName | undefined {
  const cheap: readonly KeyAlgorithmName[] = ['aes-256', 'hmac-sha256', 'ec-p256', 'ed25519', 'x25519', 'ml-kem-768'];
  const able = bench.algorithms.filter((name) => usage === undefined || (KEY_ALGORITHMS[name].usages as readonly Usage[]).includes(usage));
  return cheap.find((name) => able.includes(name)) ?? able[0];
}

/** Bounds a hang when keys of 8192 bits are made on a busy machine; it asserts nothing. */
const PATIENCE = 600_000;

function describeKeeping(bench: Bench, slow: readonly KeyAlgorithmName[], usagesAreFixed: boolean): void {
  const { claims } = bench;
  test('offers no facet that it does not claim, and claims none that it lacks', () => {
    const claimed = new Set(claims.capabilities.flatMap((capability) => FACETS[capability] ?? []));
    for (const facet of claimed) expect.soft(bench.store[facet], `${facet} is claimed`).toBeDefined();
    for (const facet of new Set(Object.values(FACETS))) {
      if (facet !== undefined && facet !== 'generate') expect.soft(claimed.has(facet), `${facet} is offered`).toBe(bench.store[facet] !== undefined);
    }
    expect(bench.store.capabilities).toEqual(claims);
  });

  test('claims no use that none of its algorithms has', () => {
    const possible = new Set(claims.algorithms.flatMap((name): readonly Usage[] => KEY_ALGORITHMS[name].usages));
    const uses = claims.capabilities.filter((capability) => !['generate', 'import', 'export', 'rotate', 'copy', 'random'].includes(capability));
    expect(uses.filter((usage) => !possible.has(usage as Usage))).toEqual([]);
  });

  const lacking = KEY_ALGORITHM_NAMES.find((name) => !claims.algorithms.includes(name));
  if (lacking !== undefined) {
    test('refuses an algorithm that it lacks, and names those it has', async () => {
      const refusal = await refusalOf(bench.freshKey(lacking));
      expect(refusal.code).toBe('CAPABILITY_MISSING');
      expect(refusal.facts.alternatives).toEqual(claims.algorithms);
    });
  }

  for (const algorithm of bench.algorithms) {
    test(`generates ${algorithm} and describes it`, slow.includes(algorithm) ? { timeout: PATIENCE } : {}, async () => {
      const key = await bench.key(algorithm);
      const { kind } = KEY_ALGORITHMS[algorithm] as KeyAlgorithmFacts;
      expect(key).toMatchObject({ algorithm, usages: usagesIn(claims, algorithm) });
      expect(key.uri.endsWith(key.id)).toBe(true);
      expect(key.versions.map(({ version }) => version)).toEqual([1]);
      expect(key.versions[0]!.publicKey === null).toBe(kind === 'symmetric');
      expect(Number.isNaN(Date.parse(key.versions[0]!.createdAt))).toBe(false);
      expect(await bench.store.get(key.id, bench.call())).toEqual(key);
    });
  }

  test('lists every key once, page by page', async () => {
    const keys = await Promise.all(bench.algorithms.map((name) => bench.key(name)));
    const seen: string[] = [];
    let cursor: string | undefined;
    do {
      const page = await bench.store.list({ limit: 2, ...(cursor === undefined ? {} : { cursor }) }, bench.call());
      seen.push(...page.items.map(({ id }) => id));
      cursor = page.cursor;
    } while (cursor !== undefined);
    expect(new Set(seen).size).toBe(seen.length);
    expect(seen).toEqual(expect.arrayContaining(keys.map(({ id }) => id)));
  });

  test('does not know a key that is not there', async () => {
    expect(await codeOf(bench.store.get('f'.repeat(32), bench.call()))).toBe('NOT_FOUND');
    expect(await codeOf(bench.store.get('../../keys/x', bench.call()))).toBe('NOT_FOUND');
  });

  test('a usage that the algorithm lacks is refused, and so is one that the key was not made for', async () => {
    for (const algorithm of bench.algorithms) {
      const { usages } = KEY_ALGORITHMS[algorithm] as KeyAlgorithmFacts;
      const foreign: Usage = usages.includes('mac') ? 'sign' : 'mac';
      expect.soft(await codeOf(bench.freshKey(algorithm, { usages: [foreign] })), algorithm).toBe('INVALID_INPUT');
    }
    const signing = cheapest(bench, 'sign');
    if (signing !== undefined && usagesAreFixed) {
      expect(await codeOf(bench.freshKey(signing, { usages: ['verify'] }))).toBe('CAPABILITY_MISSING');
    } else if (signing !== undefined) {
      const key = await bench.freshKey(signing, { usages: ['verify'] });
      const refusal = await refusalOf(bench.store.signer!.sign(refTo(key), signing === 'ed25519' ? 'ed25519' : 'ecdsa-sha256', { message: Buffer.from('x') }, bench.call()));
      expect(refusal).toMatchObject({ code: 'CAPABILITY_MISSING', facts: { alternatives: ['verify'] } });
    }
    const encrypting = cheapest(bench, 'encrypt');
    if (signing === undefined && encrypting !== undefined) {
      const key = await bench.freshKey(encrypting, { usages: ['decrypt'] });
      expect(await codeOf(bench.store.encrypter!.encrypt(refTo(key), 'aes-gcm', { plaintext: Buffer.from('x') }, bench.call()))).toBe('CAPABILITY_MISSING');
    }
  });

  if (claims.capabilities.includes('random')) {
    test('gives random bytes, as many as asked for, and other ones each time', async () => {
      const [one, two] = await Promise.all([bench.store.random!.random(48, bench.call()), bench.store.random!.random(48, bench.call())]);
      expect(one.length).toBe(48);
      expect(Buffer.from(one).equals(two)).toBe(false);
    });
  }
}

function describeLifecycle(bench: Bench): void {
  const { claims } = bench;
  const can = (capability: Capability): boolean => claims.capabilities.includes(capability);
  const any = cheapest(bench);
  if (any === undefined) return;

  if (can('export')) {
    test('a key that is not extractable is not given away', async () => {
      const key = await bench.freshKey(any, { extractable: false });
      expect(key.extractable).toBe(false);
      expect(await codeOf(bench.store.exporter!.exportKey(refTo(key), bench.call()))).toBe('PERMISSION_DENIED');
    });
  }

  if (can('export') && can('import')) {
    for (const algorithm of bench.algorithms) {
      test(`${algorithm}: what is exported imports as the same key`, async () => {
        const key = await bench.key(algorithm);
        const material = await bench.store.exporter!.exportKey(refTo(key), bench.call());
        using secret = material.secret;
        expect(material.algorithm).toBe(algorithm);
        const copy = await bench.store.importer!.importKey({ id: nextId(), label: 'copy', usages: key.usages, extractable: true }, material, bench.call());
        expect(copy.versions[0]!.publicKey).toEqual(key.versions[0]!.publicKey);
        using again = (await bench.store.exporter!.exportKey(refTo(copy), bench.call())).secret;
        expect(Buffer.from(again.reveal()).equals(secret.reveal())).toBe(true);
      });
    }
  }

  const authenticated = bench.algorithms.find((name) => ['aes', 'chacha20'].includes(KEY_ALGORITHMS[name].family));
  if (authenticated !== undefined && can('export') && can('import')) {
    const scheme = KEY_ALGORITHMS[authenticated].family === 'aes' ? 'aes-gcm' : 'chacha20-poly1305';
    test('messages under an AEAD key are counted across restarts, and the limit holds', async () => {
      const encrypt = (store: KeyStore, key: KeyDescription, version = 1): Promise<unknown> => store.encrypter!.encrypt(refTo(key, version), scheme, { plaintext: Buffer.from('x') }, bench.call());
      const key = await bench.freshKey(authenticated);
      for (let count = 0; count < 5; count++) await encrypt(bench.store, key);
      expect((await bench.store.exporter!.exportKey(refTo(key), bench.call())).aeadMessages).toBe(5);
      await using reopened = await bench.opened.reopen();
      expect((await reopened.exporter!.exportKey(refTo(key), bench.call())).aeadMessages).toBeGreaterThanOrEqual(5);

      const material = await bench.store.exporter!.exportKey(refTo(key), bench.call());
      const nearly = await bench.store.importer!.importKey({ id: nextId(), label: 'nearly', usages: key.usages, extractable: true }, { ...material, aeadMessages: 2 ** 32 - 2 }, bench.call());
      await encrypt(bench.store, nearly);
      await encrypt(bench.store, nearly);
      const refusal = await refusalOf(encrypt(bench.store, nearly));
      expect(refusal.code).toBe('CAPABILITY_MISSING');
      expect(refusal.facts.remedy).toMatch(/rotate/i);
      await using later = await bench.opened.reopen();
      expect(await codeOf(encrypt(later, nearly))).toBe('CAPABILITY_MISSING');
      if (bench.store.rotator !== undefined) {
        await bench.store.rotator.rotate(refTo(nearly), {}, bench.call());
        await encrypt(bench.store, nearly, 2);
      }
    });
  }

  if (can('rotate')) {
    test('rotation makes a new primary version of the same algorithm, and the old ones stay', async () => {
      const key = await bench.freshKey(any);
      const twice = await bench.store.rotator!.rotate(refTo(key), {}, bench.call()).then((rotated) => bench.store.rotator!.rotate(refTo(rotated, 2), {}, bench.call()));
      expect(twice).toMatchObject({ id: key.id, uri: key.uri, algorithm: any, usages: key.usages, extractable: key.extractable, protection: key.protection });
      expect(twice.versions.map(({ version }) => version)).toEqual([1, 2, 3]);
      expect(twice.versions[0]).toEqual(key.versions[0]);
      const publicKeys = twice.versions.map(({ publicKey }) => (publicKey === null ? null : Buffer.from(publicKey).toString('hex')));
      if (publicKeys[0] !== null) expect(new Set(publicKeys).size).toBe(3);
      expect(await bench.store.get(key.id, bench.call())).toEqual(twice);
    });
  }

  if (can('rotate') && can('export') && can('import')) {
    test('a rotated key is taken over version by version', async () => {
      const key = await bench.freshKey(any);
      await bench.store.rotator!.rotate(refTo(key), {}, bench.call());
      const first = await bench.store.exporter!.exportKey(refTo(key, 1), bench.call());
      const second = await bench.store.exporter!.exportKey(refTo(key, 2), bench.call());
      const copy = await bench.store.importer!.importKey({ id: nextId(), label: 'copy', usages: key.usages, extractable: true }, first, bench.call());
      const whole = await bench.store.importer!.importVersion(copy.id, second, bench.call());
      expect(whole.versions.map(({ publicKey }) => publicKey)).toEqual((await bench.store.get(key.id, bench.call())).versions.map(({ publicKey }) => publicKey));
      const other = bench.algorithms.find((name) => name !== any && KEY_ALGORITHMS[name].kind === KEY_ALGORITHMS[any].kind);
      if (other !== undefined) {
        const foreign = await bench.store.exporter!.exportKey(refTo(await bench.key(other)), bench.call());
        expect(await codeOf(bench.store.importer!.importVersion(copy.id, foreign, bench.call()))).toBe('INVALID_INPUT');
      }
    });
  }

  test('removing really removes: no version, no record and no use is left', async () => {
    const remover = bench.store.remover;
    if (remover === undefined) return;
    const key = await bench.freshKey(any);
    await bench.store.rotator?.rotate(refTo(key), {}, bench.call());
    await use(bench, key); // so that a store that keeps keys at hand has it there
    await remover.remove(key.id, bench.call());
    expect(await codeOf(bench.store.get(key.id, bench.call()))).toBe('NOT_FOUND');
    expect(await codeOf(use(bench, key))).toBe('NOT_FOUND');
    expect(await codeOf(remover.remove(key.id, bench.call()))).toBe('NOT_FOUND');
    const { items } = await bench.opened.storage.list('', { limit: 10_000 });
    expect(items.filter((record) => record.key.includes(key.id))).toEqual([]);
  });

  test('a cancelled call is refused, and the store goes on', async () => {
    const key = await bench.freshKey(any);
    const signal = AbortSignal.abort();
    expect(await codeOf(use(bench, key, signal))).toBe('CANCELLED');
    expect(await codeOf(bench.store.generate({ id: nextId(), algorithm: any, label: 'never', usages: key.usages, extractable: false }, bench.call({ signal })))).toBe('CANCELLED');
    await use(bench, key);
  });

  test('keys are there, and act, after a restart', async () => {
    const key = await bench.freshKey(any);
    await using reopened = await bench.opened.reopen();
    expect(await reopened.get(key.id, bench.call())).toEqual(key);
    await use({ ...bench, store: reopened, call: bench.call }, key);
  });
}

/** Uses a key in whatever way it can be used. */
async function use(bench: Pick<Bench, 'store' | 'call'>, key: KeyDescription, signal?: AbortSignal): Promise<unknown> {
  const { store } = bench;
  const call = bench.call(signal === undefined ? {} : { signal });
  const ref = refTo(key);
  const message = Buffer.from('in use');
  const { family } = KEY_ALGORITHMS[key.algorithm] as KeyAlgorithmFacts;
  if (family === 'aes' || family === 'chacha20') return store.encrypter!.encrypt(ref, family === 'aes' ? 'aes-gcm' : 'chacha20-poly1305', { plaintext: message }, call);
  if (family === 'hmac') return store.macMaker!.mac(ref, message, call);
  if (family === 'ec') return store.signer!.sign(ref, 'ecdsa-sha256', { message }, call);
  if (family === 'rsa') return store.signer!.sign(ref, 'rsa-pss-sha256', { message }, call);
  if (family === 'ml-kem') return store.encapsulator!.encapsulate(ref, call);
  if (family === 'xdh') return store.agreement!.agree(ref, key.versions[0]!.publicKey!, call);
  return store.signer!.sign(ref, key.algorithm as 'ed25519', { message }, call);
}
