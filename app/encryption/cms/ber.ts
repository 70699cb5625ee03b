import { malformed } from '../../formats/malformed.ts';
import type { ByteSource } from '../source.ts';

/** A reader of BER (X.690 §8) in order, as programs that stream write it: with indefinite lengths and strings in pieces. */

export interface BerHead {
  readonly tag: number;
  readonly constructed: boolean;
  /** undefined: indefinite, until the end-of-contents. */
  readonly length: number | undefined;
  readonly offset: number;
}

const MOST_DEPTH = 16;

export class BerStream {
  readonly #source: ByteSource;
  #offset = 0;
  #next: BerHead | undefined;
  /** A byte that was read to see whether there is one. */
  #ahead: number | undefined;

  constructor(source: ByteSource) {
    this.#source = source;
  }

  get offset(): number {
    return this.#next?.offset ?? this.#offset;
  }

  /** @returns tag and length of what comes next, without moving on. */
  async peek(what: string): Promise<BerHead> {
    return (this.#next ??= await this.#head(what));
  }

  /** Moves on to the content of the next element. @throws INVALID_INPUT when its tag is another */
  async enter(what: string, tag: number): Promise<BerHead> {
    const head = await this.peek(what);
    if (head.tag !== tag) throw malformed(`${what} is not there.`, head.offset);
    this.#next = undefined;
    return head;
  }

  /** Whether nothing follows at all. */
  async atEnd(): Promise<boolean> {
    if (this.#next !== undefined || this.#ahead !== undefined) return false;
    const [byte] = await this.#source.read(1);
    this.#ahead = byte;
    return byte === undefined;
  }

  /** Passes the end of an element that was entered, if it has one. */
  async leave({ length }: BerHead, what: string): Promise<void> {
    if (length === undefined) await this.enter(`the end of ${what}`, 0);
  }

  /** Whether an element that was entered has ended. */
  async ended({ length }: BerHead, end: number): Promise<boolean> {
    return length === undefined ? (await this.peek('an end')).tag === 0 : this.offset >= end;
  }

  /** @returns the next element as DER (all lengths definite), at most `most` bytes. @throws INVALID_INPUT beyond that */
  async element(what: string, most: number, depth = 0): Promise<Buffer> {
    const head = await this.enter(what, (await this.peek(what)).tag);
    if (depth > MOST_DEPTH) throw malformed(`${what} is nested too deeply.`, head.offset);
    if (head.length !== undefined) {
      if (head.length > most) throw malformed(`${what} claims ${head.length} bytes.`, head.offset);
      return elementOf(head.tag, await this.bytes(head.length, what));
    }
    const parts: Buffer[] = [];
    let left = most;
    while ((await this.peek(what)).tag !== 0) {
      const part = await this.element(what, left, depth + 1);
      left -= part.length;
      parts.push(part);
    }
    await this.leave(head, what);
    return elementOf(head.tag, Buffer.concat(parts));
  }

  /** Hands on the content of a string as it comes, in pieces of up to 1 MiB: one of definite length, or strings within a string. */
  async string(head: BerHead, what: string, piece: (bytes: Buffer) => Promise<void>, depth = 0): Promise<void> {
    if (depth > MOST_DEPTH) throw malformed(`${what} is nested too deeply.`, head.offset);
    if (!head.constructed) {
      if (head.length === undefined) throw malformed(`${what} has no length.`, head.offset);
      for (let left = head.length; left > 0;) {
        const bytes = await this.bytes(Math.min(left, 1024 * 1024), what);
        left -= bytes.length;
        await piece(bytes);
      }
      return;
    }
    const end = this.#offset + (head.length ?? 0);
    while (!(await this.ended(head, end))) {
      const inner = await this.peek(what);
      if ((inner.tag & 0x1f) !== 0x04) throw malformed(`${what} is not a string in pieces.`, inner.offset);
      this.#next = undefined;
      await this.string(inner, what, piece, depth + 1);
    }
    await this.leave(head, what);
  }

  async bytes(length: number, what: string): Promise<Buffer> {
    const bytes = await this.#source.read(length);
    if (bytes.length < length) throw malformed(`It ends inside ${what}.`, this.#offset + bytes.length);
    this.#offset += length;
    return bytes;
  }

  async #head(what: string): Promise<BerHead> {
    const offset = this.#offset;
    const ahead = this.#ahead;
    this.#ahead = undefined;
    if (ahead !== undefined) this.#offset += 1;
    const tag = ahead ?? ((await this.bytes(1, what))[0] as number);
    const first = (await this.bytes(1, what))[0] as number;
    if ((tag & 0x1f) === 0x1f) throw malformed(`${what} has a tag of several bytes.`, offset);
    const constructed = (tag & 0x20) !== 0;
    if (first < 0x80) return { tag, constructed, length: first, offset };
    if (first === 0x80) {
      if (!constructed) throw malformed(`${what} has no length.`, offset);
      return { tag, constructed, length: undefined, offset };
    }
    const count = first & 0x7f;
    if (count > 6) throw malformed(`${what} has a length that takes ${count} bytes.`, offset);
    const bytes = await this.bytes(count, what);
    return { tag, constructed, length: bytes.readUIntBE(0, count), offset };
  }
}

function elementOf(tag: number, content: Uint8Array): Buffer {
  const { length } = content;
  if (length < 0x80) return Buffer.concat([Buffer.of(tag, length), content]);
  const size = Buffer.alloc(4);
  size.writeUInt32BE(length);
  const from = size.findIndex((byte) => byte !== 0);
  return Buffer.concat([Buffer.of(tag, 0x80 | (4 - from)), size.subarray(from), content]);
}
