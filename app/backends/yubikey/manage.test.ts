import { createHash, generateKeyPairSync, X509Certificate } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { KEY_ALGORITHMS } from '../../contract/index.ts';
import { derBits, derInteger, der, derOid, derSequence, TAG } from '../../formats/der.ts';
import { fingerprint } from '../../formats/index.ts';
import { tlv } from '../../devices/index.ts';
import type { KeyDescription } from '../../keystore/keystore.ts';
import { typedFingerprint } from '../../keystore/token-prompts.ts';
import { codeOf, refusalOf } from '../../keystore/testing/calls.ts';
import { plug, type Plugged } from './testing/plug.ts';
import { generate } from './testing/with-key.ts';

const PIN = '123456';
const PUK = '12345678';

const digest = createHash('sha256').update('x').digest();
const sign = ({ token, call }: Plugged, { uri, id }: KeyDescription, pin?: string): Promise<Uint8Array> => token.store.signer!.sign({ uri, id, version: 1 }, 'ecdsa-sha256', { digest }, call(pin === undefined ? {} : { pin }));

/** A certificate for a public key, self-signed in form alone: nobody here looks at its signature. */
function certificateFor(spki: Uint8Array, padding = 0): Buffer {
  const name = derSequence(der(TAG.set, derSequence(derOid('2.5.4.3'), der(TAG.utf8String, Buffer.from('Test')))));
  const algorithm = derSequence(derOid('1.2.840.10045.4.3.2'));
  const time = (text: string): Buffer => der(0x17, Buffer.from(text));
  const extension = padding === 0 ? [] : [der(0xa3, derSequence(derSequence(derOid('1.2.3.4'), der(TAG.octetString, Buffer.from(Array.from({ length: padding }, (_, index) => (index * 7919) >> 3))))))];
  const body = derSequence(der(0xa0, derInteger(2n)), derInteger(1n), algorithm, name, derSequence(time('260101000000Z'), time('360101000000Z')), name, spki, ...extension);
  return derSequence(body, algorithm, derBits(Buffer.alloc(8)));
}
const spkiOf = ({ versions }: KeyDescription): Buffer => Buffer.from(versions[0]!.publicKey!);
const slotNamed = async ({ token, call }: Plugged, name: string) => (await token.contents(call())).slots.find(({ slot }) => slot === name)!;

describe('slots', () => {
  test('tell an empty one, a key without certificate, and a certificate without key apart', async () => {
    const plugged = await plug();
    const key = await generate(plugged, '9a');
    await plugged.token.manage.putCertificate!('9a', certificateFor(spkiOf(key)), plugged.call());
    await plugged.token.manage.putCertificate!('82', certificateFor(spkiOf(key)), plugged.call());
    await generate(plugged, '9c');
    const { complete, slots, keys } = await plugged.token.contents(plugged.call());
    expect(complete).toBe(true);
    expect(slots).toHaveLength(25);
    expect(slots.filter(({ state }) => state !== 'empty').map(({ slot, state, certificate }) => [slot, state, certificate !== null])).toEqual([
      ['9a', 'key', true], ['9c', 'key', false], ['82', 'certificate-only', true], ['f9', 'key', true],
    ]);
    expect(slots.at(-1)).toMatchObject({ key: null, note: expect.stringContaining('attestations alone') });
    expect(keys.map(({ id }) => id.replace(/.*slot=/, ''))).toEqual(['9a', '9c']);
    expect(keys[1]).toMatchObject({ hardware: { pinPolicy: 'always', touchPolicy: 'never', madeOnDevice: true }, usages: KEY_ALGORITHMS['ec-p256'].usages });
  });

  test('damaged objects and keys of unknown kinds hide nothing else', async () => {
    const plugged = await plug();
    await generate(plugged, '9a');
    const { objects } = plugged.virtual.memory;
    objects.set(0x5fc105, Buffer.from('70820fff30', 'hex'));
    objects.set(0x5fc10a, Buffer.from('7003aabbcc710100fe00', 'hex'));
    objects.set(0x5fc10b, Buffer.from('710100fe00', 'hex'));
    expect(await slotNamed(plugged, '9a')).toMatchObject({ state: 'key', certificate: null, note: expect.stringContaining('cannot be read') });
    expect(await slotNamed(plugged, '9c')).toMatchObject({ state: 'certificate-only', pinPolicy: null, certificate: new Uint8Array([0xaa, 0xbb, 0xcc]) });
    expect(await slotNamed(plugged, '9d')).toMatchObject({ state: 'empty', note: expect.stringContaining('no certificate in it') });
    const real = plugged.virtual.memory.keys.get(0x9a)!;
    plugged.virtual.misanswer(0xf7, (answer) => Buffer.from(answer.toString('hex').replace(/^010111/, '010177'), 'hex'));
    expect(await slotNamed(plugged, '9a')).toMatchObject({ state: 'unsupported', note: 'algorithm 77' });
    plugged.virtual.misanswer(0xf7);
    plugged.virtual.memory.keys.set(0x9a, real);
    expect(await slotNamed(plugged, '9a')).toMatchObject({ state: 'key' });
  });

  test('what the card refuses to tell of one slot, or of its management key, hides nothing else', async () => {
    const plugged = await plug();
    const { token, virtual, call } = plugged;
    await generate(plugged, '9a');
    virtual.misanswer(0xcb, (answer) => (answer.length > 2 ? answer : Buffer.from('6985', 'hex')));
    const { slots } = await token.contents(call());
    expect(slots.find(({ slot }) => slot === '9a')).toMatchObject({ state: 'key', note: expect.stringContaining('6985') });
    virtual.misanswer(0xcb, (answer) => (answer.length > 2 ? answer : Buffer.from('9000', 'hex')));
    expect((await token.contents(call())).slots.find(({ slot }) => slot === '9c')).toMatchObject({ state: 'empty', note: null, pinPolicy: null, touchPolicy: null });
    virtual.misanswer(0xf7, (answer) => (answer.length > 2 ? answer : Buffer.from('6a80', 'hex')));
    expect((await token.contents(call())).slots.map(({ state }) => state)).toEqual(expect.arrayContaining(['key', 'unknown']));
    expect((await token.status(call())).secrets.find(({ kind }) => kind === 'management-key')).toMatchObject({ note: expect.stringContaining('AES-192') });
  });

  test('a command without data has five bytes, as in the programs of its maker', async () => {
    const { token, link, call } = await plug({ firmware: '5.2.4' });
    await token.status(call());
    expect(link.log.filter((sent) => /^[0-9a-f]{8}$/.test(sent))).toEqual([]);
    expect(link.log).toContain('0020008000');
  });

  test('a certificate that was compressed is read, one that would grow beyond bounds is not', async () => {
    const { gzipSync, deflateSync } = await import('node:zlib');
    const plugged = await plug();
    const certificate = certificateFor(spkiOf(await generate(plugged, '9a')), 3000);
    const { objects } = plugged.virtual.memory;
    objects.set(0x5fc105, Buffer.concat([tlv(0x70, gzipSync(certificate)), tlv(0x71, Buffer.of(1)), tlv(0xfe)]));
    expect(Buffer.from((await slotNamed(plugged, '9a')).certificate!).equals(certificate)).toBe(true);
    objects.set(0x5fc105, Buffer.concat([tlv(0x70, Buffer.of(1, 0, 0, 0), deflateSync(certificate)), tlv(0x71, Buffer.of(1)), tlv(0xfe)]));
    expect(Buffer.from((await slotNamed(plugged, '9a')).certificate!).equals(certificate)).toBe(true);
    objects.set(0x5fc105, Buffer.concat([tlv(0x70, gzipSync(Buffer.alloc(1_000_000))), tlv(0x71, Buffer.of(1)), tlv(0xfe)]));
    expect(await slotNamed(plugged, '9a')).toMatchObject({ certificate: null, note: expect.stringContaining('grow beyond') });
  });

  test('a long certificate is compressed, one that fits in no way is refused with both sizes', async () => {
    const plugged = await plug();
    const key = await generate(plugged, '9a');
    const random = certificateFor(spkiOf(key), 5000);
    await plugged.token.manage.putCertificate!('9a', random, plugged.call());
    expect(Buffer.from((await slotNamed(plugged, '9a')).certificate!).equals(random)).toBe(true);
    const { randomBytes } = await import('node:crypto');
    const noise = derSequence(certificateFor(spkiOf(key)), der(TAG.octetString, randomBytes(4000)));
    expect(await refusalOf(plugged.token.manage.putCertificate!('9a', noise, plugged.call()))).toMatchObject({ code: 'CAPABILITY_MISSING', facts: { detail: expect.stringMatching(/4\d\d\d bytes, 4\d\d\d when compressed; this token takes 3048/) } });
  });

  test('a certificate for another key is refused with both fingerprints', async () => {
    const plugged = await plug();
    const key = await generate(plugged, '9a');
    const other = generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey.export({ type: 'spki', format: 'der' });
    const refusal = await refusalOf(plugged.token.manage.putCertificate!('9a', certificateFor(other), plugged.call()));
    expect(refusal.code).toBe('INVALID_INPUT');
    for (const spki of [other, spkiOf(key)]) expect(refusal.facts.detail).toContain(fingerprint(spki));
    expect((await slotNamed(plugged, '9a')).certificate).toBeNull();
  });

  test('a certificate is deleted, the key stays', async () => {
    const plugged = await plug();
    const key = await generate(plugged, '9a');
    await plugged.token.manage.putCertificate!('9a', certificateFor(spkiOf(key)), plugged.call());
    await plugged.token.manage.deleteCertificate!('9a', plugged.call());
    expect(await slotNamed(plugged, '9a')).toMatchObject({ state: 'key', certificate: null });
    expect(await codeOf(plugged.token.manage.deleteCertificate!('9a', plugged.call()))).toBe('NOT_FOUND');
  });

  test('a key in a slot is overwritten only when its fingerprint is typed', async () => {
    const plugged = await plug();
    const first = await generate(plugged, '9a');
    expect(await codeOf(generate(plugged, '9a'))).toBe('PIN_REQUIRED');
    expect(await codeOf(generate(plugged, '9a', 'ec-p256', { confirm: 'yes' }))).toBe('INVALID_INPUT');
    expect(spkiOf(await plugged.token.store.get(first.id, plugged.call())).equals(spkiOf(first))).toBe(true);
    const second = await generate(plugged, '9a', 'ec-p384', { confirm: typedFingerprint(fingerprint(spkiOf(first))) });
    expect(second.algorithm).toBe('ec-p384');
  });

  test('without a name the first that is free is taken, and never the one without PIN', async () => {
    const plugged = await plug();
    const made: string[] = [];
    for (let count = 0; count < 4; count++) made.push((await plugged.token.store.generate({ id: '', label: '', extractable: false, algorithm: 'ec-p256', usages: KEY_ALGORITHMS['ec-p256'].usages }, plugged.call())).hardware!.slot!);
    expect(made).toEqual(['9a', '9c', '9d', '82']);
    expect(await refusalOf(generate(plugged, '81'))).toMatchObject({ code: 'NOT_FOUND', facts: { alternatives: expect.arrayContaining(['9a', 'f9']) } });
  });

  test('a key is moved to another slot, over another one only when that is named', async () => {
    const plugged = await plug();
    const [first, second] = [await generate(plugged, '9a'), await generate(plugged, '82')];
    const moved = await plugged.token.manage.moveKey!({ from: '9a', to: '9d' }, plugged.call());
    expect(moved.uri.endsWith('slot=9d')).toBe(true);
    expect(spkiOf(moved).equals(spkiOf(first))).toBe(true);
    expect(await codeOf(plugged.token.manage.moveKey!({ from: '9d', to: '82' }, plugged.call({ confirm: 'x' })))).toBe('INVALID_INPUT');
    await plugged.token.manage.moveKey!({ from: '9d', to: '82' }, plugged.call({ confirm: typedFingerprint(fingerprint(spkiOf(second))) }));
    expect((await plugged.token.contents(plugged.call())).keys.map(({ id }) => id.slice(-2))).toEqual(['82']);
    expect(await codeOf(plugged.token.manage.moveKey!({ from: '9a', to: '9c' }, plugged.call()))).toBe('NOT_FOUND');
    expect(await codeOf(plugged.token.manage.moveKey!({ from: 'f9', to: '9c' }, plugged.call()))).toBe('CAPABILITY_MISSING');
  });

  test('a key is deleted when its fingerprint is typed', async () => {
    const plugged = await plug();
    const key = await generate(plugged, '9a');
    expect(await codeOf(plugged.token.manage.deleteKey!('9a', plugged.call()))).toBe('PIN_REQUIRED');
    await plugged.token.manage.deleteKey!('9a', plugged.call({ confirm: true }));
    expect(await codeOf(plugged.token.store.get(key.id, plugged.call()))).toBe('NOT_FOUND');
    expect(await codeOf(sign(plugged, key, PIN))).toBe('NOT_FOUND');
  });
});

describe('import', () => {
  test.each(['rsa-2048', 'ec-p256', 'ec-p384', 'ed25519', 'x25519'] as const)('a %s key that was made elsewhere acts as itself', async (algorithm) => {
    const plugged = await plug();
    const { family, openssl } = KEY_ALGORITHMS[algorithm];
    const pair = family === 'rsa' ? generateKeyPairSync('rsa', { modulusLength: 2048 }) : family === 'ec' ? generateKeyPairSync('ec', { namedCurve: openssl }) : generateKeyPairSync(openssl as 'ed25519');
    const { SecretBytes } = await import('../../contract/index.ts');
    const secret = new SecretBytes(pair.privateKey.export({ type: 'pkcs8', format: 'der' }));
    const key = await plugged.token.store.importer!.importKey({ id: '', label: '', extractable: false, usages: KEY_ALGORITHMS[algorithm].usages, slot: '9a', pinPolicy: 'never', touchPolicy: 'never' }, { algorithm, secret }, plugged.call());
    expect(spkiOf(key).equals(pair.publicKey.export({ type: 'spki', format: 'der' }))).toBe(true);
    expect(key.hardware).toMatchObject({ madeOnDevice: false, pinPolicy: 'never' });
    expect(await refusalOf(plugged.token.manage.attest!('9a', plugged.call()))).toMatchObject({ code: 'CAPABILITY_MISSING', facts: { detail: expect.stringContaining('was imported') } });
  });

  test('an RSA key with another exponent is refused with the reason', async () => {
    const plugged = await plug();
    const { SecretBytes } = await import('../../contract/index.ts');
    const secret = new SecretBytes(generateKeyPairSync('rsa', { modulusLength: 2048, publicExponent: 3 }).privateKey.export({ type: 'pkcs8', format: 'der' }));
    expect(await refusalOf(plugged.token.store.importer!.importKey({ id: '', label: '', extractable: false, usages: KEY_ALGORITHMS['rsa-2048'].usages, slot: '9a' }, { algorithm: 'rsa-2048', secret }, plugged.call()))).toMatchObject({ code: 'CAPABILITY_MISSING', facts: { detail: expect.stringContaining('65537') } });
  });
});

describe('PIN and PUK', () => {
  test('the PIN is changed with the current one, which is asked for anew', async () => {
    const plugged = await plug();
    const key = await generate(plugged, '9a');
    await sign(plugged, key, PIN);
    expect(await codeOf(plugged.token.manage.changePin!(plugged.call({ 'new-pin': '654321' })))).toBe('PIN_REQUIRED');
    await plugged.token.manage.changePin!(plugged.call({ pin: PIN, 'new-pin': '654321' }));
    expect(await codeOf(sign(plugged, key))).toBe('PIN_REQUIRED');
    await sign(plugged, key, '654321');
    expect(plugged.virtual.ledger).toMatchObject({ repeats: 0, unentered: 0 });
  });

  test('a wrong one when changing costs one try, and the new one is asked for once', async () => {
    const plugged = await plug();
    const asking = plugged.call({ pin: ['111111', PIN], 'new-pin': '654321' });
    await plugged.token.manage.changePin!(asking);
    expect(asking.asked.map(({ purpose }) => purpose)).toEqual(['pin', 'new-pin', 'pin']);
    expect(plugged.virtual.ledger.count('pin', 'refused')).toBe(1);
  });

  test('a blocked PIN is set anew with the PUK, a blocked PUK is told with the way out', async () => {
    const plugged = await plug();
    plugged.virtual.blockPin();
    await plugged.token.manage.unblockPin!(plugged.call({ puk: PUK, 'new-pin': '654321' }));
    const key = await generate(plugged, '9a');
    await sign(plugged, key, '654321');
    plugged.virtual.blockPuk();
    expect(await refusalOf(plugged.token.manage.unblockPin!(plugged.call({ puk: PUK, 'new-pin': '654321' })))).toMatchObject({ code: 'PIN_BLOCKED', facts: { remedy: expect.stringContaining('tokens reset') } });
    await plugged.token.manage.changePin!(plugged.call({ pin: '654321', 'new-pin': '123123' }));
  });

  test('a new value that the token does not take is told as such, and nothing has changed', async () => {
    const plugged = await plug();
    expect(await codeOf(plugged.token.manage.changePuk!(plugged.call({ puk: PUK, 'new-puk': 'short' })))).toBe('INVALID_INPUT');
    await plugged.token.manage.changePuk!(plugged.call({ puk: PUK, 'new-puk': '87654321' }));
    expect(plugged.virtual.ledger.repeats).toBe(0);
  });

  test('setting the tries says before that it resets both, and sets new ones in the same step', async () => {
    const plugged = await plug();
    const key = await generate(plugged, '9a');
    const asking = plugged.call({ confirm: true, pin: PIN, 'new-pin': '654321', 'new-puk': '87654321' });
    await plugged.token.manage.setRetries!({ pin: 5, puk: 4 }, asking);
    expect(asking.asked.map(({ purpose }) => purpose)).toEqual(['confirm', 'new-pin', 'new-puk', 'pin']);
    expect(asking.asked[0]).toMatchObject({ note: expect.stringContaining('resets PIN and PUK') });
    expect((await plugged.token.status(plugged.call())).secrets.slice(0, 2)).toMatchObject([{ kind: 'pin', state: 'set', triesLeft: 5, triesAtMost: 5 }, { kind: 'puk', state: 'set', triesLeft: 4, triesAtMost: 4 }]);
    await sign(plugged, key, '654321');
    expect(plugged.virtual.ledger.repeats).toBe(0);
  });

  test('defaults, blocks and what is missing are pointed out', async () => {
    const plugged = await plug();
    const codes = async (): Promise<string[]> => (await plugged.token.status(plugged.call())).findings.map(({ code }) => code);
    expect(await codes()).toEqual(['yubikey.default-pin', 'yubikey.default-puk', 'yubikey.default-management-key', 'yubikey.no-identifiers']);
    await plugged.token.manage.changePin!(plugged.call({ pin: PIN, 'new-pin': '654321' }));
    await plugged.token.manage.changePuk!(plugged.call({ puk: PUK, 'new-puk': '87654321' }));
    await plugged.token.manage.setManagementKey!({ protect: true, touch: false }, plugged.call());
    await plugged.token.manage.setIdentifiers!(plugged.call({ pin: '654321' }));
    expect(await codes()).toEqual([]);
    plugged.virtual.blockPin();
    expect(await codes()).toEqual(['yubikey.pin-blocked']);
    plugged.virtual.blockPuk();
    expect(await codes()).toEqual(['yubikey.blocked']);
  });

  test('reset blocks PIN and PUK on purpose, never with the same value twice, behind a typed confirmation', async () => {
    const plugged = await plug();
    await generate(plugged, '9a');
    await plugged.token.manage.changePin!(plugged.call({ pin: PIN, 'new-pin': '654321' }));
    expect(await codeOf(plugged.token.manage.reset!(plugged.call({ confirm: 'no' })))).toBe('INVALID_INPUT');
    expect(plugged.virtual.memory.pin.left).toBe(3);
    plugged.taken();
    await plugged.token.manage.reset!(plugged.call({ confirm: String(plugged.virtual.serial) }));
    // The state of the PIN is asked for; no VERIFY carries one.
    expect(plugged.taken()).toEqual(['20', '24', '24', '24', '2c', '2c', '2c', 'fb']);
    expect((await plugged.token.contents(plugged.call())).keys).toEqual([]);
    expect(plugged.virtual.ledger.repeats).toBe(0);
    expect((await plugged.token.status(plugged.call())).secrets).toMatchObject([{ state: 'default', triesLeft: 3 }, { state: 'default' }, { state: 'default' }]);
    const { items } = await plugged.storage.list('material/', { limit: 10 });
    expect(items).toEqual([]);
  });
});

test('a CHUID and a CCC are written as SP 800-73-4 lays them out', async () => {
  const plugged = await plug();
  await plugged.token.manage.setIdentifiers!(plugged.call());
  const { objects } = plugged.virtual.memory;
  expect(objects.get(0x5fc102)!.toString('hex')).toMatch(/^3019d4e739da739ced39ce739d836858210842108421c84210c3eb3410[0-9a-f]{32}350832303330303130313e00fe00$/);
  expect(objects.get(0x5fc107)!.toString('hex')).toMatch(/^f015a000000116ff02[0-9a-f]{28}f10121f20121f300f40100f50110f600f700fa00fb00fc00fd00fe00$/);
  expect(new X509Certificate(plugged.virtual.memory.objects.get(0x5fff01)!.subarray(4)).subject).toContain('Yubico PIV Attestation');
});
