import { createHash } from 'node:crypto';
import { contextPrimitive, contextTag, der, derInteger, derNull, derOid, DerReader, derSequence, TAG } from '../../formats/der.ts';
import { derBoolean, derNamedBits } from '../reading/asn1.ts';
import { buildGeneralName, buildGeneralNames, splitNames } from '../reading/general-names.ts';
import { EXTENSION, ISSUER_ACCESS, KEY_USAGES, type KeyUsageName, OCSP_ACCESS } from '../reading/oids.ts';

/** Extensions that we write (RFC 5280 §4.2). */

/** @returns Extension, DER. */
export function derExtension(oid: string, value: Uint8Array, critical = false): Buffer {
  return derSequence(derOid(oid), ...(critical ? [derBoolean(true)] : []), der(TAG.octetString, value));
}

/** RFC 7093 §2 method 1: the leftmost 160 bits of the SHA-256 of the key's BIT STRING. */
export function keyIdentifierOf(spki: Uint8Array): Buffer {
  const info = new DerReader(spki).enter('the public key');
  info.next('the algorithm');
  return createHash('sha256').update(info.bits('the key')).digest().subarray(0, 20);
}

/** `pathLength` only with the CA flag (RFC 5280 §4.2.1.9). Always critical in authorities. */
export const basicConstraintsOf = (ca: boolean, pathLength: number | undefined): Buffer =>
  derExtension(EXTENSION.basicConstraints, derSequence(...(ca ? [derBoolean(true)] : []), ...(pathLength === undefined ? [] : [derInteger(BigInt(pathLength))])), true);

export const keyUsageOf = (usages: readonly KeyUsageName[]): Buffer => derExtension(EXTENSION.keyUsage, derNamedBits(usages.map((usage) => KEY_USAGES.indexOf(usage))), true);
export const extendedKeyUsageOf = (oids: readonly string[], critical: boolean): Buffer => derExtension(EXTENSION.extendedKeyUsage, derSequence(...oids.map(derOid)), critical);
/** Critical when the subject is empty (RFC 5280 §4.2.1.6). */
export const alternativeNamesOf = (names: readonly string[], critical: boolean): Buffer => derExtension(EXTENSION.subjectAltName, buildGeneralNames(names, '/san'), critical);
export const subjectKeyIdentifierOf = (identifier: Uint8Array): Buffer => derExtension(EXTENSION.subjectKeyIdentifier, der(TAG.octetString, identifier));
export const authorityKeyIdentifierOf = (identifier: Uint8Array): Buffer => derExtension(EXTENSION.authorityKeyIdentifier, derSequence(der(contextPrimitive(0), identifier)));

/** Always critical (RFC 5280 §4.2.1.10). */
export function nameConstraintsOf(permit: readonly string[], exclude: readonly string[]): Buffer {
  const subtrees = (number: number, names: readonly string[], where: string): Buffer[] =>
    names.length === 0 ? [] : [der(contextTag(number), ...splitNames(names).map((name, index) => derSequence(buildGeneralName(name, `${where}/${index}`, true))))];
  return derExtension(EXTENSION.nameConstraints, derSequence(...subtrees(0, permit, '/permit'), ...subtrees(1, exclude, '/exclude')), true);
}

export const policiesOf = (oids: readonly string[]): Buffer => derExtension(EXTENSION.certificatePolicies, derSequence(...oids.map((oid) => derSequence(derOid(oid)))));

const uri = (text: string): Buffer => buildGeneralName(`uri:${text}`, '/url');
export const distributionPointsOf = (urls: readonly string[], oid: string = EXTENSION.crlDistributionPoints): Buffer =>
  derExtension(oid, derSequence(...urls.map((url) => derSequence(der(contextTag(0), der(contextTag(0), uri(url)))))));
export const informationAccessOf = (ocsp: readonly string[], issuers: readonly string[]): Buffer => derExtension(EXTENSION.authorityInformationAccess, derSequence(
  ...ocsp.map((url) => derSequence(derOid(OCSP_ACCESS), uri(url))), ...issuers.map((url) => derSequence(derOid(ISSUER_ACCESS), uri(url)))));
/** RFC 7633: 5 is status_request. */
export const mustStapleOf = (): Buffer => derExtension(EXTENSION.tlsFeature, derSequence(derInteger(5n)));
/** RFC 6960 §4.2.2.2.1. */
export const ocspNoCheckOf = (): Buffer => derExtension(EXTENSION.ocspNoCheck, derNull());
