import { describe, expect, test } from 'vitest';
import { contextPrimitive, der, derOid, derSequence, TAG } from '../../formats/der.ts';
import { alternativeNamesOf, authorityKeyIdentifierOf, basicConstraintsOf, derExtension, subjectKeyIdentifierOf } from '../making/extensions.ts';
import { EXTENSION } from '../reading/oids.ts';
import { type Case, trusted } from '../testing/cases.ts';
import { authority, type Forged, leaf, type Parts, root, unknownExtension } from '../testing/forge.ts';
import type { VerifyInput } from './verdict.ts';

/** Faults that leave open what a certificate says: nothing that can be asked for makes them pass, wherever in a path they stand. */

const uniqueIdentifier = (number: 1 | 2): Buffer => der(contextPrimitive(number), Buffer.of(0, 1, 2, 3));
/** Basic constraints of an end, with a path length all the same. */
const length = basicConstraintsOf(false, 0);
const FAULTY: Readonly<Record<string, Parts>> = {
  'extensions in version 1': { version: 1, extended: true },
  'extensions in version 2': { version: 2, extended: true },
  'a unique identifier in version 1': { version: 1, extended: true, afterKey: [uniqueIdentifier(1)] },
  'an extension twice': { more: [unknownExtension(false), unknownExtension(false)] },
  'the key identifier twice, and the second another': { more: [subjectKeyIdentifierOf(Buffer.from('another key'))] },
  'an unknown critical extension': { more: [unknownExtension(true)] },
  'a malformed extension': { more: [derExtension(EXTENSION.certificatePolicies, Buffer.from('malformed'))] },
  'another algorithm within than without': { innerAlgorithm: 'ecdsa-sha512' },
  'parameters of its algorithm, where there are none': { parameters: Buffer.of(0x05, 0x00) },
};
/** Of an end alone, or of who issued it alone. */
const FAULTY_ENDS: Readonly<Record<string, Parts>> = { ...FAULTY, 'no issuer': { issuer: '' }, 'a path length, and no authority': { basic: length } };

const LAX: Readonly<Record<string, Partial<VerifyInput>>> = {
  strictly: {},
  'with nothing asked for': { strict: false, strictRoots: false, purpose: 'any', names: [], allowWeak: true, revocation: 'soft' },
  'for signing files': { strict: false, strictRoots: false, purpose: 'file-signing', names: [] },
};

describe.each(Object.entries(LAX))('%s', (_how, more) => {
  const forFiles = more.purpose === 'file-signing' ? { purposes: null } : {};
  const top = root();
  const judged = (one: Omit<Case, 'roots'> & { roots?: readonly Forged[] }): boolean => trusted({ roots: [top], with: more, ...(more.names === undefined ? {} : { host: '' }), ...one });

  test.each(Object.keys(FAULTY_ENDS))('no end with %s', (name) => {
    expect(judged({ leaf: leaf(top, forFiles) })).toBe(true);
    expect(judged({ leaf: leaf(top, { ...forFiles, ...FAULTY_ENDS[name] }) })).toBe(false);
  });

  test.each(Object.keys(FAULTY))('no authority with %s', (name) => {
    const [good, bad] = [authority(top), authority(top, FAULTY[name])];
    expect(judged({ leaf: leaf(good, forFiles), between: [good] })).toBe(true);
    expect(judged({ leaf: leaf(bad, forFiles), between: [bad] })).toBe(false);
  });

  test.each(Object.keys(FAULTY))('no root with %s', (name) => {
    const bad = root(FAULTY[name]);
    expect(judged({ leaf: leaf(bad, forFiles), roots: [bad] })).toBe(false);
    const self = leaf(bad, { ...forFiles, ...FAULTY[name] });
    expect(judged({ leaf: self, roots: [self] })).toBe(false);
  });
});

describe('what is odd and misleads nobody is refused where form is judged strictly, and told elsewhere', () => {
  const top = root();
  const lax: Partial<VerifyInput> = { strict: false };
  const unneeded = derSequence(derOid('1.3.6.1.4.1.55555.1'), Buffer.of(TAG.boolean, 1, 0), der(TAG.octetString, Buffer.of(5, 0)));
  test.each<readonly [string, Parts]>([
    ['a serial number of zero', { serial: Buffer.of(0) }], ['a negative serial number', { serial: Buffer.of(0x85) }], ['a serial number of 21 bytes', { serial: Buffer.alloc(21, 0x55) }],
    ['an extension that spells out that it is not critical', { more: [unneeded] }], ['no key identifier of its issuer', { aki: null }],
    ['an authority identifier that is critical', { aki: derExtension(EXTENSION.authorityKeyIdentifier, derSequence(der(contextPrimitive(0), Buffer.from('x'))), true) }],
  ])('%s', (_name, parts) => {
    expect(trusted({ leaf: leaf(top, parts), roots: [top] })).toBe(false);
    expect(trusted({ leaf: leaf(top, parts), roots: [top], with: lax })).toBe(true);
  });
});

test('a certificate of version 3 with a unique identifier, and one of version 1 without extensions as a root that was named, are trusted where form is not judged strictly', () => {
  const named = root({ version: 1 });
  expect(trusted({ leaf: leaf(named, { aki: authorityKeyIdentifierOf(Buffer.from('x')), afterKey: [uniqueIdentifier(2)], san: alternativeNamesOf(['dns:example.com'], false) }), roots: [named], with: { strict: false } })).toBe(true);
});
