import { beforeAll, describe, expect, test } from 'vitest';
import { derNull, derSequence } from '../../formats/der.ts';
import { Certificate, hostName, peerName, type RevocationList, verifyCertificate } from '../index.ts';
import { alternativeNamesOf, basicConstraintsOf, derExtension, extendedKeyUsageOf, keyUsageOf, nameConstraintsOf, policiesOf } from '../making/extensions.ts';
import { EXTENSION, PURPOSE_OIDS } from '../reading/oids.ts';
import { AT, forge, type Holder, issue, revocationList } from '../testing/authority.ts';
import type { VerifyInput } from './verdict.ts';

let root: Holder;
let sub: Holder;
let server: Holder;

beforeAll(async () => {
  root = await issue('CN=Root', { profile: 'root' });
  sub = await issue('CN=Sub', { profile: 'sub-ca' }, root);
  server = await issue('CN=www.example.org', { profile: 'tls-server', san: ['dns:www.example.org', 'ip:192.0.2.1', 'dns:*.wild.example.org'] }, sub);
});

function judge(certificate: Certificate, changes: Partial<VerifyInput> = {}) {
  return verifyCertificate({
    certificate, untrusted: [sub.certificate], roots: [root.certificate], crls: [], ocsp: [], revoked: new Map(), at: AT, purpose: 'any', names: [], maxDepth: 8,
    policies: { initial: [], requireExplicit: false, inhibitMapping: false, inhibitAny: false }, revocation: 'off', strict: true, strictRoots: false, extendedKeyUsages: [], ...changes,
  });
}
const server443 = (host: string) => judge(server.certificate, { purpose: 'tls-server', names: [hostName(host)] });
const end = [keyUsageOf(['digital-signature'])];
const authority = [basicConstraintsOf(true, undefined), keyUsageOf(['key-cert-sign', 'crl-sign'])];

describe('a path', () => {
  test('of root, authority and server holds for its names, and only for those', () => {
    for (const host of ['www.example.org', 'WWW.Example.ORG.', '192.0.2.1', 'a.wild.example.org']) expect(server443(host), host).toMatchObject({ trusted: true, revocation: 'unknown' });
    for (const host of ['example.org', 'a.www.example.org', '192.0.2.2', 'wild.example.org', 'a.b.wild.example.org', '2001:db8::1']) expect(server443(host).trusted, host).toBe(false);
  });

  test('tells for each certificate what was looked at', () => {
    const { path } = server443('www.example.org');
    expect(path!.certificates.map(({ role }) => role)).toEqual(['certificate', 'authority', 'root']);
    expect(path!.certificates[0]!.checks.map(({ check }) => check)).toEqual(expect.arrayContaining(['signature', 'key', 'validity', 'extended-key-usage', 'name', 'revocation']));
  });

  test('fails without its authority, without its root, outside its time, and beyond the depth', () => {
    expect(judge(server.certificate, { untrusted: [] }).verdict).toContain('Nobody known has issued');
    expect(judge(server.certificate, { roots: [] }).verdict).toContain('no root');
    expect(judge(server.certificate, { at: new Date('2027-02-01') }).verdict).toContain('It ended on');
    expect(judge(server.certificate, { at: new Date('2025-02-01') }).verdict).toContain('not valid before');
    expect(judge(server.certificate, { maxDepth: 0 }).verdict).toContain('within 0 authorities');
    expect(judge(server.certificate, { maxDepth: 1 }).trusted).toBe(true);
  });

  test('fails for another purpose than the certificate has', () => {
    expect(judge(server.certificate, { purpose: 'code-signing' }).trusted).toBe(false);
    expect(judge(server.certificate, { purpose: 'ca' }).trusted).toBe(false);
    expect(judge(sub.certificate, { purpose: 'ca' }).trusted).toBe(true);
    expect(judge(sub.certificate, { purpose: 'tls-server' }).trusted).toBe(false);
  });

  test('fails when a bit of the certificate is another', () => {
    const bytes = Buffer.from(server.certificate.der);
    bytes[bytes.length - 1]! ^= 1;
    expect(judge(new Certificate(bytes)).verdict).toContain('The signature of');
  });

  test('takes the way that holds, though another of the same name is tried first', async () => {
    const expired = await forge('CN=Sub', authority, root, { notBefore: new Date('2020-01-01'), notAfter: new Date('2021-01-01') });
    const otherRoot = await issue('CN=Root', { profile: 'root' });
    expect(judge(server.certificate, { untrusted: [expired.certificate, sub.certificate], roots: [otherRoot.certificate, root.certificate] }).trusted).toBe(true);
  });

  test('ends where certificates issue each other in a circle', async () => {
    const keys = await issue('CN=B', { profile: 'root' });
    const a = await issue('CN=A', { profile: 'sub-ca' }, keys);
    const b = await issue('CN=B', { profile: 'sub-ca' }, a, undefined);
    const leaf = await forge('CN=leaf', end, a);
    expect(judge(leaf.certificate, { untrusted: [a.certificate, b.certificate, keys.certificate] }).trusted).toBe(false);
  });

  test('among hundreds of authorities of one name ends within its budget', async () => {
    const many: Certificate[] = [];
    for (let index = 0; index < 60; index++) many.push((await issue('CN=Sub', { profile: 'sub-ca' }, root)).certificate);
    const verdict = judge((await forge('CN=leaf', end, await issue('CN=Sub', { profile: 'root' }))).certificate, { untrusted: many });
    expect(verdict.trusted).toBe(false);
  });
});

describe('authorities', () => {
  test('that are none, that may not sign, or that stand too deep issue nothing that counts', async () => {
    const none = await forge('CN=None', [basicConstraintsOf(false, undefined), ...end], root);
    const mute = await forge('CN=Mute', [basicConstraintsOf(true, undefined), keyUsageOf(['crl-sign'])], root);
    const flat = await issue('CN=Flat', { profile: 'sub-ca', pathLength: 0 }, root);
    const below = await forge('CN=Below', authority, flat);
    for (const [issuer, word] of [[none, 'no authority'], [mute, 'may not sign certificates'], [below, 'stand below it']] as const) {
      const leaf = await forge('CN=leaf', end, issuer);
      expect(judge(leaf.certificate, { untrusted: [issuer.certificate, flat.certificate] }).verdict).toContain(word);
    }
  });

  test('whose extended key usage lacks the purpose issue nothing for it', async () => {
    const limited = await forge('CN=Limited', [...authority, extendedKeyUsageOf([PURPOSE_OIDS.email], false)], root);
    const leaf = await issue('CN=a.example.org', { profile: 'tls-server', san: ['dns:a.example.org'] }, limited);
    expect(judge(leaf.certificate, { untrusted: [limited.certificate], purpose: 'tls-server' }).trusted).toBe(false);
    expect(judge(leaf.certificate, { untrusted: [limited.certificate] }).trusted).toBe(true);
  });
});

describe('extensions', () => {
  const unknown = (critical: boolean): Buffer => derExtension('1.2.3.4.5', derNull(), critical);
  test('that are critical and not known fail the path; others do not', async () => {
    expect(judge((await forge('CN=leaf', [...end, unknown(true)], sub)).certificate).verdict).toContain('1.2.3.4.5');
    expect(judge((await forge('CN=leaf', [...end, unknown(false)], sub)).certificate).trusted).toBe(true);
  });

  test('that are malformed or there twice fail the path', async () => {
    const broken = derExtension(EXTENSION.certificatePolicies, derSequence());
    expect(judge((await forge('CN=leaf', [...end, broken], sub)).certificate).verdict).toContain('malformed');
    expect(judge((await forge('CN=leaf', [...end, ...end], sub)).certificate, { strict: false }).verdict).toContain('twice');
  });
});

describe('name constraints', () => {
  test.each([
    [['dns:example.org'], [], 'dns:a.example.org', true], [['dns:example.org'], [], 'dns:example.org', true], [['dns:example.org'], [], 'dns:badexample.org', false], [['dns:example.org'], [], 'dns:example.com', false],
    [[], ['dns:secret.example.org'], 'dns:a.secret.example.org', false], [[], ['dns:secret.example.org'], 'dns:*.example.org', false], [[], ['dns:secret.example.org'], 'dns:a.example.org', true],
    [['ip:10.0.0.0/8'], [], 'ip:10.1.2.3', true], [['ip:10.0.0.0/8'], [], 'ip:11.1.2.3', false], [['ip:10.0.0.0/8'], [], 'ip:2001:db8::1', false], [['ip:10.0.0.0/8'], [], 'dns:a.example', true],
    [['email:example.org'], [], 'email:ada@example.org', true], [['email:example.org'], [], 'email:ada@a.example.org', false], [['email:.example.org'], [], 'email:ada@a.example.org', true], [['email:ada@example.org'], [], 'email:bob@example.org', false],
    [['uri:.example.org'], [], 'uri:https://a.example.org/x', true], [['uri:.example.org'], [], 'uri:https://example.com/x', false], [['uri:.example.org'], [], 'uri:urn:x', false],
    [['dir:O=Example'], [], 'dns:a.example', false], [[], ['rid:1.2.3'], 'rid:1.2.3.4', false],
  ] as const)('permit %j, exclude %j: %s is allowed: %s', async (permit, exclude, name, allowed) => {
    const constrained = await forge('CN=Constrained', [...authority, nameConstraintsOf(permit, exclude)], root);
    const leaf = await forge('CN=leaf', [...end, alternativeNamesOf([name], false)], constrained);
    const verdict = judge(leaf.certificate, { untrusted: [constrained.certificate] });
    expect(verdict.trusted, verdict.verdict).toBe(allowed);
  });

  test('by the ten thousand end in a refusal, not in a wait', async () => {
    const names = Array.from({ length: 4000 }, (_, index) => `dns:a${index}.example.org`);
    const constrained = await forge('CN=Constrained', [...authority, nameConstraintsOf([], names)], root);
    const leaf = await forge('CN=leaf', [...end, alternativeNamesOf(names.map((name) => name.replace('example.org', 'example.net')), false)], constrained);
    expect(judge(leaf.certificate, { untrusted: [constrained.certificate] }).verdict).toContain('more names and constraints');
  });
});

describe('policies', () => {
  test('that are asked for must be valid for the whole path', async () => {
    const policy = await forge('CN=Policy', [...authority, policiesOf(['1.2.3'])], root);
    const leaf = await forge('CN=leaf', [...end, policiesOf(['1.2.3', '1.2.4'])], policy);
    const asked = (initial: string[]) => judge(leaf.certificate, { untrusted: [policy.certificate], policies: { initial, requireExplicit: true, inhibitMapping: false, inhibitAny: false } });
    expect(asked(['1.2.3'])).toMatchObject({ trusted: true, path: { policies: ['1.2.3'] } });
    expect(asked(['1.2.4']).trusted).toBe(false);
    expect(asked([])).toMatchObject({ trusted: true, path: { policies: ['1.2.3'] } });
  });

  test('that are not there fail a path that needs one', () => {
    expect(judge(server.certificate, { policies: { initial: [], requireExplicit: true, inhibitMapping: false, inhibitAny: false } }).verdict).toContain('explicit policy');
  });

  test('of anyPolicy hold for all, unless that is inhibited', async () => {
    const any = await forge('CN=Any', [...authority, policiesOf(['2.5.29.32.0'])], root);
    const leaf = await forge('CN=leaf', [...end, policiesOf(['1.2.3'])], any);
    const asked = (inhibitAny: boolean) => judge(leaf.certificate, { untrusted: [any.certificate], policies: { initial: ['1.2.3'], requireExplicit: true, inhibitMapping: false, inhibitAny } });
    expect(asked(false).trusted).toBe(true);
    expect(asked(true).trusted).toBe(false);
  });
});

describe('revocation', () => {
  const withLists = (crls: RevocationList[], revocation: VerifyInput['revocation'] = 'leaf') => judge(server.certificate, { crls, revocation });
  test('by a list is found, and a list that does not cover it leaves it unknown, which is not good', async () => {
    expect(withLists([await revocationList(sub, [])])).toMatchObject({ trusted: true, revocation: 'good' });
    expect(withLists([await revocationList(sub, [{ serial: server.certificate.serialText, at: new Date('2026-05-01'), reason: 'key-compromise' }])])).toMatchObject({ trusted: false, revocation: 'revoked' });
    expect(withLists([await revocationList(root, [])])).toMatchObject({ trusted: false, revocation: 'unknown' });
    expect(withLists([await revocationList(sub, [], { nextUpdate: new Date('2026-05-10') })])).toMatchObject({ trusted: false, revocation: 'unknown' });
    const other = await issue('CN=Sub', { profile: 'root' });
    expect(withLists([await revocationList(other, [])])).toMatchObject({ trusted: false, revocation: 'unknown' });
  });

  test('of the whole chain is asked for where that is wanted', async () => {
    const [ofSub, ofRoot] = [await revocationList(sub, []), await revocationList(root, [])];
    expect(withLists([ofSub], 'chain').trusted).toBe(false);
    expect(withLists([ofSub, ofRoot], 'chain').trusted).toBe(true);
    expect(withLists([ofSub, await revocationList(root, [{ serial: sub.certificate.serialText, at: new Date('2026-05-01'), reason: 'unspecified' }])]).trusted).toBe(false);
  });

  test('by a delta counts over its base, and takes off hold', async () => {
    const { serialText: serial } = server.certificate;
    const full = await revocationList(sub, [{ serial, at: new Date('2026-05-01'), reason: 'certificate-hold' }]);
    const lifted = await revocationList(sub, [{ serial, at: new Date('2026-05-02'), reason: 'remove-from-crl' }], { number: 2n, baseNumber: 1n });
    expect(withLists([full]).revocation).toBe('revoked');
    expect(withLists([full, lifted]).revocation).toBe('good');
    expect(withLists([lifted]).revocation).toBe('unknown');
  });
});

describe('peer names', () => {
  test.each(['', '*.example.org', 'a..b', 'exa mple.org', 'a/b'])('%j is no host', (host) => {
    expect(() => hostName(host)).toThrow();
  });
  test('in other scripts are their A-labels', () => {
    expect(hostName('bücher.example')).toMatchObject({ kind: 'dns', text: 'xn--bcher-kva.example' });
    expect(peerName('email:ada@example.org', '/name')).toMatchObject({ kind: 'email' });
  });
  test('in the common name do not count (RFC 9525 §6.3)', async () => {
    const leaf = await forge('CN=www.example.org', end, sub);
    expect(judge(leaf.certificate, { names: [hostName('www.example.org')] }).trusted).toBe(false);
  });
});
