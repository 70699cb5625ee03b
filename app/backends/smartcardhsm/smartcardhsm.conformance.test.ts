import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { missingForPcscd, SMARTCARD_HSM_READER, startPcscd } from '../../../e2e/devices/pcscd.ts';
import { VirtualSmartCardHsm } from '../../../e2e/devices/smartcardhsm/card.ts';
import { PIN, SET_UP } from '../../../e2e/devices/smartcardhsm/testing/client.ts';
import { KEY_ALGORITHMS } from '../../contract/index.ts';
import { Readers } from '../../devices/index.ts';
import { describeKeyStore } from '../../keystore/conformance.ts';
import type { KeyStore } from '../../keystore/keystore.ts';
import { callFor } from '../../keystore/testing/calls.ts';
import { memoryKind } from '../../storage/memory/index.ts';
import { openScModule } from './opensc.ts';
import { SmartCardHsmSource } from './source.ts';

const missing = missingForPcscd() ?? (openScModule(undefined) === null ? 'no opensc-pkcs11.so (Debian package opensc-pkcs11)' : undefined);

if (missing === undefined) {
  const folder = mkdtempSync(join(tmpdir(), 'keywright-hsm-'));
  const pinFile = join(folder, 'pin');
  writeFileSync(pinFile, PIN, { mode: 0o600 });
  const pcscd = await startPcscd({ readers: [SMARTCARD_HSM_READER] });
  process.env['PCSCLITE_CSOCK_NAME'] = pcscd.socket;
  const card = new VirtualSmartCardHsm({ setUp: SET_UP });
  await pcscd.reader('smartcardhsm').insert(card);
  const storage = await memoryKind.open({ folder: randomUUID(), create: true });
  const sources: SmartCardHsmSource[] = [];
  const open = async (): Promise<KeyStore> => {
    const source = await SmartCardHsmSource.open('smartcardhsm', { pinFile, pinFor: card.serial }, { storage, keepPinMinutes: () => 15 }, new Readers());
    sources.push(source);
    await source.ready();
    const [token] = source.tokens();
    if (token === undefined) throw new Error(`There is no token: ${JSON.stringify(source.findings())}`);
    return token.store;
  };
  const store = await open();
  afterAll(async () => {
    for (const source of sources) await source[Symbol.asyncDispose]();
    await pcscd.stop();
    rmSync(folder, { recursive: true });
  });
  describeKeyStore('SmartCard-HSM through OpenSC', { claims: store.capabilities, slow: ['rsa-3072', 'rsa-4096'], usagesAreFixed: true, open: async () => ({ store, storage, reopen: open }) });
  test('a signature on P-521 that OpenSC misreads is made once more', async () => {
    const call = callFor(storage);
    const key = await store.generate({ id: '', algorithm: 'ec-p521', label: 'many', usages: [...KEY_ALGORITHMS['ec-p521'].usages], extractable: false }, call);
    for (let count = 0; count < 60; count += 1) expect((await store.signer!.sign({ uri: key.uri, id: key.id, version: 1 }, 'ecdsa-sha512', { message: Buffer.from([count]) }, call)).length).toBeGreaterThan(130);
  });
  test('over all of that, the card was sent no PIN that it had refused', () => {
    expect([card.ledger.repeats, card.ledger.count('pin', 'refused')]).toEqual([0, 0]);
  });
} else {
  describe('SmartCard-HSM through OpenSC', () => test.skip(`not here: ${missing}`));
}
