import { malformed } from './malformed.ts';

/**
 * A strict reader of DER (X.690 §10) that is driven by what the caller expects: it never recurses by itself, copies
 * nothing, and says at which offset something is wrong. Tags above 30 do not occur in keys and are refused.
 */

export const TAG = {
  boolean: 0x01, integer: 0x02, bitString: 0x03, octetString: 0x04, null: 0x05, oid: 0x06, utf8String: 0x0c, sequence: 0x30, set: 0x31,
} as const;
const TAG_NAMES: Readonly<Record<number, string>> = {
  0x01: 'BOOLEAN', 0x02: 'INTEGER', 0x03: 'BIT STRING', 0x04: 'OCTET STRING', 0x05: 'NULL', 0x06: 'OBJECT IDENTIFIER', 0x0c: 'UTF8String', 0x30: 'SEQUENCE', 0x31: 'SET',
};
const tagName = (tag: number): string => TAG_NAMES[tag] ?? ((tag & 0xc0) === 0x80 ? `[${tag & 0x1f}]` : `tag 0x${tag.toString(16).padStart(2, '0')}`);

/** @returns [n] constructed (explicit, or an implicit SEQUENCE or SET). */
export const contextTag = (number: number): number => 0xa0 | number;
/** @returns [n] primitive (implicit). */
export const contextPrimitive = (number: number): number => 0x80 | number;

export interface DerElement {
  readonly tag: number;
  /** Offset of the tag in the whole input. */
  readonly offset: number;
  /** Where the content is, in the whole input. */
  readonly from: number;
  readonly to: number;
}

/** The few that are met again and again, by their bytes: a certificate has some thirty. */
const KNOWN_OIDS = new Map<string, string>();
const MOST_KNOWN_OIDS = 2048;

/** Reads the elements between two offsets of `bytes`, one after another. */
export class DerReader {
  readonly bytes: Uint8Array;
  readonly end: number;
  #at: number;

  constructor(bytes: Uint8Array, from = 0, end = bytes.length) {
    this.bytes = bytes;
    this.#at = from;
    this.end = end;
  }

  get offset(): number {
    return this.#at;
  }

  get atEnd(): boolean {
    return this.#at >= this.end;
  }

  /** @returns the next tag without moving on; undefined at the end. */
  peek(): number | undefined {
    return this.atEnd ? undefined : this.bytes[this.#at];
  }

  /** @returns the next element, which must have `tag` if one is given. @throws INVALID_INPUT */
  next(what: string, tag?: number): DerElement {
    const offset = this.#at;
    if (this.atEnd) throw malformed(`It ends where ${what} should begin.`, offset);
    const found = this.bytes[offset] as number;
    if (tag !== undefined && found !== tag) throw malformed(`${what} should be ${tagName(tag)}, but ${tagName(found)} is there.`, offset);
    if ((found & 0x1f) === 0x1f) throw malformed(`${what} has a tag of several bytes, which no key uses.`, offset);
    const length = this.#length(what, offset + 1);
    if (length.value > this.end - length.next) {
      throw malformed(`${what} claims ${length.value} bytes, but ${this.end - length.next} remain.`, offset);
    }
    this.#at = length.next + length.value;
    return { tag: found, offset, from: length.next, to: this.#at };
  }

  /** @returns the next element if it has `tag`, without an error if not. */
  optional(what: string, tag: number): DerElement | undefined {
    return this.peek() === tag ? this.next(what, tag) : undefined;
  }

  /** @returns a reader of the content of the next element, which must have `tag`. */
  enter(what: string, tag: number = TAG.sequence): DerReader {
    return this.inside(this.next(what, tag));
  }

  inside(element: DerElement): DerReader {
    return new DerReader(this.bytes, element.from, element.to);
  }

  /** @returns the content: a view, not a copy. */
  content(element: DerElement): Uint8Array {
    return this.bytes.subarray(element.from, element.to);
  }

  octets(what: string, tag: number = TAG.octetString): Uint8Array {
    return this.content(this.next(what, tag));
  }

  /** @returns the INTEGER's value. @throws INVALID_INPUT also when it is not minimal (X.690 §8.3.2). */
  integer(what: string, maxBytes = 2049): bigint {
    const element = this.next(what, TAG.integer);
    const content = this.content(element);
    const [first = 0, second = 0] = content;
    if (content.length === 0) throw malformed(`${what} is an INTEGER without a value.`, element.offset);
    if (content.length > 1 && ((first === 0 && second < 0x80) || (first === 0xff && second >= 0x80))) {
      throw malformed(`${what} is an INTEGER with needless leading bytes.`, element.offset);
    }
    if (content.length > maxBytes) throw malformed(`${what} has ${content.length} bytes; ${maxBytes} is the most.`, element.offset);
    const value = toBigInt(content);
    return first >= 0x80 ? value - (1n << BigInt(8 * content.length)) : value;
  }

  /** @returns a small INTEGER from 0 to `max`. */
  smallInteger(what: string, max: number): number {
    const { offset } = this;
    const value = this.integer(what);
    if (value < 0n || value > BigInt(max)) throw malformed(`${what} is ${value.toString().length > 20 ? 'far' : `${value},`} out of range: 0 to ${max}.`, offset);
    return Number(value);
  }

  /** @returns the OBJECT IDENTIFIER in dotted form (X.690 §8.19). */
  oid(what: string): string {
    const element = this.next(what, TAG.oid);
    const content = this.content(element);
    if (content.length === 0 || content.length > 64) throw malformed(`${what} is an OBJECT IDENTIFIER of ${content.length} bytes.`, element.offset);
    const name = Buffer.from(content.buffer, content.byteOffset, content.length).toString('latin1');
    const known = KNOWN_OIDS.get(name);
    if (known !== undefined) return known;
    const arcs: bigint[] = [];
    let arc = 0n;
    content.forEach((byte, index) => {
      if (arc === 0n && byte === 0x80 && (index === 0 || (content[index - 1] as number) < 0x80)) throw malformed(`${what} has an arc with needless leading bytes.`, element.offset);
      arc = (arc << 7n) | BigInt(byte & 0x7f);
      if (byte < 0x80) {
        arcs.push(arc);
        arc = 0n;
      }
    });
    if ((content.at(-1) as number) >= 0x80) throw malformed(`${what} ends inside an arc.`, element.offset);
    const first = arcs.shift() as bigint;
    const root = first < 40n ? 0n : first < 80n ? 1n : 2n;
    const text = [root, first - root * 40n, ...arcs].join('.');
    if (KNOWN_OIDS.size < MOST_KNOWN_OIDS) KNOWN_OIDS.set(name, text);
    return text;
  }

  /** @returns the BIT STRING's bytes; whole bytes alone, as all keys and signatures are. */
  bits(what: string, tag: number = TAG.bitString): Uint8Array {
    const element = this.next(what, tag);
    const content = this.content(element);
    if (content[0] !== 0) throw malformed(`${what} should be a BIT STRING of whole bytes.`, element.offset);
    return content.subarray(1);
  }

  /** @throws INVALID_INPUT unless everything was read. */
  finish(what: string): void {
    if (!this.atEnd) throw malformed(`${this.end - this.#at} bytes follow the end of ${what}.`, this.#at);
  }

  #length(what: string, at: number): { value: number; next: number } {
    const first = this.bytes[at];
    if (first === undefined || at >= this.end) throw malformed(`It ends inside ${what}.`, at);
    if (first < 0x80) return { value: first, next: at + 1 };
    const count = first & 0x7f;
    if (count === 0) throw malformed(`${what} has an indefinite length, which DER forbids.`, at);
    if (count > 4) throw malformed(`${what} has a length that takes ${count} bytes.`, at);
    if (at + 1 + count > this.end) throw malformed(`It ends inside the length of ${what}.`, at);
    let value = 0;
    for (let index = 1; index <= count; index++) value = value * 256 + (this.bytes[at + index] as number);
    if (value < 0x80 || value < 2 ** (8 * (count - 1))) throw malformed(`${what} has a length that is not written the shortest way.`, at);
    return { value, next: at + 1 + count };
  }
}

/** @returns the unsigned number that big-endian bytes stand for. */
export function toBigInt(bytes: Uint8Array): bigint {
  return bytes.length === 0 ? 0n : BigInt(`0x${Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('hex')}`);
}

/** @returns `value` in big-endian bytes, as many as given, else as few as it takes. @throws RangeError when it does not fit. */
export function fromBigInt(value: bigint, length?: number): Buffer {
  const hex = value.toString(16);
  const bytes = Buffer.from(hex.padStart(hex.length + (hex.length % 2), '0'), 'hex');
  if (length === undefined) return bytes;
  if (bytes.length > length && !(value === 0n && length === 0)) throw new RangeError('the number does not fit');
  return Buffer.concat([Buffer.alloc(length - bytes.length), bytes]);
}

/** @returns one element: tag, shortest length, content. */
export function der(tag: number, ...parts: readonly Uint8Array[]): Buffer {
  const length = parts.reduce((sum, part) => sum + part.length, 0);
  const size = length < 0x80 ? Buffer.of(length) : Buffer.concat([Buffer.of(0x80 | fromBigInt(BigInt(length)).length), fromBigInt(BigInt(length))]);
  return Buffer.concat([Buffer.of(tag), size, ...parts]);
}

export const derSequence = (...parts: readonly Uint8Array[]): Buffer => der(TAG.sequence, ...parts);
export const derNull = (): Buffer => Buffer.of(TAG.null, 0);
export const derBits = (content: Uint8Array): Buffer => der(TAG.bitString, Buffer.of(0), content);

/** @param value not negative. */
export function derInteger(value: bigint): Buffer {
  const bytes = fromBigInt(value);
  return der(TAG.integer, (bytes[0] as number) >= 0x80 ? Buffer.concat([Buffer.of(0), bytes]) : bytes);
}

/** @returns an OBJECT IDENTIFIER, DER (X.690 §8.19). @param dotted of ours, `1.2.840.10045.2.1`: it is not checked */
export function derOid(dotted: string): Buffer {
  const [root = 0n, second = 0n, ...rest] = dotted.split('.').map(BigInt);
  const bytes = [root * 40n + second, ...rest].flatMap((arc) => {
    const groups = [Number(arc & 0x7fn)];
    for (let left = arc >> 7n; left > 0n; left >>= 7n) groups.unshift(Number(left & 0x7fn) | 0x80);
    return groups;
  });
  return der(TAG.oid, Buffer.from(bytes));
}
