import { malformed } from '../../formats/malformed.ts';
import { packetLength } from '../../formats/openpgp-packets.ts';
import type { ByteSource } from '../source.ts';
import { Window } from '../window.ts';

/** Packets of OpenPGP as they stream, with bodies in parts (RFC 9580 §4.2). */

type Write = (piece: Uint8Array) => Promise<void>;
/** 2^16: every part but the last is a power of two of 512 or more. */
const PART_POWER = 16;
const PART = 2 ** PART_POWER;
const PIECE = 64 * 1024;

interface StreamedPacket {
  readonly tag: number;
  readonly body: PacketBody;
}

/** Reads one packet after another: the body of each is read before the next. */
export class PacketStream {
  readonly #source: ByteSource;
  #last: PacketBody | undefined;
  #offset = 0;

  constructor(source: ByteSource) {
    this.#source = source;
  }

  /** @returns undefined at the end. @throws INVALID_INPUT with the offset */
  async next(): Promise<StreamedPacket | undefined> {
    if (this.#last !== undefined) await drain(this.#last);
    const head = (await this.bytes(1, true))[0];
    if (head === undefined) return undefined;
    if ((head & 0x80) === 0) throw malformed('A packet of OpenPGP should begin here.', this.#offset - 1);
    const isNew = (head & 0x40) !== 0;
    const body = new PacketBody(this);
    if (isNew) await body.enterPart();
    else await body.enterOld(head & 3);
    this.#last = body;
    return { tag: isNew ? head & 0x3f : (head >> 2) & 0x0f, body };
  }

  /** @param orEnd fewer are given at the end. */
  async bytes(length: number, orEnd = false): Promise<Buffer> {
    const bytes = await this.#source.read(length);
    this.#offset += bytes.length;
    if (bytes.length < length && !orEnd) throw malformed('It ends inside a packet of OpenPGP.', this.#offset);
    return bytes;
  }
}

/** The body of a packet, to its end, however its length is told. */
export class PacketBody implements ByteSource {
  readonly #stream: PacketStream;
  /** Of this part; Infinity: to the end of the file. */
  #left = 0;
  #last = true;
  /** For what is in several parts. */
  #room: Buffer = Buffer.alloc(0);

  constructor(stream: PacketStream) {
    this.#stream = stream;
  }

  async enterPart(): Promise<void> {
    const [first = 0] = await this.#stream.bytes(1);
    this.#last = first < 224 || first === 255;
    if (first < 192) this.#left = first;
    else if (first < 224) this.#left = ((first - 192) << 8) + ((await this.#stream.bytes(1))[0] as number) + 192;
    else this.#left = first === 255 ? (await this.#stream.bytes(4)).readUInt32BE(0) : 2 ** (first & 0x1f);
  }

  /** @param kind how many bytes tell the length; 3: none do. */
  async enterOld(kind: number): Promise<void> {
    const size = [1, 2, 4][kind];
    this.#left = size === undefined ? Infinity : (await this.#stream.bytes(size)).readUIntBE(0, size);
  }

  async read(length: number): Promise<Buffer> {
    if (length <= this.#left) {
      const bytes = await this.#stream.bytes(length, this.#left === Infinity);
      this.#left -= bytes.length;
      return bytes;
    }
    if (this.#room.length < length) this.#room = Buffer.allocUnsafeSlow(length);
    let filled = 0;
    while (filled < length) {
      while (this.#left === 0 && !this.#last) await this.enterPart();
      const size = Math.min(length - filled, this.#left, PIECE);
      if (size === 0) break;
      filled += (await this.#stream.bytes(size)).copy(this.#room, filled);
      this.#left -= size;
    }
    return this.#room.subarray(0, filled);
  }
}

/** @returns all that is left, at most `most` bytes. @throws INVALID_INPUT beyond that */
export async function wholeBody(body: ByteSource, most: number, what: string): Promise<Buffer> {
  const bytes = Buffer.from(await body.read(most + 1));
  if (bytes.length > most) throw malformed(`${what} has more than ${most} bytes.`);
  return bytes;
}

export async function drain(source: ByteSource): Promise<number> {
  let passed = 0;
  for (;;) {
    const { length } = await source.read(PIECE);
    if (length === 0) return passed;
    passed += length;
  }
}

/** Writes a packet of any length, in parts when it is long; the length need not be known before its end. */
export class PacketWriter {
  readonly #write: Write;
  readonly #held = new Window();
  #out: Buffer = Buffer.alloc(0);
  #begun = false;
  readonly #tag: number;

  constructor(tag: number, write: Write) {
    this.#tag = tag;
    this.#write = write;
  }

  /** What is written is a view that holds until the next. */
  async write(piece: Uint8Array): Promise<void> {
    this.#held.add(piece);
    const parts = Math.ceil(this.#held.length / PART) - 1;
    if (parts <= 0) return;
    const size = parts * (PART + 1) + 1;
    if (this.#out.length < size) this.#out = Buffer.allocUnsafeSlow(size);
    let to = 0;
    for (const byte of this.#head()) this.#out[to++] = byte;
    for (let part = 0; part < parts; part += 1) {
      this.#out[to++] = 0xe0 | PART_POWER;
      to += this.#held.take(PART).copy(this.#out, to);
    }
    await this.#write(this.#out.subarray(0, to));
  }

  async end(): Promise<void> {
    await this.#write(Buffer.concat([Buffer.from(this.#head()), packetLength(this.#held.length), this.#held.view()]));
  }

  #head(): number[] {
    if (this.#begun) return [];
    this.#begun = true;
    return [0xc0 | this.#tag];
  }
}
