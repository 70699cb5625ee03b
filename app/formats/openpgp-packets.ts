import { malformed } from './malformed.ts';
import { toBigInt } from './der.ts';

/** Packets of OpenPGP (RFC 9580 §4) and its armour (§6). */

export interface Packet {
  readonly tag: number;
  readonly body: Uint8Array;
}

const MAX_PACKETS = 1000;
/** The last two: by old versions, and by `gpg --enarmor`. */
const ARMOR = /^-----BEGIN PGP (SIGNATURE|PUBLIC KEY BLOCK|PRIVATE KEY BLOCK|MESSAGE|SECRET KEY BLOCK|ARMORED FILE)-----[ \t]*\r?\n([\s\S]*?)\r?\n-----END PGP \1-----/gm;
const MAX_BLOCKS = 100;

/** @returns the bytes of the first armoured block, or what was given when it is binary. @throws INVALID_INPUT */
export function openArmor(content: Uint8Array): Uint8Array {
  const [first] = openArmors(content, 1);
  return first as Uint8Array;
}

/** @returns the bytes of each armoured block, one at least, or what was given when it is binary. @throws INVALID_INPUT */
export function openArmors(content: Uint8Array, most = MAX_BLOCKS): Uint8Array[] {
  if (((content[0] ?? 0) & 0x80) !== 0) return [content];
  const text = Buffer.from(content.buffer, content.byteOffset, content.length).toString('latin1');
  const blocks: Uint8Array[] = [];
  for (const [, , body = ''] of text.matchAll(ARMOR)) {
    blocks.push(unarmored(body));
    if (blocks.length === most) break;
  }
  if (blocks.length === 0) throw malformed('The file holds no whole block of OpenPGP.', 0);
  return blocks;
}

function unarmored(text: string): Buffer {
  const lines = text.split(/\r?\n/);
  const blank = lines.findIndex((line) => line.trim() === '');
  const body = lines.slice(blank + 1).map((line) => line.trim());
  const crc = body.at(-1)?.startsWith('=') ? body.pop() : undefined;
  const base64 = body.join('');
  if (!/^[A-Za-z0-9+/]*={0,2}$/.test(base64) || base64.length % 4 !== 0) throw malformed('The armour of OpenPGP should hold base64.');
  const bytes = Buffer.from(base64, 'base64');
  if (crc !== undefined && crc.slice(1) !== checksum(bytes)) throw malformed('The checksum of the armour does not fit: the block was damaged.');
  return bytes;
}

/** @returns the armoured block. @param crc the old checksum, which v6 has no more (RFC 9580 §6.1) */
export function armor(label: 'SIGNATURE' | 'PUBLIC KEY BLOCK', bytes: Uint8Array, crc: boolean): string {
  const lines = Buffer.from(bytes).toString('base64').match(/.{1,64}/g) ?? [];
  return `-----BEGIN PGP ${label}-----\n\n${lines.join('\n')}\n${crc ? `=${checksum(bytes)}\n` : ''}-----END PGP ${label}-----\n`;
}

/** In the upper 24 of 32 bits, so that eight bytes go at once: table `n` is for a byte with `n` bytes behind it. */
const CRC24: Int32Array[] = [];
CRC24.push(Int32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte << 24;
  for (let bit = 0; bit < 8; bit++) crc = (crc << 1) ^ (crc < 0 ? 0x864cfb00 : 0);
  return crc;
}));
for (let behind = 1; behind < 8; behind++) CRC24.push(CRC24[behind - 1]!.map((crc) => (crc << 8) ^ CRC24[0]![crc >>> 24]!));
/** Of no bytes. */
export const CRC24_START = 0xb704ce;

/** CRC-24 (RFC 9580 §6.1.1). @param crc of what came before. */
export function crc24(crc: number, bytes: Uint8Array): number {
  const [t0, t1, t2, t3, t4, t5, t6, t7] = CRC24 as [Int32Array, Int32Array, Int32Array, Int32Array, Int32Array, Int32Array, Int32Array, Int32Array];
  let next = crc << 8;
  let at = 0;
  // Not `for … of`, and not a byte at a time: all of a large file comes through here.
  for (const last = bytes.length - 7; at < last; at += 8) {
    next = t7[(next >>> 24) ^ bytes[at]!]! ^ t6[((next >>> 16) & 0xff) ^ bytes[at + 1]!]! ^ t5[((next >>> 8) & 0xff) ^ bytes[at + 2]!]! ^ t4[(next & 0xff) ^ bytes[at + 3]!]!
      ^ t3[bytes[at + 4]!]! ^ t2[bytes[at + 5]!]! ^ t1[bytes[at + 6]!]! ^ t0[bytes[at + 7]!]!;
  }
  for (; at < bytes.length; at += 1) next = (next << 8) ^ t0[(next >>> 24) ^ bytes[at]!]!;
  return next >>> 8;
}

/** @returns it as the armour has it: 4 characters of base64. */
export function checksumText(crc: number): string {
  return Buffer.of((crc >> 16) & 0xff, (crc >> 8) & 0xff, crc & 0xff).toString('base64');
}

const checksum = (bytes: Uint8Array): string => checksumText(crc24(CRC24_START, bytes));

/** Compressed, encrypted and literal data may come in parts, or reach to the end of the file (RFC 9580 §4.2.1.4). */
const DATA_PACKETS: ReadonlySet<number> = new Set([8, 9, 11, 18, 20]);

/** @returns the packets, in the old or the new format (RFC 9580 §4.2). @throws INVALID_INPUT with the offset */
export function readPackets(bytes: Uint8Array): Packet[] {
  const packets: Packet[] = [];
  for (let at = 0; at < bytes.length;) {
    const start = at;
    const head = bytes[at++] as number;
    if ((head & 0x80) === 0) throw malformed('A packet of OpenPGP should begin here.', start);
    if (packets.length === MAX_PACKETS) throw malformed(`There are more than ${MAX_PACKETS} packets.`, start);
    const isNew = (head & 0x40) !== 0;
    const tag = isNew ? head & 0x3f : (head >> 2) & 0x0f;
    const parts: Uint8Array[] = [];
    for (let last = false; !last;) {
      const { size, from, isPart } = isNew ? newLength(bytes, at) : oldLength(bytes, at, head & 3);
      if ((isPart || size === Infinity) && !DATA_PACKETS.has(tag)) throw malformed('Only a packet of data may come in parts, or without its length (RFC 9580 §4.2.1.4).', start);
      const length = size === Infinity ? bytes.length - from : size;
      if (length > bytes.length - from) throw malformed(`A packet claims ${length} bytes, but ${bytes.length - from} remain.`, start);
      parts.push(bytes.subarray(from, from + length));
      at = from + length;
      last = !isPart;
    }
    packets.push({ tag, body: parts.length === 1 ? parts[0] as Uint8Array : Buffer.concat(parts) });
  }
  return packets;
}

interface Length {
  /** Infinity: to the end of the file. */
  readonly size: number;
  /** Where the body begins. */
  readonly from: number;
  /** Another length follows behind it. */
  readonly isPart: boolean;
}

function newLength(bytes: Uint8Array, at: number): Length {
  const first = bytes[at] ?? 0;
  const width = first < 192 || (first >= 224 && first < 255) ? 1 : first < 224 ? 2 : 5;
  if (at + width > bytes.length) throw malformed('It ends inside a packet’s length.', at);
  const size = width === 2 ? ((first - 192) << 8) + (bytes[at + 1] as number) + 192 : width === 5 ? Number(toBigInt(bytes.subarray(at + 1, at + 5))) : first < 192 ? first : 2 ** (first & 0x1f);
  return { size, from: at + width, isPart: first >= 224 && first < 255 };
}

function oldLength(bytes: Uint8Array, at: number, kind: number): Length {
  const width = [1, 2, 4, 0][kind] as number;
  if (at + width > bytes.length) throw malformed('It ends inside a packet’s length.', at);
  return { size: width === 0 ? Infinity : Number(toBigInt(bytes.subarray(at, at + width))), from: at + width, isPart: false };
}

/** @returns a packet in the new format. */
export function packet(tag: number, ...parts: readonly Uint8Array[]): Buffer {
  const body = Buffer.concat(parts);
  return Buffer.concat([Buffer.of(0xc0 | tag), packetLength(body.length), body]);
}

/** The lengths of packets and of subpackets are written alike. */
export function packetLength(length: number): Buffer {
  if (length < 192) return Buffer.of(length);
  if (length < 8384) return Buffer.of(((length - 192) >> 8) + 192, (length - 192) & 0xff);
  return Buffer.concat([Buffer.of(0xff), uint32(length)]);
}

/** @returns two bytes, the higher first (RFC 9580 §3.1). */
export function uint16(value: number): Buffer {
  return Buffer.of(value >> 8, value & 0xff);
}

/** @returns four bytes, the highest first (RFC 9580 §3.1). */
export function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

/** A multiprecision integer (RFC 9580 §3.2). */
export function mpi(bytes: Uint8Array): Buffer {
  let start = 0;
  while (start < bytes.length && bytes[start] === 0) start += 1;
  const value = bytes.subarray(start);
  return Buffer.concat([uint16(value.length === 0 ? 0 : value.length * 8 - Math.clz32(value[0] as number) + 24), value]);
}

/** Reads the fields of a packet one after another. */
export class PacketReader {
  readonly bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
  }

  get offset(): number {
    return this.#at;
  }

  take(length: number, what: string): Uint8Array {
    if (length > this.bytes.length - this.#at) throw malformed(`It ends inside ${what}.`, this.#at);
    this.#at += length;
    return this.bytes.subarray(this.#at - length, this.#at);
  }

  number(size: number, what: string): number {
    return Number(toBigInt(this.take(size, what)));
  }

  mpi(what: string): Uint8Array {
    const bits = this.number(2, what);
    return this.take(Math.ceil(bits / 8), what);
  }

  finish(what: string): void {
    if (this.#at !== this.bytes.length) throw malformed(`${this.bytes.length - this.#at} bytes follow the end of ${what}.`, this.#at);
  }
}
