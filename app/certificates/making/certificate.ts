import { randomBytes } from 'node:crypto';
import { KeywrightError, type SignatureAlgorithmName } from '../../contract/index.ts';
import { contextTag, der, derBits, derInteger, derSequence, DerReader, toBigInt } from '../../formats/der.ts';
import { derTime } from '../reading/asn1.ts';
import { Certificate } from '../reading/certificate.ts';
import { hostOfCommonName } from '../reading/common-name.ts';
import { buildGeneralName, generalNameText, readGeneralName, splitNames } from '../reading/general-names.ts';
import { attributesOf, buildName, COMMON_NAME, EMAIL_ADDRESS, type Name, readName } from '../reading/names.ts';
import { type KeyUsageName, PURPOSE_OIDS } from '../reading/oids.ts';
import { publicKeyInfo, readSignatureAlgorithm, signatureIdentifier, verifySigned } from '../signatures.ts';
import {
  alternativeNamesOf, authorityKeyIdentifierOf, basicConstraintsOf, distributionPointsOf, extendedKeyUsageOf, informationAccessOf, keyIdentifierOf, keyUsageOf, mustStapleOf, nameConstraintsOf, ocspNoCheckOf, policiesOf, subjectKeyIdentifierOf,
} from './extensions.ts';
import { PROFILES, type ProfileName } from './profiles.ts';
import { discouraged, type Draft, familyOf, refuse, refuseForbidden, type Warning } from './rules.ts';

/** Makes certificates (RFC 5280 §4.1) and requests (RFC 2986). Signatures come from the caller: a private key never gets here. */

/** @returns the signature over `message` as X.509 wants it: DER for ECDSA. */
export type Sign = (algorithm: SignatureAlgorithmName, message: Uint8Array) => Promise<Uint8Array>;

/** What the maker says; what is absent is as the profile has it. Fields are those of the contract. */
export interface Content {
  readonly subject?: string | undefined;
  readonly san: readonly string[];
  readonly profile?: ProfileName | undefined;
  readonly days?: number | undefined;
  readonly notBefore?: string | undefined;
  readonly notAfter?: string | undefined;
  readonly pathLength?: number | undefined;
  readonly permit: readonly string[];
  readonly exclude: readonly string[];
  readonly keyUsage?: readonly KeyUsageName[] | undefined;
  readonly extendedKeyUsage?: readonly string[] | undefined;
  readonly policies: readonly string[];
  readonly crlUrl: readonly string[];
  readonly ocspUrl: readonly string[];
  readonly issuerUrl: readonly string[];
  readonly mustStaple: boolean;
}

/** What is there already: of a request, or of a certificate that is renewed or cross-signed. */
export interface Subject {
  readonly spki: Uint8Array;
  /** Whether the key may be marked for encrypting too. */
  readonly encrypts: boolean;
  /** Name, DER, unless the content says another. */
  readonly name?: Uint8Array;
}

/** What is going to be signed. */
export interface Prepared {
  readonly extensions: readonly Buffer[];
  readonly subject: Uint8Array;
  readonly spki: Uint8Array;
  readonly notBefore: Date;
  readonly notAfter: Date;
  readonly warnings: readonly Warning[];
}

const MINUTE = 60_000;
const DAY = 86_400_000;

/** @returns the OIDs of purposes given by name or as object identifiers. */
function purposeOids(names: readonly string[]): string[] {
  return names.map((name, index) => {
    const oid = (PURPOSE_OIDS as Readonly<Record<string, string>>)[name] ?? name;
    if (!/^[012](\.(0|[1-9]\d*))+$/.test(oid)) refuse(`“${name.slice(0, 60)}” is no purpose that is known here.`, `/extendedKeyUsage/${index}`, `Use ${Object.keys(PURPOSE_OIDS).join(', ')}, or an object identifier.`);
    return oid;
  });
}

/** Draft and extensions that certificates and requests share. */
export function drafted(content: Pick<Content, 'subject' | 'san' | 'profile' | 'pathLength' | 'permit' | 'exclude' | 'keyUsage' | 'extendedKeyUsage' | 'mustStaple'>, { spki, encrypts, name }: Subject): { draft: Draft; subject: Uint8Array; names: string[]; warnings: Warning[]; extensions: Buffer[] } {
  const profile = content.profile ?? 'general';
  const rules = PROFILES[profile];
  const subject = content.subject === undefined ? (name ?? buildName('')) : buildName(content.subject);
  const parsed = readName(new DerReader(subject), 'the subject');
  const warnings: Warning[] = [];
  const names = splitNames(content.san);
  addNamesOfSubject(parsed, rules.needsName, names, warnings);
  const { name: keyAlgorithm } = publicKeyInfo(spki);
  const family = familyOf(keyAlgorithm);
  const defaults = family === 'xdh' ? ['key-agreement' as const] : family === 'ml-kem' ? ['key-encipherment' as const]
    : [...rules.usages, ...(rules.encrypts && encrypts && family === 'rsa' ? ['key-encipherment' as const] : []), ...(rules.encrypts && encrypts && family === 'ec' && profile !== 'tls-server' ? ['key-agreement' as const] : [])];
  const usages = content.keyUsage ?? defaults;
  const purposes = content.extendedKeyUsage === undefined ? rules.purposes : purposeOids(content.extendedKeyUsage);
  const draft: Draft = {
    profile, rules, authority: rules.authority, subjectEmpty: parsed.rdns.length === 0, commonName: attributesOf(parsed, COMMON_NAME)[0], names: names.map(normalised), usages, purposes, pathLength: content.pathLength,
    constrains: content.permit.length + content.exclude.length > 0, keyAlgorithm,
  };
  refuseForbidden(draft);
  const extensions = [
    basicConstraintsOf(rules.authority, content.pathLength), keyUsageOf(usages), ...(purposes.length === 0 ? [] : [extendedKeyUsageOf(purposes, rules.purposesCritical)]),
    ...(names.length === 0 ? [] : [alternativeNamesOf(names, draft.subjectEmpty)]), ...(content.mustStaple ? [mustStapleOf()] : []), ...(draft.constrains ? [nameConstraintsOf(content.permit, content.exclude)] : []),
  ];
  return { draft, subject, names, warnings, extensions };
}

/** As it will be read again, so that rules see A-labels. */
function normalised(name: string, index: number): string {
  return generalNameText(readGeneralName(new DerReader(buildGeneralName(name, `/san/${index}`)), 'a name'));
}

/** A subject that says the server's name, or the e-mail address, says it as an alternative name too. */
function addNamesOfSubject(subject: Name, needed: readonly string[], names: string[], warnings: Warning[]): void {
  if (needed.length === 0 || names.some((name) => needed.includes(name.split(':')[0]!.toLowerCase()))) return;
  const found = needed.includes('email') ? attributesOf(subject, EMAIL_ADDRESS).map((address) => `email:${address}`) : attributesOf(subject, COMMON_NAME).flatMap((name) => hostOfCommonName(name) ?? []);
  for (const name of found) {
    names.push(name);
    warnings.push({ warning: `${name} was taken from the subject into the alternative names, where it counts.`, rule: needed.includes('email') ? 'RFC 8550 §3' : 'RFC 9525 §6.3' });
  }
}

/** Who issues: a certificate's name and key; undefined: the subject itself. */
export interface Issuer { readonly certificate: Certificate }

/** @throws INVALID_INPUT for what is forbidden, with the section */
export function prepareCertificate(content: Content, subject: Subject, issuer: Issuer | undefined, now = new Date()): Prepared {
  const { draft, subject: name, warnings, extensions } = drafted(content, subject);
  const times = validity(content, draft.rules.days, issuer?.certificate, now, warnings);
  const own = keyIdentifierOf(subject.spki);
  const issuing = issuer === undefined ? undefined : (issuer.certificate.subjectKeyIdentifier ?? keyIdentifierOf(issuer.certificate.spki));
  if (issuer !== undefined) assertMayIssue(issuer.certificate, draft);
  return {
    subject: name, spki: subject.spki, ...times, warnings: [...warnings, ...discouraged(draft, times.notBefore, times.notAfter)],
    extensions: [
      ...extensions, subjectKeyIdentifierOf(own), ...(issuing === undefined ? [] : [authorityKeyIdentifierOf(issuing)]),
      ...(content.policies.length === 0 ? [] : [policiesOf(content.policies)]), ...(content.crlUrl.length === 0 ? [] : [distributionPointsOf(content.crlUrl)]),
      ...(content.ocspUrl.length + content.issuerUrl.length === 0 ? [] : [informationAccessOf(content.ocspUrl, content.issuerUrl)]), ...(draft.profile === 'ocsp' ? [ocspNoCheckOf()] : []),
    ],
  };
}

/** RFC 5280 §4.2.1.9, §4.2.1.3. */
function assertMayIssue(issuer: Certificate, { authority }: Draft): void {
  const subject = issuer.subject.text || issuer.id;
  const constraints = issuer.basicConstraints;
  if (constraints?.ca !== true) refuse(`“${subject}” is no authority: its basic constraints do not say so (RFC 5280 §4.2.1.9).`, '/issuer', 'Choose a certificate of the profile root or sub-ca.');
  if (issuer.keyUsages?.includes('key-cert-sign') === false) refuse(`The key of “${subject}” may not sign certificates (RFC 5280 §4.2.1.3: key-cert-sign).`, '/issuer');
  if (authority && constraints.pathLength === 0) refuse(`“${subject}” has the path length 0: no authority may stand below it (RFC 5280 §4.2.1.9).`, '/issuer', 'Issue from an authority higher up.');
}

/** A child's validity lies within its issuer's, or nobody could rely on its end. The beginning is five minutes back for clocks that are slow. */
export function validity({ days, notBefore, notAfter }: Pick<Content, 'days' | 'notBefore' | 'notAfter'>, defaultDays: number, issuer: Certificate | undefined, now: Date, warnings: Warning[]): { notBefore: Date; notAfter: Date } {
  let begin = wholeSeconds(notBefore === undefined ? new Date(now.getTime() - 5 * MINUTE) : new Date(notBefore));
  if (issuer !== undefined && notBefore === undefined && begin < issuer.notBefore.date) begin = issuer.notBefore.date;
  if (days !== undefined && notAfter !== undefined) refuse('Give the end of the validity or its days, not both.', '/days');
  let end = notAfter === undefined ? new Date(begin.getTime() + (days ?? defaultDays) * DAY - 1000) : wholeSeconds(new Date(notAfter));
  if (end <= begin) refuse('The validity would end before it begins (RFC 5280 §4.1.2.5).', '/notAfter');
  if (end.getUTCFullYear() > 9999) refuse('The validity ends after the year 9999 (RFC 5280 §4.1.2.5).', '/notAfter');
  if (issuer === undefined) return { notBefore: begin, notAfter: end };
  const { date: last } = issuer.notAfter;
  if (last <= now) refuse(`The issuer’s certificate ended on ${last.toISOString().slice(0, 10)}.`, '/issuer', 'Renew it first.');
  if (begin < issuer.notBefore.date) refuse(`It would begin before its issuer’s certificate does, on ${issuer.notBefore.date.toISOString()}.`, '/notBefore');
  if (end > last) {
    if (days !== undefined || notAfter !== undefined) refuse(`It would end after its issuer’s certificate, which ends on ${last.toISOString()}.`, days === undefined ? '/notAfter' : '/days', 'Choose a shorter validity, or renew the issuer first.');
    warnings.push({ warning: `It ends with its issuer’s certificate, on ${last.toISOString().slice(0, 10)}.`, rule: 'RFC 5280 §6.1.3 (a)(2)' });
    end = last;
  }
  return { notBefore: begin, notAfter: end };
}

const wholeSeconds = (date: Date): Date => new Date(Math.floor(date.getTime() / 1000) * 1000);

/** 160 random bits, of which the first must be clear: at most 20 octets and positive (RFC 5280 §4.1.2.2). */
export function randomSerial(): Buffer {
  const bytes = randomBytes(20);
  bytes[0] = (bytes[0] as number) & 0x7f;
  return derInteger(toBigInt(bytes) || 1n);
}

/**
 * Signs what was prepared, and verifies it before it is given out.
 * @param issuer name and key of who signs. @throws INTERNAL when the signer gave garbage
 */
export async function signCertificate(prepared: Prepared, issuer: { readonly name: Uint8Array; readonly spki: Uint8Array }, algorithm: SignatureAlgorithmName, sign: Sign): Promise<Certificate> {
  const identifier = signatureIdentifier(algorithm);
  const tbs = derSequence(
    der(contextTag(0), derInteger(2n)), randomSerial(), identifier, issuer.name, derSequence(derTime(prepared.notBefore), derTime(prepared.notAfter)), prepared.subject, prepared.spki,
    der(contextTag(3), derSequence(...prepared.extensions)),
  );
  return new Certificate(await signed(tbs, identifier, issuer.spki, algorithm, sign));
}

/** @returns the SEQUENCE of `tbs`, algorithm and signature, as certificates, requests and revocation lists have it. */
export async function signed(tbs: Uint8Array, identifier: Uint8Array, spki: Uint8Array, algorithm: SignatureAlgorithmName, sign: Sign): Promise<Buffer> {
  const signature = await sign(algorithm, tbs);
  const info = readSignatureAlgorithm(new DerReader(identifier), 'the signature algorithm');
  if (!verifySigned(publicKeyInfo(spki), info, tbs, signature)) {
    throw new KeywrightError('INTERNAL', { detail: 'What the key signed does not verify with its public key. Nothing was made.', remedy: 'Try again; if it persists, the token or backend does not do what it says.' });
  }
  return derSequence(tbs, identifier, derBits(signature));
}

export const EXTENSION_REQUEST = '1.2.840.113549.1.9.14';
