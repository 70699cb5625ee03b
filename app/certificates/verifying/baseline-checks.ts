import { domainToASCII } from 'node:url';
import type { Certificate } from '../reading/certificate.ts';
import { distributionPoints, EXTENSION } from '../reading/extensions.ts';
import { generalNameText, ipBytes } from '../reading/general-names.ts';
import { attributesOf, COMMON_NAME } from '../reading/names.ts';
import { PURPOSE_NAMES, PURPOSE_OIDS } from '../reading/oids.ts';
import { isBaseline, type Position } from './certificate-checks.ts';
import type { Checks } from './check.ts';

/** What the CA/Browser Forum binds issuers of TLS and S/MIME certificates to, beyond RFC 5280. Looked at for those purposes, where form is judged strictly. */

const TLS = 'CA/Browser Forum baseline requirements';
const SMIME = 'CA/Browser Forum S/MIME requirements';
const { any, ocsp, timestamp } = PURPOSE_OIDS;
const CODE = PURPOSE_OIDS['code-signing'];
const SERVER = PURPOSE_OIDS['tls-server'];
const PRECERTIFICATE = '1.3.6.1.4.1.11129.2.4.4';
/** Purposes that must not stand beside: TLS §7.1.2.7.10, S/MIME §7.1.2.3 (f), §7.1.2.2 (g). */
const NEVER_BESIDE_TLS: ReadonlySet<string> = new Set([any, CODE, timestamp, ocsp, PURPOSE_OIDS.email, PRECERTIFICATE]);
const NEVER_BESIDE_EMAIL: ReadonlySet<string> = new Set([any, CODE, timestamp, SERVER]);

/** Adds what the CA/Browser Forum asks of a certificate at this place of a path, where form is judged strictly and the purpose is TLS or e-mail. */
export function checkBaseline(certificate: Certificate, { depth, anchor, strict, purpose }: Position, checks: Checks): void {
  if (!strict || !isBaseline(purpose)) return;
  const email = purpose === 'email';
  if (depth === 0) checkEnd(certificate, email, checks);
  else if (anchor) checkRoot(certificate, email, checks);
  else if (email) checkEmailAuthority(certificate, checks);
}

function checkEnd(certificate: Certificate, email: boolean, checks: Checks): void {
  const names = certificate.extension(EXTENSION.subjectAltName);
  const extended = certificate.extension(EXTENSION.extendedKeyUsage);
  const forbidden = certificate.extendedKeyUsages?.find((oid) => (email ? NEVER_BESIDE_EMAIL : NEVER_BESIDE_TLS).has(oid));
  if (names?.critical === true && certificate.subject.rdns.length > 0) checks.fail('criticality', 'It has a subject, and its alternative names are critical.', email ? `${SMIME} §7.1.2.3 (h)` : `${TLS} §7.1.2.7.12`);
  if (forbidden !== undefined) checks.fail('extended-key-usage', `It may also be used for ${PURPOSE_NAMES[forbidden] ?? forbidden}, which must not stand together.`, email ? `${SMIME} §7.1.2.3 (f)` : `${TLS} §7.1.2.7.10`);
  if (email) {
    if (certificate.extension(EXTENSION.keyUsage)?.critical === false) checks.warn('criticality', 'Its key usage should be critical.', `${SMIME} §7.1.2.3 (e)`);
    if (certificate.extension(EXTENSION.keyUsage) === undefined) checks.fail('key-usage', 'It does not say what its key may be used for.', `${SMIME} §7.1.2.3 (e)`);
    if (extended === undefined) checks.fail('extended-key-usage', 'It does not say that it is for e-mail.', `${SMIME} §7.1.2.3 (f)`);
    return;
  }
  if (extended?.critical === true) checks.fail('criticality', 'Its extended key usage must not be critical.', `${TLS} §7.1.2.7.6`);
  const points = certificate.lenient(EXTENSION.crlDistributionPoints, distributionPoints) ?? [];
  if (points.some(({ names: all }) => all.some(({ kind }) => kind !== 'uri'))) checks.fail('crl-distribution-points', 'It names a distribution point by something other than a URI.', `${TLS} §7.1.2.11.2`);
  for (const common of attributesOf(certificate.subject, COMMON_NAME)) checkCommonName(common, certificate, checks);
}

/** §7.1.4.3: a common name is one of the alternative names, to the letter. Another name is told; one that is meant to be the same and is written otherwise is refused. */
function checkCommonName(common: string, { alternativeNames }: Certificate, checks: Checks): void {
  const texts = alternativeNames.map((name) => generalNameText(name).replace(/^[a-z]+:/, ''));
  if (texts.includes(common)) return;
  const ascii = (domainToASCII(common) || common).toLowerCase();
  const bytes = ipBytes(addressOf(common));
  const same = alternativeNames.some((name) => (name.kind === 'dns' && name.text.toLowerCase() === ascii) || (name.kind === 'ip' && bytes !== undefined && bytes.equals(name.bytes)));
  if (same) checks.fail('name', 'Its common name is one of its alternative names, written in another way.', `${TLS} §7.1.4.3`);
  else checks.warn('name', 'Its common name is none of its alternative names.', `${TLS} §7.1.4.3`);
}

/** As browsers read addresses: also 0xC0A80101 and 192.168.001.001. */
function addressOf(text: string): string {
  const host = text.includes(':') ? `[${text}]` : text;
  return /^[0-9a-fx.:[\]]+$/i.test(host) && URL.canParse(`http://${host}/`) ? new URL(`http://${host}/`).hostname.replace(/^\[(.*)\]$/, '$1') : text;
}

function checkRoot(certificate: Certificate, email: boolean, checks: Checks): void {
  if (certificate.extendedKeyUsages !== undefined) checks.fail('extended-key-usage', 'It is a root, and has an extended key usage.', email ? `${SMIME} §7.1.2.1 (d)` : `${TLS} §7.1.2.1.2`);
  const identifier = certificate.authorityKeyIdentifier;
  if (email || identifier === undefined || !certificate.isSelfIssued) return;
  const own = certificate.subjectKeyIdentifier;
  const fits = identifier.keyIdentifier !== undefined && (own === undefined || Buffer.from(own).equals(identifier.keyIdentifier));
  if (!fits || identifier.issuer !== undefined || identifier.serial !== undefined) checks.fail('key-identifier', 'It is a root, and its authority key identifier is not its own subject key identifier alone.', `${TLS} §7.1.2.1.3`);
}

function checkEmailAuthority(certificate: Certificate, checks: Checks): void {
  const forbidden = certificate.extendedKeyUsages?.find((oid) => NEVER_BESIDE_EMAIL.has(oid));
  if (forbidden !== undefined) checks.fail('extended-key-usage', `It may also be used for ${PURPOSE_NAMES[forbidden] ?? forbidden}, which must not stand together.`, `${SMIME} §7.1.2.2 (g)`);
  if (certificate.keyUsages?.includes('crl-sign') === false) checks.fail('key-usage', 'Its key may not sign revocation lists.', `${SMIME} §7.1.2.2 (e)`);
}
