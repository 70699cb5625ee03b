import type { CertificateExtension } from '../../contract/index.ts';
import { DerReader } from '../../formats/der.ts';
import * as read from '../reading/extensions.ts';
import { type GeneralName, generalNameText } from '../reading/general-names.ts';
import { textOf } from '../reading/names.ts';
import { ACCESS_METHODS, EXTENSION_NAMES, POLICY_NAMES, PURPOSE_NAMES } from '../reading/oids.ts';
import { harmless, hexOf } from '../reading/text.ts';
import { asn1Lines } from './asn1.ts';
import { timestampLines } from './timestamps.ts';

/** Extensions in words: a line each for what one says. */

const { EXTENSION } = read;
type Lines = (value: Uint8Array) => string[];

const REASON_FLAGS = ['unused', 'key compromise', 'CA compromise', 'affiliation changed', 'superseded', 'cessation of operation', 'certificate hold', 'privilege withdrawn', 'AA compromise'];
export const REASONS: Readonly<Record<number, string>> = {
  0: 'unspecified', 1: 'key-compromise', 2: 'ca-compromise', 3: 'affiliation-changed', 4: 'superseded', 5: 'cessation-of-operation', 6: 'certificate-hold', 8: 'remove-from-crl', 9: 'privilege-withdrawn', 10: 'aa-compromise',
};

const names = (list: readonly GeneralName[]): string[] => list.map(generalNameText);
const time = (date: Date): string => date.toISOString().replace('.000Z', 'Z');
const counted = (count: number, one: string): string => `${count} ${one}${count === 1 ? '' : 's'}`;
const pointLines = (point: Pick<read.DistributionPoint, 'names' | 'relative' | 'reasons'>): string[] => [
  ...names(point.names), ...(point.relative === undefined ? [] : [`relative to the issuer: ${textOf([point.relative])}`]), ...(point.reasons === undefined ? [] : [`for the reasons: ${point.reasons.map((bit) => REASON_FLAGS[bit] ?? bit).join(', ')}`]),
];

const informationAccess: Lines = (value) => read.informationAccess(value).map(({ method, location }) => `${ACCESS_METHODS[method] ?? method}: ${generalNameText(location)}`);
const distributionPoints: Lines = (value) => read.distributionPoints(value).flatMap((point) => [...pointLines(point), ...(point.crlIssuer.length === 0 ? [] : [`issued by ${names(point.crlIssuer).join(', ')}`])]);

const WORDS: Readonly<Record<string, Lines>> = {
  [EXTENSION.basicConstraints]: (value) => {
    const { ca, pathLength } = read.basicConstraints(value);
    return [ca ? 'An authority: it may issue certificates.' : 'Not an authority: it may not issue certificates.', ...(pathLength === undefined ? [] : [pathLength === 0 ? 'No further authority may stand below it.' : `At most ${counted(pathLength, 'further authorit').replace(/authorits$/, 'authorities').replace(/authorit$/, 'authority')} may stand below it.`])];
  },
  [EXTENSION.keyUsage]: (value) => read.keyUsage(value).usages.map((usage) => usage.replaceAll('-', ' ')),
  [EXTENSION.extendedKeyUsage]: (value) => read.extendedKeyUsage(value).map((oid) => (PURPOSE_NAMES[oid] === undefined ? oid : `${PURPOSE_NAMES[oid]} (${oid})`)),
  [EXTENSION.subjectAltName]: (value) => names(read.generalNames(value)),
  [EXTENSION.issuerAltName]: (value) => names(read.generalNames(value)),
  [EXTENSION.certificateIssuer]: (value) => names(read.generalNames(value)),
  [EXTENSION.subjectKeyIdentifier]: (value) => [hexOf(read.subjectKeyIdentifier(value))],
  [EXTENSION.authorityKeyIdentifier]: (value) => {
    const { keyIdentifier, issuer, serial } = read.authorityKeyIdentifier(value);
    return [...(keyIdentifier === undefined ? [] : [hexOf(keyIdentifier)]), ...(issuer === undefined ? [] : [`issuer: ${names(issuer).join(', ')}`]), ...(serial === undefined ? [] : [`serial number: ${hexOf(serial)}`])];
  },
  [EXTENSION.nameConstraints]: (value) => {
    const { permitted, excluded } = read.nameConstraints(value);
    return [...names(permitted).map((name) => `allowed below it: ${name}`), ...names(excluded).map((name) => `forbidden below it: ${name}`)];
  },
  [EXTENSION.certificatePolicies]: (value) => read.certificatePolicies(value).flatMap(({ oid, qualifiers }) => [POLICY_NAMES[oid] === undefined ? oid : `${POLICY_NAMES[oid]} (${oid})`, ...qualifiers.map(({ text, raw }) => `  ${text === null ? hexOf(raw, 64) : harmless(text)}`)]),
  [EXTENSION.policyMappings]: (value) => read.policyMappings(value).map(({ issuer, subject }) => `${issuer} counts as ${subject}`),
  [EXTENSION.policyConstraints]: (value) => {
    const { requireExplicit, inhibitMapping } = read.policyConstraints(value);
    return [...(requireExplicit === undefined ? [] : [`an explicit policy is needed after ${counted(requireExplicit, 'certificate')}`]), ...(inhibitMapping === undefined ? [] : [`policies are not mapped after ${counted(inhibitMapping, 'certificate')}`])];
  },
  [EXTENSION.inhibitAnyPolicy]: (value) => [`any policy stands for itself alone after ${counted(read.inhibitAnyPolicy(value), 'certificate')}`],
  [EXTENSION.crlDistributionPoints]: distributionPoints, [EXTENSION.freshestCrl]: distributionPoints,
  [EXTENSION.authorityInformationAccess]: informationAccess, [EXTENSION.subjectInformationAccess]: informationAccess,
  [EXTENSION.tlsFeature]: (value) => read.tlsFeatures(value).map((feature) => (feature === 5 ? 'The server must staple an OCSP response.' : feature === 17 ? 'The server must staple OCSP responses for its chain.' : `TLS extension ${feature}`)),
  [EXTENSION.ocspNoCheck]: () => ['The revocation of this responder is not checked while it is valid.'],
  [EXTENSION.ocspNonce]: (value) => [hexOf(read.octetsValue(value))],
  [EXTENSION.timestampList]: timestampLines,
  [EXTENSION.timestampPoison]: () => ['A precertificate: it is logged, and is no certificate to rely on (RFC 6962).'],
  [EXTENSION.crlNumber]: (value) => [read.integerValue(value).toString()], [EXTENSION.deltaCrlIndicator]: (value) => [`changes since CRL number ${read.integerValue(value)}`],
  [EXTENSION.reasonCode]: (value) => [REASONS[read.enumeratedValue(value)] ?? 'unknown reason'], [EXTENSION.invalidityDate]: (value) => [time(read.timeValue(value))],
  [EXTENSION.issuingDistributionPoint]: (value) => {
    const point = read.issuingDistributionPoint(value);
    return [...pointLines(point), ...(point.onlyUsers ? ['end entities alone'] : []), ...(point.onlyAuthorities ? ['authorities alone'] : []), ...(point.indirect ? ['certificates of several issuers'] : []), ...(point.onlyAttributes ? ['attribute certificates alone'] : [])];
  },
  [EXTENSION.netscapeType]: (value) => [`bits ${hexOf(read.bitsValue(value))}`], [EXTENSION.netscapeComment]: (value) => [harmless(read.stringValue(value))],
  [EXTENSION.microsoftCertificateType]: (value) => [harmless(read.stringValue(value))],
  [EXTENSION.microsoftCaVersion]: (value) => { const version = read.integerValue(value); return [`certificate ${version & 0xffffn}, key ${version >> 16n}`]; },
  [EXTENSION.microsoftPreviousCaHash]: (value) => [hexOf(read.octetsValue(value))],
  [EXTENSION.microsoftTemplate]: (value) => {
    const template = new DerReader(value).enter('the template');
    const oid = template.oid('the template');
    const [major, minor] = [template.atEnd ? undefined : template.smallInteger('the version', 2 ** 31), template.atEnd ? undefined : template.smallInteger('the version', 2 ** 31)];
    return [`template ${oid}${major === undefined ? '' : `, version ${major}.${minor ?? 0}`}`];
  },
  [EXTENSION.microsoftApplicationPolicies]: (value) => read.certificatePolicies(value).map(({ oid }) => (PURPOSE_NAMES[oid] === undefined ? oid : `${PURPOSE_NAMES[oid]} (${oid})`)),
  [EXTENSION.microsoftSid]: (value) => read.generalNames(value).map((name) => (name.kind === 'other' ? `security identifier ${harmless(Buffer.from(name.value.subarray(2)).toString('latin1'))}` : generalNameText(name))),
  // Yubico's values are not wrapped in DER, but for the serial number.
  [EXTENSION.yubicoFirmware]: (value) => [`firmware ${[...value].join('.')}`],
  [EXTENSION.yubicoSerial]: (value) => [`serial number ${read.integerValue(value)}`],
  [EXTENSION.yubicoPolicy]: ([pin = 0, touch = 0]) => [`PIN: ${['', 'never', 'once', 'always', 'match once', 'match always'][pin] || `policy ${pin}`}`, `touch: ${['', 'never', 'always', 'cached'][touch] || `policy ${touch}`}`],
  [EXTENSION.yubicoForm]: ([form = 0]) => [(['unknown', 'USB-A keychain', 'USB-A nano', 'USB-C keychain', 'USB-C nano', 'USB-C with Lightning', 'USB-A biometric', 'USB-C biometric'][form & 0x0f] ?? `form ${form}`) + ((form & 0x80) === 0 ? '' : ', FIPS series') + ((form & 0x40) === 0 ? '' : ', security key series')],
  [EXTENSION.yubicoFips]: () => ['certified to FIPS 140'], [EXTENSION.yubicoCspn]: () => ['certified to CSPN'],
};

/** @returns an extension as it is shown; one that is malformed says so, and is shown as its bytes. */
export function extensionInWords({ oid, critical, value, offset, fault }: read.Extension): CertificateExtension {
  const told = { oid, name: EXTENSION_NAMES[oid] ?? `Unknown extension ${oid}`, critical, raw: Buffer.from(value).toString('hex'), offset };
  const problem = fault === undefined ? null : `${fault.charAt(0).toUpperCase()}${fault.slice(1)}.`;
  try {
    return { ...told, lines: WORDS[oid]?.(value) ?? asn1Lines(value), problem };
  } catch (thrown) {
    return { ...told, lines: [hexOf(value, 256)], problem: thrown instanceof Error ? thrown.message : 'It cannot be read.' };
  }
}
