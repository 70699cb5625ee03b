import { KEY_ALGORITHMS, KeywrightError, type KeyAlgorithmFacts, type KeyAlgorithmName } from '../../contract/index.ts';
import { ipBytes } from '../reading/general-names.ts';
import type { KeyUsageName } from '../reading/oids.ts';
import type { Profile, ProfileName } from './profiles.ts';

/** What RFC 5280 or a profile forbids is refused with its section; what CA/Browser rules discourage is a warning. */

export interface Warning { readonly warning: string; readonly rule: string }

export function refuse(detail: string, where: string, remedy?: string): never {
  throw new KeywrightError('INVALID_INPUT', { detail, where, ...(remedy === undefined ? {} : { remedy }) });
}

/** What a certificate is about to say. */
export interface Draft {
  readonly profile: ProfileName | 'general';
  readonly rules: Profile;
  readonly authority: boolean;
  readonly subjectEmpty: boolean;
  readonly commonName: string | undefined;
  /** `dns:…`, `ip:…`, after normalising. */
  readonly names: readonly string[];
  readonly usages: readonly KeyUsageName[];
  readonly purposes: readonly string[];
  readonly pathLength: number | undefined;
  readonly constrains: boolean;
  readonly keyAlgorithm: string;
}

const ENCRYPTING: readonly KeyUsageName[] = ['key-encipherment', 'data-encipherment', 'key-agreement', 'encipher-only', 'decipher-only'];
/** Which standard says what keys of a family must not be marked for. */
const FORBIDDEN_USAGES: Readonly<Record<string, { readonly usages: readonly KeyUsageName[]; readonly rule: string }>> = {
  ec: { usages: ['key-encipherment', 'data-encipherment'], rule: 'RFC 5480 §3' },
  eddsa: { usages: ENCRYPTING, rule: 'RFC 9295 §3' },
  'ml-dsa': { usages: ENCRYPTING, rule: 'RFC 9881 §5' },
  'slh-dsa': { usages: ENCRYPTING, rule: 'RFC 9909 §5' },
  xdh: { usages: ['digital-signature', 'non-repudiation', 'key-encipherment', 'data-encipherment', 'key-cert-sign', 'crl-sign'], rule: 'RFC 9295 §3' },
  'ml-kem': { usages: ['digital-signature', 'non-repudiation', 'data-encipherment', 'key-agreement', 'key-cert-sign', 'crl-sign'], rule: 'RFC 9935 §4' },
};

/** @returns the family of a key algorithm's name, or undefined for one that we do not have. */
export function familyOf(algorithm: string): KeyAlgorithmFacts['family'] | undefined {
  return algorithm in KEY_ALGORITHMS ? KEY_ALGORITHMS[algorithm as KeyAlgorithmName].family : undefined;
}

/** @throws INVALID_INPUT with the section of what is broken */
export function refuseForbidden(draft: Draft): void {
  const { authority, subjectEmpty, names, usages, pathLength, constrains, keyAlgorithm, rules, profile, purposes } = draft;
  const family = familyOf(keyAlgorithm);
  if (keyAlgorithm === 'rsa-1024' || /^rsa-(\d{1,3}|1\d{3})$/.test(keyAlgorithm)) refuse(`The key is ${keyAlgorithm}: too short for anything new (SP 800-131A rev. 2 §3).`, '/key', 'Use RSA of 2048 bits or more, or an elliptic curve.');
  if (subjectEmpty && authority) refuse('An authority needs a subject (RFC 5280 §4.1.2.6).', '/subject', 'Give one: --subject "CN=Example root".');
  if (subjectEmpty && names.length === 0) refuse('A certificate needs a subject or an alternative name (RFC 5280 §4.1.2.6).', '/subject', 'Give --subject "CN=…" or --san dns:….');
  if (pathLength !== undefined && !authority) refuse('A path length is for authorities alone (RFC 5280 §4.2.1.9).', '/pathLength', 'Leave it out, or use the profile root or sub-ca.');
  if (pathLength !== undefined && !usages.includes('key-cert-sign')) refuse('A path length needs the key usage key-cert-sign (RFC 5280 §4.2.1.9).', '/keyUsage');
  if (constrains && !authority) refuse('Name constraints are for authorities alone (RFC 5280 §4.2.1.10).', '/permit', 'Leave them out, or use the profile root or sub-ca.');
  if (usages.includes('key-cert-sign') && !authority) refuse('The key usage key-cert-sign needs an authority (RFC 5280 §4.2.1.3, §4.2.1.9).', '/keyUsage', 'Use the profile root or sub-ca.');
  if (usages.length === 0) refuse('A key usage that allows nothing is not allowed (RFC 5280 §4.2.1.3).', '/keyUsage');
  const forbidden = family === undefined ? undefined : FORBIDDEN_USAGES[family];
  const wrong = usages.find((usage) => forbidden?.usages.includes(usage) === true);
  if (wrong !== undefined) refuse(`${keyAlgorithm} keys must not be marked for ${wrong} (${forbidden!.rule}).`, '/keyUsage', 'Leave that usage out, or use another key.');
  if (rules.needsName.length > 0 && !names.some((name) => rules.needsName.includes(name.split(':')[0]!))) {
    refuse(`A certificate for ${rules.title} names what it is for: one of ${rules.needsName.map((kind) => `${kind}:…`).join(', ')} (${profile === 'tls-server' ? 'RFC 9525 §6.3' : 'RFC 8550 §3'}).`, '/san', `Give --san ${rules.needsName[0]}:….`);
  }
  if (profile === 'timestamp' && purposes.length !== 1) refuse('A certificate for timestamping has that purpose alone (RFC 3161 §2.3).', '/extendedKeyUsage');
}


/** @returns what is allowed and unwise. */
export function discouraged(draft: Draft, notBefore: Date, notAfter: Date): Warning[] {
  const { profile, rules, names, commonName, keyAlgorithm, purposes, authority } = draft;
  const warnings: Warning[] = [];
  const warn = (warning: string, rule: string): void => void warnings.push({ warning, rule });
  const days = Math.ceil((notAfter.getTime() + 1000 - notBefore.getTime()) / 86_400_000);
  const longest = rules.longest?.days(notBefore);
  if (longest !== undefined && days > longest) warn(`It is valid for ${days} days; more than ${longest} are not accepted from public authorities.`, rules.longest!.rule);
  const family = familyOf(keyAlgorithm);
  if (profile === 'tls-server') {
    if (!['ec-p256', 'ec-p384', 'ec-p521'].includes(keyAlgorithm) && family !== 'rsa') warn(`Browsers take RSA and the curves P-256, P-384 and P-521; this key is ${keyAlgorithm}.`, 'CA/Browser Forum baseline requirements §6.1.5');
    for (const name of names) {
      const [kind, value] = [name.slice(0, name.indexOf(':')), name.slice(name.indexOf(':') + 1)];
      if (kind === 'dns' && (!value.replace(/^\*\./, '').includes('.') || /\.(local|internal|lan|home|corp|test|localhost|invalid|example)$/i.test(value))) warn(`${value} is not a name of the public DNS.`, 'CA/Browser Forum baseline requirements §4.2.2');
      if (kind === 'ip' && isReserved(value)) warn(`${value} is an address of a private or reserved network.`, 'CA/Browser Forum baseline requirements §4.2.2');
      if (kind !== 'dns' && kind !== 'ip') warn(`Names of the kind ${kind} do not belong into a certificate for a TLS server.`, 'CA/Browser Forum baseline requirements §7.1.2.7.12');
    }
    if (commonName !== undefined && !names.some((name) => name.slice(name.indexOf(':') + 1).toLowerCase() === commonName.toLowerCase())) warn(`The common name “${commonName}” is not among the alternative names: nobody will accept it as the server’s name.`, 'CA/Browser Forum baseline requirements §7.1.4.3, RFC 9525 §6.3');
  }
  if (profile === 'code-signing' && family === 'rsa' && Number(/\d+/.exec(keyAlgorithm)?.[0]) < 3072) warn('RSA keys for code signing have 3072 bits at least.', 'CA/Browser Forum code signing requirements §6.1.5');
  if (!authority && purposes.includes('2.5.29.37.0')) warn('A certificate for any purpose can be used where nobody meant it to be.', 'RFC 5280 §4.2.1.12');
  if (commonName === undefined && authority) warn('An authority without a common name is hard to tell from others.', 'CA/Browser Forum baseline requirements §7.1.4.3');
  if (notAfter.getUTCFullYear() === 9999) warn('It never ends.', 'RFC 5280 §4.1.2.5');
  return warnings;
}

function isReserved(address: string): boolean {
  const bytes = ipBytes(address);
  if (bytes === undefined) return false;
  const [a = 0, b = 0] = bytes;
  if (bytes.length === 4) return a === 10 || a === 127 || a === 0 || (a === 169 && b === 254) || (a === 172 && b >= 16 && b < 32) || (a === 192 && b === 168) || (a === 100 && b >= 64 && b < 128) || a >= 224;
  return (a & 0xfe) === 0xfc || (a === 0xfe && (b & 0xc0) === 0x80) || bytes.subarray(0, 15).every((byte) => byte === 0) || a === 0xff;
}
