import { KeywrightError } from '../../contract/index.ts';
import type { ByteSource } from '../source.ts';
import { pemWriter } from '../text-source.ts';

/** ASCII armour of age: strict PEM (RFC 7468 §3) with the label AGE ENCRYPTED FILE. */

const LABEL = 'AGE ENCRYPTED FILE';
export const BEGIN = `-----BEGIN ${LABEL}-----`;
const END = `-----END ${LABEL}-----`;
const COLUMNS = 64;
const WHITE = /^[\t\n\r ]*$/;
const MOST_WHITE = 1024;

/** Bytes out of armour, as they are read. */
export class ArmorSource implements ByteSource {
  readonly #source: ByteSource;
  #pieces: Buffer[] = [];
  #held = 0;
  #state: 'begin' | 'body' | 'last' | 'end' = 'begin';
  #offset = 0;

  constructor(source: ByteSource) {
    this.#source = source;
  }

  async read(length: number): Promise<Buffer> {
    while (this.#held < length && this.#state !== 'end') await this.#line();
    if (this.#pieces.length > 1) this.#pieces = [Buffer.concat(this.#pieces)];
    const [all = Buffer.alloc(0)] = this.#pieces;
    const piece = all.subarray(0, length);
    this.#pieces = [all.subarray(piece.length)];
    this.#held = all.length - piece.length;
    return piece;
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
    this.#pieces.push(bytes);
    this.#held += bytes.length;
  }

  async #next(): Promise<{ offset: number; text: string }> {
    const offset = this.#offset;
    let text = '';
    for (;;) {
      const byte = (await this.#source.read(1))[0];
      if (byte === undefined) {
        if (text === END) return { offset, text };
        throw notArmor('it is cut off', offset);
      }
      this.#offset += 1;
      if (byte === 0x0a) return { offset, text: text.endsWith('\r') ? text.slice(0, -1) : text };
      text += String.fromCharCode(byte);
      if (text.length > MOST_WHITE) throw notArmor('a line is too long', offset);
    }
  }

  async #nothingMore(): Promise<void> {
    const rest = await this.#source.read(MOST_WHITE + 1);
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
