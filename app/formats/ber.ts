import { der } from './der.ts';
import { malformed } from './malformed.ts';

/**
 * Turns BER (X.690 §8) into DER as far as signed files need it: lengths become definite and shortest, strings in pieces become whole.
 * The order of sets and the values themselves stay as they are.
 */
const MAX_DEPTH = 64;
const MAX_ELEMENTS = 200_000;

/** @returns the one element that `bytes` begin with, in DER; the same bytes when it already was. @throws INVALID_INPUT with the offset */
export function berToDer(bytes: Uint8Array): Uint8Array {
  const reader = new BerReader(bytes);
  const element = reader.element(0, bytes.length, 0);
  const rest = bytes.subarray(element.end);
  // Line ends and zeros after the end are padding that some programs leave; anything else was put there.
  if (rest.some((byte) => byte !== 0 && byte !== 0x0a && byte !== 0x0d)) throw malformed(`${rest.length} bytes follow the end.`, element.end);
  return element.der;
}

class BerReader {
  readonly #bytes: Uint8Array;
  #elements = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  element(at: number, end: number, depth: number): { der: Uint8Array; end: number } {
    if (depth > MAX_DEPTH) throw malformed(`It nests deeper than ${MAX_DEPTH} levels.`, at);
    if ((this.#elements += 1) > MAX_ELEMENTS) throw malformed(`There are more than ${MAX_ELEMENTS} elements.`, at);
    const tag = this.#bytes[at];
    if (tag === undefined || at >= end) throw malformed('It ends where an element should begin.', at);
    if ((tag & 0x1f) === 0x1f) throw malformed('A tag of several bytes, which no signed file uses.', at);
    const { length, from } = this.#length(at + 1, end);
    const isConstructed = (tag & 0x20) !== 0;
    if (length === undefined && !isConstructed) throw malformed('Only what is made of parts may have an indefinite length.', at);
    if (length !== undefined && length > end - from) throw malformed(`An element claims ${length} bytes, but ${end - from} remain.`, at);
    const to = length === undefined ? end : from + length;
    if (!isConstructed) return { der: this.#same(at, from, to, tag), end: to };
    const parts: Uint8Array[] = [];
    let here = from;
    let changed = length === undefined;
    for (;;) {
      if (length !== undefined && here >= to) break;
      if (length === undefined && this.#bytes[here] === 0 && this.#bytes[here + 1] === 0) {
        here += 2;
        break;
      }
      const part = this.element(here, to, depth + 1);
      changed ||= part.der.buffer !== this.#bytes.buffer || part.der.byteOffset !== this.#bytes.byteOffset + here || part.der.length !== part.end - here;
      parts.push(part.der);
      here = part.end;
    }
    // A string in pieces: a universal octet string, or an implicit one where DER would have it primitive, is joined by who knows its type.
    if (tag === 0x24) return { der: der(0x04, ...parts.map((part) => contentOf(part, at))), end: here };
    return { der: changed ? der(tag, ...parts) : this.#same(at, from, to, tag), end: here };
  }

  /** The element as it stands, unless its length is not written the shortest way. */
  #same(at: number, from: number, to: number, tag: number): Uint8Array {
    const shortest = to - from < 0x80 ? 2 : 2 + Math.ceil((to - from).toString(16).length / 2);
    return from - at === shortest ? this.#bytes.subarray(at, to) : der(tag, this.#bytes.subarray(from, to));
  }

  #length(at: number, end: number): { length: number | undefined; from: number } {
    const first = this.#bytes[at];
    if (first === undefined || at >= end) throw malformed('It ends inside an element.', at);
    if (first < 0x80) return { length: first, from: at + 1 };
    const count = first & 0x7f;
    if (count === 0) return { length: undefined, from: at + 1 };
    if (count > 6 || at + 1 + count > end) throw malformed('An element has a length that is too long or cut off.', at);
    let length = 0;
    for (let index = 1; index <= count; index++) length = length * 256 + (this.#bytes[at + index] as number);
    return { length, from: at + 1 + count };
  }
}

/** @returns the content of a primitive octet string in DER. */
function contentOf(part: Uint8Array, offset: number): Uint8Array {
  if (part[0] !== 0x04) throw malformed('A string is made of something else than its pieces.', offset);
  const first = part[1] as number;
  return part.subarray(first < 0x80 ? 2 : 2 + (first & 0x7f));
}

/** @returns tag and length of an element whose content follows. @param length bytes of the content, of any size */
export function derHead(tag: number, length: number): Buffer {
  if (length < 0x80) return Buffer.of(tag, length);
  const digits = length.toString(16);
  const bytes = Buffer.from(digits.padStart(digits.length + (digits.length % 2), '0'), 'hex');
  return Buffer.concat([Buffer.of(tag, 0x80 | bytes.length), bytes]);
}
