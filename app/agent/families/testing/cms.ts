import { constants, createHash, sign } from 'node:crypto';
import type { Certificate } from '../../../certificates/index.ts';
import { derTime } from '../../../certificates/reading/asn1.ts';
import { signatureIdentifier } from '../../../certificates/signatures.ts';
import type { Forged } from '../../../certificates/testing/forge.ts';
import type { SignatureAlgorithmName } from '../../../contract/index.ts';
import { contextPrimitive, contextTag, der, derInteger, derNull, derOid, derSequence, TAG } from '../../../formats/der.ts';
import { CMS, digestIdentifier, RSA_ENCRYPTION } from '../../../signing/cms/identifiers.ts';
import { attribute, issuerAndSerial } from '../../../signing/cms/write.ts';

/** For tests: SignedData that says anything at all. Nothing here keeps a rule that the caller does not. */

export const set = (...members: readonly Uint8Array[]): Buffer => der(TAG.set, ...members);
export const sorted = (members: readonly Buffer[]): Buffer[] => [...members].sort(Buffer.compare);
export const contentType = (oid: string = CMS.data): Buffer => attribute(CMS.contentType, derOid(oid));
export const messageDigest = (content: Uint8Array, hash = 'sha256'): Buffer => attribute(CMS.messageDigest, der(TAG.octetString, createHash(hash).update(content).digest()));
export const signingTime = (at: string): Buffer => attribute(CMS.signingTime, derTime(new Date(at)));
/** SigningCertificateV2 with SHA-256, or the old one with SHA-1. */
export const signingCertificate = ({ der: bytes }: Pick<Certificate, 'der'>, version: 1 | 2 = 2): Buffer =>
  attribute(version === 2 ? CMS.signingCertificateV2 : CMS.signingCertificate, derSequence(derSequence(derSequence(der(TAG.octetString, createHash(version === 2 ? 'sha256' : 'sha1').update(bytes).digest())))));

export interface SignerParts {
  readonly by: Forged;
  readonly content: Uint8Array;
  readonly version?: bigint;
  /** Another identifier than issuer and serial number. */
  readonly sid?: Buffer;
  readonly digest?: 'sha256' | 'sha384' | 'sha512' | 'sha1' | 'md5';
  readonly digestId?: Buffer;
  /** null: none, and the content itself is signed. */
  readonly attributes?: readonly Buffer[] | null;
  /** Written in the order that they have, and signed so as well. */
  readonly unsorted?: true;
  /** What stands there, where that is not what was signed. */
  readonly shown?: readonly Buffer[] | null;
  /** What is signed instead of it all. */
  readonly signs?: Uint8Array;
  readonly hash?: string;
  readonly algorithmId?: Buffer;
  readonly pss?: true;
  readonly unsigned?: readonly Buffer[];
  readonly change?: (signature: Buffer) => Buffer;
}

const isRsa = ({ keys }: Forged): boolean => keys.privateKey.asymmetricKeyType === 'rsa';

/** @returns a SignerInfo, and the signature in it. */
export function signer(parts: SignerParts): { info: Buffer; signature: Buffer } {
  const { by, content, version = 1n, digest = 'sha256', hash = digest, unsigned = [], change = (same: Buffer) => same } = parts;
  const own = parts.attributes === undefined ? [contentType(), messageDigest(content, digest)] : parts.attributes;
  const attributes = own === null ? null : parts.unsorted === true ? own : sorted(own);
  const shown = parts.shown === undefined ? attributes : parts.shown === null ? null : sorted(parts.shown);
  const key = { key: by.keys.privateKey, ...(parts.pss === true ? { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 32 } : {}) };
  const type = by.keys.privateKey.asymmetricKeyType;
  const signature = change(sign(type === 'ed25519' || type === 'ed448' ? null : hash, parts.signs ?? (attributes === null ? content : set(...attributes)), key));
  const name = isRsa(by) ? (parts.pss === true ? `rsa-pss-${hash}` : `rsa-pkcs1-${hash}`) : type === 'ec' ? `ecdsa-${hash}` : type;
  const algorithm = parts.algorithmId ?? (isRsa(by) && parts.pss !== true ? derSequence(derOid(RSA_ENCRYPTION), derNull()) : signatureIdentifier(name as SignatureAlgorithmName));
  const info = derSequence(
    derInteger(version), parts.sid ?? issuerAndSerial(by.certificate), parts.digestId ?? digestIdentifier(digest), ...(shown === null ? [] : [der(contextTag(0), ...shown)]), algorithm, der(TAG.octetString, signature),
    ...(unsigned.length === 0 ? [] : [der(contextTag(1), ...sorted(unsigned))]),
  );
  return { info, signature };
}

export const byKeyIdentifier = ({ certificate }: Forged): Buffer => der(contextPrimitive(0), certificate.subjectKeyIdentifier!);

export interface SignedParts {
  readonly signers: readonly Buffer[];
  readonly certificates?: readonly Certificate[];
  /** Inside; left out: detached. */
  readonly content?: Uint8Array;
  readonly type?: string;
  readonly version?: bigint;
  readonly digests?: readonly Buffer[];
  readonly crls?: readonly Uint8Array[];
  /** Behind it, within the outermost sequence. */
  readonly tail?: Buffer;
}

/** @returns ContentInfo around SignedData, DER. */
export function signedDataOf({ signers, certificates = [], content, type = CMS.data, version = 1n, digests = [digestIdentifier('sha256')], crls = [], tail = Buffer.alloc(0) }: SignedParts): Buffer {
  const data = derSequence(
    derInteger(version), set(...sorted(digests as Buffer[])), derSequence(derOid(type), ...(content === undefined ? [] : [der(contextTag(0), der(TAG.octetString, content))])),
    ...(certificates.length === 0 ? [] : [der(contextTag(0), ...certificates.map((one) => one.der))]), ...(crls.length === 0 ? [] : [der(contextTag(1), ...crls)]), set(...sorted(signers as Buffer[])),
  );
  return derSequence(derOid(CMS.signedData), der(contextTag(0), data), tail);
}

export { attribute };
