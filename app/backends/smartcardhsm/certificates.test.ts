import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { missingForPcscd } from '../../../e2e/devices/pcscd.ts';
import type { VirtualSmartCardHsm } from '../../../e2e/devices/smartcardhsm/card.ts';
import { PIN } from '../../../e2e/devices/smartcardhsm/testing/client.ts';
import { missingTools } from '../../../e2e/devices/tools.ts';
import { codeOf, refusalOf } from '../../keystore/testing/calls.ts';
import { attest, deleteCertificate, deleteKey, putCertificate } from './certificates.ts';
import { CardBench } from './testing/cards.ts';
import { makeKey, withDkek } from './testing/keys.ts';

const missing = missingForPcscd() ?? missingTools({ openssl: 'openssl' });

describe.skipIf(missing !== undefined)(`certificates and attestation of a SmartCard-HSM over PC/SC${missing === undefined ? '' : `: ${missing}`}`, () => {
  let bench: CardBench;
  const person: CardBench['person'] = (types) => bench.person(types);
  const file = (name: string): string => bench.file(name);

  beforeAll(async () => {
    bench = await CardBench.open();
  });
  afterAll(() => bench[Symbol.asyncDispose]());

  /** openssl issues it with the card's own private key, which a test may look at. */
  const certificateFor = (card: VirtualSmartCardHsm): Buffer => {
    writeFileSync(file('key.pem'), card.memory.keys.get(1)!.privateKey.export({ type: 'pkcs8', format: 'pem' }));
    execFileSync('openssl', ['req', '-x509', '-new', '-key', file('key.pem'), '-subj', '/CN=Beside', '-outform', 'DER', '-out', file('cert.der')], { stdio: 'ignore' });
    return readFileSync(file('cert.der'));
  };
  const foreignCertificate = async (): Promise<Buffer> => {
    const other = withDkek();
    await makeKey(other, 1, '11');
    return certificateFor(other);
  };

  test('a key that was made in the card is vouched for, also after a certificate has taken the place of the request', async () => {
    const card = withDkek();
    const key = await makeKey(card, 1, '11');
    const hsm = await bench.insert(card);
    const before = await attest(hsm, key, '11', person().call());
    expect(before).toMatchObject({ verified: true, problems: [], chainFormat: 'cvc', statements: [`Made in this SmartCard-HSM, serial ${card.serial}.`, expect.stringContaining('issued by XTDICA00001'), expect.stringContaining('XTSRCA00001')] });
    expect(before.chain).toHaveLength(4);
    const foreign = await foreignCertificate();
    expect(await refusalOf(putCertificate(hsm, key, '11', foreign, person({ pin: PIN }).call()))).toMatchObject({ code: 'INVALID_INPUT', facts: { detail: expect.stringMatching(/SHA256:[0-9a-f]{64}.*SHA256:[0-9a-f]{64}/) } });
    const own = certificateFor(card);
    await putCertificate(hsm, key, '11', own, person({ pin: PIN }).call());
    expect(card.memory.files.get(0xce01)).toEqual(own);
    const { chain, ...told } = await attest(hsm, key, '11', person().call());
    expect({ ...told, chain: chain.map((one) => Buffer.from(one)) }).toEqual({ ...before, chain: before.chain.map((one) => Buffer.from(one)) });
  });

  test('where a certificate has taken the place of the request before, nothing is vouched for', async () => {
    const card = withDkek();
    const key = await makeKey(card, 1, '11');
    const hsm = await bench.insert(card);
    card.memory.files.set(0xce01, certificateFor(card));
    expect(await codeOf(attest(hsm, key, '11', person().call()))).toBe('CAPABILITY_MISSING');
  });

  test('a certificate is deleted where the request can take its place again', async () => {
    const card = withDkek();
    const key = await makeKey(card, 1, '11');
    const hsm = await bench.insert(card);
    const request = card.memory.files.get(0xce01)!;
    expect(await codeOf(deleteCertificate(hsm, key, '11', person({ pin: PIN }).call()))).toBe('NOT_FOUND');
    card.memory.files.set(0xce01, certificateFor(card));
    expect(await codeOf(deleteCertificate(hsm, key, '11', person({ pin: PIN }).call()))).toBe('CAPABILITY_MISSING');
    await bench.storage.put(`material/smartcardhsm/requests/${createHash('sha256').update(key.versions[0]!.publicKey!).digest('hex')}`, request, { ifRevision: 'any' });
    await deleteCertificate(hsm, key, '11', person({ pin: PIN }).call());
    expect(card.memory.files.get(0xce01)).toEqual(request);
  });

  test('malformed requests and device certificates are problems, not failures', async () => {
    const card = withDkek();
    const key = await makeKey(card, 1, '11');
    const hsm = await bench.insert(card);
    const request = card.memory.files.get(0xce01)!;
    card.memory.files.set(0xce01, request.subarray(0, 90));
    expect((await attest(hsm, key, '11', person().call())).problems[0]).toContain('cannot be read');
    card.memory.files.set(0xce01, request);
    card.memory.files.set(0x2f02, Buffer.from('7f21820000ff', 'hex'));
    expect(await attest(hsm, key, '11', person().call())).toMatchObject({ verified: false, problems: [expect.stringContaining('device certificate cannot be read'), expect.any(String)] });
  });

  test('a key is destroyed with all that lies beside it, once its fingerprint was typed', async () => {
    const card = withDkek();
    const key = await makeKey(card, 1, '11');
    const hsm = await bench.insert(card);
    const ada = person({ pin: PIN });
    await deleteKey(hsm, key, '11', ada.call());
    expect(ada.asked[0]).toMatchObject({ kind: 'confirm', typed: expect.stringMatching(/^([0-9a-f]{4} ){3}[0-9a-f]{4}$/) });
    expect([[...card.memory.keys.keys()], [...card.memory.files.keys()]]).toEqual([[0], [0x2f02]]);
  });
});
