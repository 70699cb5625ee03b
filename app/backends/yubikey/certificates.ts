import { gunzipSync, gzipSync, inflateSync } from 'node:zlib';
import { KeywrightError } from '../../contract/index.ts';
import { findTlv, leadingTlvs, tlv } from '../../devices/index.ts';

/** The object that holds a slot's certificate (SP 800-73-4 part 1, table 10): certificate 70, CertInfo 71, error detection code fe. */

/** No certificate that fits a card grows beyond this; what does is an attack on our memory. */
const MOST_INFLATED = 64 * 1024;
const COMPRESSED = 0x01;
/** Begins what zlib made (RFC 1950 §2.2): deflate, and a check of both bytes. */
const isZlib = ([first = 0, second = 0]: Uint8Array): boolean => (first & 0x0f) === 8 && (256 * first + second) % 31 === 0;
/** What an object costs around its content: tags and lengths of PUT DATA and of the object. */
const OVERHEAD = 24;

/**
 * @returns the certificate, DER. It may be compressed: by gzip as CertInfo says, by zlib alone, or in Net iD's way (01 00, length, zlib).
 * @throws INVALID_INPUT
 */
export function decodeCertificate(object: Uint8Array): Uint8Array {
  const elements = leadingTlvs(object, 'the certificate’s object');
  const certificate = findTlv(elements, 0x70);
  if (certificate === undefined || certificate.length === 0) throw new KeywrightError('INVALID_INPUT', 'The object has no certificate in it.');
  const info = findTlv(elements, 0x71)?.[0] ?? 0;
  if ((info & COMPRESSED) === 0 && certificate[0] === 0x30) return Uint8Array.from(certificate);
  try {
    if (certificate[0] === 0x1f && certificate[1] === 0x8b) return Uint8Array.from(gunzipSync(certificate, { maxOutputLength: MOST_INFLATED }));
    if (isZlib(certificate)) return Uint8Array.from(inflateSync(certificate, { maxOutputLength: MOST_INFLATED }));
    if (certificate[0] === 0x01 && certificate[1] === 0x00) return Uint8Array.from(inflateSync(certificate.subarray(4), { maxOutputLength: MOST_INFLATED }));
  } catch (cause) {
    const large = (cause as { code?: string }).code === 'ERR_BUFFER_TOO_LARGE';
    throw new KeywrightError('INVALID_INPUT', { detail: large ? `The certificate is compressed and would grow beyond ${MOST_INFLATED} bytes.` : 'The certificate is compressed, and damaged.', cause });
  }
  return Uint8Array.from(certificate);
}

/**
 * @param most bytes of command data that the card takes.
 * @returns the object; compressed only when it would not fit otherwise, since not every program reads that.
 * @throws CAPABILITY_MISSING with both sizes when it does not fit even so.
 */
export function encodeCertificate(certificate: Uint8Array, most: number): Buffer {
  const room = most - OVERHEAD;
  if (certificate.length <= room) return object(certificate, 0);
  const compressed = gzipSync(certificate, { level: 9 });
  if (compressed.length <= room) return object(compressed, COMPRESSED);
  throw new KeywrightError('CAPABILITY_MISSING', {
    detail: `The certificate has ${certificate.length} bytes, ${compressed.length} when compressed; this token takes ${room} at most.`, remedy: 'Have a shorter one issued: with fewer names and extensions.',
  });
}

function object(certificate: Uint8Array, info: number): Buffer {
  return Buffer.concat([tlv(0x70, certificate), tlv(0x71, Buffer.of(info)), tlv(0xfe)]);
}
