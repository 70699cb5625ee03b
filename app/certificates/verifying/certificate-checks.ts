import type { Certificate, FaultKind } from '../reading/certificate.ts';
import * as read from '../reading/extensions.ts';
import { type GeneralName, generalNameText } from '../reading/general-names.ts';
import { FILE_PURPOSES, type KeyUsageName, PURPOSE_NAMES, PURPOSE_OIDS } from '../reading/oids.ts';
import type { Checks } from './check.ts';

/** Checks of one certificate by itself: its form, its key, its time, its extensions, its purpose. */

const { EXTENSION } = read;

export type VerifyPurpose = 'any' | 'ca' | 'tls-server' | 'tls-client' | 'code-signing' | 'email' | 'ocsp' | 'timestamp' | 'file-signing';

/** Extensions that are processed when a certificate is verified: a critical one that is not among them is refused (RFC 5280 §4.2). */
const PROCESSED: Readonly<Record<string, ((value: Uint8Array) => unknown) | undefined>> = {
  [EXTENSION.basicConstraints]: read.basicConstraints, [EXTENSION.keyUsage]: read.keyUsage, [EXTENSION.extendedKeyUsage]: read.extendedKeyUsage, [EXTENSION.subjectAltName]: read.generalNames, [EXTENSION.nameConstraints]: read.nameConstraints,
  [EXTENSION.certificatePolicies]: read.certificatePolicies, [EXTENSION.policyMappings]: read.policyMappings, [EXTENSION.policyConstraints]: read.policyConstraints, [EXTENSION.inhibitAnyPolicy]: read.inhibitAnyPolicy,
  [EXTENSION.subjectKeyIdentifier]: read.subjectKeyIdentifier, [EXTENSION.authorityKeyIdentifier]: read.authorityKeyIdentifier, [EXTENSION.issuerAltName]: read.generalNames, [EXTENSION.crlDistributionPoints]: read.distributionPoints,
  [EXTENSION.freshestCrl]: read.distributionPoints, [EXTENSION.authorityInformationAccess]: read.informationAccess, [EXTENSION.subjectInformationAccess]: read.informationAccess, [EXTENSION.tlsFeature]: read.tlsFeatures,
  [EXTENSION.ocspNoCheck]: () => undefined,
};

/** RFC 5280: which extensions must, and must not, be critical. */
const CRITICALITY: readonly (readonly [oid: string, critical: boolean, section: string])[] = [
  [EXTENSION.authorityKeyIdentifier, false, '§4.2.1.1'], [EXTENSION.subjectKeyIdentifier, false, '§4.2.1.2'], [EXTENSION.policyConstraints, true, '§4.2.1.11'], [EXTENSION.inhibitAnyPolicy, true, '§4.2.1.14'],
  [EXTENSION.freshestCrl, false, '§4.2.1.15'], [EXTENSION.authorityInformationAccess, false, '§4.2.2.1'], [EXTENSION.subjectInformationAccess, false, '§4.2.2.2'], [EXTENSION.subjectDirectoryAttributes, false, '§4.2.1.8'],
];

/**
 * Faults for which a certificate is refused whatever was asked, also as a root. They leave open which rules it was made by: who reads it in one way trusts what who reads
 * it in the other does not. Extensions in version 1 or 2 are passed over by readers of those versions, one that is there twice says two things, and so do two algorithms
 * for one signature. The others (a serial number of zero, a time in the wrong form) break a rule and mislead nobody.
 */
const NEVER_WAIVED: ReadonlySet<FaultKind> = new Set(['version', 'unique-identifier', 'twice', 'algorithm', 'parameters', 'signature', 'issuer']);

export interface Position {
  /** 0: the certificate that is judged. */
  readonly depth: number;
  readonly anchor: boolean;
  /** Faults of form are refused; else told. Of an anchor only where its form is judged too. */
  readonly strict: boolean;
  readonly purpose: VerifyPurpose;
}

/** For whom the rules of the CA/Browser Forum are made. */
export const isBaseline = (purpose: VerifyPurpose): boolean => purpose === 'tls-server' || purpose === 'tls-client' || purpose === 'email';

/** Adds what is wrong with a certificate’s own form: version, serial number, signature algorithm, extensions (RFC 5280 §4.1, §4.2). */
export function checkForm(certificate: Certificate, position: Position, checks: Checks): void {
  const { depth, anchor, strict } = position;
  for (const { kind, text } of certificate.faults) checks.must(NEVER_WAIVED.has(kind) || (strict && (!anchor || depth === 0)), 'form', text, 'RFC 5280 §4.1');
  for (const oddity of certificate.oddities) checks.warn('form', oddity, null);
  for (const { oid, critical, fault } of certificate.extensions) {
    if (fault !== undefined) checks.must(strict, 'form', `The extension ${oid} is not written as DER wants: ${fault}.`, 'RFC 5280 §4.1');
    const reader = PROCESSED[oid];
    if (reader === undefined) {
      if (critical && !(oid === EXTENSION.timestampPoison)) checks.fail('critical-extension', `It has the critical extension ${oid}, which is not known here.`, 'RFC 5280 §4.2');
      else if (critical) checks.fail('critical-extension', 'It is a precertificate, and no certificate to rely on.', 'RFC 6962 §3.1');
      continue;
    }
    try {
      const known = certificate.read(oid, reader as (content: Uint8Array) => unknown);
      if (oid === EXTENSION.subjectAltName || oid === EXTENSION.issuerAltName) for (const name of (known as readonly GeneralName[]) ?? []) checkName(name, strict, checks);
    } catch (thrown) {
      checks.fail('extension', `The extension ${oid} is malformed: ${thrown instanceof Error ? thrown.message : String(thrown)}`, 'RFC 5280 §4.2');
    }
  }
  for (const [oid, wanted, section] of CRITICALITY) {
    const extension = certificate.extension(oid);
    if (extension !== undefined && extension.critical !== wanted) checks.must(strict, 'criticality', `The extension ${oid} must${wanted ? '' : ' not'} be critical.`, `RFC 5280 ${section}`);
  }
  checkAuthorityForm(certificate, position, checks);
  if (certificate.subject.rdns.length === 0 && certificate.extension(EXTENSION.subjectAltName)?.critical === false) checks.must(strict, 'subject', 'Its subject is empty, and its alternative names are not critical.', 'RFC 5280 §4.2.1.6');
  if (certificate.subject.rdns.length === 0 && certificate.extension(EXTENSION.subjectAltName) === undefined) checks.must(strict, 'subject', 'It has neither a subject nor alternative names.', 'RFC 5280 §4.1.2.6');
  for (const { oid, fault } of [...certificate.subject.rdns, ...certificate.issuer.rdns].flat()) if (fault !== undefined) checks.must(strict, 'name', `A name of it holds ${fault} (attribute ${oid}).`, 'RFC 5280 §4.1.2.4');
}

/** One `@` that parts a local part from a host, unless the local part is quoted (RFC 5321 §4.1.2). */
export const isMailbox = (text: string): boolean => /^("[^]*"|[^@"]+)@[^@]+$/.test(text);

function checkName(name: GeneralName, strict: boolean, checks: Checks): void {
  if ((name.kind === 'dns' || name.kind === 'email' || name.kind === 'uri') && (name.fault !== undefined || name.text === '' || (name.kind === 'email' && !isMailbox(name.text)) || (name.kind === 'dns' && name.text.startsWith('.')))) checks.must(strict, 'name', `An alternative name of it is not valid: ${generalNameText(name)}.`, 'RFC 5280 §4.2.1.6');
  if (name.kind === 'ip' && name.bytes.length !== 4 && name.bytes.length !== 16) checks.must(strict, 'name', `An address in it has ${name.bytes.length} bytes.`, 'RFC 5280 §4.2.1.6');
}

const NEVER_OF_SIGNERS: ReadonlySet<KeyUsageName> = new Set(['key-encipherment', 'data-encipherment', 'key-agreement', 'encipher-only', 'decipher-only']);

function checkAuthorityForm(certificate: Certificate, { depth, anchor, strict, purpose }: Position, checks: Checks): void {
  const constraints = certificate.basicConstraints;
  const usage = certificate.lenient(EXTENSION.keyUsage, read.keyUsage);
  const ca = constraints?.ca === true;
  if (usage !== undefined && usage.usages.length === 0) checks.must(strict, 'key-usage', 'Its key usage allows nothing.', 'RFC 5280 §4.2.1.3');
  if (!ca && usage?.usages.includes('key-cert-sign') === true) checks.must(strict, 'key-usage', 'Its key may sign certificates, and it is no authority.', 'RFC 5280 §4.2.1.9');
  if (!ca && constraints?.pathLength !== undefined) checks.fail('basic-constraints', 'It has a path length, and is no authority.', 'RFC 5280 §4.2.1.9');
  if (!ca && certificate.extension(EXTENSION.nameConstraints) !== undefined) checks.must(strict, 'name-constraints', 'It has name constraints, and is no authority.', 'RFC 5280 §4.2.1.10');
  if (ca && certificate.subject.rdns.length === 0) checks.must(strict, 'subject', 'It is an authority without a subject.', 'RFC 5280 §4.1.2.6');
  if (ca && certificate.extension(EXTENSION.nameConstraints)?.critical === false) checks.must(strict && !isBaseline(purpose), 'criticality', 'Its name constraints must be critical, and browsers do without.', 'RFC 5280 §4.2.1.10');
  const family = certificate.key.key?.asymmetricKeyType ?? '';
  if (/^(ml-dsa|slh-dsa|ed25519|ed448)/.test(family) && usage?.usages.some((one) => NEVER_OF_SIGNERS.has(one)) === true) checks.must(strict, 'key-usage', `Its key is for signatures alone, and its usage says more: ${usage.usages.join(', ')}.`, family.startsWith('ed') ? 'RFC 9295 §3' : family.startsWith('ml') ? 'RFC 9881 §5' : 'RFC 9909 §6');
  const signs = depth > 0;
  if (signs && ca) {
    if (certificate.extension(EXTENSION.basicConstraints)?.critical === false) checks.must(strict, 'criticality', 'The basic constraints of an authority must be critical.', 'RFC 5280 §4.2.1.9');
    if (usage === undefined) checks.must(strict && !anchor, 'key-usage', 'An authority must say what its key may do.', 'RFC 5280 §4.2.1.3');
    if (certificate.subjectKeyIdentifier === undefined) checks.must(strict, 'key-identifier', 'An authority must have a subject key identifier.', 'RFC 5280 §4.2.1.2');
    if (constraints?.pathLength !== undefined && usage !== undefined && !usage.usages.includes('key-cert-sign')) checks.must(strict, 'basic-constraints', 'It has a path length, and its key may not sign certificates.', 'RFC 5280 §4.2.1.9');
  }
  if (!certificate.isSelfIssued || (!anchor && depth > 0)) {
    const identifier = certificate.authorityKeyIdentifier;
    if (identifier?.keyIdentifier === undefined && !(anchor && certificate.isSelfIssued)) checks.must(strict, 'key-identifier', 'It does not say by an identifier which key of its issuer signed it.', 'RFC 5280 §4.2.1.1');
  }
}

/** @param weak whether what must not be relied on any more is told and not refused. */
export function checkKey(certificate: Certificate, { anchor, strict }: Position, { tls, weak }: { tls: boolean; weak: boolean }, checks: Checks): void {
  const { key, signatureAlgorithm } = certificate;
  if (key.problem !== undefined) checks.must(!(weak && key.outdated === true), 'key', `${key.problem.charAt(0).toUpperCase()}${key.problem.slice(1)}.`, null);
  else checks.ok('key', `Its key is ${key.name}.`);
  const { bits } = key;
  if (tls && strict && bits !== undefined && bits % 8 !== 0) checks.fail('key', `The modulus of its key has ${bits} bits, which 8 does not divide.`, 'CA/Browser Forum baseline requirements §6.1.6');
  // The signature of an anchor by itself proves nothing, and is not looked at.
  if (!anchor && signatureAlgorithm.weak !== undefined) checks.must(!weak, 'algorithm', signatureAlgorithm.weak, null);
}

/** Adds whether `at` is within the validity, both ends included, in whole seconds (RFC 5280 §4.1.2.5). */
export function checkTime(certificate: Certificate, at: Date, checks: Checks): void {
  const [from, to] = [certificate.notBefore.date, certificate.notAfter.date];
  const day = (date: Date): string => date.toISOString().replace('.000Z', 'Z');
  if (at < from) checks.fail('validity', `It is not valid before ${day(from)}.`, 'RFC 5280 §6.1.3 (a)(2)');
  // The end counts as a whole second.
  else if (at.getTime() >= to.getTime() + 1000) checks.fail('validity', `It ended on ${day(to)}.`, 'RFC 5280 §6.1.3 (a)(2)');
  else checks.ok('validity', `It is valid until ${day(to)}.`, 'RFC 5280 §6.1.3 (a)(2)');
}

/** RFC 5280 §6.1.4 (k) to (n): that it may sign the one below it. @param below authorities below it that are not self-issued */
export function checkAuthority(certificate: Certificate, below: number, anchor: boolean, checks: Checks): void {
  const constraints = certificate.basicConstraints;
  if (constraints === undefined && certificate.version < 3 && anchor) checks.warn('basic-constraints', 'It is of version 1, and counts as an authority because it is trusted as one.', 'RFC 5280 §6.1.4 (k)');
  else if (constraints?.ca !== true) checks.fail('basic-constraints', 'It is no authority: it may not issue certificates.', 'RFC 5280 §6.1.4 (k)');
  else if (constraints.pathLength !== undefined && below > constraints.pathLength) checks.fail('path-length', `${below} authorities stand below it, and it allows ${constraints.pathLength}.`, 'RFC 5280 §6.1.4 (m)');
  else checks.ok('basic-constraints', 'It is an authority, and may have those below it.', 'RFC 5280 §6.1.4 (k)(m)');
  if (certificate.keyUsages?.includes('key-cert-sign') === false) checks.fail('key-usage', 'Its key may not sign certificates.', 'RFC 5280 §6.1.4 (n)');
}

const NEEDED_USAGES: Readonly<Partial<Record<VerifyPurpose, readonly KeyUsageName[]>>> = {
  'tls-server': ['digital-signature', 'key-encipherment', 'key-agreement'], 'tls-client': ['digital-signature', 'key-agreement'], 'code-signing': ['digital-signature'], timestamp: ['digital-signature', 'non-repudiation'],
  email: ['digital-signature', 'non-repudiation', 'key-encipherment', 'key-agreement'], ocsp: ['digital-signature', 'non-repudiation'], ca: ['key-cert-sign'], 'file-signing': ['digital-signature', 'non-repudiation'],
};

const purposeNames = (oids: readonly string[]): string => oids.slice(0, 5).map((one) => PURPOSE_NAMES[one] ?? one).join(', ');

/** What the certificate may be used for, where it says so: in the one that is judged, and in every authority above it. */
export function checkPurpose(certificate: Certificate, { depth, anchor, strict, purpose }: Position, checks: Checks): void {
  if (purpose === 'any') return;
  const extended = certificate.extendedKeyUsages;
  const oid = purpose === 'ca' || purpose === 'file-signing' ? undefined : PURPOSE_OIDS[purpose];
  const tls = purpose === 'tls-server' || purpose === 'tls-client';
  if (oid !== undefined && extended !== undefined) {
    const any = extended.includes(PURPOSE_OIDS.any);
    // Anybody who may do everything was given more than a server needs: CA/Browser §7.1.2.7.10, RFC 6960 §4.2.2.2, RFC 3161 §2.3.
    const anyCounts = depth > 0 ? true : !(tls && strict) && purpose !== 'ocsp' && purpose !== 'timestamp';
    if (!extended.includes(oid) && !(any && anyCounts)) checks.fail('extended-key-usage', `It is not for ${PURPOSE_NAMES[oid] ?? oid}, but for ${purposeNames(extended)}.`, 'RFC 5280 §4.2.1.12');
    else checks.ok('extended-key-usage', `It may be used for ${PURPOSE_NAMES[oid] ?? oid}.`, 'RFC 5280 §4.2.1.12');
    if (depth === 0 && purpose === 'timestamp' && (extended.length !== 1 || certificate.extension(EXTENSION.extendedKeyUsage)?.critical !== true)) checks.fail('extended-key-usage', 'A certificate for timestamping has that purpose alone, and critical.', 'RFC 3161 §2.3');
  } else if (oid !== undefined && depth === 0 && (purpose === 'ocsp' || purpose === 'timestamp' || purpose === 'code-signing')) {
    checks.fail('extended-key-usage', `It does not say that it is for ${PURPOSE_NAMES[oid] ?? oid}.`, purpose === 'timestamp' ? 'RFC 3161 §2.3' : purpose === 'ocsp' ? 'RFC 6960 §4.2.2.2' : 'CA/Browser Forum code signing requirements §7.1.2.3');
  }
  if (purpose === 'file-signing' && extended !== undefined) {
    if (extended.some((one) => FILE_PURPOSES.has(one))) checks.ok('extended-key-usage', 'It may be used for signing files.', 'RFC 5280 §4.2.1.12');
    else checks.fail('extended-key-usage', `It is not for signing files, but for ${purposeNames(extended)}.`, 'RFC 5280 §4.2.1.12');
  }
  if (depth > 0) return;
  const needed = NEEDED_USAGES[purpose];
  const usages = certificate.keyUsages;
  if (needed !== undefined && usages !== undefined && !needed.some((usage) => usages.includes(usage))) checks.fail('key-usage', `Its key may be used for ${usages.join(', ') || 'nothing'}; one of ${needed.join(', ')} is needed.`, 'RFC 5280 §4.2.1.3');
  if (purpose === 'ca' && certificate.basicConstraints?.ca !== true) checks.fail('basic-constraints', 'It is no authority.', 'RFC 5280 §4.2.1.9');
  if (tls && !anchor && certificate.basicConstraints?.ca === true) checks.must(strict, 'basic-constraints', 'It is an authority, and not for a server or client itself.', 'CA/Browser Forum baseline requirements §7.1.2.7.6');
  if (purpose === 'tls-server' && certificate.extension(EXTENSION.subjectAltName) === undefined) checks.fail('name', 'It has no alternative names: it is for no server.', 'RFC 9525 §6.3');
}
