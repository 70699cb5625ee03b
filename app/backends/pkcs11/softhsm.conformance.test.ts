import { afterAll, describe, test } from 'vitest';
import { SecretBytes } from '../../contract/index.ts';
import { describeKeyStore, type OpenedKeyStore } from '../../keystore/conformance.ts';
import type { Storage } from '../../storage/storage.ts';
import type { ModuleSource } from './source.ts';
import { missingForSoftHsm, newStorage, openSource, PIN, SoftHsm, tokenIn } from './testing/softhsm.ts';

const missing = missingForSoftHsm();

if (missing === undefined) {
  const hsm = new SoftHsm().initialise('conformance');
  const sources: ModuleSource[] = [];
  const open = async (storage: Storage): Promise<ModuleSource> => {
    const source = await openSource(hsm, { fromFile: async (kind) => (kind === 'pin' ? SecretBytes.fromText(PIN) : undefined) }, storage);
    sources.push(source);
    return source;
  };
  const storage = await newStorage();
  const { store } = tokenIn(await open(storage), 'conformance');
  afterAll(async () => {
    await Promise.all(sources.map((source) => source[Symbol.asyncDispose]()));
    hsm[Symbol.dispose]();
  });
  describeKeyStore('SoftHSM by PKCS#11', {
    claims: store.capabilities,
    slow: ['rsa-4096', 'rsa-8192'],
    open: async (): Promise<OpenedKeyStore> => ({ store, storage, reopen: async () => tokenIn(await open(storage), 'conformance').store }),
  });
} else {
  describe('SoftHSM by PKCS#11', () => test.skip(`not here: ${missing}`));
}
