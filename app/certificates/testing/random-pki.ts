import { contextPrimitive, der } from '../../formats/der.ts';
import { alternativeNamesOf, authorityKeyIdentifierOf, basicConstraintsOf, extendedKeyUsageOf, keyUsageOf, nameConstraintsOf, policiesOf } from '../making/extensions.ts';
import { PURPOSE_OIDS } from '../reading/oids.ts';
import type { RevocationList } from '../index.ts';
import { type Forged, forged, list, p256, pairOf, type Parts, tampered, unknownExtension } from './forge.ts';

/** For tests: small worlds of authorities by chance, the same for the same seed, with flaws of all kinds mixed in. */

export interface RandomPki {
  readonly roots: readonly Forged[];
  readonly between: readonly Forged[];
  readonly ends: readonly Forged[];
  readonly lists: readonly RevocationList[];
  /** What is wrong with a certificate, by its id. */
  readonly flaws: ReadonlyMap<string, string>;
}

/** @returns whole numbers from 0 to below a bound, always the same ones. */
export function chance(seed: number): (below: number) => number {
  let state = seed >>> 0;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

type Pair = ReturnType<typeof p256>;
interface Flaw { readonly parts?: Parts; readonly after?: (one: Forged) => Forged }

const { 'tls-server': SERVER, 'tls-client': CLIENT } = PURPOSE_OIDS;
const san = (...names: string[]): Parts => ({ san: alternativeNamesOf(names, false) });
const limits = (permit: string[], exclude: string[]): Flaw => ({ parts: { more: [nameConstraintsOf(permit, exclude)] } });
const uniqueIdentifier = der(contextPrimitive(2), Buffer.of(0, 7));

const OF_ALL: Readonly<Record<string, Flaw>> = {
  ended: { parts: { to: '2021-01-01T00:00:00Z' } }, 'not yet valid': { parts: { from: '2039-01-01T00:00:00Z' } }, 'unknown and critical': { parts: { more: [unknownExtension(true)] } }, 'wrong signature': { after: (one) => tampered(one) },
  'extensions in version 1': { parts: { version: 1, extended: true } }, 'extensions in version 2': { parts: { version: 2, extended: true } }, 'no authority identifier': { parts: { aki: null } }, 'an extension twice': { parts: { more: [unknownExtension(false), unknownExtension(false)] } },
  'another authority identifier': { parts: { aki: authorityKeyIdentifierOf(Buffer.alloc(20, 5)) } }, 'another algorithm within': { parts: { innerAlgorithm: 'ecdsa-sha384' } }, 'signed over SHA-1': { parts: { sha1: true } }, 'for clients alone': { parts: { purposes: extendedKeyUsageOf([CLIENT], false) } },
  'serial number zero': { parts: { serial: Buffer.of(0) } }, 'a unique identifier': { parts: { afterKey: [uniqueIdentifier] } }, 'a path length and no authority': { parts: { basic: basicConstraintsOf(false, 0) } }, revoked: {}, 'an unknown extension': { parts: { more: [unknownExtension(false)] } },
};
const OF_AUTHORITIES: Readonly<Record<string, Flaw>> = {
  ...OF_ALL, 'no basic constraints': { parts: { basic: null } }, 'no authority': { parts: { basic: basicConstraintsOf(false, undefined) } }, 'path length 0': { parts: { basic: basicConstraintsOf(true, 0) } }, 'path length 1': { parts: { basic: basicConstraintsOf(true, 1) } },
  'may not sign certificates': { parts: { usage: keyUsageOf(['digital-signature', 'crl-sign']) } }, 'may not sign lists': { parts: { usage: keyUsageOf(['key-cert-sign']) } }, 'no key usage': { parts: { usage: null } }, 'version 1': { parts: { version: 1 } },
  'allows example.com': limits(['dns:example.com'], []), 'allows example.org': limits(['dns:example.org'], []), 'forbids www.example.com': limits([], ['dns:www.example.com']), 'allows an address': limits(['ip:192.0.2.0/24'], []), 'forbids mail': limits([], ['email:example.com']),
  'allows O=Example': limits(['dir:O=Example'], []), 'forbids O=Other': limits([], ['dir:O=Other']), 'for servers alone': { parts: { purposes: extendedKeyUsageOf([SERVER], false) } }, 'a policy': { parts: { more: [policiesOf(['1.2.3'])] } },
};
const OF_ENDS: Readonly<Record<string, Flaw>> = {
  ...OF_ALL, 'no names': { parts: { san: null } }, 'another name': { parts: san('dns:example.org') }, 'a name below': { parts: san('dns:example.com', 'dns:www.example.com') }, 'an address': { parts: san('dns:example.com', 'ip:198.51.100.1') }, 'a mailbox': { parts: san('dns:example.com', 'email:ada@example.com') },
  'a wildcard': { parts: san('dns:*.example.com', 'dns:example.com') }, 'an authority itself': { parts: { basic: basicConstraintsOf(true, undefined), usage: keyUsageOf(['digital-signature', 'key-cert-sign']) } }, 'no key usage': { parts: { usage: null } },
  'usage for lists': { parts: { usage: keyUsageOf(['crl-sign']) } }, 'for servers and clients': { parts: { purposes: extendedKeyUsageOf([SERVER, CLIENT], false) } }, 'any purpose alone not said': { parts: { purposes: null } }, 'another organization': { parts: { subject: 'CN=example.com,O=Other' } },
  'no subject': { parts: { subject: '', san: alternativeNamesOf(['dns:example.com'], true) } }, 'a short key': {},
};

const NAMES = ['A', 'B', 'C', 'D'];
/** Two keys each, so that a name alone does not tell who signed. */
const KEYS = new Map<string, readonly [Pair, Pair]>(['R', 'S', ...NAMES].map((name) => [name, [p256(), p256()]]));
const END_KEYS = p256();
let shortKeys: Pair | undefined;
const subjectOf = (name: string): string => `CN=${name},O=Example`;

/** @param seed whose world it is */
export function randomPki(seed: number): RandomPki {
  const random = chance(seed * 7919 + 17);
  for (let index = 0; index < 5; index++) random(2);
  const flaws = new Map<string, string>();
  const revoked = new Map<string, string[]>();
  const pick = <T>(from: readonly T[]): T => from[random(from.length)]!;
  const make = (name: string, usual: Parts, by: { readonly name: string; readonly holder: Forged } | undefined, from: Readonly<Record<string, Flaw>>): Forged => {
    const flaw = random(10) < 3 ? pick(Object.keys(from)) : undefined;
    const { parts = {}, after = (one: Forged): Forged => one } = flaw === undefined ? {} : from[flaw]!;
    const serial = Buffer.from([0x10, ...Array.from({ length: 15 }, () => random(256))]);
    const made = after(forged({ ...usual, serial, ...(flaw === 'a short key' ? { keys: (shortKeys ??= pairOf('rsa', { modulusLength: 1024 })) } : {}), ...parts }, by?.holder));
    if (flaw !== undefined) flaws.set(made.certificate.id, `${name}: ${flaw}`);
    if (flaw === 'revoked' && by !== undefined) revoked.set(by.name, [...(revoked.get(by.name) ?? []), made.certificate.serialText]);
    return made;
  };
  const authorityOf = (name: string): Parts => ({ subject: subjectOf(name), basic: basicConstraintsOf(true, undefined), usage: keyUsageOf(['key-cert-sign', 'crl-sign']), keys: KEYS.get(name)![random(5) === 0 ? 1 : 0] });
  /** Who signs, by name; the key is one of its two. */
  const signer = (name: string): { name: string; holder: Forged } => ({ name, holder: nominal(name, random(6) === 0 ? 1 : 0) });
  const roots = (random(3) === 0 ? ['R', 'S'] : ['R']).map((name) => make(name, { ...authorityOf(name), keys: KEYS.get(name)![0] }, undefined, OF_AUTHORITIES));
  const between = Array.from({ length: 2 + random(6) }, () => {
    const subject = random(10) === 0 ? pick(['R', 'S']) : pick(NAMES);
    return make(subject, authorityOf(subject), signer(pick(random(2) === 0 ? ['R', 'R', 'S'] : NAMES)), OF_AUTHORITIES);
  });
  const ends = Array.from({ length: 3 }, () => make('end', {
    subject: 'CN=example.com,O=Example', usage: keyUsageOf(['digital-signature']), purposes: extendedKeyUsageOf([SERVER], false), keys: END_KEYS, ...san('dns:example.com'),
  }, signer(random(8) === 0 ? 'R' : (pick(between).certificate.subject.text.match(/CN=(\w)/)![1]!)), OF_ENDS));
  const lists = [...KEYS.keys()].filter(() => random(12) > 0).flatMap((name) => [0, 1].map((key) => list(nominal(name, key as 0 | 1), {
    thisUpdate: '2024-01-01T00:00:00Z', nextUpdate: random(20) === 0 ? '2024-01-10T00:00:00Z' : '2024-03-01T00:00:00Z', revoked: (revoked.get(name) ?? []).map((serial) => ({ serial })),
  })));
  return { roots, between, ends, lists, flaws };
}

const NOMINAL = new Map<string, Forged>();
/** A certificate of a name and key that stands nowhere: for issuing. */
function nominal(name: string, key: 0 | 1): Forged {
  const known = NOMINAL.get(`${name}${key}`) ?? forged({ subject: subjectOf(name), keys: KEYS.get(name)![key] }, undefined);
  NOMINAL.set(`${name}${key}`, known);
  return known;
}

export const pemOf = (all: readonly Forged[]): string => all.map(({ certificate }) => certificate.toPem()).join('');
