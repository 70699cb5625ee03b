import type { Certificate } from '../reading/certificate.ts';
import { EXTENSION, generalNames, type NameConstraints } from '../reading/extensions.ts';
import { type GeneralName, generalNameText, ipBytes } from '../reading/general-names.ts';
import { isMailbox } from './certificate-checks.ts';
import { attributesOf, EMAIL_ADDRESS } from '../reading/names.ts';
import type { Work } from './work.ts';

/** Name constraints (RFC 5280 §4.2.1.10, §6.1.3 (b)(c), §6.1.4 (g)). What cannot be compared is refused, never passed over. */

/** So many comparisons at most between the names of one certificate and the constraints of one authority: more than any honest one has. */
const MAX_COMPARISONS = 250_000;

/** @param strict what RFC 5280 does not have, and is understood all the same, is a fault. @returns why a constraint itself is not valid, or undefined. */
export function problemOfConstraints({ permitted, excluded }: NameConstraints, by: string, strict: boolean): string | undefined {
  for (const base of [...permitted, ...excluded]) {
    const problem = problemOfBase(base, strict);
    if (problem !== undefined) return `The name constraint ${generalNameText(base)} of “${by}” ${problem}.`;
  }
  return undefined;
}

/**
 * A name must be within one of the permitted subtrees of its kind, and within none of the excluded ones. Those of several authorities each count by themselves.
 * @returns why a certificate's names are not allowed by an authority, or undefined. @throws INVALID_INPUT for alternative names that are malformed
 */
export function refusalBy({ permitted, excluded }: NameConstraints, by: string, certificate: Certificate, work: Work): string | undefined {
  let comparisons = 0;
  for (const name of namesOf(certificate)) {
    comparisons += permitted.length + excluded.length;
    if (comparisons > MAX_COMPARISONS || !work.compare(permitted.length + excluded.length)) return `There are more names and constraints to compare than ${MAX_COMPARISONS}: no honest authority has so many.`;
    const out = excluded.filter((base) => sameKind(base, name));
    const within = permitted.filter((base) => sameKind(base, name));
    if ([...out, ...within].some(({ kind }) => kind === 'other' || kind === 'x400' || kind === 'edi' || kind === 'rid')) return `“${by}” constrains names of a kind that cannot be compared here: ${generalNameText(name)}.`;
    const forbidden = out.find((base) => matches(base, name, true));
    if (forbidden !== undefined) return `The name ${generalNameText(name)} is forbidden by “${by}”: ${generalNameText(forbidden)}.`;
    if (within.length > 0 && !within.some((base) => matches(base, name, false))) return `The name ${generalNameText(name)} is none of those that “${by}” allows: ${within.slice(0, 5).map(generalNameText).join(', ')}${within.length > 5 ? ' …' : ''}.`;
  }
  return undefined;
}

function* namesOf(certificate: Certificate): Generator<GeneralName> {
  const { subject } = certificate;
  if (subject.rdns.length > 0) yield { kind: 'dir', name: subject };
  for (const address of attributesOf(subject, EMAIL_ADDRESS)) yield { kind: 'email', text: address };
  yield* certificate.read(EXTENSION.subjectAltName, generalNames) ?? [];
}

function sameKind(base: GeneralName, name: GeneralName): boolean {
  return base.kind === name.kind && (base.kind !== 'other' || base.oid === (name as typeof base).oid);
}

const LABELS = /^(?!-)[a-z0-9_-]{1,63}(?<!-)(\.(?!-)[a-z0-9_-]{1,63}(?<!-))*$/i;
const isHost = (text: string): boolean => LABELS.test(text) && text.length <= 253;

function problemOfBase(base: GeneralName, strict: boolean): string | undefined {
  switch (base.kind) {
    // A leading dot is of URIs alone; others have taken it for DNS names all the same.
    case 'dns': return strict && base.text.startsWith('.') ? 'begins with a dot' : base.text === '' || isHost(base.text.replace(/^\./, '')) ? undefined : 'is no domain';
    case 'uri': return isHost(base.text.replace(/^\./, '')) ? undefined : 'is no host or domain';
    case 'email': {
      const at = base.text.lastIndexOf('@');
      if (at >= 0 && !isMailbox(base.text)) return 'is no address';
      return base.text === '' || isHost((at < 0 ? base.text : base.text.slice(at + 1)).replace(at < 0 ? /^\./ : /^$/, '')) ? undefined : 'is neither an address nor a domain';
    }
    case 'ip': {
      if (base.bytes.length !== 8 && base.bytes.length !== 32) return `has ${base.bytes.length} bytes; an address and a mask are 8 or 32`;
      const mask = [...base.bytes.subarray(base.bytes.length / 2)].map((byte) => byte.toString(2).padStart(8, '0')).join('');
      return /^1*0*$/.test(mask) ? undefined : 'has a mask with gaps (RFC 4632 §3.1)';
    }
    default: return undefined;
  }
}

/**
 * @param excluding whether a match forbids: what could be either way counts then (a wildcard that covers a forbidden host), and does not count else.
 */
function matches(base: GeneralName, name: GeneralName, excluding: boolean): boolean {
  switch (name.kind) {
    case 'dns': return base.kind === 'dns' && dnsMatches(base.text.toLowerCase(), name.text.toLowerCase(), excluding);
    case 'email': return base.kind === 'email' && emailMatches(base.text, name.text, excluding);
    case 'uri': return base.kind === 'uri' && uriMatches(base.text.toLowerCase(), name.text, excluding);
    case 'ip': return base.kind === 'ip' && ipMatches(base.bytes, name.bytes, excluding);
    case 'dir': return base.kind === 'dir' && base.name.canonicalRdns.every((rdn, index) => rdn === name.name.canonicalRdns[index]);
    default: return excluding;
  }
}

function dnsMatches(base: string, name: string, excluding: boolean): boolean {
  if (base === '') return true;
  const wild = name.startsWith('*.');
  const host = wild ? name.slice(2) : name;
  if (!isHost(host)) return excluding; // what is no name is within nothing
  const bare = base.replace(/^\./, '');
  const below = host.endsWith(`.${bare}`);
  // A leading dot is not of RFC 5280: subdomains alone where it allows, the domain too where it forbids.
  const same = host === bare && (excluding || !base.startsWith('.') || wild);
  if (below || same) return true;
  // *.example.org covers host.example.org, which is forbidden.
  return excluding && wild && bare.endsWith(`.${host}`) && !bare.slice(0, -host.length - 1).includes('.');
}

function emailMatches(base: string, name: string, excluding: boolean): boolean {
  const at = name.lastIndexOf('@');
  const host = name.slice(at + 1).toLowerCase();
  if (at < 1 || !isHost(host) || !isMailbox(name)) return excluding;
  if (base === '') return true;
  const baseAt = base.lastIndexOf('@');
  if (baseAt >= 0) return name.slice(0, at) === base.slice(0, baseAt) && host === base.slice(baseAt + 1).toLowerCase();
  const domain = base.toLowerCase();
  return domain.startsWith('.') ? host.endsWith(domain) : host === domain;
}

function uriMatches(base: string, name: string, excluding: boolean): boolean {
  const host = hostOf(name);
  // RFC 5280 §4.2.1.10: a URI without a host name, or with an address in its place, is refused where URIs are constrained.
  if (host === undefined) return excluding;
  return base.startsWith('.') ? host.endsWith(base) : host === base;
}

function hostOf(uri: string): string | undefined {
  const authority = /^[a-z][a-z0-9+.-]*:\/\/([^/?#]*)/i.exec(uri)?.[1];
  if (authority === undefined) return undefined;
  const host = authority.slice(authority.lastIndexOf('@') + 1).replace(/:\d*$/, '').toLowerCase();
  return isHost(host) && ipBytes(host) === undefined ? host : undefined;
}

function ipMatches(base: Uint8Array, address: Uint8Array, excluding: boolean): boolean {
  const half = base.length / 2;
  if (address.length !== 4 && address.length !== 16) return excluding;
  if (address.length !== half) return false;
  return address.every((byte, index) => ((byte ^ (base[index] as number)) & (base[half + index] as number)) === 0);
}
