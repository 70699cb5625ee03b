import { malformed, notSupported } from './malformed.ts';
import { toBigInt } from './der.ts';

/** Packets of OpenPGP (RFC 9580 §4) and its armour (§6). */

export interface Packet {
  readonly tag: number;
  readonly body: Uint8Array;
}

const MAX_PACKETS = 1000;
const ARMOR = /^-----BEGIN PGP (SIGNATURE|PUBLIC KEY BLOCK|MESSAGE)-----\r?\n([\s\S]*?)\r?\n-----END PGP \1-----/m;

/** @returns the bytes of the first armoured block, or what was given when it is binary. @throws INVALID_INPUT */
export function openArmor(content: Uint8Array): Uint8Array {
  if (((content[0] ?? 0) & 0x80) !== 0) return content;
  const block = ARMOR.exec(Buffer.from(content.buffer, content.byteOffset, content.length).toString('latin1'));
  if (block === null) throw malformed('The file holds no whole block of OpenPGP.', 0);
  const lines = (block[2] as string).split(/\r?\n/);
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

const CRC24 = Uint32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte << 16;
  for (let bit = 0; bit < 8; bit++) crc = (crc << 1) ^ ((crc & 0x800000) === 0 ? 0 : 0x1864cfb);
  return crc & 0xffffff;
});
/** Of no bytes. */
export const CRC24_START = 0xb704ce;

/** CRC-24 (RFC 9580 §6.1.1). @param crc of what came before. */
export function crc24(crc: number, bytes: Uint8Array): number {
  let next = crc;
  for (const byte of bytes) next = ((next << 8) & 0xffffff) ^ (CRC24[(next >> 16) ^ byte] as number);
  return next;
}

/** @returns it as the armour has it: 4 characters of base64. */
export function checksumText(crc: number): string {
  return Buffer.of((crc >> 16) & 0xff, (crc >> 8) & 0xff, crc & 0xff).toString('base64');
}

const checksum = (bytes: Uint8Array): string => checksumText(crc24(CRC24_START, bytes));

/** @returns the packets, in the old or the new format (RFC 9580 §4.2). @throws INVALID_INPUT with the offset */
export function readPackets(bytes: Uint8Array): Packet[] {
  const packets: Packet[] = [];
  for (let at = 0; at < bytes.length;) {
    const start = at;
    const head = bytes[at++] as number;
    if ((head & 0x80) === 0) throw malformed('A packet of OpenPGP should begin here.', start);
    if (packets.length === MAX_PACKETS) throw malformed(`There are more than ${MAX_PACKETS} packets.`, start);
    const isNew = (head & 0x40) !== 0;
    const first = bytes[at] ?? 0;
    let size = isNew ? (first < 192 ? 1 : first < 224 ? 2 : first === 255 ? 5 : 0) : [1, 2, 4, 0][head & 3]!;
    if (size === 0) throw notSupported('A packet of OpenPGP whose length is not told is not read.', 'Write the signature in a file of its own.');
    if (at + size > bytes.length) throw malformed('It ends inside a packet’s length.', at);
    let length: number;
    if (!isNew) length = Number(toBigInt(bytes.subarray(at, at + size)));
    else if (size === 2) length = ((first - 192) << 8) + (bytes[at + 1] as number) + 192;
    else length = size === 1 ? first : Number(toBigInt(bytes.subarray(at + 1, at + 5)));
    at += size;
    size = length;
    if (size > bytes.length - at) throw malformed(`A packet claims ${size} bytes, but ${bytes.length - at} remain.`, start);
    packets.push({ tag: isNew ? head & 0x3f : (head >> 2) & 0x0f, body: bytes.subarray(at, at + size) });
    at += size;
  }
  return packets;
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

export function uint16(value: number): Buffer {
  return Buffer.of(value >> 8, value & 0xff);
}
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
