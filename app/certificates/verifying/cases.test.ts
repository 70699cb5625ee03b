import { beforeAll, describe, expect, test } from 'vitest';
import { contextPrimitive, contextTag, der, derInteger, derNull, derOid, derSequence, TAG } from '../../formats/der.ts';
import {
  alternativeNamesOf, authorityKeyIdentifierOf, basicConstraintsOf, derExtension, extendedKeyUsageOf, informationAccessOf, keyIdentifierOf, keyUsageOf, nameConstraintsOf, policiesOf, subjectKeyIdentifierOf,
} from '../making/extensions.ts';
import { buildGeneralName } from '../reading/general-names.ts';
import { EXTENSION, PURPOSE_OIDS } from '../reading/oids.ts';
import { type Case, trusted } from '../testing/cases.ts';
import { authority, type Forged, forged, identifierOf, leaf, p256, pairOf, type Parts, root, shortRsa, turned, unknownExtension } from '../testing/forge.ts';

let top: Forged;
let middle: Forged;
beforeAll(() => {
  top = root();
  middle = authority(top);
});
const below = (parts: Parts = {}, more: Partial<Case> = {}): Case => ({ leaf: leaf(top, parts), roots: [top], ...more });
const through = (parts: Parts = {}, end: Parts = {}, more: Partial<Case> = {}): Case => {
  const between = authority(top, parts);
  return { leaf: leaf(between, end), between: [between], roots: [top], ...more };
};
const rooted = (parts: Parts, end: Parts = {}, more: Partial<Case> = {}): Case => {
  const own = root(parts);
  return { leaf: leaf(own, end), roots: [own], ...more };
};
const san = (...names: string[]): { san: Buffer } => ({ san: alternativeNamesOf(names, false) });
const raw = (...names: Buffer[]): { san: Buffer } => ({ san: derExtension(EXTENSION.subjectAltName, derSequence(...names)) });
const dns = (text: string): Buffer => der(contextPrimitive(2), Buffer.from(text));
const email = (text: string): Buffer => der(contextPrimitive(1), Buffer.from(text));
const constraints = (permitted: readonly Buffer[], excluded: readonly Buffer[]): Buffer => derExtension(EXTENSION.nameConstraints, derSequence(...[permitted, excluded].flatMap((names, number) => (names.length === 0 ? [] : [der(contextTag(number), ...names.map((name) => derSequence(name)))]))), true);
const allowing = (...names: string[]): Parts => ({ more: [nameConstraintsOf(names, [])] });
const forbidding = (...names: string[]): Parts => ({ more: [nameConstraintsOf([], names)] });
const depth = (length: number): Parts => ({ basic: basicConstraintsOf(true, length) });
const ekus = (...oids: string[]): Parts => ({ purposes: extendedKeyUsageOf(oids, false) });
const SERVER = PURPOSE_OIDS['tls-server'];
const CLIENT = PURPOSE_OIDS['tls-client'];
const other = (): Buffer => buildGeneralName('other:1.3.6.1.4.1.55555.3;utf8:x', '/');

/** A chain of authorities below the root, each with its parts, and an end below the last. */
function chained(all: readonly Parts[], end: Parts = {}, more: Partial<Case> = {}): Case {
  const between: Forged[] = [];
  for (const parts of all) between.push(authority(between.at(-1) ?? top, parts));
  return { leaf: leaf(between.at(-1)!, end), between, roots: [top], ...more };
}

/** Two authorities that issue each other, and no way out. */
function circle(): Case {
  const [one, two] = [p256(), p256()];
  const [named, otherNamed] = [{ subject: 'CN=One', keys: one }, { subject: 'CN=Two', keys: two }];
  const first = authority(forged({ ...otherNamed, basic: basicConstraintsOf(true, undefined) }, undefined), named);
  const second = authority(first, otherNamed);
  return { leaf: leaf(first), between: [first, second], roots: [top] };
}

/** A root that two others have signed, and it them: the way through is short, the ways around are many. */
function crossSigned(): Case {
  const names = ['CN=Root A', 'CN=Root B', 'CN=Root C'];
  const selves = names.map((subject) => root({ subject }));
  const crossed = selves.flatMap((one) => selves.filter((by) => by !== one).map((by) => authority(by, { subject: one.certificate.subject.text, keys: one.keys })));
  const own = authority(selves[0]!, { subject: 'CN=A1' });
  return { leaf: leaf(own), between: [...crossed, own], roots: [selves[0]!] };
}

/** The same authority below two roots, by one of which it may not issue this name. */
function twoWays(): Case {
  const second = root({ subject: 'CN=Other root' });
  const narrow = authority(top, { subject: 'CN=Narrow', more: [nameConstraintsOf([], ['dns:example.com'])] });
  const keys = p256();
  const [one, two] = [authority(narrow, { subject: 'CN=Issuer', keys }), authority(second, { subject: 'CN=Issuer', keys })];
  return { leaf: leaf(one), between: [narrow, one, two], roots: [top, second] };
}

function expiredTwin(): Case {
  const second = root({ subject: 'CN=Other root' });
  const twin = authority(second, { subject: 'CN=Root', keys: top.keys, to: '2021-01-01T00:00:00Z' });
  return { leaf: leaf(top), between: [twin], roots: [top, second] };
}

const ofKey = (keys: { publicKey: import('node:crypto').KeyObject; privateKey: import('node:crypto').KeyObject }): Case => below({ keys });
const hugeModulus = (): Buffer => derSequence(derSequence(derOid('1.2.840.113549.1.1.1'), derNull()), der(TAG.bitString, Buffer.of(0), derSequence(derInteger(2n ** 20_000n + 1n), derInteger(65_537n))));
const hugeExponent = (): Buffer => derSequence(derSequence(derOid('1.2.840.113549.1.1.1'), derNull()), der(TAG.bitString, Buffer.of(0), derSequence(derInteger(2n ** 2047n + 1n), derInteger(2n ** 300n + 1n))));
/** The same key, with the numbers of P-256 in place of its name: they come from node:crypto, which can write them so. */
const SPELLED = pairOf('ec', { namedCurve: 'P-256', paramEncoding: 'explicit' });
const spelledOut = ({ publicKey }: ReturnType<typeof pairOf>): Buffer => publicKey.export({ type: 'spki', format: 'der' });
const brokenKey = (): Buffer => derSequence(derSequence(derOid('1.2.840.113549.1.1.1'), derNull()), der(TAG.bitString, Buffer.of(0)));

const CASES: Readonly<Record<string, Readonly<Record<string, readonly [wanted: boolean, make: () => Case]>>>> = {
  'path lengths': {
    'zero above an end': [true, () => through(depth(0))],
    'two above an end': [true, () => through(depth(2))],
    'zero above an authority': [false, () => chained([depth(0), depth(0)])],
    'that grow downwards': [true, () => chained([depth(1), depth(2)])],
    'used up by the third': [false, () => chained([depth(1), depth(0), depth(0)])],
    'do not count who issued itself': [true, () => chained([{ ...depth(1), subject: 'CN=Same' }, { ...depth(1), subject: 'CN=Same' }, depth(0)])],
    'of a root': [false, () => { const own = root(depth(0)); const one = authority(own); const two = authority(one); return { leaf: leaf(two), between: [one, two], roots: [own] }; }],
    'and depth that is asked for: enough': [true, () => through({}, {}, { with: { maxDepth: 1 } })],
    'and depth that is asked for: too little': [false, () => through({}, {}, { with: { maxDepth: 0 } })],
    'in what is no authority': [false, () => below({ basic: basicConstraintsOf(false, 0) })],
    'where the key may not issue': [false, () => through({ ...depth(0), usage: keyUsageOf(['crl-sign']) })],
  },
  authorities: {
    'without basic constraints': [false, () => through({ basic: null })],
    'whose basic constraints say no': [false, () => through({ basic: basicConstraintsOf(false, undefined) })],
    'whose basic constraints are not critical': [false, () => through({ basic: turned(basicConstraintsOf(true, undefined), EXTENSION.basicConstraints) })],
    'roots without basic constraints': [false, () => rooted({ basic: null })],
    'roots whose basic constraints are not critical': [false, () => rooted({ basic: turned(basicConstraintsOf(true, undefined), EXTENSION.basicConstraints) })],
    'whose key usage is empty': [false, () => rooted({ usage: keyUsageOf([]) })],
    'without key usage': [false, () => through({ usage: null })],
    'roots without key usage': [true, () => rooted({ usage: null })],
    'without a subject': [false, () => rooted({ subject: '' })],
    'of version 1': [false, () => through({ version: 1 })],
    'between, where the root is named as one between and the authority as root': [true, () => ({ leaf: leaf(middle), between: [top], roots: [middle] })],
    'whose root is another': [false, () => ({ leaf: leaf(middle), between: [top, middle], roots: [root({ subject: 'CN=Unrelated' })] })],
    'whose root has the name and another key': [false, () => ({ leaf: leaf(middle), between: [middle], roots: [root()] })],
  },
  'extensions and form': {
    'unknown and critical in the end': [false, () => below({ more: [unknownExtension(true)] })],
    'unknown and critical between': [false, () => through({ more: [unknownExtension(true)] })],
    'unknown and critical in the root': [false, () => rooted({ more: [unknownExtension(true)] })],
    'unknown': [true, () => below({ more: [unknownExtension(false)] })],
    'twice': [false, () => below({ more: [alternativeNamesOf(['dns:example.com'], false)] })],
    'malformed alternative names': [false, () => below({ san: derExtension(EXTENSION.subjectAltName, Buffer.from('example.com')) })],
    'malformed information access': [false, () => below({ more: [derExtension(EXTENSION.authorityInformationAccess, Buffer.from('malformed'))] })],
    'information access': [true, () => below({ more: [informationAccessOf([], ['http://example.com/ca.cer'])] })],
    'information access by something other than a URI': [true, () => below({ more: [derExtension(EXTENSION.authorityInformationAccess, derSequence(derSequence(derOid('1.3.6.1.5.5.7.48.2'), dns('example.com'))))] })],
    'critical information access': [false, () => below({ more: [turned(informationAccessOf([], ['http://example.com/ca.cer']), EXTENSION.authorityInformationAccess)] })],
    'policy constraints that are not critical': [false, () => through({ more: [derExtension(EXTENSION.policyConstraints, derSequence(der(contextPrimitive(0), Buffer.of(3))))] })],
    'no issuer': [false, () => rooted({ subject: 'CN=Root' }, { issuer: '' })],
    'empty subject, critical names': [true, () => below({ subject: '', san: alternativeNamesOf(['dns:example.com'], true) })],
    'empty subject, names that are not critical': [false, () => below({ subject: '' })],
    'subject, critical names': [false, () => below({ san: alternativeNamesOf(['dns:example.com'], true) })],
    'serial number zero': [false, () => below({ serial: Buffer.of(0) })],
    'serial number negative': [false, () => below({ serial: Buffer.of(0x80, 1) })],
    'serial number of 20 bytes': [true, () => below({ serial: Buffer.alloc(20, 0x7f) })],
    'serial number of 22 bytes': [false, () => below({ serial: Buffer.alloc(22, 0x7f) })],
    'self-signed with a negative serial number, trusted itself': [false, () => { const one = forged({ serial: Buffer.of(0x80, 1), ...san('dns:example.com') }, undefined); return { leaf: one, roots: [one] }; }],
    'version 1': [false, () => below({ version: 1 })],
    'another algorithm within than without': [false, () => below({ innerAlgorithm: 'ecdsa-sha384' })],
    'another algorithm within than without, in the root': [false, () => rooted({ innerAlgorithm: 'ecdsa-sha384' })],
    'no key usage, no basic constraints': [true, () => below({ usage: null })],
    'key usage for certificates, and no authority': [false, () => below({ basic: basicConstraintsOf(false, undefined), usage: keyUsageOf(['digital-signature', 'key-cert-sign']) })],
    'an authority as a server': [false, () => below({ basic: basicConstraintsOf(true, undefined) })],
    'a key usage that allows nothing': [false, () => below({ usage: keyUsageOf([]) })],
  },
  'key identifiers': {
    'of the issuer, missing': [false, () => below({ aki: null })],
    'of the issuer, missing between': [false, () => through({ aki: null })],
    'of the issuer, missing in a root': [true, () => rooted({ aki: null })],
    'of the issuer, missing in a cross-signed root': [false, () => { const crossed = authority(top, { aki: null }); return { leaf: leaf(crossed), roots: [crossed] }; }],
    'of the issuer, critical': [false, () => { const keys = p256(); return rooted({ keys, aki: turned(authorityKeyIdentifierOf(identifierOf(keys)), EXTENSION.authorityKeyIdentifier) }); }],
    'of the issuer, its own in a root': [true, () => { const keys = p256(); return rooted({ keys, aki: authorityKeyIdentifierOf(identifierOf(keys)) }); }],
    'of the issuer, another in a root': [false, () => rooted({ aki: authorityKeyIdentifierOf(identifierOf(p256())) })],
    'of the issuer, empty in a root': [false, () => rooted({ aki: derExtension(EXTENSION.authorityKeyIdentifier, derSequence()) })],
    'of the issuer, with a serial number in a root': [false, () => { const keys = p256(); return rooted({ keys, aki: derExtension(EXTENSION.authorityKeyIdentifier, derSequence(der(contextPrimitive(0), identifierOf(keys)), der(contextPrimitive(2), Buffer.of(5)))) }); }],
    'of the subject, missing between': [false, () => through({ ski: null })],
    'of the subject, missing in a root': [false, () => rooted({ ski: null })],
    'of the subject, critical': [false, () => { const keys = p256(); return rooted({ keys, ski: turned(subjectKeyIdentifierOf(identifierOf(keys)), EXTENSION.subjectKeyIdentifier) }); }],
  },
  names: {
    'exact': [true, () => below()],
    'in capitals': [true, () => below({}, { host: 'dns:EXAMPLE.com' })],
    'another domain': [false, () => below({}, { host: 'dns:example2.com' })],
    'below': [false, () => below({}, { host: 'dns:abc.example.com' })],
    'above': [false, () => below({ subject: 'CN=abc.example.com', ...san('dns:abc.example.com') })],
    'a wildcard': [true, () => below(san('dns:*.example.com', 'dns:example.com'), { host: 'dns:foo.example.com' })],
    'a wildcard across labels': [false, () => below(san('dns:*.example.com', 'dns:example.com'), { host: 'dns:foo.bar.example.com' })],
    'a wildcard within a label': [false, () => below({ subject: 'O=x', ...raw(dns('ba*.example.com')) }, { host: 'dns:baz.example.com' })],
    'a wildcard that is not leftmost': [false, () => below({ subject: 'O=x', ...raw(dns('foo.*.example.com')) }, { host: 'dns:foo.bar.example.com' })],
    'a wildcard within an A-label': [false, () => below({ subject: 'O=x', ...raw(dns('xn--*-1b3c148a.example.com')) }, { host: 'dns:xn--bliss-1b3c148a.example.com' })],
    'a wildcard for a whole top-level domain': [false, () => below(san('dns:*.com', 'dns:example.com'), { host: 'dns:other.com' })],
    'not in ASCII': [false, () => below({ subject: 'O=x', ...raw(dns('😜.example.com')) }, { host: 'dns:xn--628h.example.com' })],
    'in the common name alone': [false, () => below({ san: null })],
    'an address': [true, () => below({ subject: 'CN=127.0.0.1', ...san('ip:127.0.0.1') }, { host: 'ip:127.0.0.1' })],
    'an address that was asked for as if it were a name': [true, () => below({ subject: 'CN=127.0.0.1', ...san('ip:127.0.0.1') }, { host: 'dns:127.0.0.1' })],
    'an address as a DNS name': [false, () => below({ subject: 'O=x', ...raw(dns('127.0.0.1')) }, { host: 'ip:127.0.0.1' })],
    'with a dot in front beside': [false, () => below(raw(dns('.example.com'), dns('example.com')))],
    'a common name in another case': [false, () => below({ subject: 'CN=Example.COM' })],
    'a common name as hexadecimal address': [false, () => below({ subject: 'CN=0xC0A80101', ...san('ip:192.168.1.1') }, { host: 'ip:192.168.1.1' })],
    'a common name as address with zeros': [false, () => below({ subject: 'CN=192.168.001.001', ...san('ip:192.168.1.1') }, { host: 'ip:192.168.1.1' })],
    'a common name as address in capitals': [false, () => below({ subject: 'CN=2001:DB8::1', ...san('ip:2001:db8::1') }, { host: 'ip:2001:db8::1' })],
    'a common name as address that is not shortened': [false, () => below({ subject: 'CN=2001:db8:0:0:0:0:0:1', ...san('ip:2001:db8::1') }, { host: 'ip:2001:db8::1' })],
    'a common name in letters of its own': [false, () => below({ subject: 'CN=bücher.example', ...san('dns:bücher.example') }, { host: 'dns:xn--bcher-kva.example' })],
    'a common name that is a title': [true, () => below({ subject: 'CN=Ada’s server' })],
  },
  'name constraints': {
    'allow the name': [true, () => rooted(allowing('dns:example.com'))],
    'allow a name below': [true, () => rooted(allowing('dns:example.com'), { subject: 'O=x', ...san('dns:foo.bar.example.com') }, { host: 'dns:foo.bar.example.com' })],
    'allow another that ends alike': [false, () => rooted(allowing('dns:example.com'), { subject: 'O=x', ...san('dns:not-example.com') }, { host: 'dns:not-example.com' })],
    'forbid the name': [false, () => through(forbidding('dns:example.com'))],
    'forbid the second name': [false, () => rooted(forbidding('dns:no.example.com'), san('dns:example.com', 'dns:no.example.com'))],
    'both allow and forbid it': [false, () => rooted({ more: [nameConstraintsOf(['dns:example.com'], ['dns:example.com'])] })],
    'are not critical, which browsers allow': [true, () => rooted({ more: [turned(nameConstraintsOf(['dns:example.com'], []), EXTENSION.nameConstraints)] })],
    'are not critical, elsewhere, judged strictly': [false, () => rooted({ more: [turned(nameConstraintsOf(['dns:example.com'], []), EXTENSION.nameConstraints)] }, {}, { with: { purpose: 'any' } })],
    'are not critical, elsewhere': [true, () => rooted({ more: [turned(nameConstraintsOf(['dns:example.com'], []), EXTENSION.nameConstraints)] }, {}, { with: { purpose: 'any', strict: false } })],
    'allow the address': [true, () => rooted(allowing('ip:192.0.2.0/24'), { subject: 'O=x', ...san('ip:192.0.2.1') }, { host: 'ip:192.0.2.1' })],
    'allow another address': [false, () => rooted(allowing('ip:192.0.2.0/24'), { subject: 'O=x', ...san('ip:192.0.3.1') }, { host: 'ip:192.0.3.1' })],
    'forbid the address': [false, () => rooted(forbidding('ip:::1/128'), { subject: 'O=x', ...san('ip:::1') }, { host: 'ip:::1' })],
    'allow the directory name': [true, () => rooted(allowing('dir:CN=example.com'))],
    'allow another directory name': [false, () => rooted(allowing('dir:CN=foo'))],
    'forbid the directory name': [false, () => rooted(forbidding('dir:CN=example.com'))],
    'forbid a directory name, in another case and with more spaces': [false, () => rooted(forbidding('dir:O=Some  EXAMPLE'), { subject: 'CN=x,O=some example' })],
    'allow the directory name in the alternative names and not the subject': [false, () => rooted(allowing('dir:CN=foo'), san('dns:example.com', 'dir:CN=foo'))],
    'of another kind': [true, () => rooted(allowing('ip:192.0.2.0/24'))],
    'with a wildcard': [false, () => rooted({ more: [constraints([dns('*.example.com')], [])] }, { subject: 'O=x', ...san('dns:foo.example.com') }, { host: 'dns:foo.example.com' })],
    'with a dot in front': [false, () => rooted({ more: [constraints([dns('.example.com')], [])] }, { subject: 'O=x', ...san('dns:foo.example.com') }, { host: 'dns:foo.example.com' })],
    'with an address without mask': [false, () => rooted({ more: [constraints([der(contextPrimitive(7), Buffer.of(127, 0, 0, 1))], [])] }, { subject: 'O=x', ...san('ip:127.0.0.1') }, { host: 'ip:127.0.0.1' })],
    'with an address of version 6 without mask': [false, () => rooted({ more: [constraints([der(contextPrimitive(7), Buffer.alloc(16, 1))], [])] }, { subject: 'O=x', ...san('ip:101:101:101:101:101:101:101:101') }, { host: 'ip:101:101:101:101:101:101:101:101' })],
    'and a network beside the address': [false, () => through(allowing('ip:192.0.2.0/24'), { subject: 'O=x', ...raw(der(contextPrimitive(7), Buffer.of(192, 0, 2, 1)), der(contextPrimitive(7), Buffer.of(192, 0, 2, 0, 255, 255, 255, 0))) }, { host: 'ip:192.0.2.1' })],
    'forbid another kind': [true, () => rooted(forbidding('ip:192.0.2.0/24'))],
    'with a mask that has gaps': [false, () => rooted({ more: [constraints([der(contextPrimitive(7), Buffer.of(127, 0, 0, 1, 255, 0, 255, 0))], [])] }, { subject: 'O=x', ...san('ip:127.0.0.1') }, { host: 'ip:127.0.0.1' })],
    'that are empty': [false, () => through({ more: [derExtension(EXTENSION.nameConstraints, derSequence(), true)] })],
    'whose lists are empty': [false, () => through({ more: [derExtension(EXTENSION.nameConstraints, derSequence(der(contextTag(0)), der(contextTag(1))), true)] })],
    'with a minimum': [false, () => through({ more: [derExtension(EXTENSION.nameConstraints, derSequence(der(contextTag(0), derSequence(dns('example.com'), der(contextPrimitive(0), Buffer.of(1))))), true)] })],
    'in an end': [false, () => below(allowing('dns:example.com'))],
    'of a kind that is not compared, and there': [false, () => through({ more: [constraints([], [other()])] }, raw(dns('example.com'), other()))],
    'of a kind that is not compared, and not there': [true, () => through({ more: [constraints([], [other()])] })],
    'narrowed further down': [false, () => chained([allowing('dns:example.com', 'dns:example.net'), allowing('dns:example.net')])],
    'widened further down': [false, () => chained([allowing('dns:example.net'), allowing('dns:example.com', 'dns:example.net')])],
    'that an authority breaks': [false, () => chained([{ more: [nameConstraintsOf([], ['dns:no.example.com'])] }, san('dns:no.example.com')])],
    'that an authority breaks which issued itself': [true, () => { const own = root({ subject: 'CN=Same', more: [nameConstraintsOf(['dns:example.com'], [])] }); const same = authority(own, { subject: 'CN=Same', ...san('dns:example.net') }); return { leaf: leaf(same), between: [same], roots: [own] }; }],
    'for an end that issued itself': [false, () => { const own = root({ more: [nameConstraintsOf(['dns:example.com'], [])] }); const same = authority(own, { subject: 'CN=Same', ...san('dns:example.com') }); return { leaf: leaf(same, { subject: 'CN=Same', ...san('dns:example.net') }), between: [same], roots: [own], host: 'dns:example.net' }; }],
    'against a wildcard that covers a forbidden name': [false, () => through({ more: [nameConstraintsOf(['dns:example.com'], ['dns:bar.example.com'])] }, { subject: 'O=x', ...san('dns:*.example.com') }, { host: 'dns:foo.example.com' })],
    'against a wildcard wider than what is allowed': [false, () => through(allowing('dns:foo.example.com'), { subject: 'O=x', ...san('dns:*.example.com') }, { host: 'dns:foo.example.com' })],
    'by one of two ways': [true, twoWays],
    'of the root, that an authority further down breaks': [false, () => { const own = root(forbidding('dns:no.example.com')); const one = authority(own); const two = authority(one, san('dns:no.example.com')); return { leaf: leaf(two), between: [one, two], roots: [own] }; }],
    'that one certificate of an authority breaks, which leads nowhere': [true, () => { const narrow = authority(top, forbidding('dns:no.example.com')); const keys = p256(); const [nowhere, good] = [authority(root({ subject: 'CN=Gone' }), { subject: 'CN=Issuer', keys, ...san('dns:no.example.com') }), authority(narrow, { subject: 'CN=Issuer', keys })]; return { leaf: leaf(nowhere), between: [narrow, nowhere, good], roots: [top] }; }],
    'that one certificate of an authority breaks, and another has another root': [true, () => { const other_ = root({ subject: 'CN=Other root' }); const narrow = authority(top, forbidding('dns:no.example.com')); const keys = p256(); const [bad, good] = [authority(narrow, { subject: 'CN=Issuer', keys, ...san('dns:no.example.com') }), authority(other_, { subject: 'CN=Issuer', keys, ...san('dns:yes.example.com') })]; return { leaf: leaf(bad), between: [narrow, bad, good], roots: [top, other_] }; }],
    'of e-mail, the mailbox': [true, () => through(allowing('email:foo@example.com'), { ...san('email:foo@example.com'), ...ekus(CLIENT) }, { host: 'email:foo@example.com', with: { purpose: 'tls-client' } })],
    'of e-mail, the domain': [true, () => through(allowing('email:example.com'), { ...san('email:foo@example.com'), ...ekus(CLIENT) }, { host: 'email:foo@example.com', with: { purpose: 'tls-client' } })],
    'of e-mail, an address with two at signs beside': [false, () => through(allowing('email:example.com'), { ...raw(email('good@example.com'), email('bad@address@example.com')), ...ekus(CLIENT) }, { host: 'email:good@example.com', with: { purpose: 'tls-client' } })],
    'of e-mail, with two at signs': [false, () => rooted({ more: [constraints([email('invalid@invalid@example.com')], [])] }, { ...san('email:example@example.com'), ...ekus(CLIENT) }, { host: 'email:example@example.com', with: { purpose: 'tls-client' } })],
    'of URIs': [false, () => through(allowing('uri:.example.org'), san('dns:example.com', 'uri:https://example.com/x'))],
    'and the address in an e-mail attribute': [false, () => through(allowing('email:example.org'), { subject: 'emailAddress=ada@example.com,CN=example.com' })],
  },
  purposes: {
    'of a client alone': [false, () => below(ekus(CLIENT))],
    'of server and client': [true, () => below(ekus(SERVER, CLIENT))],
    'none said': [true, () => below({ purposes: null })],
    'any besides': [false, () => below(ekus(SERVER, PURPOSE_OIDS.any))],
    'code signing besides': [false, () => below(ekus(SERVER, PURPOSE_OIDS['code-signing']))],
    'precertificates besides': [false, () => below(ekus(SERVER, '1.3.6.1.4.1.11129.2.4.4'))],
    'critical': [false, () => below({ purposes: extendedKeyUsageOf([SERVER], true) })],
    'another in the authority': [false, () => through({ purposes: extendedKeyUsageOf([CLIENT], false) })],
    'the same in the authority': [true, () => through({ purposes: extendedKeyUsageOf([SERVER], false) })],
    'said in a root': [false, () => rooted({ purposes: extendedKeyUsageOf([SERVER], false) })],
    'a list that is empty': [false, () => below({ purposes: derExtension(EXTENSION.extendedKeyUsage, derSequence()) })],
  },
  'e-mail': Object.fromEntries(([
    ['as it should be', true, {}], ['without e-mail protection', false, ekus(CLIENT)], ['without a purpose', false, { purposes: null }], ['for servers besides', false, ekus(PURPOSE_OIDS.email, SERVER)], ['for any besides', false, ekus(PURPOSE_OIDS.email, PURPOSE_OIDS.any)],
    ['without key usage', false, { usage: null }], ['for certificates besides', false, { usage: keyUsageOf(['digital-signature', 'key-cert-sign']) }], ['for keys alone', true, { usage: keyUsageOf(['key-agreement']) }], ['without alternative names', false, { san: null, subject: 'CN=user@example.com' }],
    ['for another address', false, san('email:other@example.com')], ['for another domain', false, san('email:user@example.org')], ['for two addresses', true, san('email:other@example.com', 'email:user@example.com')],
    ['critical names and a subject', false, { san: alternativeNamesOf(['email:user@example.com'], true) }], ['critical names and none', true, { subject: '', san: alternativeNamesOf(['email:user@example.com'], true) }],
  ] as const).map(([name, wanted, parts]) => [name, [wanted, () => below({ ...ekus(PURPOSE_OIDS.email), ...san('email:user@example.com'), ...parts }, { host: 'email:user@example.com', with: { purpose: 'email' } })] as const])),
  'the time': Object.fromEntries(([
    ['at its first second', true, '2024-03-01T00:00:00Z'], ['a millisecond before', false, '2024-02-29T23:59:59.999Z'], ['at its last second', true, '2024-04-01T00:00:00Z'], ['within its last second', true, '2024-04-01T00:00:00.005Z'], ['a second after', false, '2024-04-01T00:00:01Z'],
  ] as const).map(([name, wanted, at]) => [name, [wanted, () => { const times = { from: '2024-03-01T00:00:00Z', to: '2024-04-01T00:00:00Z' }; return below(times, { with: { at: new Date(at) } }); }] as const])),
  'who has ended': {
    'the root': [false, () => rooted({ to: '2022-01-01T00:00:00Z' })],
    'the authority': [false, () => through({ to: '2022-01-01T00:00:00Z' })],
    'a twin of the root': [true, expiredTwin],
    'nobody, beyond 2050': [true, () => rooted({ to: '2999-01-01T00:00:00Z' }, { to: '2999-01-01T00:00:00Z' })],
  },
  keys: {
    'RSA of 1024 bits': [false, () => ofKey(shortRsa())],
    'RSA with a huge modulus': [false, () => below({ spki: hugeModulus() }, { with: { strict: false } })],
    'RSA with a huge exponent': [false, () => below({ spki: hugeExponent() })],
    'P-192': [false, () => ofKey(pairOf('ec', { namedCurve: 'prime192v1' }))],
    'DSA': [false, () => ofKey(pairOf('dsa', { modulusLength: 2048 }))],
    'DSA of the root': [false, () => rooted({ keys: pairOf('dsa', { modulusLength: 2048 }) })],
    'Ed25519': [true, () => rooted({ keys: pairOf('ed25519') }, { keys: pairOf('ed25519') })],
    'Ed448': [true, () => rooted({ keys: pairOf('ed448') })],
    'ML-DSA': [true, () => rooted({ keys: pairOf('ml-dsa-44') }, { keys: pairOf('ml-dsa-44') })],
    'ML-DSA that should encrypt': [false, () => below({ keys: pairOf('ml-dsa-44'), usage: keyUsageOf(['digital-signature', 'key-encipherment']) })],
    'Ed25519 that should agree': [false, () => below({ keys: pairOf('ed25519'), usage: keyUsageOf(['digital-signature', 'key-agreement']) })],
    'ML-DSA of the largest kind': [true, () => rooted({ keys: pairOf('ml-dsa-87') }, { keys: pairOf('ml-dsa-65') })],
    'ML-DSA of another, who has the name': [false, () => { const [own, other_] = [root({ keys: pairOf('ml-dsa-44') }), root({ keys: pairOf('ml-dsa-44') })]; return { leaf: leaf(other_, { aki: authorityKeyIdentifierOf(identifierOf(own.keys)) }), roots: [own] }; }],
    'on a curve that is spelled out': [false, () => below({ spki: spelledOut(SPELLED) })],
    'of an authority, on a curve that is spelled out': [false, () => { const own = authority(top, { keys: SPELLED, spki: spelledOut(SPELLED) }); return { leaf: leaf(own), between: [own], roots: [top] }; }],
    'of a root, on a curve that is spelled out': [false, () => rooted({ keys: SPELLED, spki: spelledOut(SPELLED) })],
    'that is none': [false, () => below({ spki: brokenKey() })],
    'of an authority, that is none': [false, () => through({ spki: brokenKey() })],
  },
  building: {
    'in a circle': [false, circle],
    'in a circle of two keys of one name': [false, () => { const [one, two] = [p256(), p256()]; const first = authority(root({ subject: 'CN=Same', keys: one }), { subject: 'CN=Same', keys: two }); const second = authority(first, { subject: 'CN=Same', keys: one }); return { leaf: leaf(first), between: [first, second], roots: [top] }; }],
    'in a circle, as deep as you like': [false, () => ({ ...circle(), with: { maxDepth: 255 } })],
    'among roots that signed each other': [true, crossSigned],
    'past two hundred authorities of one name': [true, () => { const crowd = Array.from({ length: 200 }, () => authority(top, { subject: 'CN=Crowd', keys: middle.keys, to: '2021-01-01T00:00:00Z' })); const good = authority(top, { subject: 'CN=Crowd', keys: middle.keys }); return { leaf: leaf(good), between: [...crowd, good], roots: [top] }; }],
    'past a hundred and ninety authorities of one name and key that may not issue this': [true, () => { const crowd = Array.from({ length: 190 }, () => authority(top, { subject: 'CN=Crowd', keys: middle.keys, ...forbidding('dns:example.com') })); const good = authority(top, { subject: 'CN=Crowd', keys: middle.keys }); return { leaf: leaf(good), between: [...crowd, good], roots: [top] }; }],
    'past two hundred authorities of one name and other keys': [true, () => { const crowd = Array.from({ length: 200 }, () => authority(top, { subject: 'CN=Crowd', ski: subjectKeyIdentifierOf(Buffer.from('the same')) })); const good = authority(top, { subject: 'CN=Crowd', ski: subjectKeyIdentifierOf(Buffer.from('the same')) }); return { leaf: leaf(good), between: [...crowd, good], roots: [top] }; }],
    'from a hundred authorities': [true, () => chained(Array.from({ length: 100 }, () => ({})), {}, { with: { maxDepth: 100 } })],
  },
  policies: Object.fromEntries(([
    // PKITS 4.8 to 4.12, as far as single rules go.
    ['one that is asked for, all the way', true, [['1.2.3'], ['1.2.3']], [], { initial: ['1.2.3'], requireExplicit: true }],
    ['one that is asked for, not in the end', false, [['1.2.3'], ['1.2.4']], [], { initial: ['1.2.3'], requireExplicit: true }],
    ['one that is asked for, not above', false, [['1.2.4'], ['1.2.3']], [], { initial: ['1.2.3'], requireExplicit: true }],
    ['none, and none needed', true, [null, null], [], {}],
    ['none, and one needed', false, [null, null], [], { requireExplicit: true }],
    ['none, and the authority needs one', false, [['1.2.3'], null], [derExtension(EXTENSION.policyConstraints, derSequence(der(contextPrimitive(0), Buffer.of(0))), true)], {}],
    ['none, and the authority needs one only further down', true, [['1.2.3'], null], [derExtension(EXTENSION.policyConstraints, derSequence(der(contextPrimitive(0), Buffer.of(5))), true)], {}],
    ['any above', true, [['2.5.29.32.0'], ['1.2.3']], [], { initial: ['1.2.3'], requireExplicit: true }],
    ['any above, which is not allowed', false, [['2.5.29.32.0'], ['1.2.3']], [], { initial: ['1.2.3'], requireExplicit: true, inhibitAny: true }],
    ['any in the end, which the authority forbids', false, [['1.2.3'], ['2.5.29.32.0']], [derExtension(EXTENSION.inhibitAnyPolicy, derInteger(0n), true)], { requireExplicit: true }],
    ['mapped', true, [['1.2.3'], ['1.2.9']], [mapping('1.2.3', '1.2.9')], { initial: ['1.2.3'], requireExplicit: true }],
    ['mapped, which is not allowed', false, [['1.2.3'], ['1.2.9']], [mapping('1.2.3', '1.2.9')], { initial: ['1.2.3'], requireExplicit: true, inhibitMapping: true }],
    ['mapped, and asked for by its name further down', false, [['1.2.3'], ['1.2.9']], [mapping('1.2.3', '1.2.9')], { initial: ['1.2.9'], requireExplicit: true }],
    ['anyPolicy mapped', false, [['2.5.29.32.0'], ['1.2.9']], [mapping('2.5.29.32.0', '1.2.9')], {}],
    ['twice', false, [['1.2.3', '1.2.3'], ['1.2.3']], [], {}],
  ] as const).map(([name, wanted, [above, end], more, policies]) => [name, [wanted, () => through({ more: [...(above === null ? [] : [policiesOf(above)]), ...more] }, { more: end === null ? [] : [policiesOf(end)] }, { with: { policies: { initial: [], requireExplicit: false, inhibitMapping: false, inhibitAny: false, ...policies } } })] as const])),
};

function mapping(from: string, to: string): Buffer {
  return derExtension(EXTENSION.policyMappings, derSequence(derSequence(derOid(from), derOid(to))), true);
}

describe.each(Object.entries(CASES))('%s', (_group, cases) => {
  test.each(Object.entries(cases).map(([name, [wanted, make]]) => ({ name, wanted, make })))('$name: $wanted', ({ wanted, make }) => {
    expect(trusted(make())).toBe(wanted);
  });
});

test('a certificate whose key identifiers are those that its root has by another method is trusted all the same', () => {
  const own = root({ ski: subjectKeyIdentifierOf(Buffer.from('another method 12345')) });
  expect(trusted({ leaf: leaf(own, { aki: authorityKeyIdentifierOf(keyIdentifierOf(own.certificate.spki)) }), roots: [own] })).toBe(true);
});
