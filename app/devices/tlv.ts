import { KeywrightError } from '../contract/index.ts';

/**
 * BER-TLV as cards use it (ISO/IEC 7816-4 §6.3, X.690 §8.1): definite lengths, tags of up to three bytes. Unlike DER, a length need
 * not be written the shortest way: cards pad theirs. Nothing recurses and nothing is copied.
 */

export interface Tlv {
  /** The tag's bytes as one number: 0x70, 0x5fc105. */
  readonly tag: number;
  /** Offset of the tag in what was parsed. */
  readonly offset: number;
  /** A view, not a copy. */
  readonly value: Uint8Array;
}

/** More than any object of a card holds. */
const MOST_ELEMENTS = 4096;

/**
 * @param bytes elements side by side, nothing before and nothing after.
 * @param base offset of `bytes` in what is being read, for error texts.
 * @throws INVALID_INPUT with the offset
 */
export function parseTlvs(bytes: Uint8Array, what: string, base = 0): Tlv[] {
  const found: Tlv[] = [];
  for (let at = 0; at < bytes.length;) {
    if (found.length === MOST_ELEMENTS) throw bad(`${what} has more than ${MOST_ELEMENTS} elements.`, base + at);
    const element = readTlv(bytes, at, what, base);
    found.push(element.tlv);
    at = element.next;
  }
  return found;
}

/** Like {@link parseTlvs} for what other programs wrote, of which some leave something behind: @returns the elements up to what is none. */
export function leadingTlvs(bytes: Uint8Array, what: string): Tlv[] {
  const found: Tlv[] = [];
  for (let at = 0; at < bytes.length && found.length < MOST_ELEMENTS;) {
    try {
      const { tlv: element, next } = readTlv(bytes, at, what, 0);
      found.push(element);
      at = next;
    } catch {
      break;
    }
  }
  return found;
}

/** Like {@link parseTlvs} for what must be one element with `tag`. @returns its value. */
export function parseTlv(bytes: Uint8Array, tag: number, what: string, base = 0): Uint8Array {
  const { tlv, next } = readTlv(bytes, 0, what, base);
  if (tlv.tag !== tag) throw bad(`${what} should begin with tag ${hex(tag)}, but ${hex(tlv.tag)} is there.`, base);
  if (next !== bytes.length) throw bad(`${bytes.length - next} bytes follow the end of ${what}.`, base + next);
  return tlv.value;
}

/** @returns the value of the first element with `tag`, or undefined. */
export function findTlv(elements: readonly Tlv[], tag: number): Uint8Array | undefined {
  return elements.find((element) => element.tag === tag)?.value;
}

/** @returns one element: tag, shortest length, the parts one after another. */
export function tlv(tag: number, ...parts: readonly Uint8Array[]): Buffer {
  const length = parts.reduce((sum, part) => sum + part.length, 0);
  return Buffer.concat([bigEndian(tag), lengthBytes(length), ...parts]);
}

function readTlv(bytes: Uint8Array, start: number, what: string, base: number): { tlv: Tlv; next: number } {
  let at = start;
  const byte = (part: string): number => {
    const value = bytes[at];
    if (value === undefined) throw bad(`${what} ends inside ${part} of an element.`, base + at);
    at += 1;
    return value;
  };
  let tag = byte('the tag');
  if ((tag & 0x1f) === 0x1f) {
    for (let count = 0; ; count++) {
      if (count === 2) throw bad(`${what} has a tag of more than three bytes.`, base + start);
      const next = byte('the tag');
      tag = tag * 256 + next;
      if (next < 0x80) break;
    }
  }
  let length = byte('the length');
  if (length >= 0x80) {
    const count = length & 0x7f;
    if (count === 0) throw bad(`${what} has an element of indefinite length.`, base + start);
    if (count > 3) throw bad(`${what} has a length that takes ${count} bytes.`, base + start);
    length = 0;
    for (let index = 0; index < count; index++) length = length * 256 + byte('the length');
  }
  if (length > bytes.length - at) throw bad(`${what} has an element ${hex(tag)} that claims ${length} bytes, but ${bytes.length - at} remain.`, base + start);
  return { tlv: { tag, offset: base + start, value: bytes.subarray(at, at + length) }, next: at + length };
}

function lengthBytes(length: number): Buffer {
  if (length < 0x80) return Buffer.of(length);
  const bytes = bigEndian(length);
  return Buffer.concat([Buffer.of(0x80 | bytes.length), bytes]);
}

function bigEndian(value: number): Buffer {
  const digits = value.toString(16);
  return Buffer.from(digits.padStart(digits.length + (digits.length % 2), '0'), 'hex');
}

const hex = (tag: number): string => bigEndian(tag).toString('hex');

function bad(detail: string, offset: number): KeywrightError {
  return new KeywrightError('INVALID_INPUT', { detail: detail.charAt(0).toUpperCase() + detail.slice(1), where: `offset ${offset}` });
}
