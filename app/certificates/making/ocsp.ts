import { createHash } from 'node:crypto';
import type { SignatureAlgorithmName } from '../../contract/index.ts';
import { contextPrimitive, contextTag, der, derNull, derOid, derSequence, TAG } from '../../formats/der.ts';
import { derGeneralizedTime, ENUMERATED } from '../reading/asn1.ts';
import type { Certificate } from '../reading/certificate.ts';
import { BASIC_RESPONSE, type CertificateId } from '../reading/ocsp.ts';
import { EXTENSION } from '../reading/oids.ts';
import { signatureIdentifier } from '../signatures.ts';
import { keyBits } from '../verifying/revocation.ts';
import { type Sign, signed } from './certificate.ts';
import { derSerial, REASON_CODES, type ReasonName } from './crl.ts';
import { derExtension } from './extensions.ts';

/** Makes OCSP requests and responses (RFC 6960 §4). */

const SHA1 = '1.3.14.3.2.26';

/**
 * @param nonce 1 to 32 bytes (RFC 9654 §2.1), or none.
 * @returns OCSPRequest, DER. The identifier is hashed with SHA-1, which responders know (RFC 6960 §4.3): it proves nothing.
 */
export function buildOcspRequest(certificate: Certificate, issuer: Certificate, nonce: Uint8Array | undefined): Buffer {
  const hash = (bytes: Uint8Array): Buffer => der(TAG.octetString, createHash('sha1').update(bytes).digest());
  const id = derSequence(derSequence(derOid(SHA1), derNull()), hash(issuer.subject.der), hash(keyBits(issuer.spki)), derSerial(certificate.serialText));
  return derSequence(derSequence(derSequence(derSequence(id)), ...(nonce === undefined ? [] : [der(contextTag(2), derSequence(derExtension(EXTENSION.ocspNonce, der(TAG.octetString, nonce))))])));
}

export interface OcspAnswer {
  readonly id: CertificateId;
  readonly state: 'good' | 'revoked' | 'unknown';
  readonly at?: Date;
  readonly reason?: ReasonName;
}

/** @returns OCSPResponse, DER, with a status alone (RFC 6960 §4.2.1): 1 malformed request, 6 unauthorized. */
export const ocspFailure = (status: number): Buffer => derSequence(der(ENUMERATED, Buffer.of(status)));

/** @param delegate the responder’s own certificate, when the authority does not sign itself. @returns OCSPResponse, DER */
export async function signOcspResponse(
  { answers, nonce, thisUpdate, nextUpdate, signer, delegate }: { answers: readonly OcspAnswer[]; nonce: Uint8Array | undefined; thisUpdate: Date; nextUpdate: Date; signer: Certificate; delegate: boolean }, algorithm: SignatureAlgorithmName, sign: Sign,
): Promise<Buffer> {
  const responses = answers.map(({ id, state, at, reason }) => derSequence(
    id.der,
    state === 'good' ? der(contextPrimitive(0)) : state === 'unknown' ? der(contextPrimitive(2))
      : der(contextTag(1), derGeneralizedTime(at ?? thisUpdate), ...(reason === undefined || reason === 'unspecified' ? [] : [der(contextTag(0), der(ENUMERATED, Buffer.of(REASON_CODES[reason])))])),
    derGeneralizedTime(thisUpdate), der(contextTag(0), derGeneralizedTime(nextUpdate)),
  ));
  const keyHash = createHash('sha1').update(keyBits(signer.spki)).digest();
  const tbs = derSequence(
    der(contextTag(2), der(TAG.octetString, keyHash)), derGeneralizedTime(thisUpdate), derSequence(...responses),
    ...(nonce === undefined ? [] : [der(contextTag(1), derSequence(derExtension(EXTENSION.ocspNonce, der(TAG.octetString, nonce))))]),
  );
  const identifier = signatureIdentifier(algorithm);
  const plain = await signed(tbs, identifier, signer.spki, algorithm, sign);
  const basic = delegate ? withCertificate(plain, signer) : plain;
  return ocspResponseAround(basic);
}

/** @param basic BasicOCSPResponse, DER. @returns OCSPResponse, DER, that says successful and holds it. */
export const ocspResponseAround = (basic: Uint8Array): Buffer => derSequence(der(ENUMERATED, Buffer.of(0)), der(contextTag(0), derSequence(derOid(BASIC_RESPONSE), der(TAG.octetString, basic))));

/** BasicOCSPResponse has its certificates behind the signature, unsigned. */
function withCertificate(basic: Buffer, signer: Certificate): Buffer {
  const header = basic[1]! < 0x80 ? 2 : 2 + (basic[1]! & 0x7f);
  return derSequence(basic.subarray(header), der(contextTag(0), derSequence(signer.der)));
}
