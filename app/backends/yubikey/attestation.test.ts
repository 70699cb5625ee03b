import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { AttestationAuthority, testAuthority } from '../../../e2e/devices/yubikey/attestation.ts';
import { corpus } from '../../../scripts/corpora.ts';
import { KEY_ALGORITHMS } from '../../contract/index.ts';
import { parsePem } from '../../formats/pem.ts';
import type { Attestation } from '../../keystore/tokens.ts';
import { codeOf } from '../../keystore/testing/calls.ts';
import { authorities, judge } from './attestation.ts';
import { attestedFacts } from './attested.ts';
import { YUBICO_INTERMEDIATES, YUBICO_ROOTS } from './roots.ts';
import { plug, type Plugged, type PlugOptions } from './testing/plug.ts';

const YUBICO = corpus('yubico');
const WITHOUT = YUBICO === undefined ? '(skipped: KEYWRIGHT_CORPORA is not set and no corpora lie beside)' : '';
const pem = (...path: string[]): Uint8Array[] => parsePem(readFileSync(join(YUBICO ?? '', ...path))).map(({ content }) => content);
const derOf = (text: string): Uint8Array => parsePem(Buffer.from(text))[0]!.content;

describe.skipIf(YUBICO === undefined)(`what Yubico published ${WITHOUT}`, () => {
  test('every authority that is built in is one of Yubico’s, byte for byte, and no preview or test root is among them', () => {
    const hash = (der: Uint8Array): string => createHash('sha256').update(der).digest('hex');
    const published = new Map(readdirSync(join(YUBICO!, 'roots')).filter((name) => name.endsWith('.pem')).flatMap((name) => pem('roots', name).map((der) => [hash(der), name] as const)));
    const sources = (list: readonly string[]): (string | undefined)[] => list.map((base64) => published.get(hash(Buffer.from(base64, 'base64'))));
    expect(sources(YUBICO_ROOTS)).toEqual(['yubico-ca-1.pem', expect.stringMatching(/^(yubico-piv-ca-1|piv-go-yubicoPIVCAPEMAfter2018)\.pem$/), 'piv-attestation-ca-old.pem', 'piv-go-yubicoPIVCAPEMU2F.pem']);
    expect(new Set(sources(YUBICO_INTERMEDIATES))).toEqual(new Set(['yubico-intermediate.pem']));
    expect(authorities().roots.every(({ subject, issuer }) => subject === issuer)).toBe(true);
  });

  test.each([['validchain', '4.3.5'], ['validchain2018', '4.3.5']])('the real attestation %s holds, though path validation by the book may refuse it', (name) => {
    const [statement, device] = [pem('samples', `${name}.key.pem`)[0]!, pem('samples', `${name}.device.pem`)[0]!];
    const { publicKey } = attestedFacts(statement)!;
    const { verified, statements, problems, chain } = judge(statement, device, authorities(), publicKey);
    expect({ verified, problems }).toEqual({ verified: true, problems: [] });
    expect(statements[0]).toMatch(/^The key was made in a YubiKey with firmware \d+\.\d+\.\d+ and has never left it\.$/);
    expect(chain).toHaveLength(3);
  });

  test.each(['invalidchain', 'invalidchain2'])('the crossed attestation %s does not, and says why', (name) => {
    const { verified, problems } = judge(pem('samples', `${name}.key.pem`)[0]!, pem('samples', `${name}.device.pem`)[0]!, authorities());
    expect(verified).toBe(false);
    expect(problems).toEqual(['It was not signed by this token’s attestation key.']);
  });
});

async function attested(options: PlugOptions = {}, authority = testAuthority()): Promise<{ plugged: Plugged; told: Attestation }> {
  const plugged = await plug({ roots: [derOf(authority.root), derOf(authority.intermediate)], ...options });
  await plugged.token.store.generate({ id: '', label: '', extractable: false, algorithm: 'ec-p256', slot: '9a', usages: KEY_ALGORITHMS['ec-p256'].usages, touchPolicy: 'always' }, plugged.call({ 'management-key': '0102030405060708'.repeat(3), confirm: true }));
  return { plugged, told: await plugged.token.manage.attest!('9a', plugged.call()) };
}

describe('attestation by a token', () => {
  test('says in words what it attests, and holds with the configured root', async () => {
    const { told, plugged } = await attested({ firmware: '5.7.1', serial: 12_345_678 });
    expect(told).toMatchObject({ verified: true, problems: [], chainFormat: 'x509' });
    expect(told.statements).toEqual([
      'The key was made in a YubiKey with firmware 5.7.1 and has never left it.', 'Its serial number is 12345678.', 'The PIN is asked for once in each session.', 'Each use needs a touch.', 'Form factor: USB-C keychain.',
    ]);
    expect(plugged.taken().filter((ins) => ins === '20')).toEqual([]);
  });

  test('does not hold without the root, whatever it calls itself', async () => {
    const { told } = await attested({ roots: [] });
    expect(told.verified).toBe(false);
    expect(told.problems).toEqual(['Nobody that is known here vouches for the token: its certificate was issued by “CN=Test PIV Attestation Root”.']);
    const { told: forged } = await attested({ roots: [], authority: new AttestationAuthority('Yubico PIV Root CA Serial 263751') });
    expect(forged.verified).toBe(false);
  });

  test('goes through an intermediate from firmware 5.7.4 on, and says what is missing without it', async () => {
    const { told } = await attested({ firmware: '5.7.4' });
    expect(told).toMatchObject({ verified: true, problems: [] });
    expect(told.chain).toHaveLength(4);
    const { told: without } = await attested({ firmware: '5.7.4', roots: [derOf(testAuthority().root)] });
    expect(without.verified).toBe(false);
  });

  test.each(['4.3.5', '5.2.7'])('works with firmware %s, whose certificates say less', async (firmware) => {
    const { told } = await attested({ firmware });
    expect(told).toMatchObject({ verified: true, problems: [] });
    expect(told.statements.join(' ')).toContain(firmware === '4.3.5' ? 'The serial number is not said.' : 'Its serial number is');
  });

  test('is not believed for another key than the one in the slot', async () => {
    const { plugged } = await attested();
    await plugged.token.store.generate({ id: '', label: '', extractable: false, algorithm: 'ec-p256', slot: '9c', usages: KEY_ALGORITHMS['ec-p256'].usages }, plugged.call());
    let other: Buffer | undefined;
    plugged.virtual.misanswer(0xf9, (answer) => { other ??= answer; return answer; });
    await plugged.token.manage.attest!('9c', plugged.call());
    plugged.virtual.misanswer(0xf9);
    const certificate = attestedFacts((await plugged.token.manage.attest!('9c', plugged.call())).chain[0]!)!;
    const told = judge((await plugged.token.manage.attest!('9a', plugged.call())).chain[0]!, undefined, authorities(), certificate.publicKey);
    expect(told.problems[0]).toMatch(/^It is for another key \(SHA256:[0-9a-f]{64}\) than the one in the slot \(SHA256:[0-9a-f]{64}\)\.$/);
  });

  test('is not there for an empty slot, nor for the attestation slot; a token that lost its certificate vouches for nothing', async () => {
    const { plugged } = await attested();
    expect(await codeOf(plugged.token.manage.attest!('9e', plugged.call()))).toBe('NOT_FOUND');
    expect(await codeOf(plugged.token.manage.attest!('f9', plugged.call()))).toBe('CAPABILITY_MISSING');
    plugged.virtual.misanswer(0xf9, () => Buffer.from('30039000', 'hex'));
    expect(await plugged.token.manage.attest!('9a', plugged.call())).toMatchObject({ verified: false, problems: ['What the token gave is no certificate.'] });
  });
});
