import { malformed } from '../formats/malformed.ts';
import type { ByteSource } from './source.ts';

const PIECE = 64 * 1024;
export const MOST_HEADER = 16 * 1024;

/** Bytes as Base64 within text, decoded as they are read. */
export abstract class Base64Source implements ByteSource {
  readonly #source: ByteSource;
  #decoded: Buffer = Buffer.alloc(0);
  #ended = false;

  constructor(source: ByteSource) {
    this.#source = source;
  }

  async read(length: number): Promise<Buffer> {
    while (this.#decoded.length < length && !this.#ended) {
      const bytes = await this.#source.read(PIECE);
      this.#ended = this.take(bytes.toString('latin1'), bytes.length === 0);
    }
    const piece = this.#decoded.subarray(0, length);
    this.#decoded = this.#decoded.subarray(piece.length);
    return piece;
  }

  /** @param text what comes next. @param last nothing comes behind it. @returns whether all has been decoded */
  protected abstract take(text: string, last: boolean): boolean;

  protected decode(base64: string): void {
    this.#decoded = Buffer.concat([this.#decoded, Buffer.from(base64, 'base64')]);
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
    const end = this.#text.indexOf('-----END');
    const whole = end >= 0 ? this.#text.slice(0, end) : this.#text;
    const clean = whole.replaceAll(/[\r\n\t ]/g, '');
    const last = ended || end >= 0;
    const usable = last ? clean.length : clean.length - (clean.length % 4);
    // A dash at the end may begin the last line: it waits for the rest.
    const dash = last ? -1 : clean.indexOf('-');
    const take = dash >= 0 ? dash - (dash % 4) : usable;
    const text = clean.slice(0, take);
    if (!/^[A-Za-z0-9+/]*={0,2}$/.test(text)) throw malformed('The text is not Base64.');
    this.decode(text);
    this.#text = clean.slice(take) + (end >= 0 ? this.#text.slice(end) : '');
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
  const lines = (bytes: Uint8Array): string => `${Buffer.from(bytes).toString('base64').replaceAll(/.{64}(?=.)/g, '$&\n')}\n`;
  return {
    async write(piece) {
      const all = Buffer.concat([left, piece]);
      const whole = all.length - (all.length % 48);
      left = all.subarray(whole);
      const text = `${begun ? '' : `-----BEGIN ${label}-----\n${after}`}${whole === 0 ? '' : lines(all.subarray(0, whole))}`;
      begun = true;
      if (text !== '') await write(Buffer.from(text, 'latin1'));
    },
    async end() {
      await write(Buffer.from(`${left.length === 0 ? '' : lines(left)}${before()}-----END ${label}-----\n`, 'latin1'));
    },
  };
}
