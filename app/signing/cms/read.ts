import { Certificate } from '../../certificates/index.ts';
import { readSignatureAlgorithm, type SignatureAlgorithmInfo } from '../../certificates/signatures.ts';
import { whole } from '../../certificates/reading/asn1.ts';
import { berToDer } from '../../formats/ber.ts';
import { contextPrimitive, contextTag, type DerElement, DerReader, TAG } from '../../formats/der.ts';
import { malformed, notSupported } from '../../formats/malformed.ts';
import { CMS, DIGESTS, type DigestName, DSA_PUBLIC_KEY, EC_PUBLIC_KEY, RSA_ENCRYPTION, SHAKE256_LENGTH } from './identifiers.ts';

/** Reads SignedData (RFC 5652 §5), also of PKCS#7 v1.5 and in BER. */

export interface CmsAttribute {
  readonly oid: string;
  /** Elements, DER. */
  readonly values: readonly Uint8Array[];
}

export interface CmsSigner {
  /** SignerInfo, DER, without its unsigned attributes, whose elements follow. */
  readonly body: Uint8Array;
  readonly sid: { readonly issuer: Uint8Array; readonly serial: Uint8Array } | { readonly keyIdentifier: Uint8Array };
  readonly digest: DigestName | null;
  readonly digestIdentifier: Uint8Array;
  /** As they were signed: a SET, DER; null when there are none, and the content itself was signed. */
  readonly signedAttributes: Uint8Array | null;
  readonly attributes: readonly CmsAttribute[];
  readonly algorithm: SignatureAlgorithmInfo;
  readonly signature: Uint8Array;
  readonly unsigned: readonly CmsAttribute[];
  readonly unsignedElements: readonly Uint8Array[];
}

export interface SignedData {
  readonly contentType: string;
  /** null: detached. */
  readonly content: Uint8Array | null;
  readonly certificates: readonly Certificate[];
  readonly certificateElements: readonly Uint8Array[];
  /** [1], DER, as it was. */
  readonly crls: Uint8Array | null;
  readonly digestIdentifiers: readonly Uint8Array[];
  readonly signers: readonly CmsSigner[];
}

const MAX_SIGNERS = 100;
const MAX_CERTIFICATES = 1000;

/** @param bytes BER or DER. @throws INVALID_INPUT with the offset, CAPABILITY_MISSING for CMS that is no SignedData */
export function readSignedData(bytes: Uint8Array): SignedData {
  const outer = new DerReader(berToDer(bytes));
  const info = outer.enter('the CMS structure');
  const type = info.oid('the type');
  if (type !== CMS.signedData) throw notSupported(`This is CMS of the type ${type}, and not signed data.`, type.startsWith('1.2.840.113549.1.7.') || type.startsWith('1.2.840.113549.1.9.16.1.') ? 'Encrypted files are opened with files decrypt.' : 'Check that it is the right file.');
  const explicit = info.enter('the signed data', contextTag(0));
  info.finish('the CMS structure');
  const data = explicit.enter('the signed data');
  explicit.finish('the CMS structure');
  data.smallInteger('the version', 5);
  const digests = elementsOf(data.enter('the digest algorithms', TAG.set), 'a digest algorithm', MAX_SIGNERS);
  const { contentType, content } = readContent(data);
  const certificateElements: Uint8Array[] = [];
  const held = data.optional('the certificates', contextTag(0));
  if (held !== undefined) certificateElements.push(...elementsOf(data.inside(held), 'a certificate', MAX_CERTIFICATES));
  const lists = data.optional('the revocation lists', contextTag(1));
  const infos = data.enter('the signers', TAG.set);
  const signers: CmsSigner[] = [];
  while (!infos.atEnd) {
    if (signers.length === MAX_SIGNERS) throw malformed(`There are more than ${MAX_SIGNERS} signers.`, infos.offset);
    signers.push(readSigner(infos));
  }
  data.finish('the signed data');
  return { contentType, content, certificateElements, certificates: certificateElements.flatMap(certificateOf), crls: lists === undefined ? null : whole(data, lists), digestIdentifiers: digests, signers };
}

/** Attribute certificates and what cannot be read are no one's certificate. */
function certificateOf(element: Uint8Array): Certificate[] {
  try {
    return element[0] === TAG.sequence ? [new Certificate(element)] : [];
  } catch {
    return [];
  }
}

function readContent(data: DerReader): { contentType: string; content: Uint8Array | null } {
  const encapsulated = data.enter('the content');
  const contentType = encapsulated.oid('the type of the content');
  if (encapsulated.atEnd) return { contentType, content: null };
  const explicit = encapsulated.enter('the content', contextTag(0));
  encapsulated.finish('the content');
  if (explicit.atEnd) return { contentType, content: null };
  // PKCS#7 allowed any type here; signed are its bytes without tag and length (RFC 5652 §5.2.1).
  const element = explicit.next('the content');
  explicit.finish('the content');
  return { contentType, content: explicit.content(element) };
}

/** Reads a SignerInfo; that of a counter-signature too. */
export function readSigner(reader: DerReader): CmsSigner {
  const info = reader.enter('a signer');
  const start = info.offset;
  info.smallInteger('the signer’s version', 5);
  const sid = readSid(info);
  const digestElement = info.next('the signer’s digest algorithm', TAG.sequence);
  const digestInside = info.inside(digestElement);
  const digestOid = digestInside.oid('the signer’s digest algorithm');
  const isOther = digestOid === SHAKE256_LENGTH && digestInside.integer('the length of the signer’s digest') !== 512n;
  const digest = !isOther && Object.hasOwn(DIGESTS, digestOid) ? DIGESTS[digestOid as keyof typeof DIGESTS] : null;
  const signed = info.optional('the signed attributes', contextTag(0));
  const algorithm = withDigest(readSignatureAlgorithm(info, 'the signature algorithm'), digest);
  const signature = info.octets('the signature');
  const body = info.bytes.subarray(start, info.offset);
  const unsigned = info.optional('the unsigned attributes', contextTag(1));
  info.finish('the signer');
  const signedAttributes = signed === undefined ? null : asSet(whole(info, signed));
  return {
    body, sid, digest, digestIdentifier: whole(info, digestElement), signedAttributes, attributes: signed === undefined ? [] : readAttributes(info.inside(signed)), algorithm, signature,
    unsigned: unsigned === undefined ? [] : readAttributes(info.inside(unsigned)), unsignedElements: unsigned === undefined ? [] : elementsOf(info.inside(unsigned), 'an attribute', 1000),
  };
}

function readSid(info: DerReader): CmsSigner['sid'] {
  if (info.peek() === contextPrimitive(0)) return { keyIdentifier: info.octets('the signer’s key identifier', contextPrimitive(0)) };
  const pair = info.enter('the signer’s issuer and serial number');
  const issuer: DerElement = pair.next('the issuer', TAG.sequence);
  const serial = pair.octets('the serial number', TAG.integer);
  pair.finish('the signer’s issuer and serial number');
  return { issuer: whole(pair, issuer), serial };
}

/** Where the key's own identifier stands for the signature, its hash is the digest's (RFC 3370 §3; some write ECDSA so too). */
const BY_KEY: Readonly<Record<string, { readonly kind: 'rsa' | 'ec' | 'dsa'; readonly name: string; readonly words: string }>> = {
  [RSA_ENCRYPTION]: { kind: 'rsa', name: 'rsa-pkcs1', words: 'RSA PKCS#1' }, [EC_PUBLIC_KEY]: { kind: 'ec', name: 'ecdsa', words: 'ECDSA' }, [DSA_PUBLIC_KEY]: { kind: 'dsa', name: 'dsa', words: 'DSA' },
};
function withDigest(algorithm: SignatureAlgorithmInfo, digest: DigestName | null): SignatureAlgorithmInfo {
  const { oid, der } = algorithm;
  const key = BY_KEY[oid];
  if (key === undefined || digest === null) return algorithm;
  const { kind, name, words } = key;
  const broken = whyBroken(digest);
  const weak = kind === 'dsa' ? { weak: 'DSA is no longer approved (FIPS 186-5).' } : broken !== undefined ? { weak: broken } : {};
  const known = kind !== 'dsa' && ['sha256', 'sha384', 'sha512'].includes(digest);
  return { oid, der, kind, hash: digest, name: known ? `${name}-${digest}` : `${words} with ${digest}`, ...weak };
}

/** @returns why what is hashed so is not to be relied on, whatever signs the hash. */
export function whyBroken(digest: DigestName | null): string | undefined {
  return digest === 'sha1' || digest === 'md5' ? `${digest.toUpperCase()} is broken: two files with one signature can be made.` : undefined;
}

function readAttributes(reader: DerReader): CmsAttribute[] {
  const attributes: CmsAttribute[] = [];
  while (!reader.atEnd) {
    if (attributes.length === 1000) throw malformed('There are more than 1000 attributes.', reader.offset);
    const one = reader.enter('an attribute');
    const oid = one.oid('the type of an attribute');
    const values = elementsOf(one.enter('the values of an attribute', TAG.set), 'the value of an attribute', 1000);
    one.finish('an attribute');
    attributes.push({ oid, values });
  }
  return attributes;
}

function elementsOf(reader: DerReader, what: string, most: number): Uint8Array[] {
  const elements: Uint8Array[] = [];
  while (!reader.atEnd) {
    if (elements.length === most) throw malformed(`There are more than ${most} of ${what}.`, reader.offset);
    elements.push(whole(reader, reader.next(what)));
  }
  return elements;
}

function asSet(element: Uint8Array): Uint8Array {
  const copy = Buffer.from(element);
  copy[0] = TAG.set;
  return copy;
}
