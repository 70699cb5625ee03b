import { createHmac, hkdfSync, timingSafeEqual } from 'node:crypto';
import { KeywrightError } from '../../contract/index.ts';
import type { ByteSource } from '../source.ts';

/** The header of an age file (age-encryption.org/v1): stanzas, one a recipient, and a MAC under the file key. */

export const VERSION_LINE = 'age-encryption.org/v1';
export const FILE_KEY_BYTES = 16;
const COLUMNS = 64;
/** Far more than a thousand recipients need. */
const MOST_HEADER = 4 * 1024 * 1024;
const LONGEST_LINE = 64 * 1024;

export interface Stanza {
  readonly type: string;
  readonly args: readonly string[];
  readonly body: Uint8Array;
}

export interface Header {
  readonly stanzas: readonly Stanza[];
  /** What the MAC is over: all up to `---`. */
  readonly signed: Buffer;
  readonly mac: Buffer;
}

/** @returns the error of a header that is not as it must be. */
export function badHeader(what: string, offset?: number): KeywrightError {
  return new KeywrightError('INVALID_INPUT', { detail: `The header of this age file is not valid: ${what}.`, ...(offset === undefined ? {} : { where: `offset ${offset}` }), remedy: 'It was damaged or not made by age: get it anew.' });
}

/** @returns bytes of standard Base64 without padding, in its one canonical form (RFC 4648 §3.5); undefined for anything else. */
export function fromBase64(text: string): Buffer | undefined {
  const bytes = Buffer.from(text, 'base64');
  return toBase64(bytes) === text ? bytes : undefined;
}

export function toBase64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64').replaceAll('=', '');
}

/** Reads a header, byte by byte as it must be. @throws INVALID_INPUT with the offset */
export async function readHeader(source: ByteSource): Promise<Header> {
  const lines = new Lines(source);
  if ((await lines.next('the first line')) !== VERSION_LINE) throw badHeader('its first line is not that of version 1', 0);
  const stanzas: Stanza[] = [];
  for (;;) {
    const { offset } = lines;
    const line = await lines.next('a stanza or the MAC');
    if (line.startsWith('---')) {
      const mac = line.startsWith('--- ') ? fromBase64(line.slice(4)) : undefined;
      if (mac?.length !== 32) throw badHeader('its MAC is no 32 bytes of Base64', offset);
      if (stanzas.length === 0) throw badHeader('it has no recipients', offset);
      return { stanzas, signed: Buffer.from(lines.text.slice(0, offset + 3), 'latin1'), mac };
    }
    const [arrow, type, ...args] = line.split(' ');
    if (arrow !== '->' || type === undefined || ![type, ...args].every((word) => /^[\x21-\x7e]+$/.test(word))) throw badHeader('a stanza does not begin as it must', offset);
    stanzas.push({ type, args, body: await readBody(lines) });
  }
}

async function readBody(lines: Lines): Promise<Buffer> {
  const parts: Buffer[] = [];
  for (;;) {
    const { offset } = lines;
    const line = await lines.next('the body of a stanza');
    const part = fromBase64(line);
    if (part === undefined || line.length > COLUMNS) throw badHeader('the body of a stanza is no Base64 in lines of 64', offset);
    parts.push(part);
    if (line.length < COLUMNS) return Buffer.concat(parts);
  }
}

/** Lines that end with a line feed alone. What was read is kept: the MAC is over it. */
class Lines {
  readonly #source: ByteSource;
  text = '';
  offset = 0;

  constructor(source: ByteSource) {
    this.#source = source;
  }

  async next(what: string): Promise<string> {
    let line = '';
    for (;;) {
      const byte = (await this.#source.read(1))[0];
      if (byte === undefined) throw badHeader(`it ends within ${what}`, this.offset + line.length);
      if (byte === 0x0a) break;
      line += String.fromCharCode(byte);
      if (line.length > LONGEST_LINE || this.offset + line.length > MOST_HEADER) throw badHeader('it is longer than any header', this.offset);
    }
    this.text += `${line}\n`;
    this.offset += line.length + 1;
    return line;
  }
}

/** @returns the header with its MAC, up to and with the line feed. @param fileKey 16 bytes */
export function writeHeader(stanzas: readonly Stanza[], fileKey: Uint8Array): Buffer {
  const text = stanzas.map(({ type, args, body }) => {
    const lines: string[] = toBase64(body).match(/.{1,64}/g) ?? [];
    if (lines.at(-1)?.length === COLUMNS || lines.length === 0) lines.push('');
    return `-> ${[type, ...args].join(' ')}\n${lines.join('\n')}\n`;
  }).join('');
  const signed = Buffer.from(`${VERSION_LINE}\n${text}---`, 'latin1');
  return Buffer.concat([signed, Buffer.from(` ${toBase64(macOf(signed, fileKey))}\n`, 'latin1')]);
}

/** @throws INVALID_INPUT when the MAC is not that of this header and file key */
export function checkMac({ signed, mac }: Header, fileKey: Uint8Array): void {
  if (!timingSafeEqual(mac, macOf(signed, fileKey))) throw badHeader('its MAC does not fit, so somebody changed it');
}

function macOf(signed: Uint8Array, fileKey: Uint8Array): Buffer {
  const key = Buffer.from(hkdfSync('sha256', fileKey, Buffer.alloc(0), 'header', 32));
  return createHmac('sha256', key).update(signed).digest();
}
