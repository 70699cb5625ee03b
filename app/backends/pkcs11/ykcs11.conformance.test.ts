import { randomUUID } from 'node:crypto';
import { afterAll, describe, expect, test } from 'vitest';
import { missingForPcscd, startPcscd, YUBIKEY_READER } from '../../../e2e/devices/pcscd.ts';
import { VirtualYubiKey } from '../../../e2e/devices/yubikey/card.ts';
import { SecretBytes } from '../../contract/index.ts';
import { describeKeyStore } from '../../keystore/conformance.ts';
import type { KeyCall, KeyStore } from '../../keystore/keystore.ts';
import { callFor, refusalOf } from '../../keystore/testing/calls.ts';
import { findKnownModules } from './known-modules.ts';
import { loadAddon } from './module/cryptoki.ts';
import { ModuleSource, type Pkcs11Token } from './source.ts';
import { callOf, newStorage } from './testing/softhsm.ts';

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
  const open = async (storage = newStorage()): Promise<Pkcs11Token> => {
    const source = new ModuleSource({
      instance: 'ykcs11', type: 'pkcs11', scheme: 'pkcs11', module: module as string, environment: pcscd.environment, sessions: 4, deadlines: { seconds: 60, generateSeconds: 600 },
      fromFile: async (kind) => SecretBytes.fromText(kind === 'pin' ? PIN : MANAGEMENT_KEY),
    }, { storage: await storage, keepPinMinutes: () => 15 });
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
  const token = await open(Promise.resolve(storage));
  afterAll(async () => {
    for (const source of sources) await source[Symbol.asyncDispose]();
    await pcscd.stop();
  });

  describeKeyStore('YubiKey through YKCS11', {
    claims: token.store.capabilities, usagesAreFixed: true,
    open: async () => ({ store: withSomebodySure(token.store), storage, reopen: async () => (await open(Promise.resolve(storage))).store }),
  });
}
