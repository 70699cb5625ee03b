import { type DerElement, DerReader, TAG } from './der.ts';
import { cutOff, isContentType, sniffCut } from './sniff-cut.ts';

export { cutOff } from './sniff-cut.ts';

/** What a DER structure is, told by its first elements and without reading it in earnest. */
export type DerKind =
  | 'pkcs8' | 'pkcs8-encrypted' | 'pkcs1' | 'sec1' | 'dsa-private' | 'public-key' | 'pkcs1-public' | 'certificate' | 'certificate-request' | 'crl'
  | 'attribute-certificate' | 'ecdsa-signature' | 'pkcs12' | 'cms' | 'ocsp-response' | 'bcfks' | 'dsa-parameters' | 'ec-parameters';

/** @returns undefined when it is none of these, or not DER. PKCS#12 and CMS files in BER are told all the same, and what was cut off by what is left of it. */
export function sniffDer(bytes: Uint8Array): DerKind | undefined {
  if (bytes[0] === 0x30 && bytes[1] === 0x80) return sniffIndefinite(bytes);
  if (cutOff(bytes) !== undefined) return sniffCut(bytes);
  try {
    const outer = new DerReader(bytes);
    const first = outer.enter('it');
    const head = children(first, 10);
    const tags = head.map(({ tag }) => tag);
    if (tags[0] === TAG.integer) return startsWithInteger(first, head, tags);
    if (tags[0] === TAG.oid) {
      return isContentType(oidOf(first, head[0])) ? 'cms' : undefined;
    }
    if (tags[0] === 0x0a) return 'ocsp-response';
    if (tags[0] !== TAG.sequence) return undefined;
    if (tags.length === 2 && children(first.inside(head[0] as DerElement), 1)[0]?.tag === TAG.oid) {
      return tags[1] === TAG.octetString ? 'pkcs8-encrypted' : tags[1] === TAG.bitString ? 'public-key' : undefined;
    }
    // Bouncy Castle's ObjectStore: what is encrypted, and what protects it against changes.
    if (tags.length === 2 && tags[1] === TAG.sequence && isEncryptedStore(first, head[0] as DerElement)) return 'bcfks';
    if (tags.length !== 3 || tags[1] !== TAG.sequence || tags[2] !== TAG.bitString) return undefined;
    const signed = children(first.inside(head[0] as DerElement), 4).map(({ tag }) => tag);
    // AttributeCertificateInfo (RFC 5755 §4.1): version, holder, and the issuer as [0]
    if (signed[0] === TAG.integer && signed[1] === TAG.sequence && signed[2] === 0xa0) return 'attribute-certificate';
    if (signed[0] === 0xa0) return 'certificate';
    if (signed[0] === TAG.sequence) return 'crl';
    if (signed[0] !== TAG.integer) return undefined;
    return signed[3] === 0xa0 ? 'certificate-request' : signed[3] === 0x17 || signed[3] === 0x18 ? 'crl' : 'certificate';
  } catch {
    return undefined;
  }
}

/** Two numbers of about the same length, neither longer than an order of a curve; a modulus is much longer than its exponent. */
function isEcdsaSignature([r, s]: readonly DerElement[]): boolean {
  const [a, b] = [r, s].map((element) => (element === undefined ? 0 : element.to - element.from)) as [number, number];
  return a <= 67 && b <= 67 && Math.min(a, b) >= 20 && Math.abs(a - b) <= 4;
}

function startsWithInteger(reader: DerReader, head: readonly DerElement[], tags: readonly number[]): DerKind | undefined {
  if (tags.every((tag) => tag === TAG.integer)) {
    if (tags.length === 2 && isEcdsaSignature(head)) return 'ecdsa-signature';
    return ({ 2: 'pkcs1-public', 3: 'dsa-parameters', 6: 'dsa-private', 9: 'pkcs1' } as const)[tags.length as 2];
  }
  if (tags[1] === TAG.octetString) return 'sec1';
  if (tags[1] !== TAG.sequence) return undefined;
  if (tags[2] === TAG.octetString) return 'pkcs8';
  const inner = children(reader.inside(head[1] as DerElement), 1)[0];
  if (inner?.tag !== TAG.oid) return undefined;
  const oid = oidOf(reader, inner);
  return isContentType(oid) ? 'pkcs12' : oid === '1.2.840.10045.1.1' || oid === '1.2.840.10045.1.2' ? 'ec-parameters' : undefined;
}

/** EncryptedObjectStoreData: an algorithm, and bytes. */
function isEncryptedStore(reader: DerReader, element: DerElement): boolean {
  const parts = children(reader.inside(element), 3);
  return parts.length === 2 && parts[0]?.tag === TAG.sequence && parts[1]?.tag === TAG.octetString && children(reader.inside(element).inside(parts[0]), 1)[0]?.tag === TAG.oid;
}

function oidOf(reader: DerReader, element: DerElement | undefined): string {
  return element === undefined ? '' : new DerReader(reader.bytes, element.offset, element.to).oid('it');
}

function children(reader: DerReader, max: number): DerElement[] {
  const found: DerElement[] = [];
  while (!reader.atEnd && found.length < max) found.push(reader.next('it'));
  return found;
}

/** BER with indefinite lengths, as some programs write PKCS#12 and CMS: SEQUENCE { 3 … or SEQUENCE { contentType … */
function sniffIndefinite(bytes: Uint8Array): DerKind | undefined {
  const start = Buffer.from(bytes.subarray(0, 40));
  if (!start.includes(Buffer.from('2a864886f70d01', 'hex'))) return undefined; // 1.2.840.113549.1
  return bytes[2] === TAG.integer && bytes[4] === 3 ? 'pkcs12' : bytes[2] === TAG.oid ? 'cms' : undefined;
}
