import { execFileSync } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { refusalOf } from '../../keystore/testing/calls.ts';
import { ecParameters, curveIn } from './key-types.ts';
import { findKnownModules, isInSoftware } from './known-modules.ts';
import type { ModuleSource, Pkcs11Token } from './source.ts';
import { callOf, missingForSoftHsm, newStorage, openSource, PIN, SoftHsm, SO_PIN, tokenIn } from './testing/softhsm.ts';

const missing = missingForSoftHsm();

describe.skipIf(missing !== undefined)(`a token, with pkcs11-tool and openssl as judges${missing === undefined ? '' : ` (not here: ${missing})`}`, () => {
  let hsm: SoftHsm;
  let source: ModuleSource;
  beforeEach(() => { hsm = new SoftHsm(); });
  afterEach(async () => {
    await source[Symbol.asyncDispose]();
    hsm[Symbol.dispose]();
  });
  const open = async (label = 'one'): Promise<Pkcs11Token> => tokenIn(source = await openSource(hsm.initialise(label)), label);

  test('an empty slot is set up: SO PIN, label, user PIN, and each PIN changed', async () => {
    source = await openSource(hsm);
    const [empty] = source.tokens();
    expect(empty!.facts).toMatchObject({ label: null, id: expect.stringContaining('softhsm-slot-') });
    await empty!.manage.initialize!({ label: 'Set up' }, callOf({ 'new-so-pin': SO_PIN }));
    await expect.poll(() => source.tokens().map(({ facts }) => facts.label), { timeout: 20_000 }).toContain('Set up');
    const token = tokenIn(source, 'Set up');
    expect(await token.status(callOf())).toMatchObject({ initialised: true, secrets: [{ state: 'not-set' }, { state: 'set' }], findings: [{ code: 'pkcs11.no-user-pin' }] });
    await token.manage.unblockPin!(callOf({ 'so-pin': SO_PIN, 'new-pin': '1111' }));
    await token.manage.changePin!(callOf({ pin: '1111', 'new-pin': '2222' }));
    await token.manage.changeSoPin!(callOf({ 'so-pin': SO_PIN, 'new-so-pin': '99999999' }));
    expect(hsm.pkcs11Tool('--token-label', 'Set up', '--login', '--pin', '2222', '-O')).toBe('');
    hsm.pkcs11Tool('--token-label', 'Set up', '--login', '--login-type', 'so', '--so-pin', '99999999', '--init-pin', '--new-pin', '3333');
  });

  test('initialising anew wants the label typed and the SO PIN, and destroys the keys', async () => {
    const token = await open();
    await token.store.generate({ id: '', algorithm: 'ed25519', label: 'k', usages: ['sign', 'verify'], extractable: false }, callOf({ pin: PIN }));
    expect(await refusalOf(token.manage.initialize!({}, callOf({ confirm: 'other', 'so-pin': SO_PIN })))).toMatchObject({ code: 'INVALID_INPUT' });
    expect(hsm.pkcs11Tool('--token-label', 'one', '-O')).toContain('Public Key Object');
    await token.manage.initialize!({}, callOf({ confirm: true, 'so-pin': SO_PIN }));
    expect(hsm.pkcs11Tool('--token-label', 'one', '-O')).toBe('');
  });

  test('keys that another program made are read as they are, with sizes, curves and usages', async () => {
    hsm.initialise('one');
    const make = (...args: string[]): string => hsm.pkcs11Tool('--token-label', 'one', '--login', '--pin', PIN, '--keypairgen', ...args);
    make('--key-type', 'rsa:3072', '--id', '01', '--label', 'big', '--usage-sign');
    make('--key-type', 'rsa:1536', '--id', '02', '--label', 'odd');
    make('--key-type', 'EC:secp384r1', '--id', '03', '--label', 'curve', '--usage-derive');
    source = await openSource(hsm);
    const token = tokenIn(source, 'one');
    const before = await token.contents(callOf());
    expect(before.complete).toBe(false);
    expect(before.keys.map(({ label, algorithm }) => [label, algorithm])).toEqual(expect.arrayContaining([['big', 'rsa-3072'], ['curve', 'ec-p384']]));
    await token.store.generate({ id: '', algorithm: 'aes-256', label: 'secret', usages: ['encrypt', 'decrypt'], extractable: false }, callOf({ pin: PIN }));
    const { complete, keys, slots } = await token.contents(callOf());
    expect(complete).toBe(true);
    expect(keys.find(({ label }) => label === 'big')).toMatchObject({ extractable: false, hardware: { slot: '01', pinPolicy: 'once', madeOnDevice: true } });
    // What the token was not told it chose by itself: an outsider says what.
    const listed = hsm.pkcs11Tool('--token-label', 'one', '--login', '--pin', PIN, '-O', '--type', 'privkey');
    const told = (label: string): string[] => new RegExp(`label: +${label}[^]*?Usage: +(.*)`).exec(listed)![1]!.split(', ');
    const usages = (label: string): readonly string[] => keys.find((key) => key.label === label)!.usages;
    for (const [label, theirs, ours] of [['big', 'sign', 'sign'], ['big', 'decrypt', 'decrypt'], ['big', 'unwrap', 'unwrap'], ['curve', 'sign', 'sign'], ['curve', 'derive', 'agree']] as const) {
      expect.soft(usages(label).includes(ours), `${label}: ${ours}`).toBe(told(label).includes(theirs));
    }
    expect(keys.find(({ label }) => label === 'secret')).toMatchObject({ usages: ['encrypt', 'decrypt'], algorithm: 'aes-256' });
    expect(slots.find(({ slot }) => slot === '02')).toMatchObject({ state: 'unsupported', note: 'RSA 1536' });
  });

  test('what was seen after a login is known before the next one', async () => {
    hsm.initialise('one');
    const storage = await newStorage();
    source = await openSource(hsm, {}, storage);
    await tokenIn(source, 'one').store.generate({ id: '', algorithm: 'aes-256', label: 'secret', usages: ['encrypt', 'decrypt'], extractable: false }, callOf({ pin: PIN }));
    await source[Symbol.asyncDispose]();
    source = await openSource(hsm, {}, storage);
    expect(await tokenIn(source, 'one').contents(callOf())).toMatchObject({ complete: false, keys: [{ label: 'secret', algorithm: 'aes-256' }] });
  });

  test('a certificate lies beside its key, and one for another key is refused with both fingerprints', async () => {
    const token = await open();
    const key = await token.store.generate({ id: '', algorithm: 'ec-p256', label: 'tls', usages: ['sign', 'verify'], extractable: true }, callOf({ pin: PIN }));
    const { secret } = await token.store.exporter!.exportKey({ uri: key.uri, id: key.id, version: 1 }, callOf({ pin: PIN }));
    const [keyFile, certificateFile, otherFile] = ['key.der', 'certificate.der', 'other.der'].map((name) => join(hsm.folder, name)) as [string, string, string];
    writeFileSync(keyFile, secret.reveal());
    execFileSync('openssl', ['req', '-x509', '-key', keyFile, '-keyform', 'DER', '-subj', '/CN=token.example', '-days', '30', '-outform', 'DER', '-out', certificateFile]);
    execFileSync('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', '/dev/null', '-subj', '/CN=other', '-outform', 'DER', '-out', otherFile], { stdio: 'pipe' });
    const slot = key.hardware!.slot as string;
    const refusal = await refusalOf(token.manage.putCertificate!(slot, readFileSync(otherFile), callOf({ pin: PIN })));
    expect(refusal.facts.detail.match(/SHA256:[0-9a-f]{64}/g)).toHaveLength(2);
    await token.manage.putCertificate!(slot, readFileSync(certificateFile), callOf({ pin: PIN }));
    const listed = hsm.pkcs11Tool('--token-label', 'one', '-O', '--type', 'cert');
    expect(listed).toContain(`ID:         ${slot}`);
    expect(listed).toContain('token.example');
    expect(new X509Certificate((await token.contents(callOf())).slots[0]!.certificate!).subject).toBe('CN=token.example');
    await token.manage.deleteKey!(slot, callOf({ pin: PIN, confirm: true }));
    expect((await token.contents(callOf())).slots).toMatchObject([{ slot, state: 'certificate-only' }]);
    await token.manage.deleteCertificate!(slot, callOf({ pin: PIN }));
    expect(hsm.pkcs11Tool('--token-label', 'one', '--login', '--pin', PIN, '-O')).toBe('');
  });

  test('several modules, and several tokens of one, are there at once', async () => {
    source = await openSource(hsm.initialise('one').initialise('two'));
    using other = new SoftHsm().initialise('three');
    await using second = await openSource(other, { instance: 'second' });
    expect(source.tokens().map(({ facts }) => facts.label)).toEqual(expect.arrayContaining(['one', 'two']));
    expect(second.tokens().map(({ facts }) => facts.label)).toContain('three');
  });
});

/** What `openssl ecparam -name prime256v1 -param_enc explicit` writes. */
const EXPLICIT_P256 = Buffer.from('3081f7020101302c06072a8648ce3d0101022100ffffffff00000001000000000000000000000000ffffffffffffffffffffffff305b0420ffffffff00000001'
  + '000000000000000000000000fffffffffffffffffffffffc04205ac635d8aa3a93e7b3ebbd55769886bc651d06b0cc53b0f63bce3c3e27d2604b031500c49d36'
  + '0886e704936a6678e1139d26b7819f7e900441046b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c2964fe342e2fe1a7f9b8ee7eb4a'
  + '7c0f9e162bce33576b315ececbb6406837bf51f5022100ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551020101', 'hex');

test('curves are read as names, as identifiers, and with all their numbers', async () => {
  expect(await curveIn(ecParameters('ec-brainpoolp256r1'))).toBe('ec-brainpoolp256r1');
  expect(await curveIn(Buffer.from('130c656477617264733235353139', 'hex'))).toBe('ed25519');
  expect(await curveIn(EXPLICIT_P256)).toBe('ec-p256');
  expect(await curveIn(Buffer.from('3003020101', 'hex'))).toBeNull();
});

test('well-known modules are found where they are installed, and the others listed as absent', () => {
  const found = findKnownModules((path) => path.includes('opensc'));
  expect(found.map(({ module }) => module.name)).toEqual(['OpenSC', 'SoftHSM', 'YKCS11', 'tpm2-pkcs11', 'YubiHSM', 'AWS CloudHSM', 'nShield', 'Luna', 'Kryoptic']);
  expect(found.filter(({ path }) => path !== null).map(({ module }) => module.name)).toEqual(['OpenSC']);
});

test('modules that work in software are told by the name of their file, wherever it lies', () => {
  const names = ['/opt/mine/libsofthsm2.so', 'C:\\SoftHSM2\\lib\\softhsm2-x64.dll', '/usr/lib64/pkcs11/libkryoptic_pkcs11.so', '/usr/lib/opensc-pkcs11.so', '/opt/nfast/toolkits/pkcs11/libcknfast.so', '/usr/lib/libsofthsm2.so.old'];
  expect(names.map(isInSoftware)).toEqual([true, true, true, false, false, false]);
});
