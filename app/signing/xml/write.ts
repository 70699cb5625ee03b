import { createHash, randomBytes } from 'node:crypto';
import { type Certificate } from '../../certificates/index.ts';
import { KEY_ALGORITHMS, SIGNATURE_ALGORITHMS } from '../../contract/index.ts';
import { contextTag, der, derSequence, TAG } from '../../formats/der.ts';
import { ecdsaDerToP1363 } from '../../formats/index.ts';
import { certificateFor } from '../certificate-for.ts';
import type { SigningKey, SignOptions } from '../format.ts';
import { CANONICAL_FORMS, canonicalize, escapeAttribute, type CanonicalForm, EXCLUSIVE } from './canonical.ts';
import { DSIG, SIGNED_PROPERTIES, uriOfDigest, XADES, XML_ALGORITHMS, xmlDigestFor, XPATH_FILTER } from './names.ts';
import { parseXml } from './parse.ts';
import { ALL_SIGNATURES } from './transforms.ts';
import { elementsWithin, type XmlDocument, type XmlElement } from './tree.ts';

/**
 * Writes XAdES-BES (ETSI EN 319 132-1, baseline B-B; with a timestamp B-T): ds:Signature with the signer's certificate and time
 * among what is signed. What the key is given is one short structure, SignedInfo, whatever is signed.
 */

/** Something that is signed. */
export interface NewReference {
  /** '' for the document that the signature lies in; else a relative URI. */
  readonly uri: string;
  readonly digest: Uint8Array;
  readonly mimeType: string;
}

export const EXCLUSIVE_FORM = CANONICAL_FORMS.get(EXCLUSIVE) as CanonicalForm;

/** @returns a ds:Signature that declares all of its namespaces, so that it says the same wherever it is put. @throws what signing throws */
export async function writeSignature(references: readonly NewReference[], key: SigningKey, { algorithm, timestamp }: Pick<SignOptions, 'algorithm' | 'timestamp'>): Promise<string> {
  const { certificate, chain } = await certificateFor(key);
  const id = randomBytes(16).toString('hex');
  const hash = xmlDigestFor(algorithm);
  const method = `<ds:DigestMethod Algorithm="${uriOfDigest(hash)}"></ds:DigestMethod>`;
  const properties = signedProperties(id, references, certificate);
  const signedInfo = (ofProperties: Uint8Array): string => [
    '<ds:SignedInfo>', `<ds:CanonicalizationMethod Algorithm="${EXCLUSIVE}"></ds:CanonicalizationMethod>`, `<ds:SignatureMethod Algorithm="${XML_ALGORITHMS[algorithm] as string}"></ds:SignatureMethod>`,
    ...references.map(({ uri, digest }, index) => `<ds:Reference Id="r${index}-${id}" URI="${escapeAttribute(uri)}">${uri === '' ? `<ds:Transforms>${WITHOUT_SIGNATURES}${EXCLUSIVE_TRANSFORM}</ds:Transforms>` : ''}${method}${digestValue(digest)}</ds:Reference>`),
    `<ds:Reference Type="${SIGNED_PROPERTIES}" URI="#p-${id}"><ds:Transforms>${EXCLUSIVE_TRANSFORM}</ds:Transforms>${method}${digestValue(ofProperties)}</ds:Reference>`, '</ds:SignedInfo>',
  ].join('');
  const whole = (info: string, value: string, unsigned: string): string => [
    `<ds:Signature xmlns:ds="${DSIG}" Id="s-${id}">`, info, `<ds:SignatureValue Id="v-${id}">${value}</ds:SignatureValue>`,
    '<ds:KeyInfo><ds:X509Data>', ...[certificate, ...chain].map((one) => `<ds:X509Certificate>${base64(one.der)}</ds:X509Certificate>`), '</ds:X509Data></ds:KeyInfo>',
    `<ds:Object><xades:QualifyingProperties xmlns:xades="${XADES}" Target="#s-${id}">`, properties, unsigned, '</xades:QualifyingProperties></ds:Object></ds:Signature>',
  ].join('');
  const canonicalPart = (text: string, local: string): Buffer => canonicalize(find(parseXml(text), local), EXCLUSIVE_FORM);
  const info = signedInfo(createHash(hash).update(canonicalPart(whole('', '', ''), 'SignedProperties')).digest());
  const signature = await key.sign(algorithm, { message: canonicalPart(whole(info, '', ''), 'SignedInfo') });
  const value = base64(SIGNATURE_ALGORITHMS[algorithm].family === 'ecdsa' ? ecdsaDerToP1363(signature, KEY_ALGORITHMS[key.algorithm].bits) : signature);
  const signed = whole(info, value, '');
  if (timestamp === undefined) return signed;
  const token = await timestamp({ hash: 'sha256', digest: createHash('sha256').update(canonicalPart(signed, 'SignatureValue')).digest() });
  return whole(info, value, `<xades:UnsignedProperties><xades:UnsignedSignatureProperties><xades:SignatureTimeStamp><ds:CanonicalizationMethod Algorithm="${EXCLUSIVE}"></ds:CanonicalizationMethod><xades:EncapsulatedTimeStamp>${base64(token)}</xades:EncapsulatedTimeStamp></xades:SignatureTimeStamp></xades:UnsignedSignatureProperties></xades:UnsignedProperties>`);
}

const base64 = (bytes: Uint8Array): string => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('base64');
const digestValue = (digest: Uint8Array): string => `<ds:DigestValue>${base64(digest)}</ds:DigestValue>`;
/** So that others can sign after us without breaking this one, and we after them. By a filter, whose one expression is evaluated once: XPath's is for each node, for which xmlsec1 takes minutes in a document of megabytes. */
const WITHOUT_SIGNATURES = `<ds:Transform Algorithm="${XPATH_FILTER}"><filter:XPath xmlns:filter="${XPATH_FILTER}" Filter="subtract">${ALL_SIGNATURES}</filter:XPath></ds:Transform>`;
const EXCLUSIVE_TRANSFORM = `<ds:Transform Algorithm="${EXCLUSIVE}"></ds:Transform>`;

function signedProperties(id: string, references: readonly NewReference[], certificate: Certificate): string {
  const time = `${new Date().toISOString().slice(0, 19)}Z`;
  const digest = createHash('sha256').update(certificate.der).digest();
  // IssuerSerial (RFC 5035 §4), DER.
  const issuerSerial = derSequence(derSequence(der(contextTag(4), certificate.issuer.der)), der(TAG.integer, certificate.serial));
  return [
    `<xades:SignedProperties Id="p-${id}"><xades:SignedSignatureProperties><xades:SigningTime>${time}</xades:SigningTime>`,
    `<xades:SigningCertificateV2><xades:Cert><xades:CertDigest><ds:DigestMethod Algorithm="${uriOfDigest('sha256')}"></ds:DigestMethod>${digestValue(digest)}</xades:CertDigest><xades:IssuerSerialV2>${base64(issuerSerial)}</xades:IssuerSerialV2></xades:Cert></xades:SigningCertificateV2>`,
    '</xades:SignedSignatureProperties><xades:SignedDataObjectProperties>',
    ...references.map(({ mimeType }, index) => `<xades:DataObjectFormat ObjectReference="#r${index}-${id}"><xades:MimeType>${mimeType}</xades:MimeType></xades:DataObjectFormat>`),
    '</xades:SignedDataObjectProperties></xades:SignedProperties>',
  ].join('');
}

function find({ root }: XmlDocument, local: string): XmlElement {
  for (const element of elementsWithin(root)) if (element.local === local) return element;
  throw new Error(`no ${local} in a signature of ours`);
}
