import { generateKeyPairSync } from 'node:crypto';
import { deflateSync, gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { KEY_ALGORITHMS } from '../../contract/index.ts';
import { parseTlvs, tlv } from '../../devices/index.ts';
import { decodeCertificate } from './certificates.ts';
import { guidIn } from './discovery.ts';
import { publicKeyOf } from './piv.ts';
import { plug } from './testing/plug.ts';

/** What cards and programs do otherwise than a new YubiKey and Yubico's programs, within what the standards and makers say. */

const FACTORY_KEY = '0102030405060708'.repeat(3);

describe('the object of a certificate', () => {
  const der = Buffer.concat([Buffer.from('3082012c', 'hex'), Buffer.alloc(300, 5)]);
  const object = (content: Uint8Array, info: number, ...more: readonly Uint8Array[]): Buffer => Buffer.concat([tlv(0x70, content), tlv(0x71, Buffer.of(info)), ...more]);
  test.each<[string, Buffer]>([
    ['by gzip, as CertInfo says', object(gzipSync(der), 1, tlv(0xfe))],
    ['by zlib alone', object(deflateSync(der), 1, tlv(0xfe))],
    ['by zlib, which CertInfo does not say', object(deflateSync(der, { level: 1 }), 0)],
    ['not at all, whatever CertInfo says', object(der, 1)],
    ['not at all, with a check value that is no empty one', object(der, 0, tlv(0xfe, Buffer.of(1)))],
    ['not at all, with a code that runs over the end', object(der, 0, Buffer.of(0xfe, 1))],
    ['not at all, with a mobile system container and elements that nobody knows', object(der, 0, tlv(0x72, Buffer.alloc(38)), tlv(0x5fff77, Buffer.of(1)), tlv(0xfe), Buffer.alloc(3))],
    ['not at all, with CertInfo and check before it', Buffer.concat([tlv(0x71, Buffer.of(0)), tlv(0xfe), tlv(0x70, der)])],
    ['not at all, and nothing else there', tlv(0x70, der)],
  ])('compressed %s', (_how, bytes) => {
    expect(Buffer.from(decodeCertificate(bytes)).equals(der)).toBe(true);
  });
});

describe('the CHUID', () => {
  const guid = Buffer.alloc(16, 0xa5);
  test.each<[string, Buffer]>([
    ['of the first standard, with buffer length and agency code', Buffer.concat([tlv(0xee, Buffer.of(0, 0x40)), tlv(0x30, Buffer.alloc(25)), tlv(0x31, Buffer.alloc(4)), tlv(0x32, Buffer.alloc(4)), tlv(0x33, Buffer.alloc(9)), tlv(0x34, guid), tlv(0x35, Buffer.from('20300101')), tlv(0x3e), tlv(0xfe)])],
    ['with cardholder UUID, authentication key map and a signature', Buffer.concat([tlv(0x30, Buffer.alloc(25)), tlv(0x34, guid), tlv(0x35, Buffer.from('20300101')), tlv(0x36, Buffer.alloc(16, 1)), tlv(0x3d), tlv(0x3e, Buffer.alloc(1500)), tlv(0xfe)])],
    ['with something behind it that is no element', Buffer.concat([tlv(0x34, guid), Buffer.of(0xfe, 0x20)])],
  ])('%s names the card', (_what, chuid) => {
    expect(guidIn(chuid)).toBe('a5'.repeat(16));
  });

  test('with a GUID of zeros, or none, names nothing', () => {
    expect([guidIn(tlv(0x34, Buffer.alloc(16))), guidIn(tlv(0x30, Buffer.alloc(25))), guidIn(Buffer.of(0x34))]).toEqual([null, null, null]);
  });
});

test.each(['ec-p256', 'ec-p384', 'ed25519', 'x25519'] as const)('a public key of %s is read bare, and in an OCTET STRING', (algorithm) => {
  const pair = algorithm.startsWith('ec-') ? generateKeyPairSync('ec', { namedCurve: KEY_ALGORITHMS[algorithm].openssl }) : generateKeyPairSync(algorithm as 'ed25519');
  const spki = pair.publicKey.export({ type: 'spki', format: 'der' });
  const bits = spki.subarray(algorithm === 'ec-p256' ? -65 : algorithm === 'ec-p384' ? -97 : -32);
  expect([tlv(0x86, bits), tlv(0x86, tlv(0x04, bits))].map((objects) => publicKeyOf(algorithm, objects).equals(spki))).toEqual([true, true]);
});

describe('a management key of which the card does not tell the kind', () => {
  const generate = async (card: Awaited<ReturnType<typeof plug>>, key: string): Promise<unknown> =>
    card.token.store.generate({ id: '', label: '', extractable: false, algorithm: 'ec-p256', slot: '9a', usages: KEY_ALGORITHMS['ec-p256'].usages }, card.call({ 'management-key': key, confirm: true }));

  test.each([['3DES', 0x03, 24], ['AES-128', 0x08, 16], ['AES-192', 0x0a, 24], ['AES-256', 0x0c, 32]] as const)('%s is found by asking for a witness', async (_name, algorithm, length) => {
    const old = await plug({ firmware: '5.2.4' });
    old.virtual.memory.management = { algorithm, key: Buffer.alloc(length, 0x11), touchPolicy: 1 };
    expect(await generate(old, '11'.repeat(length))).toMatchObject({ algorithm: 'ec-p256' });
  });

  test('by a card that has metadata of its slots alone, too', async () => {
    const odd = await plug({ firmware: '5.7.1' });
    odd.virtual.misanswer(0xf7, () => Buffer.from('6a88', 'hex'));
    expect(await generate(odd, FACTORY_KEY)).toMatchObject({ algorithm: 'ec-p256' });
  });
});

describe('a card that writes its answers in other ways', () => {
  /** One element as BER lets it be written too: its length in more bytes than it takes (X.690 §8.1.3.5). */
  const padded = (tag: number, value: Uint8Array): Buffer => Buffer.concat([Buffer.of(tag), Buffer.of(0x83, 0, value.length >> 8, value.length & 0xff), value]);
  const made = async (): Promise<Awaited<ReturnType<typeof plug>> & { spki: Uint8Array }> => {
    const plugged = await plug();
    plugged.virtual.touch.automatic = true;
    const key = await plugged.token.store.generate({ id: '', label: '', extractable: false, algorithm: 'ec-p256', slot: '9a', touchPolicy: 'cached', usages: KEY_ALGORITHMS['ec-p256'].usages }, plugged.call());
    return { ...plugged, spki: key.versions[0]!.publicKey! };
  };

  test('metadata are read in any order, with longer lengths, and with the key in its template', async () => {
    const { virtual, key, token, call, spki } = await made();
    virtual.misanswer(0xf7, (answer) => {
      // In pieces: another slot's.
      if (answer.at(-2) !== 0x90) return answer;
      const elements = parseTlvs(answer.subarray(0, -2), 'metadata');
      const others = elements.reverse().map(({ tag, value }) => padded(tag, tag === 0x04 ? tlv(0x7f49, ...parseTlvs(value, 'x').map((part) => padded(part.tag, part.value))) : value));
      return elements.length === 0 ? answer : Buffer.concat([...others, answer.subarray(-2)]);
    });
    key.slots.clear();
    const { slots, keys } = await token.contents(call());
    expect(slots[0]).toMatchObject({ slot: '9a', state: 'key', pinPolicy: 'once', touchPolicy: 'cached', madeOnDevice: true });
    expect(Buffer.from(keys[0]!.versions[0]!.publicKey!).equals(spki)).toBe(true);
  });

  test('what a use answers is found among other elements, with longer lengths', async () => {
    const plugged = await made();
    plugged.virtual.misanswer(0x87, (answer) => {
      const value = answer.length < 60 ? undefined : parseTlvs(parseTlvs(answer.subarray(0, -2), 'x')[0]!.value, 'x')[0]!.value;
      return value === undefined ? answer : Buffer.concat([padded(0x7c, Buffer.concat([padded(0x80, Buffer.of(1)), padded(0x82, value)])), answer.subarray(-2)]);
    });
    const { items: [found] } = await plugged.token.store.list({ limit: 1 }, plugged.call());
    expect((await plugged.token.store.signer!.sign({ uri: found!.uri, id: found!.id, version: 1 }, 'ecdsa-sha256', { message: Buffer.from('hello') }, plugged.call({ pin: '123456' })))[0]).toBe(0x30);
  });

  test.each(['6a80', '6a81', '6982', '6f00'])('objects that it refuses with %s are taken to be absent: its state is told, and keys are made', async (refusal) => {
    const { virtual, token, call } = await plug();
    virtual.misanswer(0xcb, () => Buffer.from(refusal, 'hex'));
    expect((await token.status(call())).findings.map(({ code }) => code)).toContain('yubikey.no-identifiers');
    expect(await token.store.generate({ id: '', label: '', extractable: false, algorithm: 'ec-p256', slot: '9a', usages: KEY_ALGORITHMS['ec-p256'].usages }, call())).toMatchObject({ algorithm: 'ec-p256' });
  });

  test.each([['9000', null], ['6983', 0], ['63c1', 1], ['6301', null]])('the state of a PIN is asked for without one, and %s understood', async (sw, left) => {
    const { virtual, token, call } = await plug({ firmware: '5.2.4' });
    virtual.misanswer(0x20, () => Buffer.from(sw, 'hex'));
    expect((await token.status(call())).secrets[0]).toMatchObject({ kind: 'pin', triesLeft: left });
  });
});

test('the rest of an answer is fetched however often the card says that there is more, in pieces of whatever size', async () => {
  const { key, virtual } = await plug();
  const whole = Buffer.concat([Buffer.from('53820bb8', 'hex'), Buffer.alloc(3000, 7)]);
  let at = -1;
  virtual.misanswer(0xcb, () => Buffer.from('6100', 'hex'));
  virtual.misanswer(0xc0, () => {
    at += 1;
    const part = whole.subarray(100 * at, 100 * at + 100);
    return Buffer.concat([part, 100 * at + 100 < whole.length ? Buffer.of(0x61, 100) : Buffer.of(0x90, 0)]);
  });
  expect((await key.session.run((piv) => piv.transmit({ ins: 0xcb, p1: 0x3f, p2: 0xff, data: Buffer.from('5c035fc105', 'hex'), le: 0 }))).data.equals(whole)).toBe(true);
});

test('a YubiKey behind a reader that speaks T=0 signs', async () => {
  const plugged = await plug();
  plugged.link.isT0 = true;
  const made = await plugged.token.store.generate({ id: '', label: '', extractable: false, algorithm: 'rsa-2048', slot: '9a', usages: KEY_ALGORITHMS['rsa-2048'].usages }, plugged.call());
  expect((await plugged.token.store.signer!.sign({ uri: made.uri, id: made.id, version: 1 }, 'rsa-pkcs1-sha256', { message: Buffer.from('hello') }, plugged.call({ pin: '123456' }))).length).toBe(256);
  expect(plugged.link.log.filter((apdu) => apdu.startsWith('00cb')).every((apdu) => apdu.length === 2 * (5 + Number.parseInt(apdu.slice(8, 10), 16)))).toBe(true);
});
