import { malformed } from '../formats/malformed.ts';
import { release } from './release.ts';
import type { ByteSource } from './source.ts';
import { Window } from './window.ts';

const PIECE = 64 * 1024;
/** A line of text, and what it stands for. */
const [COLUMNS, BYTES] = [64, 48];
const NEWLINE = 0x0a;
const LAST_LINE = '-----END';
export const MOST_HEADER = 16 * 1024;

/** Bytes as Base64 within text, decoded as they are read. */
export abstract class Base64Source implements ByteSource {
  readonly #source: ByteSource;
  readonly #held = new Window();
  #ended = false;

  constructor(source: ByteSource) {
    this.#source = source;
  }

  async read(length: number): Promise<Buffer> {
    while (this.#held.length < length && !this.#ended) {
      const bytes = await this.#source.read(PIECE);
      this.#ended = this.take(bytes.toString('latin1'), bytes.length === 0);
    }
    return this.#held.take(length);
  }

  /** @param text what comes next. @param last nothing comes behind it. @returns whether all has been decoded */
  protected abstract take(text: string, last: boolean): boolean;

  /** @param last nothing comes behind it. @returns the digits behind the last whole bytes; undefined when it is not Base64 */
  protected decode(text: string, last: boolean): string | undefined {
    const whole = wholeLines(text);
    if (whole !== undefined) return this.#add(whole);
    const clean = cleanBase64(text);
    if (clean === undefined) return undefined;
    const take = last ? clean.length : clean.length - (clean.length % 4);
    this.#add(Buffer.from(clean.slice(0, take), 'base64'));
    return clean.slice(take);
  }

  #add(bytes: Buffer): string {
    this.#held.add(bytes);
    release(bytes);
    return '';
  }
}

/** Base64 between lines of text: PEM (RFC 7468) and S/MIME (RFC 8551 §3.3). */
export class TextSource extends Base64Source {
  #text = '';
  #inBody = false;

  protected take(more: string, ended: boolean): boolean {
    this.#text += more;
    if (!this.#inBody) this.#skipHead(ended);
    if (!this.#inBody) return false;
    const end = this.#text.indexOf(LAST_LINE);
    const last = ended || end >= 0;
    // A dash at the end may begin the last line: it waits for the rest.
    const dash = last ? end : this.#text.indexOf('-');
    // Whole lines are decoded at once; what has none is taken as it is.
    const line = last || dash >= 0 ? 0 : this.#text.lastIndexOf('\n') + 1;
    const upTo = dash >= 0 ? dash : line > 0 ? line : this.#text.length;
    const left = this.decode(this.#text.slice(0, upTo), last);
    if (left === undefined || (!last && dash >= 0 && this.#text.length - dash >= LAST_LINE.length)) throw malformed('The text is not Base64.');
    this.#text = left + this.#text.slice(upTo);
    return last;
  }

  /** PEM: up to the line that begins it. S/MIME: up to the empty line after the header fields. */
  #skipHead(ended: boolean): void {
    const begin = /-----BEGIN [A-Z0-9 ]+-----\r?\n/.exec(this.#text);
    const blank = /\r?\n\r?\n/.exec(this.#text);
    const head = begin ?? blank;
    if (head !== null) {
      this.#text = this.#text.slice(head.index + head[0].length);
      this.#inBody = true;
    } else if (ended || this.#text.length > MOST_HEADER) throw malformed('The text has no beginning of PEM or S/MIME.', 0);
  }
}

/**
 * @param around.after the first line: where the label's kind has header fields, the empty line that ends them. @param around.before the last line.
 * @returns what puts bytes into PEM as they are written.
 */
export function pemWriter(label: string, write: (piece: Uint8Array) => Promise<void>, { after = '', before = () => '' }: { readonly after?: string; readonly before?: () => string } = {}): { write(piece: Uint8Array): Promise<void>; end(): Promise<void> } {
  let left: Buffer = Buffer.from([]);
  let begun = false;
  return {
    async write(piece) {
      const all = Buffer.concat([left, piece]);
      const whole = all.length - (all.length % BYTES);
      left = Buffer.from(all.subarray(whole));
      const lines = linesOf(all.subarray(0, whole));
      const text = begun ? lines : Buffer.concat([Buffer.from(`-----BEGIN ${label}-----\n${after}`), lines]);
      release(all);
      begun = true;
      if (text.length > 0) await write(text);
      release(text);
    },
    async end() {
      await write(Buffer.concat([linesOf(left), Buffer.from(`${before()}-----END ${label}-----\n`)]));
    },
  };
}

/** @returns Base64 in lines. */
function linesOf(bytes: Buffer): Buffer {
  const base64 = bytes.toString('base64');
  const breaks = Math.ceil(base64.length / COLUMNS);
  const lines = Buffer.allocUnsafe(base64.length + breaks);
  // All of it at the end; then each line moves to its place, the first the farthest.
  lines.write(base64, breaks, 'latin1');
  for (let from = breaks, to = 0; from < lines.length; from += COLUMNS, to += COLUMNS + 1) {
    const end = Math.min(from + COLUMNS, lines.length);
    lines.copyWithin(to, from, end);
    lines[to + end - from] = NEWLINE;
  }
  return lines;
}

const [PAD, WHITE] = [1, 2];
/** What each character is: a digit, `=`, white space, or nothing that Base64 has. */
const KINDS = Uint8Array.from({ length: 256 }, (_, code) => (/[A-Za-z0-9+/]/.test(String.fromCharCode(code)) ? 0 : code === 0x3d ? PAD : /[\t\n\r ]/.test(String.fromCharCode(code)) ? WHITE : 3));

/**
 * The usual case, many times as fast: digits alone, in lines that stand for whole bytes. What is none is passed over by Node's decoder, and so gives fewer bytes.
 *
 * @returns the bytes; undefined for everything else, which {@link cleanBase64} looks at
 */
function wholeLines(text: string): Buffer | undefined {
  if (UNUSUAL.some((character) => text.includes(character))) return undefined;
  const digits = text.length - countOf('\n', text) - countOf('\r', text);
  if (digits % 4 !== 0) return undefined;
  const bytes = Buffer.from(text, 'base64');
  return bytes.length === (digits / 4) * 3 ? bytes : undefined;
}

/** What Node takes, and what ends it: `-` and `_` are of another alphabet (RFC 4648 §5). */
const UNUSUAL = ['=', '-', '_', ' ', '\t'];

function countOf(character: string, text: string): number {
  let count = 0;
  for (let at = text.indexOf(character); at >= 0; at = text.indexOf(character, at + 1)) count += 1;
  return count;
}

/** @param text Latin-1. @returns it without white space; undefined when it is not digits of Base64 and at most two `=` behind them */
function cleanBase64(text: string): string | undefined {
  const bytes = Buffer.from(text, 'latin1');
  let [to, pads] = [0, 0];
  for (let from = 0; from < bytes.length; from += 1) {
    const byte = bytes[from] as number;
    const kind = KINDS[byte] as number;
    if (kind === WHITE) continue;
    if (kind > WHITE || (kind === 0 && pads > 0)) return undefined;
    pads += kind;
    bytes[to++] = byte;
  }
  const clean = pads > 2 ? undefined : bytes.toString('latin1', 0, to);
  release(bytes);
  return clean;
}

/** @returns all of the pieces; those are not to be looked at any more. */
export function together(pieces: readonly Buffer[]): Buffer {
  if (pieces.length === 1) return pieces[0] as Buffer;
  const all = Buffer.concat(pieces);
  for (const piece of pieces) release(piece);
  return all;
}
