import { beforeAll, describe, expect, test } from 'vitest';
import { contextPrimitive, contextTag, der, derInteger, derOid, derSequence } from '../../formats/der.ts';
import { derExtension, keyUsageOf } from '../making/extensions.ts';
import { derNamedBits } from '../reading/asn1.ts';
import { buildGeneralName } from '../reading/general-names.ts';
import { buildName } from '../reading/names.ts';
import { EXTENSION } from '../reading/oids.ts';
import { type Case, trusted } from '../testing/cases.ts';
import { authority, type Forged, issuingPoint, leaf, list, type ListParts, p256, type Parts, points, root, unknownExtension } from '../testing/forge.ts';

let top: Forged;
let middle: Forged;
beforeAll(() => {
  top = root();
  middle = authority(top);
});

describe('revocation lists', () => {
  const URI = 'http://example.com/a.crl';
  const uri = (text = URI): Buffer => buildGeneralName(`uri:${text}`, '/');
  const dns = (text: string): Buffer => der(contextPrimitive(2), Buffer.from(text));
  const dir = (name: string): Buffer => der(contextTag(4), buildName(name));
  const random = [{ serial: '1234' }];
  /** A list by the root over an end below it. */
  const listed = (parts: ListParts | ((end: Forged) => ListParts), end: Parts = {}, more: Partial<Case> = {}): Case => {
    const one = leaf(top, end);
    return { leaf: one, roots: [top], lists: [list(top, typeof parts === 'function' ? parts(one) : parts)], ...more };
  };
  const named = (names: readonly Buffer[], flags: readonly number[] = [], reasons?: Buffer): ListParts => ({ more: [issuingPoint(names, flags, reasons)] });
  const at = (...names: Buffer[]): Parts => ({ more: [points(names)] });
  const relativePoint = (): Buffer => derExtension(EXTENSION.issuingDistributionPoint, derSequence(der(contextTag(0), der(contextTag(1), derSequence(derOid('2.5.4.3'), der(0x0c, Buffer.from('partition')))))), true);
  const lenient = { strict: false, purpose: 'any' } as const;

  test.each<[string, boolean, () => Case]>([
    ['that are empty', true, () => listed({})],
    ['with others on them', true, () => listed({ revoked: random })],
    ['with ten thousand others on them', true, () => listed({ revoked: Array.from({ length: 10_000 }, (_, index) => ({ serial: (0x10_0000 + index).toString(16) })) })],
    ['with the certificate on them', false, () => listed(({ certificate }) => ({ revoked: [{ serial: certificate.serialText }] }))],
    ['with the certificate on them, from tomorrow on', false, () => listed(({ certificate }) => ({ revoked: [{ serial: certificate.serialText, at: '2024-01-21T00:00:00Z' }] }))],
    ['with the certificate on them, from before it was', false, () => listed(({ certificate }) => ({ revoked: [{ serial: certificate.serialText, at: '2019-01-21T00:00:00Z' }] }))],
    ['with a certificate twice', false, () => listed({ revoked: [...random, ...random] })],
    ['without a number', false, () => listed({ number: null })],
    ['whose number is critical', false, () => listed({ number: null, more: [derExtension(EXTENSION.crlNumber, derInteger(1n), true)] })],
    ['with an unknown critical extension', false, () => listed({ more: [unknownExtension(true)] })],
    ['with an unknown extension', true, () => listed({ more: [unknownExtension(false)] })],
    ['with an unknown critical extension of another certificate', false, () => listed({ revoked: [{ serial: '1234', more: [unknownExtension(true)] }] })],
    ['with an unknown critical extension of the certificate', false, () => listed(({ certificate }) => ({ revoked: [{ serial: certificate.serialText, more: [unknownExtension(true)] }] }))],
    ['with an unknown extension of another certificate', true, () => listed({ revoked: [{ serial: '1234', more: [unknownExtension(false)] }] })],
    ['with an unknown extension of the certificate', false, () => listed(({ certificate }) => ({ revoked: [{ serial: certificate.serialText, more: [unknownExtension(false)] }] }))],
    ['for a point by a name relative to the issuer, and the certificate names none', false, () => listed({ more: [relativePoint()] })],
    ['of tomorrow', false, () => listed({ thisUpdate: '2024-01-21T00:00:00Z' })],
    ['that ended', false, () => listed({ nextUpdate: '2024-01-10T00:00:00Z' })],
    ['without an end', false, () => listed({ nextUpdate: null })],
    ['with times of 2024 in the long form', false, () => listed({ generalized: true })],
    ['by another key', false, () => listed({ keys: p256() })],
    ['by another issuer, with its serial number', true, () => { const [own, strange] = [leaf(top), root({ subject: 'CN=Strange' })]; return { leaf: own, roots: [top, strange], lists: [list(top), list(strange, { revoked: [{ serial: own.certificate.serialText }] })] }; }],
    ['by the key of another root in the name of this', false, () => { const strange = root({ subject: 'CN=Strange' }); return { leaf: leaf(top), roots: [top, strange], lists: [list(strange, { issuer: 'CN=Root' })] }; }],
    ['by a root that may not sign lists', false, () => { const own = root({ usage: keyUsageOf(['key-cert-sign']) }); return { leaf: leaf(own), roots: [own], lists: [list(own)] }; }],
    ['by a root that does not say what its key may', true, () => { const own = root({ usage: null }); return { leaf: leaf(own), roots: [own], lists: [list(own)] }; }],
    ['for another point', false, () => listed(named([uri('http://example.com/b.crl')]), at(uri()))],
    ['for its point', true, () => listed(named([uri()]), at(uri()))],
    ['for its point, written otherwise', false, () => listed(named([uri('http://example.com/%61.crl')]), at(uri()))],
    ['for its point, which has another name besides', false, () => listed(named([uri()]), at(uri(), dns('example.com')))],
    ['for its point, and a name of another kind', false, () => listed(named([uri(), dns('example.com')]), at(uri()))],
    ['for a point, and it names none', false, () => listed(named([uri()]))],
    ['for users, and it is one', true, () => listed(named([], [1]))],
    ['for authorities, and it is none', false, () => listed(named([], [2]))],
    ['for users, and the authority above is none', false, () => ({ leaf: leaf(middle), between: [middle], roots: [top], lists: [list(top, named([], [1])), list(middle)] })],
    ['of the authority alone, with none of the root', true, () => ({ leaf: leaf(middle), between: [middle], roots: [top], lists: [list(middle)] })],
    ['of the root that revoke the authority', false, () => ({ leaf: leaf(middle), between: [middle], roots: [top], lists: [list(top, { revoked: [{ serial: middle.certificate.serialText }] }), list(middle)] })],
    ['for attribute certificates', false, () => listed(named([], [5]))],
    ['for some reasons alone', false, () => listed(named([uri()], [], derNamedBits([1]).subarray(2)), at(uri()))],
    ['for several issuers, in TLS', false, () => listed(named([uri()], [4]), at(uri()))],
    ['for several issuers, elsewhere', true, () => listed(named([uri()], [4]), at(uri()), { with: lenient })],
    ['of another issuer, whom the certificate names, and who has a path', true, () => {
      const other = authority(top, { subject: 'CN=Lists' });
      const own = leaf(middle, { more: [points([dir('CN=Lists')], 'CN=Lists')] });
      return { leaf: own, between: [middle, other], roots: [top], lists: [list(other, named([dir('CN=Lists')], [4]))], with: { ...lenient, revocation: 'leaf' } };
    }],
    ['of another issuer, who revoked it', false, () => {
      const other = authority(top, { subject: 'CN=Lists' });
      const own = leaf(middle, { more: [points([dir('CN=Lists')], 'CN=Lists')] });
      return { leaf: own, between: [middle, other], roots: [top], lists: [list(other, { ...named([dir('CN=Lists')], [4]), revoked: [{ serial: own.certificate.serialText, issuer: middle.certificate.subject.text }] })], with: { ...lenient, revocation: 'leaf' } };
    }],
    ['of another issuer, who has no path to the root', false, () => {
      const strange = root({ subject: 'CN=Lists' });
      const own = leaf(middle, { more: [points([dir('CN=Lists')], 'CN=Lists')] });
      return { leaf: own, between: [middle, strange], roots: [top], lists: [list(strange, named([dir('CN=Lists')], [4]))], with: { ...lenient, revocation: 'leaf' } };
    }],
    ['by a key of the authority for lists alone', true, () => { const lists = authority(top, { subject: middle.certificate.subject.text, usage: keyUsageOf(['crl-sign']) }); return { leaf: leaf(middle), between: [middle, lists], roots: [top], lists: [list(lists)], with: { revocation: 'leaf' } }; }],
    ['by a key of the authority for lists alone, that was revoked', false, () => { const lists = authority(top, { subject: middle.certificate.subject.text, usage: keyUsageOf(['crl-sign']) }); return { leaf: leaf(middle), between: [middle, lists], roots: [top], lists: [list(lists), list(top, { revoked: [{ serial: lists.certificate.serialText }] })], with: { revocation: 'leaf' } }; }],
    ['by a delta alone', false, () => listed({ base: 1n, number: 2n })],
    ['with a delta that revokes', false, () => { const own = leaf(top); return { leaf: own, roots: [top], lists: [list(top), list(top, { base: 1n, number: 2n, revoked: [{ serial: own.certificate.serialText }] })] }; }],
    ['with a delta that takes off hold', true, () => { const own = leaf(top); const { serialText: serial } = own.certificate; return { leaf: own, roots: [top], lists: [list(top, { revoked: [{ serial, reason: 6 }] }), list(top, { base: 1n, number: 2n, revoked: [{ serial, reason: 8 }] })] }; }],
    ['with a delta over a later list', false, () => { const own = leaf(top); const { serialText: serial } = own.certificate; return { leaf: own, roots: [top], lists: [list(top, { revoked: [{ serial, reason: 6 }] }), list(top, { base: 5n, number: 6n, revoked: [{ serial, reason: 8 }] })] }; }],
    ['and without any, where they are asked for', false, () => ({ leaf: leaf(top), roots: [top], with: { revocation: 'leaf' } })],
    ['and without any, where they are not', true, () => ({ leaf: leaf(top), roots: [top] })],
  ])('%s: %s', (_name, wanted, make) => {
    expect(trusted(make())).toBe(wanted);
  });
});
