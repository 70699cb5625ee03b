import { contextTag, DerReader, TAG } from '../../formats/der.ts';
import { malformed, notSupported, within } from '../../formats/malformed.ts';
import { looksLikePem, parsePem } from '../../formats/pem.ts';
import { type PublicKeyInfo, publicKeyInfo, readSignatureAlgorithm, type SignatureAlgorithmInfo, verifySigned } from '../signatures.ts';
import { whole } from './asn1.ts';
import { type Extension, readExtensions } from './extensions.ts';
import { type Name, readName } from './names.ts';

/** A certificate signing request (PKCS#10, RFC 2986 §4). */
export interface CertificateRequest {
  readonly der: Uint8Array;
  readonly tbs: Uint8Array;
  readonly subject: Name;
  readonly spki: Uint8Array;
  readonly key: PublicKeyInfo;
  /** Of the attribute extensionRequest (RFC 2985 §5.4.2). */
  readonly extensions: readonly Extension[];
  /** Object identifiers of all attributes. */
  readonly attributes: readonly string[];
  readonly signatureAlgorithm: SignatureAlgorithmInfo;
  readonly signature: Uint8Array;
}

const EXTENSION_REQUEST = '1.2.840.113549.1.9.14';
const MICROSOFT_EXTENSION_REQUEST = '1.3.6.1.4.1.311.2.1.14';
const MAX_REQUEST = 1024 * 1024;

/** Reads one request, DER. @throws INVALID_INPUT with the offset */
export function parseRequest(bytes: Uint8Array): CertificateRequest {
  if (bytes.length > MAX_REQUEST) throw malformed(`The request has ${bytes.length} bytes; ${MAX_REQUEST} is the most.`, MAX_REQUEST);
  const outer = new DerReader(bytes);
  const request = outer.enter('the request');
  outer.finish('the request');
  const tbsElement = request.next('the part that is signed', TAG.sequence);
  const tbs = request.inside(tbsElement);
  const version = tbs.smallInteger('the version', 127);
  if (version !== 0) throw notSupported(`The request has version ${version + 1}; there is version 1 alone (RFC 2986 §4.1).`);
  const subject = readName(tbs, 'the subject');
  const spkiElement = tbs.next('the public key', TAG.sequence);
  const attributesElement = tbs.optional('the attributes', contextTag(0)); // RFC 2986 wants them, and old programs leave them out
  const attributes: string[] = [];
  let extensions: Extension[] = [];
  if (attributesElement !== undefined) {
    const list = tbs.inside(attributesElement);
    while (!list.atEnd) {
      if (attributes.length === 100) throw malformed('The request has more than 100 attributes.', list.offset);
      const attribute = list.enter('an attribute');
      const oid = attribute.oid('the type of an attribute');
      const values = attribute.enter('the values of an attribute', TAG.set);
      attribute.finish('an attribute');
      if (oid === EXTENSION_REQUEST || oid === MICROSOFT_EXTENSION_REQUEST) {
        if (attributes.some((known) => known === oid)) throw malformed('The request asks for extensions twice.', values.offset);
        extensions = [...extensions, ...readExtensions(values, 'the request')];
        values.finish('the extensions asked for');
      }
      attributes.push(oid);
    }
  }
  tbs.finish('the part that is signed');
  const signatureAlgorithm = readSignatureAlgorithm(request, 'the signature algorithm');
  const signature = request.bits('the signature');
  request.finish('the request');
  const spki = whole(tbs, spkiElement);
  return { der: bytes, tbs: whole(request, tbsElement), subject, spki, key: publicKeyInfo(spki), extensions, attributes, signatureAlgorithm, signature };
}

/** @returns whether the request proves that its maker holds the private key. */
export function isRequestSigned({ key, signatureAlgorithm, tbs, signature }: CertificateRequest): boolean {
  return verifySigned(key, signatureAlgorithm, tbs, signature);
}

/** Reads the one request of a file, PEM or DER. */
export function readRequest(content: Uint8Array): CertificateRequest {
  if (!looksLikePem(content)) return parseRequest(content);
  const blocks = parsePem(content);
  const found = blocks.filter(({ label }) => label === 'CERTIFICATE REQUEST' || label === 'NEW CERTIFICATE REQUEST');
  const [only] = found;
  if (only === undefined) throw notSupported(`The file holds no certificate request, but ${blocks[0]?.label ?? 'nothing'}.`, 'Give a PKCS#10 request (CERTIFICATE REQUEST).');
  if (found.length > 1) throw malformed(`The file holds ${found.length} requests; give one at a time.`);
  return within(`line ${only.line}`, () => parseRequest(only.content));
}
