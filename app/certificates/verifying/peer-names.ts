import { domainToASCII } from 'node:url';
import { malformedAt } from '../../formats/malformed.ts';
import type { Certificate } from '../reading/certificate.ts';
import { type GeneralName, generalNameText, ipBytes } from '../reading/general-names.ts';
import { attributesOf, EMAIL_ADDRESS } from '../reading/names.ts';
import { SMTP_UTF8 } from '../reading/oids.ts';
import { harmless } from '../reading/text.ts';

/** Whom somebody wanted to reach, against whom a certificate names (RFC 9525 §6; RFC 8550 §3 for e-mail). */

export type PeerName = { readonly kind: 'dns' | 'email' | 'uri'; readonly text: string } | { readonly kind: 'ip'; readonly text: string; readonly bytes: Uint8Array };

/** @param text a DNS name (international ones too) or an address. @throws INVALID_INPUT */
export function hostName(text: string, where = '/host'): PeerName {
  const bare = text.trim().replace(/^\[(.*)\]$/, '$1');
  const bytes = ipBytes(bare);
  if (bytes !== undefined) return { kind: 'ip', text: bare, bytes };
  const ascii = (/^[\x21-\x7e]+$/.test(bare) ? bare : domainToASCII(bare)).replace(/\.$/, '').toLowerCase();
  if (ascii === '' || ascii.includes('*') || !/^[a-z0-9_.-]+$/.test(ascii) || ascii.split('.').some((label) => label === '' || label.length > 63)) throw malformedAt(where, `“${harmless(text.slice(0, 80))}” is neither a host name nor an address.`);
  return { kind: 'dns', text: ascii };
}

/** @param text `dns:`, `ip:`, `email:` or `uri:` in front. @throws INVALID_INPUT */
export function peerName(text: string, where: string): PeerName {
  const [, kind = '', value = ''] = /^(dns|ip|email|uri):([^]+)$/i.exec(text.trim()) ?? [];
  if (kind === '') throw malformedAt(where, `“${harmless(text.slice(0, 80))}” does not say which kind of name it is.`, 'Write dns:, ip:, email: or uri: in front.');
  if (kind.toLowerCase() === 'email' || kind.toLowerCase() === 'uri') return { kind: kind.toLowerCase() as 'email' | 'uri', text: value };
  const host = hostName(value, where);
  // An address is an address, also where somebody has a list of hosts and writes dns: before each.
  if (host.kind === 'dns' && kind.toLowerCase() === 'ip') throw malformedAt(where, `“${harmless(value.slice(0, 80))}” is no address.`);
  return host;
}

/** @returns whether the certificate is for the name. The common name never counts (RFC 9525 §6.3). */
export function isFor(certificate: Certificate, peer: PeerName): boolean {
  const names = certificate.alternativeNames;
  switch (peer.kind) {
    case 'dns': return names.some((name) => name.kind === 'dns' && dnsMatches(name.text, peer.text));
    case 'ip': return names.some((name) => name.kind === 'ip' && Buffer.from(name.bytes).equals(peer.bytes));
    case 'uri': return names.some((name) => name.kind === 'uri' && name.text === peer.text);
    default: return [...names.flatMap((name) => addressOf(name) ?? []), ...(names.some(({ kind }) => kind === 'email') ? [] : attributesOf(certificate.subject, EMAIL_ADDRESS))].some((address) => sameAddress(address, peer.text));
  }
}

function addressOf(name: GeneralName): string | undefined {
  return name.kind === 'email' ? name.text : name.kind === 'other' && name.oid === SMTP_UTF8 ? (name.text ?? undefined) : undefined;
}

/** The local part counts as it is written, the domain does not tell case. */
function sameAddress(one: string, other: string): boolean {
  const split = (address: string): [string, string] => [address.slice(0, address.lastIndexOf('@')), address.slice(address.lastIndexOf('@') + 1)];
  const [[local, host], [otherLocal, otherHost]] = [split(one), split(other)];
  return local === otherLocal && (domainToASCII(host) || host).toLowerCase() === (domainToASCII(otherHost) || otherHost).toLowerCase();
}

/** RFC 9525 §6.3: `*` stands for one whole leftmost label, and only before a domain of two labels at least. */
function dnsMatches(pattern: string, host: string): boolean {
  const presented = pattern.toLowerCase();
  if (!presented.startsWith('*.')) return presented === host && !presented.includes('*');
  const rest = presented.slice(2);
  if (rest.includes('*') || !rest.includes('.') || rest.startsWith('.')) return false;
  const dot = host.indexOf('.');
  return dot > 0 && host.slice(dot + 1) === rest;
}

/** @returns the names that a certificate has, for a sentence. */
export function namesForSentence(certificate: Certificate): string {
  const names = certificate.alternativeNames;
  if (names.length === 0) return 'it has no alternative names';
  return `it is for ${names.slice(0, 5).map(generalNameText).join(', ')}${names.length > 5 ? ` and ${names.length - 5} more` : ''}`;
}
