import { X509Certificate } from 'node:crypto';
import type { KeyAlgorithmName } from '../../contract/index.ts';
import { DerReader, TAG } from '../../formats/der.ts';
import { algorithmOfSpki } from '../../formats/spki.ts';

/** What a PKCS#11 certificate object wants to know of its certificate, and what a key learns from it. */

/** @param der X.509, base64url. @returns the public key in it, as one of ours; undefined when it is none that has a name here. */
export function publicOfCertificate(der: string | undefined): { algorithm: KeyAlgorithmName; note: null; spki: string } | undefined {
  if (der === undefined) return undefined;
  try {
    const spki = spkiOfCertificate(Buffer.from(der, 'base64url'));
    return { algorithm: algorithmOfSpki(spki), note: null, spki: spki.toString('base64url') };
  } catch {
    return undefined;
  }
}

/** @param der X.509. @returns its SubjectPublicKeyInfo, DER. */
export function spkiOfCertificate(der: Uint8Array): Buffer {
  return new X509Certificate(der).publicKey.export({ type: 'spki', format: 'der' });
}

/** @returns subject, issuer and serial number as they stand in the certificate, DER (RFC 5280 §4.1): tokens find certificates by them. @throws INVALID_INPUT */
export function namesOf(der: Uint8Array): { subject: Buffer; issuer: Buffer; serial: Buffer } {
  const certificate = new DerReader(der).enter('the certificate').enter('what it certifies');
  const whole = (what: string, tag?: number): Buffer => {
    const { offset, to } = certificate.next(what, tag);
    return Buffer.from(der.subarray(offset, to));
  };
  if (certificate.peek() === 0xa0) whole('its version');
  const serial = whole('its serial number', TAG.integer);
  whole('its signature algorithm', TAG.sequence);
  const issuer = whole('its issuer', TAG.sequence);
  whole('its validity', TAG.sequence);
  return { subject: whole('its subject', TAG.sequence), issuer, serial };
}
