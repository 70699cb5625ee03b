import { createHash } from 'node:crypto';
import type { SignatureAlgorithmName } from '../../contract/index.ts';
import type { Certificate } from '../../certificates/index.ts';
import { derTime } from '../../certificates/reading/asn1.ts';
import { contextTag, der, derInteger, derOid, derSequence, TAG } from '../../formats/der.ts';
import { derHead } from '../../formats/ber.ts';
import type { SigningKey } from '../format.ts';
import { CMS, digestFor, digestIdentifier, signerIdentifier } from './identifiers.ts';

/** Writes SignedData (RFC 5652 §5) with the attributes of CAdES-BES: what is signed is short, whatever the file's size. */

interface NewSigner {
  readonly key: SigningKey;
  readonly certificate: Certificate;
  readonly algorithm: SignatureAlgorithmName;
  /** Of the content, by {@link digestFor}. */
  readonly digest: Uint8Array;
  /** null in a counter-signature, whose content has no type (RFC 5652 §11.4). */
  readonly contentType: string | null;
  /** Left out where the format has another place for it (PDF). */
  readonly signingTime?: Date;
}

/** A SignerInfo and its parts that others refer to. */
export interface MadeSigner {
  /** All but the unsigned attributes. */
  readonly body: Buffer;
  readonly signature: Uint8Array;
  readonly digestIdentifier: Buffer;
}

const set = (...members: readonly Uint8Array[]): Buffer => der(TAG.set, ...members);
export const attribute = (oid: string, ...values: readonly Uint8Array[]): Buffer => derSequence(derOid(oid), set(...values));

/** @throws what signing throws */
export async function makeSigner({ key, certificate, algorithm, digest, contentType, signingTime }: NewSigner): Promise<MadeSigner> {
  const attributes = [
    ...(contentType === null ? [] : [attribute(CMS.contentType, derOid(contentType))]), ...(signingTime === undefined ? [] : [attribute(CMS.signingTime, derTime(signingTime))]),
    attribute(CMS.messageDigest, der(TAG.octetString, digest)), attribute(CMS.signingCertificateV2, signingCertificate(certificate)),
  ].sort(Buffer.compare);
  // Signed is the SET itself, though it is written under [0] (RFC 5652 §5.4).
  const signature = await key.sign(algorithm, { message: set(...attributes) });
  const digestId = digestIdentifier(digestFor(algorithm));
  const body = Buffer.concat([derInteger(1n), issuerAndSerial(certificate), digestId, der(contextTag(0), ...attributes), signerIdentifier(algorithm), der(TAG.octetString, signature)]);
  return { body, signature, digestIdentifier: digestId };
}

/** @param unsigned attributes that were added after the signature. */
export function signerInfo({ body }: Pick<MadeSigner, 'body'>, unsigned: readonly Uint8Array[] = []): Buffer {
  return derSequence(body, ...(unsigned.length === 0 ? [] : [der(contextTag(1), ...[...unsigned].sort(Buffer.compare))]));
}

export function issuerAndSerial({ issuer, serial }: Certificate): Buffer {
  return derSequence(issuer.der, der(TAG.integer, serial));
}

/** SigningCertificateV2 (RFC 5035 §3): which certificate was meant, so that no other with the same key takes its place. SHA-256 is the default and left out. */
function signingCertificate(certificate: Certificate): Buffer {
  const hash = createHash('sha256').update(certificate.der).digest();
  const issuer = derSequence(der(contextTag(4), certificate.issuer.der));
  return derSequence(derSequence(derSequence(der(TAG.octetString, hash), derSequence(issuer, der(TAG.integer, certificate.serial)))));
}

interface SignedDataParts {
  readonly digestIdentifiers: readonly Uint8Array[];
  readonly certificates: readonly Uint8Array[];
  /** CRLs, as they were. */
  readonly crls?: Uint8Array;
  readonly signerInfos: readonly Uint8Array[];
  readonly contentType?: string;
}

/**
 * @param contentBytes of the content that lies inside; undefined: detached.
 * @returns what stands before the content and what after it.
 */
export function signedData({ digestIdentifiers, certificates, crls, signerInfos, contentType = CMS.data }: SignedDataParts, contentBytes?: number): { before: Buffer; after: Buffer } {
  const version = derInteger(contentType === CMS.data ? 1n : 3n);
  const digests = set(...unique(digestIdentifiers));
  const tail = Buffer.concat([
    ...(certificates.length === 0 ? [] : [der(contextTag(0), ...unique(certificates))]), ...(crls === undefined ? [] : [crls]), set(...[...signerInfos].sort(Buffer.compare)),
  ]);
  const type = derOid(contentType);
  const heads: Buffer[] = [];
  let inner = 0;
  if (contentBytes !== undefined) {
    heads.unshift(derHead(TAG.octetString, contentBytes));
    inner = heads[0]!.length + contentBytes;
    heads.unshift(derHead(contextTag(0), inner));
    inner += heads[0]!.length;
  }
  const encapsulated = Buffer.concat([derHead(TAG.sequence, type.length + inner), type]);
  const data = version.length + digests.length + encapsulated.length + inner + tail.length;
  const dataHead = derHead(TAG.sequence, data);
  const explicit = derHead(contextTag(0), dataHead.length + data);
  const outerType = derOid(CMS.signedData);
  const outer = derHead(TAG.sequence, outerType.length + explicit.length + dataHead.length + data);
  return { before: Buffer.concat([outer, outerType, explicit, dataHead, version, digests, encapsulated, ...heads]), after: tail };
}

/** In the order of their bytes, as a SET OF in DER is (X.690 §11.6). */
function unique(members: readonly Uint8Array[]): Uint8Array[] {
  return [...new Map(members.map((member) => [Buffer.from(member).toString('latin1'), member])).values()].sort(Buffer.compare);
}
