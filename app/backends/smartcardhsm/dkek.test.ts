import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { KeywrightError, SecretBytes } from '../../contract/index.ts';
import { refusalOf } from '../../keystore/testing/calls.ts';
import { tlv } from '../../devices/index.ts';
import { checkShareFile, openShare, sealShare } from './dkek-share.ts';
import { keyCheckValueOf, readWrappedKey, writeWrappedKey } from './key-file.ts';
import { keyFromPassword } from './password-key.ts';
import { joinPassword, readParts, splitPassword, writePart } from './shares.ts';

const call = { signal: new AbortController().signal };
const secret = (text: string): SecretBytes => SecretBytes.fromText(text);

describe('the key from a password', () => {
  it.each([1, 2, 3, 1000])('is that of EVP_BytesToKey, after %i rounds', async (rounds) => {
    const [password, salt] = [Buffer.from('pass word ü'), Buffer.from('saltsalt')];
    let [expected, hash] = [Buffer.alloc(0), Buffer.alloc(0)];
    while (expected.length < 48) {
      hash = createHash('md5').update(hash).update(password).update(salt).digest();
      for (let round = 1; round < rounds; round += 1) hash = createHash('md5').update(hash).digest();
      expected = Buffer.concat([expected, hash]);
    }
    using derived = await keyFromPassword(password, salt, call, rounds);
    expect(Buffer.concat([derived.key, derived.iv])).toEqual(expected);
  });

  it('is given up when the call is cancelled', async () => {
    const controller = new AbortController();
    const deriving = refusalOf(keyFromPassword(Buffer.from('x'), Buffer.alloc(8), { signal: controller.signal }));
    controller.abort();
    expect((await deriving).code).toBe('CANCELLED');
  });
});

describe('the file of a DKEK share', () => {
  const share = (): SecretBytes => new SecretBytes(Uint8Array.from({ length: 32 }, (_, index) => index));

  it('opens with its password, and with no other', async () => {
    const file = await sealShare(share(), secret('right'), call, 10);
    expect(file.length).toBe(64);
    expect(Buffer.from((await openShare(file, secret('right'), call, 10)).reveal())).toEqual(Buffer.from(share().reveal()));
    for (let attempt = 0; attempt < 600; attempt += 1) {
      const refusal = await refusalOf(openShare(file, secret(`wrong ${attempt}`), call, 2));
      expect(refusal.code).toBe('PIN_INCORRECT');
    }
  });

  it('that sc-hsm-tool (OpenSC 0.23) made opens with its password, at full cost', async () => {
    const file = Buffer.from('53616c7465645f5f7cc46949f4a56005f74d7339409a1ef1fd289230402cadf7174aafad6ef63f35cae9834a8dcafe17635b27e595e68d1d81fbc9c2e88f83c8', 'hex');
    using opened = await openShare(file, secret('theirs is löng'), call);
    expect(Buffer.from(opened.reveal()).toString('hex')).toBe('cd3ff85c0a707c2dff7da83268a171fffb5f40bd84aa4ad9b33ee475a2576860');
  });

  it('of another length or beginning is none', () => {
    for (const file of [Buffer.alloc(0), Buffer.alloc(64), Buffer.concat([Buffer.from('Salted__'), Buffer.alloc(55)]), Buffer.concat([Buffer.from('Salted__'), Buffer.alloc(57)])]) {
      expect(() => checkShareFile(file)).toThrow(KeywrightError);
    }
  });
});

describe('a split password', () => {
  it.each([[2, 3], [3, 5], [5, 5], [2, 20]])('%i of %i parts give it again, whichever they are', (threshold, total) => {
    const { password, parts } = splitPassword(threshold, total);
    for (let start = 0; start + threshold <= total; start += 1) {
      const some = parts.slice(start, start + threshold).map(writePart).flatMap(readParts).reverse();
      expect(Buffer.from(joinPassword(some).reveal())).toEqual(Buffer.from(password.reveal()));
    }
    expect(Buffer.from(joinPassword(parts.slice(0, threshold - 1)).reveal())).not.toEqual(Buffer.from(password.reveal()));
  });

  it('has no leading zero, which tools would drop', () => {
    for (let attempt = 0; attempt < 300; attempt += 1) {
      const [first] = splitPassword(2, 3).password.reveal();
      expect(first).toBeGreaterThan(0);
      expect(first).toBeLessThan(128);
    }
  });

  it('a part is read as sc-hsm-tool prints it, on three lines, and without prime after the first, several one after another', () => {
    const [part] = readParts('Prime       : fb:4a:c1:1b:3f:0a:c9:e1\nShare ID    : 2\nShare value : 0a:ff:01\n');
    expect(part).toEqual({ prime: 0xfb4ac11b3f0ac9e1n, id: 2n, value: 0x0aff01n });
    expect(readParts('Share ID: 12; Share value: FF')[0]?.prime).toBeNull();
    expect(readParts('Prime: 0B Share ID: 1 Share value: 02\nShare ID: 2\nShare value: 03\r\n')).toEqual([{ prime: 11n, id: 1n, value: 2n }, { prime: null, id: 2n, value: 3n }]);
    for (const text of ['', 'Share ID: 1', 'Share value: 00', 'Prime: zz Share ID: 1 Share value: 01', `Share ID: 1 Share value: ${'ff'.repeat(65)}`, 'Share ID: 1 Share value: :', 'Share ID: 1 Share value: 01 and more', 'my Share ID: 1 Share value: 01']) expect(() => readParts(text), text).toThrow(KeywrightError);
  });

  it('parts that do not belong together are refused', () => {
    const [one, two] = splitPassword(2, 3).parts;
    const [other] = splitPassword(2, 3).parts;
    expect(() => joinPassword([one!, { ...one!, value: 1n }])).toThrow(/twice/);
    expect(() => joinPassword([{ ...one!, prime: null }, { ...two!, prime: null }])).toThrow(/prime/);
    expect(() => joinPassword([two!, other!])).toThrow(/different primes/);
    expect(() => joinPassword([one!, { ...two!, id: 0n }])).toThrow(KeywrightError);
    expect(() => splitPassword(4, 3)).toThrow(KeywrightError);
    expect(() => splitPassword(2, 2)).toThrow(KeywrightError);
  });
});

describe('the file of a wrapped key', () => {
  const blob = Buffer.concat([Buffer.from('0123456789abcdef', 'hex'), Buffer.alloc(80, 7)]);
  const description = tlv(0xa0, Buffer.from('described'));
  const certificate = tlv(0x67, Buffer.alloc(200, 1));

  it('is read as it was written', () => {
    for (const wrapped of [{ blob, description, certificate }, { blob, description, certificate: null }, { blob, description: null, certificate: null }]) {
      const { blob: readBlob, description: readDescription, certificate: readCertificate } = readWrappedKey(writeWrappedKey(wrapped));
      expect([readBlob, readDescription, readCertificate].map((part) => part && Buffer.from(part))).toEqual([wrapped.blob, wrapped.description, wrapped.certificate]);
    }
    expect(keyCheckValueOf({ blob, description, certificate })).toBe('0123456789ABCDEF');
  });

  it('cut off anywhere, with more behind, or without a blob, is INVALID_INPUT with an offset', () => {
    const file = writeWrappedKey({ blob, description, certificate });
    const attempts = [...Array.from({ length: file.length }, (_, length) => file.subarray(0, length)), Buffer.concat([file, Buffer.of(0)]), tlv(0x30), tlv(0x30, tlv(0x04, Buffer.alloc(10))), tlv(0x30, tlv(0x30, blob)), tlv(0x30, tlv(0x04, blob), description, certificate, description)];
    for (const attempt of attempts) {
      try {
        readWrappedKey(attempt);
        expect.unreachable();
      } catch (thrown) {
        expect(thrown).toMatchObject({ code: 'INVALID_INPUT', facts: { where: expect.stringMatching(/^offset \d+$/) } });
      }
    }
  });
});
