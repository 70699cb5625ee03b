import type { SignatureFormatName } from '../contract/index.ts';
import { SMIME } from '../formats/recognise.ts';
import { mayBeInlineSigned } from './openpgp/inline.ts';

/** Tells a signature's format by its content. Names and endings of files say nothing. */

/** @param start how the signature's file begins: 64 KiB are enough. @returns `raw` for what is none of the others. */
export function recogniseSignature(start: Uint8Array): SignatureFormatName {
  const text = Buffer.from(start.buffer, start.byteOffset, start.length).toString('latin1').trimStart();
  if (text.startsWith('%PDF-')) return 'pdf';
  if (text.startsWith('untrusted comment:')) return text.includes('\ntrusted comment:') ? 'minisign' : 'signify';
  if (text.includes('-----BEGIN SSH SIGNATURE-----')) return 'sshsig';
  if (/^-----BEGIN PGP (SIGNATURE|SIGNED MESSAGE)-----/m.test(text)) return 'openpgp';
  if (text.startsWith('{')) return jsonFormat(text);
  if (isXml(start)) return 'xml';
  if (/^eyJ[A-Za-z0-9_-]*\.[^.]*\.[A-Za-z0-9_-]*\s*$/.test(text) || /^eyJ[A-Za-z0-9_-]*\.[A-Za-z0-9_-]{20,}$/.test(text)) return isJwt(text) ? 'jwt' : 'jws';
  if (isZip(start)) return isContainer(start) ? 'asic' : 'jar';
  if (isCose(start)) return 'cose';
  if (isOpenpgp(start)) return 'openpgp';
  if (isSigned(start)) return isStamp(start) ? 'timestamp' : 'cms';
  if (/-----BEGIN (CMS|PKCS7|PKCS #7 SIGNED DATA|SIGNED MESSAGE|CMS OBJECT)-----/.test(text) || SMIME.test(text.slice(0, 8192)) || /^(mime-version|content-type|content-disposition|content-transfer-encoding):/i.test(text)) return 'cms';
  if (/^MI[A-Za-z0-9+/]{60,}/.test(text) && isSigned(Buffer.from(text.slice(0, 4096).replaceAll(/\s/g, ''), 'base64'))) return 'cms';
  // Readers of PDF take a document that begins a little later, too.
  return text.slice(0, 1024).includes('%PDF-') ? 'pdf' : 'raw';
}

/** @param start of a file that holds its signature itself: an OpenPGP message may, which bare bytes of a signature can look like by chance. */
export function recogniseSigned(start: Uint8Array): SignatureFormatName {
  const format = recogniseSignature(start);
  return format === 'raw' && mayBeInlineSigned(start) ? 'openpgp' : format;
}

function jsonFormat(text: string): SignatureFormatName {
  if (/"payloadType"\s*:/.test(text)) return 'dsse';
  if (/"signed"\s*:/.test(text) && !/"(payload|protected)"\s*:/.test(text)) return 'raw'; // metadata of TUF
  return /"(signatures?|payload|protected)"\s*:/.test(text) ? 'jws' : 'raw';
}

function isJwt(text: string): boolean {
  return /"typ"\s*:\s*"(?:[a-z+]*jwt)"/i.test(Buffer.from(text.split('.', 1)[0] as string, 'base64url').toString('latin1'));
}

/** In UTF-8 or UTF-16, with a byte order mark or without: a tag, an instruction or a comment, and none of the characters that XML never has (XML 1.0 §2.2), which random bytes soon do. */
function isXml(start: Uint8Array): boolean {
  const [first = 0, second = 0] = start;
  const isWide = (first === 0xff && second === 0xfe) || (first === 0xfe && second === 0xff);
  const text = Buffer.from(start.buffer, start.byteOffset, Math.min(start.length, 1024)).toString('latin1').replaceAll('\0', isWide ? '' : '\0');
  if (!isWide && /[\0-\x08\x0b\x0c\x0e-\x1f]/.test(text)) return false;
  return /^(?:\xef\xbb\xbf|\xff\xfe|\xfe\xff)?\s*<(?:[A-Za-z_:\x80-\xff]|\?|!--|!DOCTYPE)/.test(text);
}

/** ASiC by its first entry (EN 319 162-1 §A.1), or by where its signatures lie. */
export function isContainer(start: Uint8Array): boolean {
  const text = Buffer.from(start.buffer, start.byteOffset, start.length).toString('latin1');
  return isZip(start) && (text.startsWith('mimetypeapplication/vnd.etsi.asic-', 30) || /META-INF\/(?:signatures[^/]{0,40}\.xml|signature[^/]{0,40}\.p7s|asicmanifest[^/]{0,40}\.xml)/i.test(text));
}

/** An entry, or the end of an archive without any. */
function isZip(start: Uint8Array): boolean {
  return start[0] === 0x50 && start[1] === 0x4b && ((start[2] === 3 && start[3] === 4) || (start[2] === 5 && start[3] === 6));
}

/** The tags of COSE_Sign1 and COSE_Sign around an array of four whose first is a byte string: nothing, or a map, which holds certificates perhaps. Without a tag it must be named. */
function isCose(start: Uint8Array): boolean {
  const [first = 0, second = 0] = start;
  const at = first === 0xd2 ? 1 : first === 0xd8 && second === 98 ? 2 : 0;
  const [array = 0, head = 0] = start.subarray(at);
  const size = { 0x58: 1, 0x59: 2, 0x5a: 4 }[head] ?? 0;
  return at > 0 && array === 0x84 && (head === 0x40 || (head >> 5 === 2 && (start[at + 2 + size] ?? 0) >> 5 === 5));
}

/** A Signature packet, in the old format or the new, of version 4 or 6 and of a file's type. */
function isOpenpgp(start: Uint8Array): boolean {
  const [head = 0, first = 0] = start;
  const size = head === 0xc2 ? (first < 192 ? 1 : first < 224 ? 2 : 5) : { 0x88: 1, 0x89: 2, 0x8a: 4 }[head];
  if (size === undefined) return false;
  const [version = 0, type = 9, algorithm = 0, hash = 0] = start.subarray(1 + size);
  return (version === 4 || version === 6) && type <= 1 && algorithm < 32 && hash < 16;
}

/** signedData (RFC 5652 §5.1), its OBJECT IDENTIFIER right behind the outer head; or in an answer of a timestamp authority. */
const SIGNED_DATA = Buffer.from('06092a864886f70d010702', 'hex');
const TIMESTAMP_INFO = Buffer.from('060b2a864886f70d0109100104', 'hex');

function isSigned(start: Uint8Array): boolean {
  const at = Buffer.from(start.buffer, start.byteOffset, Math.min(start.length, 400)).indexOf(SIGNED_DATA);
  return start[0] === 0x30 && at >= 2 && (at <= 10 || isStamp(start));
}

/** The content's type, before anything that a signer chose. */
function isStamp(start: Uint8Array): boolean {
  const text = Buffer.from(start.buffer, start.byteOffset, Math.min(start.length, 600));
  return text.includes(TIMESTAMP_INFO) && text.includes(SIGNED_DATA);
}
