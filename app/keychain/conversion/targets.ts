import type { ConvertFormatName } from '../../contract/index.ts';
import { CAN_ENCRYPT, FORMAT_NAMES, lacksSeed, MUST_ENCRYPT, whyNot, whyNotPublic, type KeyFileFormat, type PublicKeyFormat } from '../../formats/index.ts';
import { OPENS, PUBLIC } from '../handlers/key-formats.ts';
import { publicPartsOf, type FileParts, type PublicPart } from './parts.ts';

/** What a file can become: one table, with what each kind of file has a place for. */

export interface Target {
  readonly format: ConvertFormatName;
  readonly part: 'all' | 'private' | 'public' | 'certificate' | 'list' | 'request';
  readonly title: string;
  readonly opens: string;
  readonly passphrase: 'none' | 'possible' | 'needed';
  /** Several in one file; else one, which is to be chosen. */
  readonly many: boolean;
  /** What else has a place in it. */
  readonly certificates: boolean;
  readonly labels: boolean;
}

const PRIVATE = ['pkcs8', 'pkcs1', 'sec1', 'openssh', 'ppk', 'jwk', 'jwe', 'pkcs12', 'jks', 'bks', 'cose', 'age', 'minisign', 'signify', 'raw'] as const satisfies readonly KeyFileFormat[];
const MANY: ReadonlySet<string> = new Set(['pkcs8', 'pkcs1', 'sec1', 'jwk', 'jwe', 'pkcs12', 'age', 'spki', 'public-jwk', 'public-openssh', 'public-age']);
const WITH_CERTIFICATES: ReadonlySet<string> = new Set(['pkcs12', 'jwk', 'jwe', 'public-jwk']);
const WITH_LABELS: ReadonlySet<string> = new Set(['pkcs12', 'jwk', 'jwe', 'public-jwk', 'openssh', 'ppk', 'public-openssh', 'age']);
export const PUBLIC_FORMATS = { spki: 'pem', 'public-jwk': 'jwk', 'public-openssh': 'openssh', 'public-minisign': 'minisign', 'public-cose': 'cose', 'public-age': 'age' } as const satisfies Partial<Record<ConvertFormatName, PublicKeyFormat>>;
export type PublicTarget = keyof typeof PUBLIC_FORMATS;

const target = (format: ConvertFormatName, part: Target['part'], title: string, opens: string, passphrase: Target['passphrase'] = 'none'): Target =>
  ({ format, part, title, opens, passphrase, many: MANY.has(format) || part === 'certificate' || part === 'all', certificates: part === 'all' || WITH_CERTIFICATES.has(format), labels: part === 'all' || WITH_LABELS.has(format) });

export const TARGETS: readonly Target[] = [
  target('pem', 'all', 'All of it (PEM)', 'OpenSSL, web servers and nearly all else', 'possible'),
  ...PRIVATE.map((format) => target(format, 'private', FORMAT_NAMES[format], OPENS[format], MUST_ENCRYPT.has(format) ? 'needed' : CAN_ENCRYPT.has(format) ? 'possible' : 'none')),
  ...(Object.entries(PUBLIC_FORMATS) as [PublicTarget, PublicKeyFormat][]).map(([format, own]) => target(format, 'public', PUBLIC[own][0], PUBLIC[own][1])),
  target('certificate', 'certificate', 'Certificates', 'web servers and nearly all else'), target('pkcs7', 'certificate', 'Certificates (PKCS#7, .p7b)', 'Windows and Java'),
  target('crl', 'list', 'Certificate revocation list', 'OpenSSL and web servers'), target('request', 'request', 'Certificate request (PKCS#10)', 'certificate authorities'),
];

export const targetOf = (format: ConvertFormatName): Target => TARGETS.find((one) => one.format === format) as Target;

/** What a conversion is about: all of the file, or one thing in it. */
export interface Chosen extends FileParts {
  readonly publics: readonly PublicPart[];
}

/** @param item counted from 1, among what the target is made of. @returns undefined when there is no such one */
export function chosen(parts: FileParts, { part }: Target, item: number | undefined): Chosen | undefined {
  const publics = publicPartsOf(parts);
  if (item === undefined) return { ...parts, publics };
  const only = <T>(list: readonly T[]): T[] => list.slice(item - 1, item);
  const all: Chosen = { ...parts, publics };
  const [found, narrowed] = part === 'private' ? [only(parts.keys).length, { ...all, keys: only(parts.keys) }] : part === 'public' ? [only(publics).length, { ...all, publics: only(publics) }]
    : part === 'certificate' ? [only(parts.certificates).length, { ...all, certificates: only(parts.certificates) }] : part === 'list' ? [only(parts.crls).length, { ...all, crls: only(parts.crls) }]
      : part === 'request' ? [only(parts.requests).length, { ...all, requests: only(parts.requests) }] : [0, all];
  return found === 0 ? undefined : narrowed;
}

/** @returns why a file cannot become this, in a sentence; null when it can. */
export function whyNotInto({ format, part, title, many }: Target, { keys, publics, certificates, crls, requests }: Chosen): string | null {
  const several = (count: number, what: string): string | null => (count > 1 && !many ? `The file holds ${count} ${what}, and ${title} has a place for one: choose one (--item).` : null);
  const said = (reason: string, index: number, count: number): string => sentence(count > 1 ? `of ${count} keys, number ${index + 1} does not fit: ${reason}` : reason);
  switch (part) {
    case 'all': return keys.some(({ material }) => whyNot(material.algorithm, 'pkcs8') !== null) ? 'It holds a symmetric key, for which PEM has no block.' : null;
    case 'private': {
      if (format === 'pkcs12' && keys.length === 0 && certificates.length > 0) return null;
      if (format === 'jks' || format === 'bks') return sentence(whyNot('ec-p256', format) as string); // whatever the keys are
      if (keys.length === 0) return 'The file holds no private or secret key.';
      for (const [index, { material }] of keys.entries()) {
        const reason = whyNot(material.algorithm, format as KeyFileFormat, lacksSeed(material.algorithm, material.secret.reveal()));
        if (reason !== null) return said(reason, index, keys.length);
      }
      return several(keys.length, 'keys');
    }
    case 'public': {
      if (publics.length === 0) return keys.length > 0 ? 'It is a symmetric key, which has no public part.' : 'The file holds no public key.';
      for (const [index, { algorithm }] of publics.entries()) {
        const reason = whyNotPublic(algorithm, PUBLIC_FORMATS[format as PublicTarget]);
        if (reason !== null) return said(reason, index, publics.length);
      }
      return several(publics.length, 'public keys');
    }
    case 'certificate': return certificates.length === 0 ? 'The file holds no certificate.' : null;
    case 'list': return crls.length === 0 ? 'The file holds no revocation list.' : several(crls.length, 'revocation lists');
    case 'request': return requests.length === 0 ? 'The file holds no certificate request.' : several(requests.length, 'requests');
  }
}

const sentence = (text: string): string => `${/^(?:age|minisign|signify)\b/.test(text) ? text : text.charAt(0).toUpperCase() + text.slice(1)}.`;

/** @returns what of the file has no place in this, a sentence each. `without`: ids of certificates that belong to no key that is written. */
export function losses({ part, format, certificates: holdsCertificates, labels }: Target, parts: FileParts, { keys, publics, certificates, crls, requests }: Chosen, without: number): string[] {
  const counted = (count: number, one: string, more: string): string[] => (count === 0 ? [] : [`${count === 1 ? one : `${count} ${more}`} left out.`]);
  const holdsKeys = part === 'private' || part === 'all';
  const kept = { keys: holdsKeys ? keys.length : 0, certificates: part === 'certificate' ? certificates.length : holdsCertificates ? certificates.length - without : 0 };
  const named = (holdsKeys ? keys : part === 'public' ? publics : certificates).flatMap(({ label }) => (label === undefined ? [] : [label]));
  const lostPublic = part === 'all' || part === 'public' ? 0 : parts.publicKeys.length;
  return [
    ...counted(parts.keys.length - kept.keys, 'The private key is', 'private keys are'), ...counted(part === 'public' ? publicPartsOf(parts).length - publics.length : lostPublic, 'A public key is', 'public keys are'),
    ...counted(parts.certificates.length - kept.certificates, 'A certificate is', 'certificates are'), ...counted(part === 'all' || format === 'pkcs7' ? 0 : parts.crls.length - (part === 'list' ? crls.length : 0), 'A revocation list is', 'revocation lists are'),
    ...counted(part === 'all' ? 0 : parts.requests.length - (part === 'request' ? requests.length : 0), 'A certificate request is', 'certificate requests are'),
    ...(named.length > 0 && !labels ? [`It has no place for ${named.length === 1 ? 'the name' : 'the names'} ${named.slice(0, 5).map((name) => `“${name}”`).join(', ')}${named.length > 5 ? ' …' : ''}.`] : []),
    ...parts.lost.map((text) => (text.includes('passed over') || text.includes('Convert it') ? text : `Left out: ${text}`)),
  ];
}

