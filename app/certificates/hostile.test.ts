import { beforeAll, describe, expect, test } from 'vitest';
import { KeywrightError } from '../contract/index.ts';
import { der, derOid, derSequence, TAG } from '../formats/der.ts';
import type { Certificate} from './index.ts';
import { inWords, parseOcspRequest, parseOcspResponse, readCertificates, readRequest, readRevocationLists, textOf, verifyCertificate } from './index.ts';
import { alternativeNamesOf, derExtension } from './making/extensions.ts';
import { generalNames } from './reading/extensions.ts';
import { EXTENSION } from './reading/oids.ts';
import { AT, forge, type Holder, issue, revocationList } from './testing/authority.ts';

/** Certificates from people who mean no good, or whose disk does not. */

const MUTANTS = Number(process.env['KEYWRIGHT_MUTANTS'] ?? 6000);
let root: Holder;
let leaf: Holder;
beforeAll(async () => {
  root = await issue('CN=Root', { profile: 'root' });
  leaf = await issue('CN=www.example.org,O=Example', { profile: 'tls-server', san: ['dns:www.example.org', 'ip:192.0.2.1', 'email:ada@example.org', 'upn:ada@example.org'], policies: ['1.2.3'], crlUrl: ['http://example.org/a.crl'], ocspUrl: ['http://example.org/ocsp'] }, root);
});

function judge(certificate: Certificate): boolean {
  return verifyCertificate({
    certificate, untrusted: [], roots: [root.certificate], crls: [], ocsp: [], revoked: new Map(), at: AT, purpose: 'tls-server', names: [], maxDepth: 8, policies: { initial: [], requireExplicit: false, inhibitMapping: false, inhibitAny: false }, revocation: 'off', strict: true, strictRoots: false, extendedKeyUsages: [],
  }).trusted;
}

/** Everything that is done with a certificate, on bytes that may be none. @returns whether it was trusted */
function tryAll(bytes: Uint8Array): boolean {
  try {
    const [certificate] = readCertificates(bytes);
    textOf(inWords(certificate!));
    return judge(certificate!);
  } catch (thrown) {
    expect(thrown).toBeInstanceOf(KeywrightError);
    return false;
  }
}

test('certificates in a row are read one by one; what follows and is none is refused with its place', () => {
  const [one, two] = [Buffer.from(leaf.certificate.der), Buffer.from(root.certificate.der)];
  expect(readCertificates(Buffer.concat([one, two, one])).map(({ der }) => Buffer.from(der))).toEqual([one, two, one]);
  for (const rest of [Buffer.from('\r\n'), Buffer.from('MIIB'), two.subarray(0, 50), Buffer.of(0x30, 0x03, 0x02, 0x01, 0x05)]) expect(() => readCertificates(Buffer.concat([one, rest]))).toThrow(KeywrightError);
});

describe('a certificate', () => {
  test('with any one byte changed is refused or not trusted, and nothing else happens', () => {
    const { der: original } = leaf.certificate;
    expect(tryAll(original)).toBe(true);
    for (let at = 0; at < original.length; at++) {
      for (const change of [0x01, 0x80, 0xff]) {
        const mutant = Buffer.from(original);
        mutant[at]! ^= change;
        expect(tryAll(mutant), `byte ${at}`).toBe(false);
      }
    }
  });

  test('cut short, with bytes taken out, or doubled is refused in the same way', () => {
    const original = Buffer.from(leaf.certificate.der);
    let state = 12_345;
    const random = (below: number): number => (state = (state * 1_103_515_245 + 12_345) % 2_147_483_648) % below;
    for (let count = 0; count < MUTANTS; count++) {
      const [from, length] = [random(original.length), 1 + random(40)];
      const kind = random(4);
      const mutant = kind === 0 ? original.subarray(0, from) : kind === 1 ? Buffer.concat([original.subarray(0, from), original.subarray(from + length)])
        : kind === 2 ? Buffer.concat([original.subarray(0, from), original.subarray(from, from + length), original.subarray(from)]) : Buffer.concat([original.subarray(0, from), Buffer.alloc(length, random(256)), original.subarray(from + length)]);
      if (!mutant.equals(original)) expect(tryAll(mutant)).toBe(false);
    }
  });

  test('nested a thousand times deep is refused without a stack to overflow', () => {
    let nested = der(TAG.sequence);
    for (let depth = 0; depth < 1000; depth++) nested = derSequence(nested);
    expect(tryAll(nested)).toBe(false);
    expect(() => generalNames(nested)).toThrow(KeywrightError);
  });

  test('with ten thousand names is read, listed and verified', async () => {
    const names = Array.from({ length: 10_000 }, (_, index) => `dns:host${index}.example.org`);
    const many = await forge('CN=many', [alternativeNamesOf(names, false)], root);
    expect(many.certificate.alternativeNames.length).toBe(10_000);
    expect(tryAll(many.certificate.der)).toBe(true);
  });

  test('whose names would turn the line around or hide in it is shown with those characters spelled out', async () => {
    const shown = textOf(inWords((await forge('CN=moc.elpmaxe\u202e\u200bx', [], root)).certificate));
    expect(shown).toContain('\\u{202e}');
    expect(shown).not.toMatch(/[\u202e\u200b]/);
  });

  test('with an indefinite length or a length of more than there is says at which offset', () => {
    for (const [bytes, where] of [['3080020100', 'offset 1'], ['30820500', 'offset 0'], ['3081050201000101', 'offset 1'], ['', 'offset 0']] as const) {
      expect(() => readCertificates(Buffer.from(bytes, 'hex'))).toThrow(expect.objectContaining({ code: 'INVALID_INPUT', facts: expect.objectContaining({ where: expect.stringContaining(where) as unknown }) as unknown }) as Error);
    }
  });

  test('in a chain of a hundred is verified where the depth allows it, and refused where not', async () => {
    const chain: Certificate[] = [];
    let issuer = root;
    for (let depth = 0; depth < 100; depth++) {
      issuer = await issue(`CN=Authority ${depth}`, { profile: 'sub-ca' }, issuer);
      chain.push(issuer.certificate);
    }
    const end = await issue('CN=end', {}, issuer);
    const verdict = (maxDepth: number) => verifyCertificate({
      certificate: end.certificate, untrusted: chain, roots: [root.certificate], crls: [], ocsp: [], revoked: new Map(), at: AT, purpose: 'any', names: [], maxDepth, policies: { initial: [], requireExplicit: false, inhibitMapping: false, inhibitAny: false }, revocation: 'off', strict: true, strictRoots: false, extendedKeyUsages: [],
    });
    expect(verdict(100).trusted).toBe(true);
    expect(verdict(99).verdict).toContain('within 99 authorities');
  });
});

describe('other files', () => {
  test('of every kind are refused with a typed error at any cut', async () => {
    const crl = (await revocationList(root, [{ serial: '1234', at: new Date('2026-05-01'), reason: 'superseded' }])).der;
    const request = derSequence(derSequence(derSequence(derSequence(derSequence(derSequence(derOid('1.3.14.3.2.26')), der(TAG.octetString, Buffer.alloc(20)), der(TAG.octetString, Buffer.alloc(20)), der(TAG.integer, Buffer.of(5)))))));
    expect(parseOcspRequest(request).ids.length).toBe(1);
    for (const [whole, read] of [[crl, (bytes: Uint8Array) => readRevocationLists(bytes).map(({ entries }) => entries.length)], [request, parseOcspRequest], [request, parseOcspResponse], [leaf.certificate.der, readRequest]] as const) {
      for (let length = 0; length < whole.length; length++) expect(() => read(whole.subarray(0, length))).toThrow(KeywrightError);
    }
  });

  test('with an extension that is none are told by the extension', async () => {
    const broken = await forge('CN=a', [derExtension(EXTENSION.subjectAltName, Buffer.of(0x30, 0x03, 0x82, 0x05, 0x61))], root);
    expect(inWords(broken.certificate).problems.join(' ')).toContain('Subject alternative names');
    expect(judge(broken.certificate)).toBe(false);
  });
});
