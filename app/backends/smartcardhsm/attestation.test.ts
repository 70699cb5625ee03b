import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { KeywrightError } from '../../contract/index.ts';
import { CURVES } from '../../../e2e/devices/smartcardhsm/curves.ts';
import { opened, SET_UP } from '../../../e2e/devices/smartcardhsm/testing/client.ts';
import { verifyDevice, verifyRequest } from './chain.ts';
import { keyOf, parseCvcs, parseRequest, verifies } from './cvc.ts';
import { BUILT_IN_ROOTS } from './roots.ts';
import { DEVICE_CERTIFICATES, EC_REQUEST, EC_SPKI, RSA_REQUEST, RSA_SPKI } from './testing/nitrokey.ts';

const devices = (): ReturnType<typeof parseCvcs> => parseCvcs(DEVICE_CERTIFICATES, 'the device certificate');
const flipped = (bytes: Uint8Array, at: number): Uint8Array => Uint8Array.from(bytes, (byte, index) => (index === (at < 0 ? bytes.length + at : at) ? byte ^ 1 : byte));

describe('the built-in root', () => {
  it('is CardContact’s and nobody else’s, and holds', () => {
    expect(BUILT_IN_ROOTS.map(({ bytes }) => createHash('sha256').update(bytes).digest('hex'))).toEqual(['453a391015c5fbb60116c838ed613591828bf62ac8a1aca276ce4e60525ec3e3']);
    const [root] = BUILT_IN_ROOTS;
    expect(root).toMatchObject({ authority: 'DESRCACC100001', holder: 'DESRCACC100001', from: '2012-11-09', to: '2032-11-08' });
    expect(verifies(keyOf(root!), root!.body, root!.signature)).toBe(true);
  });
});

describe('attestation by a real Nitrokey HSM 2', () => {
  it('has certificates that lead to CardContact’s root', () => {
    const chain = verifyDevice(devices(), BUILT_IN_ROOTS);
    expect(chain.problems).toEqual([]);
    expect(chain.certificates.map(({ holder, from, to }) => [holder, from, to])).toEqual([
      ['DENK040414400000', '2026-05-28', '2031-05-27'], ['DEDINK0400001', '2024-10-30', '2032-10-29'], ['DESRCACC100001', '2012-11-09', '2032-11-08'],
    ]);
  });

  it('is read where the card fills its file up', () => {
    for (const fill of [0, 0xff]) expect(parseCvcs(Buffer.concat([DEVICE_CERTIFICATES, Buffer.alloc(41, fill)]), 'x').map(({ holder }) => holder)).toEqual(devices().map(({ holder }) => holder));
    expect(parseRequest(Buffer.concat([EC_REQUEST, Buffer.alloc(40)]), 'x').bytes).toEqual(parseRequest(EC_REQUEST, 'x').bytes);
    expect(() => parseCvcs(Buffer.concat([DEVICE_CERTIFICATES, Buffer.of(4, 1, 0)]), 'x')).toThrow(/holds something that is no certificate/);
  });

  it.each([['P-256', EC_REQUEST, EC_SPKI], ['RSA', RSA_REQUEST, RSA_SPKI]])('vouches for a key (%s), and for that one alone', (_name, request, spki) => {
    const chain = verifyDevice(devices(), BUILT_IN_ROOTS);
    expect(verifyRequest(request, spki, chain)).toMatchObject({ holds: true, problems: [] });
    expect(verifyRequest(request, spki === EC_SPKI ? RSA_SPKI : EC_SPKI, chain)).toMatchObject({ holds: false, problems: ['What the token has signed is for another key.'] });
    expect(verifyRequest(flipped(request, -3), spki, chain).problems).toEqual(['The token’s signature on the request does not hold.']);
  });

  it('nothing holds below a certificate that was changed, or without its root', () => {
    for (const at of [200, 460]) {
      const chain = verifyDevice(parseCvcs(flipped(DEVICE_CERTIFICATES, at), 'x'), BUILT_IN_ROOTS);
      expect(chain.key).toBeNull();
      expect(verifyRequest(EC_REQUEST, EC_SPKI, chain).holds).toBe(false);
    }
    expect(verifyDevice(devices(), []).problems[0]).toContain('DESRCACC100001, which is no root that is trusted here');
    expect(verifyDevice([devices()[0]!], BUILT_IN_ROOTS).problems[0]).toContain('does not have the certificate of DEDINK0400001');
    expect(verifyDevice([], BUILT_IN_ROOTS).problems).toHaveLength(1);
  });
});

describe('attestation by a virtual card', () => {
  it.each([...CURVES.map(({ name }) => name), 'rsa:1024', 'rsa:2048'])('%s: holds with its root, which is given', async (algorithm) => {
    const client = await opened({ setUp: SET_UP });
    await client.verify();
    const { data } = await client.generate(1, algorithm);
    const spki = client.card.memory.keys.get(1)!.publicKey.export({ type: 'spki', format: 'der' });
    const certificates = parseCvcs(client.card.memory.files.get(0x2f02)!, 'x');
    expect(verifyRequest(data, spki, verifyDevice(certificates, parseCvcs(client.card.authority.root, 'x')))).toMatchObject({ holds: true });
    expect(verifyRequest(data, spki, verifyDevice(certificates, BUILT_IN_ROOTS)).problems).toEqual(['The token’s signature was not checked, since its own certificate does not hold.']);
  });

  it('a key that came from another card is said to be, and not vouched for', async () => {
    const [from, to] = [await opened({ setUp: SET_UP }), await opened({ setUp: SET_UP })];
    await from.verify();
    const { data } = await from.generate(1, 'prime256v1');
    const chain = verifyDevice(parseCvcs(to.card.memory.files.get(0x2f02)!, 'x'), parseCvcs(to.card.authority.root, 'x'));
    const { holds, problems } = verifyRequest(data, from.card.memory.keys.get(1)!.publicKey.export({ type: 'spki', format: 'der' }), chain);
    expect(holds).toBe(false);
    expect(problems[0]).toContain(`made in another token, ${from.card.serial}00000`);
  });
});

describe('malformed certificates', () => {
  const attempt = (work: () => unknown): unknown => {
    try {
      return work();
    } catch (thrown) {
      return thrown;
    }
  };

  it('cut off anywhere, they are INVALID_INPUT with an offset, and never hold', () => {
    for (let length = 0; length < EC_REQUEST.length; length += 1) {
      const error = attempt(() => parseRequest(EC_REQUEST.subarray(0, length), 'the request'));
      expect(error, `${length}`).toBeInstanceOf(KeywrightError);
      expect((error as KeywrightError).facts.where).toMatch(/^offset \d+$/);
    }
    for (let length = 1; length < DEVICE_CERTIFICATES.length; length += 1) {
      const found = attempt(() => parseCvcs(DEVICE_CERTIFICATES.subarray(0, length), 'x'));
      if (!(found instanceof KeywrightError)) expect((found as unknown[]).length).toBe(1);
    }
  });

  it('with any one byte changed, they are refused or do not hold', () => {
    const chain = verifyDevice(devices(), BUILT_IN_ROOTS);
    for (let at = 0; at < EC_REQUEST.length; at += 1) expect(verifyRequest(flipped(EC_REQUEST, at), EC_SPKI, chain).holds, `${at}`).toBe(false);
    for (let at = 0; at < DEVICE_CERTIFICATES.length; at += 1) {
      const found = attempt(() => verifyDevice(parseCvcs(flipped(DEVICE_CERTIFICATES, at), 'x'), BUILT_IN_ROOTS));
      if (!(found instanceof KeywrightError)) expect((found as ReturnType<typeof verifyDevice>).key, `${at}`).toBeNull();
    }
  });

  it('a key on no curve, without point, or of another kind is refused', () => {
    const request = parseRequest(EC_REQUEST, 'x');
    expect(attempt(() => keyOf({ ...request.request, key: { ...request.request.key, curve: null } }))).toMatchObject({ code: 'INVALID_INPUT' });
    expect(attempt(() => keyOf({ ...request.request, key: { ...request.request.key, parts: [Buffer.alloc(65, 4)] } }))).toMatchObject({ code: 'INVALID_INPUT' });
  });
});
