import { malformed } from './malformed.ts';

/** CBOR (RFC 8949) as far as COSE needs it: read with bounds, written deterministically (§4.2.1). */

export type CborValue = bigint | Uint8Array | string | boolean | null | undefined | number | readonly CborValue[] | ReadonlyMap<CborKey, CborValue> | CborTag;
/** Keys of COSE's maps: integers and texts. */
export type CborKey = bigint | string;
export class CborTag {
  readonly tag: bigint;
  readonly value: CborValue;
  constructor(tag: bigint, value: CborValue) {
    this.tag = tag;
    this.value = value;
  }
}

const MAX_DEPTH = 16;
const MAX_ITEMS = 10_000;

/** @returns the one item that `bytes` are. Byte strings are views, not copies. @throws INVALID_INPUT with the offset */
export function readCbor(bytes: Uint8Array): CborValue {
  const reader = new Reader(bytes);
  const value = reader.item(0);
  if (reader.at !== bytes.length) throw malformed(`${bytes.length - reader.at} bytes follow the end of the CBOR item.`, reader.at);
  return value;
}

const BREAK = Symbol('break');

class Reader {
  readonly bytes: Uint8Array;
  at = 0;
  #items = 0;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
  }

  item(depth: number): CborValue {
    const value = this.#any(depth);
    if (value === BREAK) throw malformed('A CBOR item of indefinite length ends that did not begin.', this.at - 1);
    return value;
  }

  #any(depth: number): CborValue | typeof BREAK {
    const { at } = this;
    if (depth > MAX_DEPTH) throw malformed(`The CBOR nests deeper than ${MAX_DEPTH} levels.`, at);
    if ((this.#items += 1) > MAX_ITEMS) throw malformed(`The CBOR has more than ${MAX_ITEMS} items.`, at);
    const first = this.#take(1)[0] as number;
    const [major, info] = [first >> 5, first & 0x1f];
    if (first === 0xff) return BREAK;
    if (major === 7) return this.#simple(info, at);
    const length = info === 31 ? undefined : this.#argument(info, at);
    switch (major) {
      case 0: return this.#definite(length, at);
      case 1: return -1n - this.#definite(length, at);
      case 2: return length === undefined ? this.#chunks(2, depth) : this.#string(length, at);
      case 3: return text(length === undefined ? this.#chunks(3, depth) : this.#string(length, at), at);
      case 4: return this.#list(length, depth);
      case 5: return this.#map(length, depth, at);
      default: return new CborTag(this.#definite(length, at), this.item(depth + 1));
    }
  }

  #definite(length: bigint | undefined, at: number): bigint {
    if (length === undefined) throw malformed('A CBOR number or tag has no indefinite length.', at);
    return length;
  }

  #list(length: bigint | undefined, depth: number): CborValue[] {
    const values: CborValue[] = [];
    for (let index = 0n; length === undefined || index < length; index++) {
      const value = this.#any(depth + 1);
      if (value === BREAK && length === undefined) return values;
      if (value === BREAK) throw malformed('A CBOR array ends too early.', this.at - 1);
      values.push(value);
    }
    return values;
  }

  #map(length: bigint | undefined, depth: number, at: number): Map<CborKey, CborValue> {
    const map = new Map<CborKey, CborValue>();
    for (let index = 0n; length === undefined || index < length; index++) {
      const key = this.#any(depth + 1);
      if (key === BREAK && length === undefined) return map;
      if (typeof key !== 'bigint' && typeof key !== 'string') throw malformed('A key of a CBOR map is neither an integer nor text.', at);
      if (map.has(key)) throw malformed('A key of a CBOR map is there twice.', at);
      map.set(key, this.item(depth + 1));
    }
    return map;
  }

  #chunks(major: number, depth: number): Uint8Array {
    const pieces: Uint8Array[] = [];
    for (;;) {
      const { at } = this;
      const head = this.bytes[at];
      const piece = this.#any(depth + 1);
      if (piece === BREAK) return Buffer.concat(pieces);
      if (head === undefined || head >> 5 !== major || (head & 0x1f) === 31) throw malformed('A CBOR string is made of something else than its pieces.', at);
      pieces.push(typeof piece === 'string' ? Buffer.from(piece) : (piece as Uint8Array));
    }
  }

  #string(length: bigint, at: number): Uint8Array {
    if (length > BigInt(this.bytes.length - this.at)) throw malformed(`A CBOR string claims ${length} bytes, but ${this.bytes.length - this.at} remain.`, at);
    return this.#take(Number(length));
  }

  #simple(info: number, at: number): CborValue {
    switch (info) {
      case 20: return false;
      case 21: return true;
      case 22: return null;
      case 23: return undefined;
      case 25: this.#take(2); return Number.NaN; // half precision: none of COSE's fields is one, and what it says does not matter
      case 26: return view(this.#take(4)).getFloat32(0);
      case 27: return view(this.#take(8)).getFloat64(0);
      default: throw malformed('A CBOR simple value that nobody has given a meaning.', at);
    }
  }

  #argument(info: number, at: number): bigint {
    if (info < 24) return BigInt(info);
    if (info > 27) throw malformed('A CBOR item has no valid length.', at);
    const bytes = this.#take(1 << (info - 24));
    return BigInt(`0x${Buffer.from(bytes).toString('hex')}`);
  }

  #take(length: number): Uint8Array {
    if (length > this.bytes.length - this.at) throw malformed('It ends inside a CBOR item.', this.at);
    this.at += length;
    return this.bytes.subarray(this.at - length, this.at);
  }
}

const view = (bytes: Uint8Array): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.length);

function text(bytes: Uint8Array, at: number): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw malformed('A CBOR text is not UTF-8.', at);
  }
}

/** @returns the item in its shortest form; keys of maps in the order of their bytes. */
export function writeCbor(value: CborValue): Buffer {
  if (value === null) return Buffer.of(0xf6);
  if (value === undefined) return Buffer.of(0xf7);
  if (typeof value === 'boolean') return Buffer.of(value ? 0xf5 : 0xf4);
  if (typeof value === 'bigint' || typeof value === 'number') return number(BigInt(value));
  if (typeof value === 'string') return Buffer.concat([cborHead(3, Buffer.byteLength(value)), Buffer.from(value)]);
  if (value instanceof Uint8Array) return Buffer.concat([cborHead(2, value.length), value]);
  if (value instanceof CborTag) return Buffer.concat([cborHead(6, value.tag), writeCbor(value.value)]);
  if (value instanceof Map) {
    const entries = [...value].map(([key, one]) => [writeCbor(key), writeCbor(one)] as const).sort(([a], [b]) => Buffer.compare(a, b));
    return Buffer.concat([cborHead(5, entries.length), ...entries.flat()]);
  }
  const list = value as readonly CborValue[];
  return Buffer.concat([cborHead(4, list.length), ...list.map(writeCbor)]);
}

function number(value: bigint): Buffer {
  return value >= 0n ? cborHead(0, value) : cborHead(1, -1n - value);
}

/** @returns what stands before an item's content. @param major 2 for byte strings, 3 for texts, 4 arrays, 5 maps, 6 tags */
export function cborHead(major: number, length: number | bigint): Buffer {
  const value = BigInt(length);
  if (value < 24n) return Buffer.of((major << 5) | Number(value));
  const size = value < 0x100n ? 1 : value < 0x10000n ? 2 : value < 0x100000000n ? 4 : 8;
  return Buffer.concat([Buffer.of((major << 5) | (24 + Math.log2(size))), Buffer.from(value.toString(16).padStart(size * 2, '0'), 'hex')]);
}
