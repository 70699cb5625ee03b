import { KeywrightError } from '../../contract/index.ts';
import { release } from '../release.ts';
import type { ByteSource } from '../source.ts';
import { pemWriter, together } from '../text-source.ts';

/** ASCII armour of age: strict PEM (RFC 7468 §3) with the label AGE ENCRYPTED FILE. */

const LABEL = 'AGE ENCRYPTED FILE';
export const BEGIN = `-----BEGIN ${LABEL}-----`;
const END = `-----END ${LABEL}-----`;
const COLUMNS = 64;
const NEWLINE = 0x0a;
const PIECE = 64 * 1024;
const WHITE = /^[\t\n\r ]*$/;
const MOST_WHITE = 1024;

/** Bytes out of armour, as they are read. */
export class ArmorSource implements ByteSource {
  readonly #source: ByteSource;
  #pieces: Buffer[] = [];
  #held = 0;
  #state: 'begin' | 'body' | 'last' | 'end' = 'begin';
  #offset = 0;
  /** Text that was read, from `#at` on to be looked at. */
  #text: Buffer = Buffer.alloc(0);
  #at = 0;

  constructor(source: ByteSource) {
    this.#source = source;
  }

  async read(length: number): Promise<Buffer> {
    while (this.#held < length && this.#state !== 'end') {
      if (!this.#fullLines()) await this.#line();
    }
    const all = together(this.#pieces);
    const piece = all.subarray(0, length);
    this.#pieces = [all.subarray(piece.length)];
    this.#held = all.length - piece.length;
    return piece;
  }

  /** Decodes as many full lines as have been read and are as they must be. @returns whether there were any: whatever else comes next is looked at by itself */
  #fullLines(): boolean {
    if (this.#state !== 'body') return false;
    const line = COLUMNS + 1;
    let count = 0;
    while (this.#at + (count + 1) * line <= this.#text.length && this.#text[this.#at + count * line + COLUMNS] === NEWLINE) count += 1;
    if (count < 2) return false;
    const base64 = Buffer.allocUnsafe(count * COLUMNS);
    for (let index = 0, from = this.#at, to = 0; index < count; index += 1, from += 1) {
      for (const end = from + COLUMNS; from < end;) base64[to++] = this.#text[from++] as number;
    }
    const text = base64.toString('latin1');
    release(base64);
    const bytes = Buffer.from(text, 'base64');
    if (bytes.length !== count * COLUMNS / 4 * 3 || bytes.toString('base64') !== text) return false;
    this.#take(bytes);
    this.#at += count * line;
    this.#offset += count * line;
    return true;
  }

  #take(bytes: Buffer): void {
    this.#pieces.push(bytes);
    this.#held += bytes.length;
  }

  async #line(): Promise<void> {
    const { offset, text } = await this.#next();
    if (this.#state === 'begin') {
      if (text === BEGIN) this.#state = 'body';
      else if (!WHITE.test(text) || offset > MOST_WHITE) throw notArmor('it does not begin as it must', offset);
      return;
    }
    if (text === END) {
      if (offset === 0) throw notArmor('it is empty', offset);
      this.#state = 'end';
      await this.#nothingMore();
      return;
    }
    if (this.#state === 'last') throw notArmor('there is more after its last line', offset);
    const bytes = Buffer.from(text, 'base64');
    if (text.length === 0 || text.length > COLUMNS || bytes.toString('base64') !== text) throw notArmor('a line is no Base64 of up to 64 characters', offset);
    if (text.length < COLUMNS || text.endsWith('=')) this.#state = 'last';
    this.#take(bytes);
  }

  async #next(): Promise<{ offset: number; text: string }> {
    const offset = this.#offset;
    for (;;) {
      const end = this.#text.indexOf(NEWLINE, this.#at);
      if ((end < 0 ? this.#text.length : end) - this.#at > MOST_WHITE) throw notArmor('a line is too long', offset);
      if (end < 0 && await this.#more()) continue;
      const text = this.#text.toString('latin1', this.#at, end < 0 ? this.#text.length : end);
      if (end < 0 && text !== END) throw notArmor('it is cut off', offset);
      this.#at = end < 0 ? this.#text.length : end + 1;
      this.#offset += text.length + (end < 0 ? 0 : 1);
      return { offset, text: end >= 0 && text.endsWith('\r') ? text.slice(0, -1) : text };
    }
  }

  /** @returns whether there was more. */
  async #more(): Promise<boolean> {
    const more = await this.#source.read(PIECE);
    if (more.length === 0) return false;
    const text = Buffer.concat([this.#text.subarray(this.#at), more]);
    release(this.#text);
    [this.#text, this.#at] = [text, 0];
    return true;
  }

  async #nothingMore(): Promise<void> {
    while (this.#text.length - this.#at <= MOST_WHITE && await this.#more());
    const rest = this.#text.subarray(this.#at);
    if (rest.length > MOST_WHITE || !WHITE.test(rest.toString('latin1'))) throw notArmor('there is more after its end', this.#offset);
  }
}

/** @returns what puts bytes into armour as they are written, and ends it. */
export function armored(write: (piece: Uint8Array) => Promise<void>): ReturnType<typeof pemWriter> {
  return pemWriter(LABEL, write);
}

function notArmor(what: string, offset: number): KeywrightError {
  return new KeywrightError('INVALID_INPUT', { detail: `The text form of this age file is not valid: ${what}.`, where: `offset ${offset}`, remedy: 'Copy it whole, from BEGIN to END.' });
}
