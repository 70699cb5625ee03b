import { execFileSync } from 'node:child_process';
import { createHash, randomUUID, verify } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { PinLedger } from '../../../e2e/devices/pin-ledger.ts';
import { missingForPcscd } from '../../../e2e/devices/pcscd.ts';
import { VirtualSmartCardHsm, type SmartCardHsmOptions } from '../../../e2e/devices/smartcardhsm/card.ts';
import { Client, OFFICER_PIN, PIN, SET_UP } from '../../../e2e/devices/smartcardhsm/testing/client.ts';
import { missingTools, mustRun } from '../../../e2e/devices/tools.ts';
import { tlv } from '../../devices/index.ts';
import type { KeyDescription } from '../../keystore/keystore.ts';
import { codeOf, refusalOf } from '../../keystore/testing/calls.ts';
import { memoryKind } from '../../storage/memory/index.ts';
import type { Storage } from '../../storage/storage.ts';
import { createShare, importShare, unwrapKey, wrapKey } from './backup.ts';
import { attest, deleteCertificate, deleteKey, putCertificate } from './certificates.ts';
import { readDescription } from './description.ts';
import type { SmartCardHsm } from './hsm.ts';
import { readWrappedKey } from './key-file.ts';
import { changePin, changeSoPin, initialize, unblockPin } from './setup.ts';
import { statusOf } from './status.ts';
import { CardBench } from './testing/cards.ts';
import { Person } from './testing/people.ts';

const missing = missingForPcscd() ?? missingTools({ 'sc-hsm-tool': 'opensc', openssl: 'openssl' });
/** Passwords of DKEK shares are slow on purpose, here and in sc-hsm-tool: one share goes each way at full cost, here ours to it, and in `command-line.test.ts` its to us. */
const PATIENCE = 240_000;
/** Rounds for shares that we both make and open. */
const QUICK = 10;
const DKEK_SHARE = Buffer.alloc(32, 0x37);
const CHECK_VALUE = createHash('sha256').update(DKEK_SHARE).digest('hex').slice(0, 16).toUpperCase();

/** A PKCS#15 description as OpenSC writes it. */
const description = (id: string, label: string): Buffer => tlv(
  0xa0, tlv(0x30, tlv(0x0c, Buffer.from(label)), tlv(0x03, Buffer.from('06c0', 'hex')), tlv(0x04, Buffer.of(1))), tlv(0x30, tlv(0x04, Buffer.from(id, 'hex')), tlv(0x03, Buffer.from('073080', 'hex'))),
  tlv(0xa1, tlv(0x30, tlv(0x30, tlv(0x04)), tlv(0x02, Buffer.of(1, 0)))),
);

/** Makes a key in the card as OpenSC would, without reader. */
async function makeKey(card: VirtualSmartCardHsm, reference: number, id: string, algorithm = 'prime256v1'): Promise<KeyDescription> {
  const client = new Client(card);
  await client.select();
  await client.verify();
  await client.generate(reference, algorithm);
  card.memory.files.set(0xc400 | reference, description(id, `Key ${id}`));
  card.powerOff();
  return described(card, reference);
}

function described(card: VirtualSmartCardHsm, reference: number): KeyDescription {
  const publicKey = card.memory.keys.get(reference)!.publicKey.export({ type: 'spki', format: 'der' });
  return { uri: 'x:y', id: 'y', label: null, algorithm: 'ec-p256', usages: [], extractable: false, protection: 'hsm', versions: [{ version: 1, createdAt: '', publicKey }] };
}

const withDkek = (options: SmartCardHsmOptions = {}): VirtualSmartCardHsm => {
  const card = new VirtualSmartCardHsm({ setUp: { ...SET_UP, dkekShares: 1 }, ...options });
  DKEK_SHARE.copy(card.memory.dkek!.value);
  card.memory.dkek!.outstanding = 0;
  return card;
};

describe.skipIf(missing !== undefined)(`managing a SmartCard-HSM over PC/SC${missing === undefined ? '' : `: ${missing}`}`, () => {
  let bench: CardBench;
  let storage: Storage;
  let folder: string;
  const person = (types: ConstructorParameters<typeof Person>[1] = {}): Person => new Person(storage, types);
  const tool = (...args: string[]): Promise<string> => mustRun('sc-hsm-tool', args, { environment: bench.pcscd.environment, deadline: 120_000 });
  const file = (name: string): string => join(folder, name);

  beforeAll(async () => {
    bench = await CardBench.open();
    storage = await memoryKind.open({ folder: randomUUID(), create: true });
    folder = mkdtempSync(join(tmpdir(), 'keywright-hsm-'));
  });
  afterAll(async () => {
    await bench[Symbol.asyncDispose]();
    rmSync(folder, { recursive: true });
  });

  test('one that was never set up is set up with all options, and sc-hsm-tool sees them', async () => {
    const card = new VirtualSmartCardHsm();
    const hsm = await bench.insert(card);
    expect(hsm.facts).toMatchObject({ id: `smartcardhsm-${card.serial.toLowerCase()}`, serial: card.serial, firmware: '3.5', label: null });
    expect((await statusOf(hsm, person().call())).findings.map(({ code }) => code)).toEqual(['smartcardhsm.not-initialised']);
    const ada = person({ 'new-pin': 'longer than 8', 'new-so-pin': OFFICER_PIN });
    await initialize(hsm, { label: 'Büro', dkekShares: 2, pinRetries: 10, allowPinReset: false }, ada.call());
    expect(ada.purposes).toEqual(['new-pin', 'new-so-pin']);
    const said = await tool('-r', '0');
    for (const line of ['SO-PIN tries left    : 15', 'User PIN tries left  : 10', 'DKEK shares          : 2', '2 share(s) still missing']) expect(said).toContain(line);
    expect(said).not.toContain('User PIN reset with SO-PIN enabled');
    expect(await mustRun('pkcs15-tool', ['--reader', '0', '-D'], { environment: bench.pcscd.environment })).toContain('PKCS#15 Card [Büro]'.replace('ü', Buffer.from('ü').toString('latin1')));
  });

  test('one that was set up before wants the typed serial number and its SO PIN, whose tries fall by exactly one when it is wrong', async () => {
    const card = withDkek();
    await makeKey(card, 1, '11');
    const hsm = await bench.insert(card);
    const ada = person({ 'new-pin': ['123456', '123456', '123456'], 'so-pin': ['0000000000000000', OFFICER_PIN] });
    await initialize(hsm, {}, ada.call());
    expect(ada.asked.find(({ kind }) => kind === 'confirm')).toMatchObject({ typed: card.serial, destructive: true });
    expect(ada.asked.flatMap((request) => (request.kind === 'secret' ? [request.triesLeft] : []))).toEqual([15, 14]);
    expect(card.memory.keys.size).toBe(1);
    expect(card.memory.dkek).toBeUndefined();
    expect([card.ledger.repeats, card.ledger.count('so-pin', 'refused')]).toEqual([0, 1]);
  });

  test('a PIN too short for its tries is not sent', async () => {
    const hsm = await bench.insert(new VirtualSmartCardHsm());
    expect(await codeOf(initialize(hsm, { pinRetries: 10 }, person({ 'new-pin': '123456', 'new-so-pin': OFFICER_PIN }).call()))).toBe('INVALID_INPUT');
    expect(await codeOf(initialize(hsm, { pinRetries: 11 }, person().call()))).toBe('INVALID_INPUT');
    expect(hsm.discovered.initialised).toBe(false);
  });

  test('PIN and SO PIN are changed, and a blocked PIN gets a new one', async () => {
    const card = new VirtualSmartCardHsm({ setUp: SET_UP });
    const hsm = await bench.insert(card);
    await changePin(hsm, person({ pin: ['111111', PIN], 'new-pin': 'abcdef' }).call());
    await changeSoPin(hsm, person({ 'so-pin': OFFICER_PIN, 'new-so-pin': 'ABCDEF0123456789' }).call());
    card.blockPin();
    expect(await codeOf(changePin(hsm, person({ pin: 'abcdef', 'new-pin': '123456' }).call()))).toBe('PIN_BLOCKED');
    expect((await statusOf(hsm, person().call())).secrets).toMatchObject([{ kind: 'pin', state: 'blocked', triesLeft: 0 }, { kind: 'so-pin', triesLeft: 15 }]);
    await unblockPin(hsm, person({ 'so-pin': 'abcdef0123456789', 'new-pin': 'fedcba' }).call());
    expect(card.memory.pin).toMatchObject({ value: Buffer.from('fedcba'), left: 3 });
    expect(card.ledger.uses.map(({ reference, outcome }) => `${reference} ${outcome}`)).toEqual(['pin refused', 'pin accepted', 'so-pin accepted', 'so-pin accepted']);
    expect(card.ledger.repeats).toBe(0);
  });

  test('a wrong PIN is never sent twice, and the last try is asked for on purpose', async () => {
    const card = withDkek();
    await makeKey(card, 1, '11');
    const hsm = await bench.insert(card);
    const refusal = await refusalOf(wrapKey(hsm, '11', person({ pin: ['000000', '000000', '111111', '222222'] }).call()));
    expect(refusal.code).toBe('PIN_BLOCKED');
    expect(card.ledger.repeats).toBe(0);
    expect(card.ledger.count('pin', 'refused')).toBe(3);
    expect(await codeOf(wrapKey(hsm, '11', person({ pin: PIN }).call()))).toBe('PIN_BLOCKED');
    expect(card.ledger.count('pin', 'blocked')).toBe(0);
  });

  test('a PIN goes to the application alone, when another program has left another one selected that counts tries under the same number', async () => {
    const card = withDkek();
    await makeKey(card, 1, '11');
    const hsm = await bench.insert(card);
    const after = async (work: () => Promise<unknown>): Promise<void> => {
      await card.useOpenPgp();
      await work();
    };
    await after(() => wrapKey(hsm, '11', person({ pin: PIN }).call()));
    await after(() => wrapKey(hsm, '11', person().call()));
    await after(() => changePin(hsm, person({ pin: PIN, 'new-pin': 'abcdef' }).call()));
    await after(() => changeSoPin(hsm, person({ 'so-pin': OFFICER_PIN, 'new-so-pin': 'ABCDEF0123456789' }).call()));
    await after(() => unblockPin(hsm, person({ 'so-pin': 'ABCDEF0123456789', 'new-pin': 'fedcba' }).call()));
    expect([card.openpgp.spent, card.ledger.repeats]).toEqual([0, 0]);
    expect(card.ledger.uses.every(({ outcome }) => outcome === 'accepted')).toBe(true);
  });

  test('a PIN that is kept is not sent as the last try', async () => {
    const card = withDkek();
    await makeKey(card, 1, '11');
    const hsm = await bench.insert(card);
    await wrapKey(hsm, '11', person({ pin: PIN }).call());
    card.memory.pin = { value: Buffer.from('other PIN'), total: 3, left: 1 };
    card.powerOff();
    const asked = person();
    expect(await codeOf(wrapKey(hsm, '11', asked.call()))).toBe('CANCELLED');
    expect([asked.asked.map((request) => request.kind === 'secret' && request.triesLeft), card.memory.pin.left]).toEqual([[1], 1]);
  });

  test('asking for the status spends no try, and tells what is verified', async () => {
    const card = withDkek();
    const hsm = await bench.insert(card);
    for (let round = 0; round < 3; round += 1) {
      const status = await statusOf(hsm, person().call());
      expect(status.secrets).toMatchObject([{ kind: 'pin', state: 'set', triesLeft: 3 }, { kind: 'so-pin', triesLeft: 15, triesAtMost: 15 }]);
      expect(status.details).toContainEqual({ name: 'Key check value', value: CHECK_VALUE });
      expect(status.details).toContainEqual({ name: 'Device certificate', value: 'Verified up to its root' });
    }
    expect(card.ledger.uses).toEqual([]);
  });

  test('two shares are put together, and sc-hsm-tool shows the key check value that we tell', async () => {
    const hsm = await bench.insert(new VirtualSmartCardHsm({ setUp: { ...SET_UP, dkekShares: 2 } }));
    const create = async () => (await createShare(hsm, undefined, person({ 'new-dkek-password': 'a long password' }).call(), QUICK)).file;
    const imported = async (share: Uint8Array) => importShare(hsm, share, undefined, person({ 'dkek-password': 'a long password' }).call(), QUICK);
    const [one, two] = [await create(), await create()];
    expect(await imported(one)).toEqual({ outstanding: 1, keyCheckValue: null });
    const { outstanding, keyCheckValue } = await imported(two);
    expect(outstanding).toBe(0);
    expect(await tool('-r', '0')).toContain(`DKEK key check value : ${keyCheckValue}`);
    expect(await codeOf(imported(one))).toBe('CONFLICT');
  });

  test('a share that we make is imported by sc-hsm-tool: the parts of its password as their custodians would type them', async () => {
    const hsm = await bench.insert(new VirtualSmartCardHsm({ setUp: { ...SET_UP, dkekShares: 1 } }));
    const ada = person();
    const { file: share, keyCheckValue } = await createShare(hsm, { threshold: 2, total: 3 }, ada.call());
    expect(ada.shown).toHaveLength(3);
    writeFileSync(file('split'), share);
    const parts = ada.shown.map((text) => /Prime: (\S+) {2}Share ID: (\d+) {2}Share value: (\S+)/.exec(text)!.slice(1));
    const typed = [parts[0]![0], '', parts[1]![1], parts[1]![2], '', parts[2]![1], parts[2]![2]].join('\n');
    const said = await mustRun('sc-hsm-tool', ['-r', '0', '--import-dkek-share', file('split'), '--pwd-shares-total', '2'], { environment: { ...bench.pcscd.environment, TERM: 'dumb' }, input: `${typed}\n`, deadline: 200_000 });
    expect(said).toContain(`DKEK key check value : ${keyCheckValue}`);
  }, PATIENCE);

  test('a wrong password of a share, a file that is none, and what is no part of a password send nothing to the card', async () => {
    const hsm = await bench.insert(new VirtualSmartCardHsm({ setUp: { ...SET_UP, dkekShares: 1 } }));
    const share = Buffer.concat([Buffer.from('Salted__'), Buffer.alloc(56, 9)]);
    expect(await codeOf(importShare(hsm, share, undefined, person({ 'dkek-password': 'some password' }).call(), QUICK))).toBe('PIN_INCORRECT');
    expect(await codeOf(importShare(hsm, Buffer.alloc(64), undefined, person().call()))).toBe('INVALID_INPUT');
    expect(await codeOf(importShare(hsm, share, 2, person({ 'dkek-password': 'no part' }).call()))).toBe('INVALID_INPUT');
    expect((await statusOf(hsm, person().call())).details).toContainEqual({ name: 'DKEK', value: 'Waits for 1 of 1 shares' });
  });

  describe('wrapping', () => {
    test('a key wrapped on one card and unwrapped on the other signs there for the same public key; sc-hsm-tool reads the file too', async () => {
      const [from, to, third] = [withDkek(), withDkek(), withDkek()];
      await makeKey(from, 3, 'a1b2');
      const source = await bench.insert(from, 0);
      const target = await bench.insert(to, 1);
      const ada = person({ pin: PIN });
      const wrapped = await wrapKey(source, 'a1b2', ada.call());
      expect(await unwrapKey(target, wrapped, undefined, ada.call())).toBe('a1b2');
      const client = new Client(to);
      await client.select();
      await client.verify();
      const { data } = await client.command('80680173', Buffer.from('signed there'));
      expect(verify('sha256', Buffer.from('signed there'), from.memory.keys.get(3)!.publicKey, data)).toBe(true);
      expect(await codeOf(unwrapKey(target, wrapped, undefined, ada.call()))).toBe('ALREADY_EXISTS');
      expect(await unwrapKey(target, wrapped, 'c3', ada.call())).toBe('c3');
      expect(readDescription(to.memory.files.get(0xc402)!, 'x')).toEqual({ label: 'Key a1b2', id: Buffer.of(0xc3) });
      writeFileSync(file('wrapped'), wrapped);
      await bench.insert(third, 1);
      PinLedger.typed(PIN);
      expect(await tool('-r', '1', '--unwrap-key', file('wrapped'), '--key-reference', '9', '--pin', PIN)).toContain('Key successfully imported');
      expect(third.memory.keys.get(9)!.publicKey.equals(from.memory.keys.get(3)!.publicKey)).toBe(true);
      expect([from.ledger.repeats, to.ledger.repeats, third.ledger.repeats]).toEqual([0, 0, 0]);
    });

    test('RSA of 4096 bits goes the same way, and a file of sc-hsm-tool is unwrapped by us', async () => {
      const [from, to] = [withDkek(), withDkek()];
      await makeKey(from, 1, '21', 'rsa:4096');
      await makeKey(from, 2, '22', 'rsa:2048');
      const source = await bench.insert(from, 0);
      const target = await bench.insert(to, 1);
      await unwrapKey(target, await wrapKey(source, '21', person({ pin: PIN }).call()), undefined, person({ pin: PIN }).call());
      expect(to.memory.keys.get(1)!.publicKey.equals(from.memory.keys.get(1)!.publicKey)).toBe(true);
      PinLedger.typed(PIN);
      await tool('-r', '0', '--wrap-key', file('theirs-wrapped'), '--key-reference', '2', '--pin', PIN);
      expect(await unwrapKey(target, readFileSync(file('theirs-wrapped')), undefined, person({ pin: PIN }).call())).toBe('22');
      expect(to.memory.keys.get(2)!.publicKey.equals(from.memory.keys.get(2)!.publicKey)).toBe(true);
    });

    test('is refused without DKEK, before all shares are there, under another DKEK, and for a file that was changed; nothing is left in the card', async () => {
      const card = withDkek();
      await makeKey(card, 1, '11');
      const hsm = await bench.insert(card);
      const wrapped = await wrapKey(hsm, '11', person({ pin: PIN }).call());
      const { blob } = readWrappedKey(wrapped);
      const cases: [VirtualSmartCardHsm, Uint8Array, string][] = [
        [new VirtualSmartCardHsm({ setUp: SET_UP }), wrapped, 'CAPABILITY_MISSING'], [new VirtualSmartCardHsm({ setUp: { ...SET_UP, dkekShares: 1 } }), wrapped, 'CONFLICT'],
        [new VirtualSmartCardHsm({ setUp: { ...SET_UP, dkekShares: 0 } }), wrapped, 'INVALID_INPUT'], [withDkek(), tampered(wrapped, blob), 'INVALID_INPUT'], [withDkek(), wrapped.subarray(0, 100), 'INVALID_INPUT'],
      ];
      for (const [other, content, code] of cases) {
        const target = await bench.insert(other, 1);
        expect.soft(await codeOf(unwrapKey(target, content, undefined, person({ pin: PIN }).call()))).toBe(code);
        expect.soft([...other.memory.files.keys()], code).toEqual([0x2f02]);
        expect.soft(other.memory.keys.size).toBe(1);
      }
      expect(await codeOf(wrapKey(hsm, 'ff', person({ pin: PIN }).call()))).toBe('NOT_FOUND');
    });
  });

  describe('certificates and attestation', () => {
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
      await storage.put(`material/smartcardhsm/requests/${createHash('sha256').update(key.versions[0]!.publicKey!).digest('hex')}`, request, { ifRevision: 'any' });
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

  describe('pulled at every command', () => {
    let wrapped: Uint8Array;
    beforeAll(async () => {
      const card = withDkek();
      await makeKey(card, 1, '11');
      const hsm = await bench.insert(card);
      wrapped = await wrapKey(hsm, '11', person({ pin: PIN }).call());
    });

    const everything = { pin: PIN, 'so-pin': OFFICER_PIN, 'new-pin': '123456', 'new-so-pin': '1122334455667788', 'dkek-password': 'a long password' };
    const operations: readonly [string, () => VirtualSmartCardHsm, (hsm: SmartCardHsm, card: VirtualSmartCardHsm, call: ReturnType<Person['call']>) => Promise<unknown>][] = [
      ['initialize', withDkek, (hsm, _card, call) => initialize(hsm, { label: 'x', dkekShares: 1 }, call)],
      ['status', withDkek, (hsm, _card, call) => statusOf(hsm, call)],
      ['change PIN', withDkek, (hsm, _card, call) => changePin(hsm, call)],
      ['change SO PIN', withDkek, (hsm, _card, call) => changeSoPin(hsm, call)],
      ['unblock PIN', withDkek, (hsm, _card, call) => unblockPin(hsm, call)],
      ['wrap', withDkek, (hsm, _card, call) => wrapKey(hsm, '11', call)],
      ['unwrap', withDkek, (hsm, _card, call) => unwrapKey(hsm, wrapped, '77', call)],
      ['attest', withDkek, (hsm, card, call) => attest(hsm, described(card, 1), '11', call)],
      ['delete key', withDkek, (hsm, card, call) => deleteKey(hsm, described(card, 1), '11', call)],
    ];

    test.each(operations)('%s: TOKEN_REMOVED each time, no PIN sent twice, and no half of a key', async (_name, newCard, operate) => {
      for (let command = 1; ; command += 1) {
        const card = newCard();
        await makeKey(card, 1, '11');
        // While one slot is still being found empty, the other one takes the next card.
        const hsm = await bench.insert(card, command % 2);
        const reader = bench.pcscd.reader('smartcardhsm', command % 2);
        reader.pullAt(command, command % 2 === 0 ? 'after' : 'before');
        const outcome = await codeOf(operate(hsm, card, person(everything).call()));
        if (reader.pullPending) {
          expect(outcome).toBe('accepted');
          break;
        }
        expect(outcome, `command ${command}`).toBe('TOKEN_REMOVED');
        expect(await codeOf(statusOf(hsm, person().call()))).toBe('TOKEN_REMOVED');
        expect(card.ledger.repeats).toBe(0);
        for (const reference of card.memory.keys.keys()) if (reference > 1) expect(card.memory.files.has(0xc400 | reference)).toBe(true);
      }
    }, PATIENCE);

    test('importing a share: it does not count', async () => {
      const card = new VirtualSmartCardHsm({ setUp: { ...SET_UP, dkekShares: 1 } });
      const hsm = await bench.insert(card);
      const { file: share } = await createShare(hsm, undefined, person({ 'new-dkek-password': everything['dkek-password'] }).call(), QUICK);
      bench.pcscd.reader('smartcardhsm', 0).pullAt(2);
      expect(await codeOf(importShare(hsm, share, undefined, person(everything).call(), QUICK))).toBe('TOKEN_REMOVED');
      expect(card.memory.dkek!.outstanding).toBe(1);
    });
  });

  test('does not select the application anew, which would take away what OpenSC has verified', async () => {
    const card = withDkek();
    await makeKey(card, 1, '11');
    const hsm = await bench.insert(card);
    card.trace.take();
    await wrapKey(hsm, '11', person({ pin: PIN }).call());
    await statusOf(hsm, person().call());
    expect(card.trace.exchanges.filter(({ header }) => header.startsWith('00a404'))).toEqual([]);
  });
});

/** One byte of the encrypted key is another. */
function tampered(wrapped: Uint8Array, blob: Uint8Array): Uint8Array {
  const changed = Uint8Array.from(wrapped);
  const at = Buffer.from(wrapped).indexOf(blob) + blob.length - 20;
  changed[at] = (changed[at] as number) ^ 1;
  return changed;
}
