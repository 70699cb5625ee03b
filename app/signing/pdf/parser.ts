import { malformed } from '../../formats/malformed.ts';
import { PdfDict, PdfName, PdfRef, PdfString, type PdfValue } from './values.ts';

/** Reads values and words of a PDF (ISO 32000-2 §7.2, §7.3). Whatever is not well-formed is refused with its offset; nothing is guessed. */

const MAX_DEPTH = 100;
const MAX_NUMBER = 2 ** 31;

const WHITE = new Set([0x00, 0x09, 0x0a, 0x0c, 0x0d, 0x20]);
const DELIMITERS = new Set(Buffer.from('()<>[]{}/%', 'latin1'));
const isRegular = (byte: number): boolean => !WHITE.has(byte) && !DELIMITERS.has(byte);
const isDigit = (byte: number | undefined): boolean => byte !== undefined && byte >= 0x30 && byte <= 0x39;

/** A word of the language: obj, endobj, stream, xref, trailer, startxref, R. */
class PdfWord {
  readonly word: string;

  constructor(word: string) {
    this.word = word;
  }
}

export class PdfParser {
  readonly bytes: Buffer;
  readonly end: number;
  at: number;

  constructor(bytes: Buffer, at = 0, end = bytes.length) {
    this.bytes = bytes;
    this.at = at;
    this.end = end;
  }

  /** Passes white space and comments. @returns the byte that follows; undefined at the end. */
  peek(): number | undefined {
    for (; this.at < this.end; this.at++) {
      const byte = this.bytes[this.at] as number;
      if (byte === 0x25) while (this.at + 1 < this.end && this.bytes[this.at + 1] !== 0x0a && this.bytes[this.at + 1] !== 0x0d) this.at++;
      else if (!WHITE.has(byte)) return byte;
    }
    return undefined;
  }

  /** The next word must be this one. @throws INVALID_INPUT */
  word(wanted: string): void {
    if (!this.takes(wanted)) throw malformed(`“${wanted}” should be here, and is not.`, this.at);
  }

  /** Whether the next word is this one, which is then passed. */
  takes(wanted: string): boolean {
    const { at } = this;
    this.peek();
    const after = this.at + wanted.length;
    const follows = after < this.end ? this.bytes[after] : undefined;
    if (after <= this.end && this.bytes.toString('latin1', this.at, after) === wanted && (follows === undefined || !isRegular(follows))) {
      this.at = after;
      return true;
    }
    this.at = at;
    return false;
  }

  /** @returns a whole number that is not negative. */
  integer(what: string, max = 2 ** 40): number {
    this.peek();
    const { at } = this;
    const number = this.#digits();
    if (number === undefined || number > max) throw malformed(`${what} should be a whole number of at most ${max}.`, at);
    return number;
  }

  /** @returns the value that follows. @throws INVALID_INPUT with the offset */
  value(what: string, depth = 0): PdfValue {
    const found = this.#token(what, depth);
    if (found instanceof PdfWord) throw malformed(`${what} should be a value, and “${found.word.slice(0, 20)}” is there.`, this.at - found.word.length);
    return found;
  }

  #token(what: string, depth: number): PdfValue | PdfWord {
    const first = this.peek();
    if (depth > MAX_DEPTH) throw malformed(`${what} nests deeper than ${MAX_DEPTH} levels.`, this.at);
    if (first === undefined) throw malformed(`It ends where ${what} should be.`, this.at);
    if (first === 0x2f) return this.#name();
    if (first === 0x28) return this.#literal();
    if (first === 0x5b) return this.#array(what, depth);
    if (first === 0x3c) return this.bytes[this.at + 1] === 0x3c ? this.#dict(what, depth) : this.#hex();
    if (isDigit(first) || first === 0x2b || first === 0x2d || first === 0x2e) return this.#number(what);
    const word = this.#regular();
    if (word === '') throw malformed(`${what} cannot begin so.`, this.at);
    return word === 'null' ? null : word === 'true' ? true : word === 'false' ? false : new PdfWord(word);
  }

  #regular(): string {
    const from = this.at;
    while (this.at < this.end && isRegular(this.bytes[this.at] as number)) this.at++;
    return this.bytes.toString('latin1', from, this.at);
  }

  #digits(): number | undefined {
    const from = this.at;
    let number = 0;
    while (this.at < this.end && isDigit(this.bytes[this.at])) number = number * 10 + (this.bytes[this.at++] as number) - 0x30;
    const next = this.bytes[this.at];
    if (this.at === from || this.at - from > 16 || (this.at < this.end && next !== undefined && isRegular(next))) {
      this.at = from;
      return undefined;
    }
    return number;
  }

  /** A number; or a reference, if another number and R follow. */
  #number(what: string): PdfValue {
    const from = this.at;
    const whole = this.#digits();
    if (whole === undefined) {
      const text = this.#regular();
      if (!/^[+-]?(\d+\.?\d*|\.\d+)$/.test(text)) throw malformed(`${what} has a number that is none: “${text.slice(0, 20)}”.`, from);
      return Number(text);
    }
    const after = this.at;
    if (WHITE.has(this.bytes[this.at] ?? 0x2f) && isDigit(this.peek())) {
      const generation = this.#digits();
      if (generation !== undefined && generation <= 65_535 && whole < MAX_NUMBER && this.peek() === 0x52 && this.takes('R')) return new PdfRef(whole, generation);
    }
    this.at = after;
    return whole;
  }

  #name(): PdfName {
    this.at++;
    const text = this.#regular();
    return new PdfName(text.includes('#') ? text.replaceAll(/#([0-9a-fA-F]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16))) : text);
  }

  #hex(): PdfString {
    const from = this.at;
    const close = this.bytes.indexOf(0x3e, from);
    if (close < 0 || close >= this.end) throw malformed('A string in hexadecimal has no end.', from);
    const digits = this.bytes.toString('latin1', from + 1, close).replaceAll(/[\0\t\n\f\r ]+/g, '');
    if (!/^[0-9a-fA-F]*$/.test(digits)) throw malformed('A string in hexadecimal has other characters in it.', from);
    this.at = close + 1;
    return new PdfString(Buffer.from(digits.length % 2 === 0 ? digits : `${digits}0`, 'hex'), { from, to: this.at, hex: true });
  }

  #literal(): PdfString {
    const from = this.at++;
    const bytes: number[] = [];
    for (let open = 1; ;) {
      if (this.at >= this.end) throw malformed('A string has no end.', from);
      const byte = this.bytes[this.at++] as number;
      if (byte === 0x28) open += 1;
      if (byte === 0x29 && (open -= 1) === 0) break;
      if (byte === 0x5c) bytes.push(...this.#escaped());
      else if (byte === 0x0d) {
        if (this.bytes[this.at] === 0x0a) this.at++;
        bytes.push(0x0a);
      } else bytes.push(byte);
    }
    return new PdfString(Buffer.from(bytes), { from, to: this.at, hex: false });
  }

  #escaped(): number[] {
    const byte = this.at < this.end ? (this.bytes[this.at++] as number) : 0x5c;
    const plain = { 0x6e: 0x0a, 0x72: 0x0d, 0x74: 0x09, 0x62: 0x08, 0x66: 0x0c }[byte];
    if (plain !== undefined) return [plain];
    if (byte === 0x0a) return [];
    if (byte === 0x0d) {
      if (this.bytes[this.at] === 0x0a) this.at++;
      return [];
    }
    if (byte < 0x30 || byte > 0x37) return [byte];
    let code = byte - 0x30;
    for (let count = 0; count < 2 && this.at < this.end; count++) {
      const next = this.bytes[this.at] as number;
      if (next < 0x30 || next > 0x37) break;
      code = code * 8 + next - 0x30;
      this.at++;
    }
    return [code & 0xff];
  }

  #array(what: string, depth: number): PdfValue[] {
    this.at++;
    const members: PdfValue[] = [];
    for (;;) {
      if (this.peek() === 0x5d) break;
      members.push(this.value(what, depth + 1));
    }
    this.at++;
    return members;
  }

  #dict(what: string, depth: number): PdfDict {
    this.at += 2;
    const entries = new PdfDict();
    for (;;) {
      const next = this.peek();
      if (next === 0x3e && this.bytes[this.at + 1] === 0x3e) break;
      if (next !== 0x2f) throw malformed(next === undefined ? `It ends inside ${what}.` : `${what} has something else than a name where a key should be.`, this.at);
      const key = this.#name().value;
      if (entries.has(key)) entries.twice ??= key;
      entries.set(key, this.value(what, depth + 1));
    }
    this.at += 2;
    return entries;
  }
}
