import { TAG } from './der.ts';
import type { DerKind } from './sniff.ts';

/** Tells what a DER structure was whose end is missing: as a download leaves it that broke off. */

interface Element {
  readonly tag: number;
  readonly from: number;
  /** Where it should end, which may be behind the last byte. */
  readonly to: number;
}

/** @returns how many bytes the SEQUENCE with which it begins should have, where there are fewer; undefined when it is whole, or none. */
export function cutOff(bytes: Uint8Array): number | undefined {
  if (bytes[0] !== TAG.sequence || (bytes[1] ?? 0) === 0x80) return undefined;
  const outer = elementAt(bytes, 0);
  return outer !== undefined && outer.to > bytes.length ? outer.to : undefined;
}

/**
 * By the first elements, as far as they are there: a kind is told only where an object identifier, or how the parts stand,
 * leaves little doubt, since random bytes may begin as a SEQUENCE does.
 */
export function sniffCut(bytes: Uint8Array): DerKind | undefined {
  const inside = (element: Element | undefined): readonly Element[] => (element === undefined ? [] : elements(bytes, element));
  const [first, second, third, fourth] = inside(elementAt(bytes, 0));
  if (first?.tag === TAG.oid) return isContentType(oid(bytes, first)) ? 'cms' : undefined;
  if (first?.tag === TAG.integer) {
    const version = number(bytes, first);
    const named = oid(bytes, inside(second)[0]);
    if (second?.tag === TAG.octetString) return version === 1 && third?.tag !== TAG.integer ? 'sec1' : undefined;
    if (second?.tag === TAG.sequence) return version === 3 && isContentType(named) ? 'pkcs12' : version !== undefined && version <= 1 && isKeyAlgorithm(named) ? 'pkcs8' : undefined;
    if (second?.tag !== TAG.integer) return undefined;
    // RSAPrivateKey: version, modulus, a short exponent; RSAPublicKey: a modulus, a short exponent.
    if (version === 0 && length(second) >= 64 && (third === undefined || third.tag === TAG.integer) && (fourth === undefined || fourth.tag === TAG.integer)) return third !== undefined && length(third) > 8 ? undefined : 'pkcs1';
    return length(first) >= 64 && length(second) <= 8 && third === undefined ? 'pkcs1-public' : undefined;
  }
  if (first?.tag !== TAG.sequence) return undefined;
  const [one, two, three, four] = inside(first);
  if (one?.tag === TAG.oid) {
    const named = oid(bytes, one);
    if (PASSPHRASE_SCHEMES.test(named)) return 'pkcs8-encrypted';
    return second?.tag === TAG.bitString && isKeyAlgorithm(named) ? 'public-key' : undefined;
  }
  // TBSCertificate of version 3: [0], a serial number, the signature's algorithm.
  if (one?.tag === 0xa0) return two?.tag === TAG.integer && oid(bytes, inside(three)[0]) !== '' ? 'certificate' : undefined;
  if (one?.tag !== TAG.integer || two?.tag !== TAG.sequence) return undefined;
  const [within] = inside(two);
  if (number(bytes, one) === 0 && (within?.tag === TAG.set || length(two) === 0)) return three === undefined || three.tag === TAG.sequence ? 'certificate-request' : undefined;
  return number(bytes, one) === 1 && oid(bytes, within) !== '' && three?.tag === TAG.sequence && (four?.tag === 0x17 || four?.tag === 0x18) ? 'crl' : undefined;
}

const length = ({ from, to }: Element): number => to - from;

/** PKCS#5's schemes and PKCS#12's (RFC 8018 §A, RFC 7292 §C). */
const PASSPHRASE_SCHEMES = /^1\.2\.840\.113549\.1\.(?:5|12\.1)\./;
/** PKCS#7's content types and S/MIME's (RFC 5652 §14, RFC 8551). */
export const isContentType = (name: string): boolean => name.startsWith('1.2.840.113549.1.7.') || name.startsWith('1.2.840.113549.1.9.16.1.');
/** RSA, EC, X25519 to Ed448, ML-DSA, SLH-DSA and ML-KEM, DSA and DH. */
const isKeyAlgorithm = (name: string): boolean => /^(?:1\.2\.840\.113549\.1\.[13]\.|1\.2\.840\.10045\.2\.1$|1\.3\.101\.11[0-3]$|2\.16\.840\.1\.101\.3\.4\.[34]\.|1\.2\.840\.10040\.4\.1$|1\.2\.840\.10046\.2\.1$)/.test(name);

/** @returns the elements in one, as far as their beginnings are there: ten at most. */
function elements(bytes: Uint8Array, { from, to }: Element): Element[] {
  const found: Element[] = [];
  for (let at = from; at < to && found.length < 10;) {
    const element = elementAt(bytes, at);
    if (element === undefined || element.to > to) break;
    found.push(element);
    at = element.to;
  }
  return found;
}

/** @returns the element that begins there, with its definite length in up to four bytes; undefined when even that is missing. */
function elementAt(bytes: Uint8Array, at: number): Element | undefined {
  const tag = bytes[at];
  const first = bytes[at + 1];
  if (tag === undefined || first === undefined || (tag & 0x1f) === 0x1f) return undefined;
  if (first < 0x80) return { tag, from: at + 2, to: at + 2 + first };
  const count = first & 0x7f;
  if (count === 0 || count > 4 || at + 2 + count > bytes.length) return undefined;
  const size = bytes.subarray(at + 2, at + 2 + count).reduce((sum, byte) => sum * 256 + byte, 0);
  return { tag, from: at + 2 + count, to: at + 2 + count + size };
}

/** @returns a small INTEGER; undefined for a large one. */
function number(bytes: Uint8Array, element: Element): number | undefined {
  return length(element) === 1 ? bytes[element.from] : undefined;
}

/** @returns the dotted name; empty when it is none, or not there whole. */
function oid(bytes: Uint8Array, element: Element | undefined): string {
  if (element?.tag !== TAG.oid || element.to > bytes.length || length(element) === 0 || length(element) > 32) return '';
  const arcs: number[] = [];
  let arc = 0;
  for (const byte of bytes.subarray(element.from, element.to)) {
    arc = arc * 128 + (byte & 0x7f);
    if (byte >= 0x80) continue;
    if (arcs.length === 0) arcs.push(Math.min(2, Math.floor(arc / 40)), arc - 40 * Math.min(2, Math.floor(arc / 40)));
    else arcs.push(arc);
    arc = 0;
  }
  return arcs.join('.');
}
