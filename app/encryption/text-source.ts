import { malformed } from '../formats/malformed.ts';
import { release } from './release.ts';
import type { ByteSource } from './source.ts';

const PIECE = 64 * 1024;
/** A line of text, and what it stands for. */
const [COLUMNS, BYTES] = [64, 48];
const NEWLINE = 0x0a;
const LAST_LINE = '-----END';
export const MOST_HEADER = 16 * 1024;

/** Bytes as Base64 within text, decoded as they are read. */
export abstract class Base64Source implements ByteSource {
  readonly #source: ByteSource;
  #pieces: Buffer[] = [];
  #held = 0;
  #ended = false;

  constructor(source: ByteSource) {
    this.#source = source;
  }

  async read(length: number): Promise<Buffer> {
    while (this.#held < length && !this.#ended) {
      const bytes = await this.#source.read(PIECE);
      this.#ended = this.take(bytes.toString('latin1'), bytes.length === 0);
    }
    const all = together(this.#pieces);
    const piece = all.subarray(0, length);
    this.#pieces = [all.subarray(piece.length)];
    this.#held = all.length - piece.length;
    return piece;
  }

  /** @param text what comes next. @param last nothing comes behind it. @returns whether all has been decoded */
  protected abstract take(text: string, last: boolean): boolean;

  protected decode(base64: string): void {
    const bytes = Buffer.from(base64, 'base64');
    this.#pieces.push(bytes);
    this.#held += bytes.length;
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
    const clean = cleanBase64(dash >= 0 ? this.#text.slice(0, dash) : this.#text);
    if (clean === undefined || (!last && dash >= 0 && this.#text.length - dash >= LAST_LINE.length)) throw malformed('The text is not Base64.');
    const take = last ? clean.length : clean.length - (clean.length % 4);
    this.decode(clean.slice(0, take));
    this.#text = clean.slice(take) + (dash >= 0 ? this.#text.slice(dash) : '');
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
      const text = Buffer.concat([Buffer.from(begun ? '' : `-----BEGIN ${label}-----\n${after}`), linesOf(all.subarray(0, whole))]);
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
  const text = Buffer.from(bytes.toString('base64'), 'latin1');
  const lines = Buffer.allocUnsafe(text.length + Math.ceil(text.length / COLUMNS));
  for (let from = 0, to = 0; from < text.length;) {
    for (const end = Math.min(from + COLUMNS, text.length); from < end;) lines[to++] = text[from++] as number;
    lines[to++] = NEWLINE;
  }
  release(text);
  return lines;
}

const [PAD, WHITE] = [1, 2];
/** What each character is: a digit, `=`, white space, or nothing that Base64 has. */
const KINDS = Uint8Array.from({ length: 256 }, (_, code) => (/[A-Za-z0-9+/]/.test(String.fromCharCode(code)) ? 0 : code === 0x3d ? PAD : /[\t\n\r ]/.test(String.fromCharCode(code)) ? WHITE : 3));

/** @param text Latin-1. @returns it without white space; undefined when it is not digits of Base64 and at most two `=` behind them */
export function cleanBase64(text: string): string | undefined {
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
