import { malformed } from '../formats/malformed.ts';
import type { ByteSource } from './source.ts';

/** Base64 between lines of text: PEM (RFC 7468) and S/MIME (RFC 8551 §3.3), decoded as it is read. */

const PIECE = 64 * 1024;
const MOST_HEADER = 16 * 1024;

export class TextSource implements ByteSource {
  readonly #source: ByteSource;
  #text = '';
  #decoded: Buffer = Buffer.alloc(0);
  #state: 'head' | 'body' | 'end' = 'head';

  constructor(source: ByteSource) {
    this.#source = source;
  }

  async read(length: number): Promise<Buffer> {
    while (this.#decoded.length < length && this.#state !== 'end') await this.#more();
    const piece = this.#decoded.subarray(0, length);
    this.#decoded = this.#decoded.subarray(piece.length);
    return piece;
  }

  async #more(): Promise<void> {
    const bytes = await this.#source.read(PIECE);
    this.#text += bytes.toString('latin1');
    if (this.#state === 'head') this.#skipHead(bytes.length === 0);
    if (this.#state !== 'body') return;
    const end = this.#text.indexOf('-----END');
    const whole = end >= 0 ? this.#text.slice(0, end) : this.#text;
    const clean = whole.replaceAll(/[\r\n\t ]/g, '');
    const last = bytes.length === 0 || end >= 0;
    const usable = last ? clean.length : clean.length - (clean.length % 4);
    // A dash at the end may begin the last line: it waits for the rest.
    const dash = last ? -1 : clean.indexOf('-');
    const take = dash >= 0 ? dash - (dash % 4) : usable;
    const text = clean.slice(0, take);
    if (!/^[A-Za-z0-9+/]*={0,2}$/.test(text)) throw malformed('The text is not Base64.');
    this.#decoded = Buffer.concat([this.#decoded, Buffer.from(text, 'base64')]);
    this.#text = clean.slice(take) + (end >= 0 ? this.#text.slice(end) : '');
    if (last) this.#state = 'end';
  }

  /** PEM: up to the line that begins it. S/MIME: up to the empty line after the header fields. */
  #skipHead(ended: boolean): void {
    const begin = /-----BEGIN [A-Z0-9 ]+-----\r?\n/.exec(this.#text);
    const blank = /\r?\n\r?\n/.exec(this.#text);
    const head = begin ?? blank;
    if (head !== null) {
      this.#text = this.#text.slice(head.index + head[0].length);
      this.#state = 'body';
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
