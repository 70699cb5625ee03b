import { createPublicKey, randomUUID, verify } from 'node:crypto';
import { afterAll, describe, expect, test } from 'vitest';
import { missingForPcscd, startPcscd, YUBIKEY_READER } from '../../../e2e/devices/pcscd.ts';
import { VirtualYubiKey } from '../../../e2e/devices/yubikey/card.ts';
import { KEY_ALGORITHMS, SecretBytes } from '../../contract/index.ts';
import { describeKeyStore } from '../../keystore/conformance.ts';
import type { KeyCall, KeyStore } from '../../keystore/keystore.ts';
import { refusalOf } from '../../keystore/testing/calls.ts';
import { findKnownModules } from './known-modules.ts';
import { loadAddon } from './module/addon.ts';
import { ModuleSource, type ModuleOptions, type Pkcs11Token } from './source.ts';
import type { Storage } from '../../storage/storage.ts';
import { callOf, newStorage, type Answers } from './testing/softhsm.ts';

const PIN = '123456';
/** Of firmware before 5.7, as this module takes it for the SO PIN. */
const MANAGEMENT_KEY = '010203040506070801020304050607080102030405060708';

const module = findKnownModules().find((known) => known.module.name === 'YKCS11')?.path ?? null;
const missing = missingForPcscd() ?? missingAddon() ?? (module === null ? 'no libykcs11 (Debian package ykcs11)' : undefined);

function missingAddon(): string | undefined {
  try {
    loadAddon();
    return undefined;
  } catch {
    return 'the PKCS#11 addon is not built (no C++ compiler)';
  }
}

if (missing === undefined) {
  const pcscd = await startPcscd({ readers: [YUBIKEY_READER] });
  const card = new VirtualYubiKey({ firmware: '5.4.3' });
  await pcscd.reader('yubikey').insert(card);
  for (const secret of [PIN, MANAGEMENT_KEY]) card.ledger.entered(secret);
  const sources: ModuleSource[] = [];
  const fromFile: ModuleOptions['fromFile'] = async (kind) => SecretBytes.fromText(kind === 'pin' ? PIN : MANAGEMENT_KEY);
  const open = async (storage: Storage, changes: Partial<ModuleOptions> = { fromFile }): Promise<Pkcs11Token> => {
    const source = new ModuleSource({
      instance: 'ykcs11', type: 'pkcs11', scheme: 'pkcs11', module: module as string, environment: pcscd.environment, sessions: 4, deadlines: { seconds: 60, generateSeconds: 600 },
      ...changes,
    }, { storage, keepPinMinutes: () => 15 });
    sources.push(source);
    await source.ready();
    const [token] = source.tokens();
    if (token === undefined) throw new Error(`There is no token: ${JSON.stringify(source.findings())}`);
    return token;
  };
  /** Somebody who says that nothing is in the place that a key is made in. */
  const sure = (call: KeyCall): KeyCall => ({ ...call, id: randomUUID(), prompt: { interactive: true, ask: async (request) => (request.kind === 'confirm' ? { kind: 'confirmed', ...(request.typed === undefined ? {} : { typed: request.typed }) } : call.prompt.ask(request, call.signal)) } });
  const withSomebodySure = (store: KeyStore): KeyStore => ({ ...store, generate: (request, call) => store.generate(request, sure(call)) });
  const storage = await newStorage();
  const token = await open(storage);
  afterAll(async () => {
    for (const source of sources) await source[Symbol.asyncDispose]();
    await pcscd.stop();
  });

  describeKeyStore('YubiKey through YKCS11', {
    claims: token.store.capabilities, usagesAreFixed: true,
    open: async () => ({ store: withSomebodySure(token.store), storage, reopen: async () => (await open(storage)).store }),
  });

  describe('keys in PIV slots through YKCS11', () => {
    test('a place that may hold a key that does not show is taken only when somebody types which', async () => {
      const request = { id: '', algorithm: 'ec-p256', label: 'k', usages: [...KEY_ALGORITHMS['ec-p256'].usages], extractable: false, slot: '02' } as const;
      const call = callOf({ confirm: 'PIV slot 9a' });
      expect(await refusalOf(token.store.generate(request, call))).toMatchObject({ code: 'INVALID_INPUT' });
      expect(call.asked).toMatchObject([{ kind: 'confirm', typed: 'PIV slot 9c' }]);
      await token.store.generate(request, callOf({ confirm: true }));
      expect(await refusalOf(token.store.generate(request, callOf({ confirm: true })))).toMatchObject({ code: 'ALREADY_EXISTS' });
      expect(await refusalOf(token.store.generate({ ...request, slot: '0123' }, callOf({ confirm: true })))).toMatchObject({ code: 'CAPABILITY_MISSING', facts: { where: '/slot' } });
    });

    test('slot 9c asks for its PIN before each signature, once a call, and each is sent in its own place', async () => {
      const own = await open(storage, { instance: 'asking' });
      const key = (await own.store.list({ limit: 50 }, callOf())).items.find(({ hardware }) => hardware?.slot === '02')!;
      const signed = async (answers: Answers): Promise<KeyCall & { asked: readonly unknown[] }> => {
        const call = callOf(answers);
        const signature = await own.store.signer!.sign({ uri: key.uri, id: key.id, version: 1, label: 'Contracts' }, 'ecdsa-sha256', { message: Buffer.from('x') }, call);
        expect(verify('sha256', Buffer.from('x'), createPublicKey({ key: Buffer.from(key.versions[0]!.publicKey!), format: 'der', type: 'spki' }), signature)).toBe(true);
        return call;
      };
      card.trace.take();
      // Logs in, and then again for the signature itself, with one answer.
      expect((await signed({ pin: PIN })).asked).toMatchObject([{ purpose: 'pin', title: 'Sign with “Contracts”' }]);
      expect((await signed({ pin: PIN })).asked).toHaveLength(1);
      expect(await refusalOf(signed({}))).toMatchObject({ code: 'PIN_REQUIRED' });
      const described = (await own.store.get(key.id, callOf())).hardware;
      expect(described).toMatchObject({ pinPolicy: 'always', slotTitle: 'PIV slot 9c' });
      // A wrong one costs one try, and leaves nothing behind that keeps the next from signing.
      expect(await refusalOf(signed({ pin: '654321' }))).toMatchObject({ code: 'PIN_INCORRECT' });
      expect((await signed({ pin: ['654321', PIN] })).asked).toHaveLength(2);
      expect(card.ledger.count('pin', 'refused')).toBe(1);
    });

    test('a certificate takes the place of the one before, and a key is not destroyed in place of its certificate', async () => {
      const { slots } = await token.contents(callOf());
      const { slot, key, certificate } = slots.find((one) => one.state === 'key' && one.certificate !== null)!;
      expect(token.store.remover).toBeUndefined();
      expect(token.actions.find(({ action }) => action === 'delete-key')).toMatchObject({ available: false });
      await token.manage.putCertificate!(slot, certificate!, callOf());
      expect((await token.contents(callOf())).slots.find((one) => one.slot === slot)).toMatchObject({ key, certificate });
      expect(token.actions.find(({ action }) => action === 'delete-certificate')).toMatchObject({ available: false, reason: expect.stringContaining('does not show') });
    });

    test('over all of that, the card was sent no PIN that it had refused', () => {
      expect(card.ledger.repeats).toBe(0);
    });
  });
} else {
  describe('YubiKey through YKCS11', () => test.skip(`not here: ${missing}`));
}
