import { generateKeyPairSync, type KeyObject, randomBytes, sign } from 'node:crypto';
import { contextPrimitive, contextTag, der, derInteger, derNull, derOid, DerReader, derSequence, TAG } from '../../formats/der.ts';
import { Certificate, RevocationList } from '../index.ts';
import { alternativeNamesOf, authorityKeyIdentifierOf, basicConstraintsOf, derExtension, extendedKeyUsageOf, keyIdentifierOf, keyUsageOf, subjectKeyIdentifierOf } from '../making/extensions.ts';
import { derBoolean, derTime } from '../reading/asn1.ts';
import { EXTENSION, PURPOSE_OIDS } from '../reading/oids.ts';
import { buildName } from '../reading/names.ts';
import { signatureIdentifier } from '../signatures.ts';
import type { SignatureAlgorithmName } from '../../contract/index.ts';

/** For tests of verifying: certificates and lists that say anything at all, byte by byte. Nothing here keeps any rule that the caller does not. */

export interface Forged { readonly certificate: Certificate; readonly keys: Pair }
interface Pair { readonly publicKey: KeyObject; readonly privateKey: KeyObject }

/** One part each, so that a case says only what it is about; null leaves it out. */
export interface Parts {
  readonly subject?: string;
  readonly issuer?: string;
  readonly serial?: Buffer;
  readonly keys?: Pair;
  readonly spki?: Buffer;
  readonly from?: string;
  readonly to?: string;
  readonly version?: 1 | 2 | 3;
  /** Extensions also where the version has none. */
  readonly extended?: true;
  /** Behind the public key: unique identifiers. */
  readonly afterKey?: readonly Buffer[];
  readonly basic?: Buffer | null;
  readonly usage?: Buffer | null;
  readonly purposes?: Buffer | null;
  readonly san?: Buffer | null;
  readonly aki?: Buffer | null;
  readonly ski?: Buffer | null;
  readonly more?: readonly Buffer[];
  /** Of the signature, within the part that is signed; another one than the real one. */
  readonly innerAlgorithm?: SignatureAlgorithmName;
  /** Of the algorithm of the signature, within and without: more than its identifier. */
  readonly parameters?: Buffer;
  /** Signed over its SHA-1, with an EC key. */
  readonly sha1?: true;
}

export const p256 = (): Pair => generateKeyPairSync('ec', { namedCurve: 'P-256' });
export const pairOf = (type: string, options: object = {}): Pair => (generateKeyPairSync as (name: string, how: object) => Pair)(type, options);
/** One pair for all whose key does not matter, since making some takes long. */
const SHARED = p256();
const spkiOf = ({ publicKey }: Pair): Buffer => publicKey.export({ type: 'spki', format: 'der' });
export const identifierOf = (keys: Pair): Buffer => keyIdentifierOf(spkiOf(keys));

const algorithmOf = ({ privateKey }: Pair): SignatureAlgorithmName => {
  const type = privateKey.asymmetricKeyType as string;
  return type === 'rsa' ? 'rsa-pkcs1-sha256' : type === 'ec' ? 'ecdsa-sha256' : (type as SignatureAlgorithmName);
};
const signWith = (keys: Pair, data: Buffer, hash: string): Buffer => sign(['rsa', 'ec', 'dsa'].includes(keys.privateKey.asymmetricKeyType as string) ? hash : null, data, keys.privateKey);
const signedBy = (keys: Pair, tbs: Buffer, sha1 = false, identifier = identifierFor(keys, sha1)): Buffer => derSequence(tbs, identifier, der(TAG.bitString, Buffer.of(0), signWith(keys, tbs, sha1 ? 'sha1' : 'sha256')));
const identifierFor = (keys: Pair, sha1 = false): Buffer => (sha1 ? derSequence(derOid('1.2.840.10045.4.1')) : keys.privateKey.asymmetricKeyType === 'dsa' ? derSequence(derOid('2.16.840.1.101.3.4.3.2')) : signatureIdentifier(algorithmOf(keys)));

const withParameters = (identifier: Buffer, parameters: Buffer): Buffer => derSequence(new DerReader(identifier).octets('the algorithm', TAG.sequence), parameters);

export function forged(parts: Parts, by: Forged | undefined): Forged {
  const keys = parts.keys ?? p256();
  const signer = by?.keys ?? keys;
  const spki = parts.spki ?? spkiOf(keys);
  const subject = parts.subject === '' ? derSequence() : buildName(parts.subject ?? 'CN=example.com');
  const issuer = parts.issuer === '' ? derSequence() : parts.issuer !== undefined ? buildName(parts.issuer) : by === undefined ? subject : Buffer.from(by.certificate.subject.der);
  const extensions = [
    parts.basic, parts.usage, parts.purposes, parts.san, parts.ski === undefined ? subjectKeyIdentifierOf(keyIdentifierOf(spki)) : parts.ski,
    parts.aki === undefined ? (by === undefined ? null : authorityKeyIdentifierOf(by.certificate.subjectKeyIdentifier ?? keyIdentifierOf(by.certificate.spki))) : parts.aki, ...(parts.more ?? []),
  ].filter((one): one is Buffer => one !== null && one !== undefined);
  const identifier = parts.parameters === undefined ? identifierFor(signer, parts.sha1) : withParameters(identifierFor(signer), parts.parameters);
  const version = parts.version ?? 3;
  const bare = extensions.length === 0 || (version !== 3 && parts.extended !== true);
  const tbs = derSequence(
    ...(version === 1 ? [] : [der(contextTag(0), derInteger(BigInt(version - 1)))]), der(TAG.integer, parts.serial ?? Buffer.concat([Buffer.of(0x11), randomBytes(15)])), parts.innerAlgorithm === undefined ? identifier : signatureIdentifier(parts.innerAlgorithm),
    issuer, derSequence(derTime(new Date(parts.from ?? '2020-01-01T00:00:00Z')), derTime(new Date(parts.to ?? '2040-01-01T00:00:00Z'))), subject, spki, ...(parts.afterKey ?? []), ...(bare ? [] : [der(contextTag(3), derSequence(...extensions))]),
  );
  return { certificate: new Certificate(signedBy(signer, tbs, parts.sha1, identifier)), keys };
}

const AUTHORITY = { basic: basicConstraintsOf(true, undefined), usage: keyUsageOf(['key-cert-sign', 'crl-sign']) };
export const root = (parts: Parts = {}): Forged => forged({ subject: 'CN=Root', ...AUTHORITY, ...parts }, undefined);
let authorities = 0;
export const authority = (by: Forged, parts: Parts = {}): Forged => forged({ subject: `CN=Authority ${(authorities += 1)}`, ...AUTHORITY, ...parts }, by);
/** A TLS server's, for example.com. */
export const leaf = (by: Forged, parts: Parts = {}): Forged =>
  forged({ keys: SHARED, usage: keyUsageOf(['digital-signature']), purposes: extendedKeyUsageOf([PURPOSE_OIDS['tls-server']], false), san: alternativeNamesOf(['dns:example.com'], false), ...parts }, by);

/** The same certificate with another signature: the last byte of it turned by `by`. */
export function tampered({ certificate, keys }: Forged, by = 1): Forged {
  const bytes = Buffer.from(certificate.der);
  bytes.writeUInt32BE((bytes.readUInt32BE(bytes.length - 4) ^ by) >>> 0, bytes.length - 4);
  return { certificate: new Certificate(bytes), keys };
}

/** An extension's criticality turned around. */
export function turned(extension: Buffer, oid: string): Buffer {
  const { value, critical } = new Certificate(forged({ more: [extension] }, undefined).certificate.der).extensions.find((one) => one.oid === oid)!;
  return derExtension(oid, value, !critical);
}

export interface ListParts {
  readonly issuer?: string;
  readonly keys?: Pair;
  readonly thisUpdate?: string;
  readonly nextUpdate?: string | null;
  readonly number?: bigint | null;
  readonly base?: bigint;
  readonly revoked?: readonly { readonly serial: string; readonly at?: string; readonly reason?: number; readonly issuer?: string; readonly more?: readonly Buffer[] }[];
  readonly more?: readonly Buffer[];
  readonly generalized?: true;
}

/** A revocation list, from 2024-01-01 to 2024-03-01 unless it says otherwise. */
export function list(by: Forged, parts: ListParts = {}): RevocationList {
  const keys = parts.keys ?? by.keys;
  const time = (text: string): Buffer => (parts.generalized === true ? der(0x18, Buffer.from(`${text.replaceAll(/[-:T]|\.\d+|Z/g, '')}Z`)) : derTime(new Date(text)));
  const entries = (parts.revoked ?? []).map(({ serial, at, reason, issuer, more = [] }) => {
    const extensions = [
      ...(reason === undefined ? [] : [derExtension(EXTENSION.reasonCode, der(0x0a, Buffer.of(reason)))]), ...(issuer === undefined ? [] : [derExtension(EXTENSION.certificateIssuer, derSequence(der(contextTag(4), buildName(issuer))), true)]), ...more,
    ];
    return derSequence(der(TAG.integer, Buffer.from(serial.length % 2 === 0 ? serial : `0${serial}`, 'hex')), derTime(new Date(at ?? '2024-01-05T00:00:00Z')), ...(extensions.length === 0 ? [] : [derSequence(...extensions)]));
  });
  const extensions = [
    authorityKeyIdentifierOf(identifierOf(keys)), ...(parts.number === null ? [] : [derExtension(EXTENSION.crlNumber, derInteger(parts.number ?? 1n))]), ...(parts.base === undefined ? [] : [derExtension(EXTENSION.deltaCrlIndicator, derInteger(parts.base), true)]), ...(parts.more ?? []),
  ];
  const tbs = derSequence(derInteger(1n), identifierFor(keys), parts.issuer === undefined ? by.certificate.subject.der : buildName(parts.issuer), time(parts.thisUpdate ?? '2024-01-01T00:00:00Z'), ...(parts.nextUpdate === null ? [] : [time(parts.nextUpdate ?? '2024-03-01T00:00:00Z')]),
    ...(entries.length === 0 ? [] : [derSequence(...entries)]), der(contextTag(0), derSequence(...extensions)));
  return new RevocationList(signedBy(keys, tbs));
}

/** IssuingDistributionPoint (RFC 5280 §5.2.5); the flags by their numbers. */
export const issuingPoint = (names: readonly Buffer[], flags: readonly number[] = [], reasons?: Buffer): Buffer => derExtension(EXTENSION.issuingDistributionPoint, derSequence(
  ...(names.length === 0 ? [] : [der(contextTag(0), der(contextTag(0), ...names))]), ...[1, 2, 3, 4, 5].flatMap((number) => (number === 3 ? (reasons === undefined ? [] : [der(contextPrimitive(3), reasons)]) : flags.includes(number) ? [der(contextPrimitive(number), derBoolean(true).subarray(2))] : []))), true);
/** CRLDistributionPoints with one point. @param crlIssuer whose lists are for it */
export const points = (names: readonly Buffer[], crlIssuer?: string): Buffer => derExtension(EXTENSION.crlDistributionPoints, derSequence(derSequence(
  ...(names.length === 0 ? [] : [der(contextTag(0), der(contextTag(0), ...names))]), ...(crlIssuer === undefined ? [] : [der(contextTag(2), der(contextTag(4), buildName(crlIssuer)))]))));
export const unknownExtension = (critical: boolean): Buffer => derExtension('1.3.6.1.4.1.55555.1', derNull(), critical);
export const shortRsa = (): Pair => pairOf('rsa', { modulusLength: 1024 });
