import { contextPrimitive, contextTag, DerReader, TAG } from '../../formats/der.ts';
import { malformed, notSupported, within } from '../../formats/malformed.ts';
import { readSignatureAlgorithm, type SignatureAlgorithmInfo } from '../signatures.ts';
import { ENUMERATED, readAll, readGeneralizedTime, whole } from './asn1.ts';
import { Certificate, serialHex } from './certificate.ts';
import { type Extension, EXTENSION, octetsValue, readExtensions } from './extensions.ts';
import { type Name, readName } from './names.ts';

/** OCSP requests and responses (RFC 6960 §4). */

export const BASIC_RESPONSE = '1.3.6.1.5.5.7.48.1.1';
const MAX_MESSAGE = 1024 * 1024;
const HASHES: Readonly<Record<string, string>> = { '1.3.14.3.2.26': 'sha1', '2.16.840.1.101.3.4.2.1': 'sha256', '2.16.840.1.101.3.4.2.2': 'sha384', '2.16.840.1.101.3.4.2.3': 'sha512' };
export const OCSP_STATUSES: Readonly<Record<number, string>> = { 0: 'successful', 1: 'malformed request', 2: 'internal error', 3: 'try later', 5: 'signature required', 6: 'unauthorized' };

/** Which certificate is asked about (RFC 6960 §4.1.1). */
export interface CertificateId {
  /** As node:crypto names it; the OID for others. */
  readonly hash: string;
  readonly nameHash: Uint8Array;
  readonly keyHash: Uint8Array;
  readonly serial: string;
  /** The whole of it, DER: answered as it was asked. */
  readonly der: Uint8Array;
}

export interface OcspRequest {
  readonly ids: readonly CertificateId[];
  readonly nonce: Uint8Array | undefined;
  readonly extensions: readonly Extension[];
}

export interface SingleResponse {
  readonly id: CertificateId;
  readonly status: 'good' | 'revoked' | 'unknown';
  readonly revokedAt: Date | undefined;
  readonly reason: number | undefined;
  readonly thisUpdate: Date;
  readonly nextUpdate: Date | undefined;
  readonly faults: readonly string[];
}

export interface OcspResponse {
  readonly der: Uint8Array;
  /** 0: successful; see {@link OCSP_STATUSES}. All below is there for 0 alone. */
  readonly status: number;
  readonly tbs: Uint8Array;
  readonly responder: { readonly name: Name } | { readonly keyHash: Uint8Array } | undefined;
  readonly producedAt: Date | undefined;
  readonly responses: readonly SingleResponse[];
  readonly nonce: Uint8Array | undefined;
  readonly signatureAlgorithm: SignatureAlgorithmInfo | undefined;
  readonly signature: Uint8Array;
  readonly certificates: readonly Certificate[];
  readonly faults: readonly string[];
}

function readId(reader: DerReader): CertificateId {
  const element = reader.next('the certificate asked about', TAG.sequence);
  const inside = reader.inside(element);
  const identifier = inside.enter('the hash algorithm');
  const oid = identifier.oid('the hash algorithm');
  if (!identifier.atEnd) identifier.next('the parameters');
  identifier.finish('the hash algorithm');
  const [nameHash, keyHash] = [inside.octets('the hash of the issuer’s name'), inside.octets('the hash of the issuer’s key')];
  const serial = serialHex(inside.octets('the serial number', TAG.integer));
  inside.finish('the certificate asked about');
  return { hash: HASHES[oid] ?? oid, nameHash, keyHash, serial, der: whole(reader, element) };
}

function nonceOf(extensions: readonly Extension[]): Uint8Array | undefined {
  const extension = extensions.find(({ oid }) => oid === EXTENSION.ocspNonce);
  if (extension === undefined) return undefined;
  try {
    return octetsValue(extension.value);
  } catch {
    return extension.value; // old clients put the bytes in bare
  }
}

/** @throws INVALID_INPUT with the offset */
export function parseOcspRequest(bytes: Uint8Array): OcspRequest {
  if (bytes.length > 64 * 1024) throw malformed(`The request has ${bytes.length} bytes; 65536 is the most.`);
  const outer = new DerReader(bytes);
  const request = outer.enter('the OCSP request');
  outer.finish('the OCSP request');
  const tbs = request.enter('the request');
  if (!request.atEnd) request.next('the signature of the request', contextTag(0)); // who asks is not judged: the answer is public
  request.finish('the OCSP request');
  const version = tbs.optional('the version', contextTag(0));
  if (version !== undefined && tbs.inside(version).smallInteger('the version', 127) !== 0) throw notSupported('The OCSP request has an unknown version.');
  tbs.optional('the requestor', contextTag(1));
  const ids = readAll(tbs.enter('the list of requests'), 'requests', 100, (one) => {
    const single = one.enter('a request');
    const id = readId(single);
    single.optional('extensions of a request', contextTag(0));
    single.finish('a request');
    return id;
  });
  if (ids.length === 0) throw malformed('The OCSP request asks about nothing.');
  const element = tbs.optional('the extensions', contextTag(2));
  const extensions = element === undefined ? [] : readExtensions(tbs.inside(element), 'the request');
  tbs.finish('the request');
  return { ids, extensions, nonce: nonceOf(extensions) };
}

/** @throws INVALID_INPUT with the offset, CAPABILITY_MISSING for another kind of response than the basic one */
export function parseOcspResponse(bytes: Uint8Array): OcspResponse {
  if (bytes.length > MAX_MESSAGE) throw malformed(`The response has ${bytes.length} bytes; ${MAX_MESSAGE} is the most.`);
  const outer = new DerReader(bytes);
  const response = outer.enter('the OCSP response');
  outer.finish('the OCSP response');
  const [status = 255] = response.octets('the status', ENUMERATED);
  const nothing = { der: bytes, status, tbs: new Uint8Array(), responder: undefined, producedAt: undefined, responses: [], nonce: undefined, signatureAlgorithm: undefined, signature: new Uint8Array(), certificates: [], faults: [] };
  if (status !== 0) return nothing;
  const responseBytes = response.enter('the response', contextTag(0)).enter('the response');
  response.finish('the OCSP response');
  const type = responseBytes.oid('the type of the response');
  if (type !== BASIC_RESPONSE) throw notSupported(`The OCSP response is of the type ${type}, and not the basic one (RFC 6960 §4.2.1).`);
  const content = responseBytes.octets('the basic response');
  responseBytes.finish('the response');
  return within('the basic response', () => ({ ...nothing, ...basicResponse(content) }));
}

function basicResponse(content: Uint8Array): Omit<OcspResponse, 'der' | 'status'> {
  const faults: string[] = [];
  const outer = new DerReader(content);
  const basic = outer.enter('the basic response');
  outer.finish('the basic response');
  const tbsElement = basic.next('the part that is signed', TAG.sequence);
  const tbs = basic.inside(tbsElement);
  const version = tbs.optional('the version', contextTag(0));
  if (version !== undefined && tbs.inside(version).smallInteger('the version', 127) !== 0) throw notSupported('The OCSP response has an unknown version.');
  let responder: OcspResponse['responder'];
  if (tbs.peek() === contextTag(1)) responder = { name: readName(tbs.enter('the responder', contextTag(1)), 'the responder') };
  else responder = { keyHash: tbs.enter('the responder', contextTag(2)).octets('the responder') };
  const producedAt = readGeneralizedTime(tbs, 'when it was produced');
  const responses = readAll(tbs.enter('the responses'), 'responses', 1000, readSingle);
  const element = tbs.optional('the extensions', contextTag(1));
  const extensions = element === undefined ? [] : readExtensions(tbs.inside(element), 'the response');
  for (const { oid, critical } of extensions) if (critical && oid !== EXTENSION.ocspNonce) faults.push(`Its critical extension ${oid} is not known here.`);
  tbs.finish('the part that is signed');
  const signatureAlgorithm = readSignatureAlgorithm(basic, 'the signature algorithm');
  const signature = basic.bits('the signature');
  const list = basic.optional('the certificates', contextTag(0));
  const certificates: Certificate[] = [];
  if (list !== undefined) {
    const inside = basic.inside(list).enter('the certificates');
    while (!inside.atEnd) {
      if (certificates.length === 20) throw malformed('The response brings more than 20 certificates.', inside.offset);
      certificates.push(new Certificate(whole(inside, inside.next('a certificate', TAG.sequence))));
    }
  }
  basic.finish('the basic response');
  return { tbs: whole(basic, tbsElement), responder, producedAt, responses, nonce: nonceOf(extensions), signatureAlgorithm, signature, certificates, faults };
}

function readSingle(reader: DerReader): SingleResponse {
  const single = reader.enter('a response');
  const id = readId(single);
  const element = single.next('the status of a certificate');
  let status: SingleResponse['status'];
  let revokedAt: Date | undefined;
  let reason: number | undefined;
  if (element.tag === contextPrimitive(0)) status = 'good';
  else if (element.tag === contextPrimitive(2)) status = 'unknown';
  else if (element.tag === contextTag(1)) {
    status = 'revoked';
    const info = single.inside(element);
    revokedAt = readGeneralizedTime(info, 'the time of the revocation');
    const explicit = info.optional('the reason', contextTag(0));
    if (explicit !== undefined) [reason] = info.inside(explicit).octets('the reason', ENUMERATED);
    info.finish('the status of a certificate');
  } else throw malformed('The status of a certificate is neither good, revoked nor unknown.', element.offset);
  const thisUpdate = readGeneralizedTime(single, 'this update');
  const next = single.optional('the next update', contextTag(0));
  const nextUpdate = next === undefined ? undefined : readGeneralizedTime(single.inside(next), 'the next update');
  const list = single.optional('the extensions', contextTag(1));
  const extensions = list === undefined ? [] : readExtensions(single.inside(list), 'a response');
  single.finish('a response');
  return { id, status, revokedAt, reason, thisUpdate, nextUpdate, faults: extensions.filter(({ critical }) => critical).map(({ oid }) => `The critical extension ${oid} of a response is not known here.`) };
}
