import { malformedAt } from './malformed.ts';

/** Textual encodings (RFC 7468), as lenient as files in the wild need: text around blocks, CRLF, indentation, old headers. */

export interface PemBlock {
  /** `PRIVATE KEY`, `CERTIFICATE` … */
  readonly label: string;
  readonly content: Buffer;
  /** Of the old form (RFC 1421 §4.6): `Proc-Type`, `DEK-Info`. Names in lower case. */
  readonly headers: ReadonlyMap<string, string>;
  /** Of the BEGIN line, from 1. */
  readonly line: number;
  /** `friendlyName` from the text before it, as `openssl pkcs12` writes. */
  readonly friendlyName?: string;
}

const BEGIN = /^-----BEGIN ([A-Z0-9][A-Z0-9 ._-]{0,63}?)-----$/;
const END = /^-----END ([A-Z0-9][A-Z0-9 ._-]{0,63}?)-----$/;
const BASE64 = /^[A-Za-z0-9+/]*={0,2}$/;
const MAX_LINE = 64 * 1024;
const MAX_BLOCKS = 1000;

/** @returns whether a PEM block begins anywhere in it (RFC 7468 §2): text around blocks is usual. */
export function looksLikePem(content: Uint8Array): boolean {
  return Buffer.from(content.buffer, content.byteOffset, content.length).includes('-----BEGIN ');
}

/** @returns the blocks in their order. @throws INVALID_INPUT with the line */
export function parsePem(content: Uint8Array, most = MAX_BLOCKS): PemBlock[] {
  const blocks: PemBlock[] = [];
  let open: { label: string; line: number; headers: Map<string, string>; base64: string[]; friendlyName: string | undefined } | undefined;
  let friendlyName: string | undefined;
  let number = 0;
  for (const line of lines(content)) {
    number++;
    if (open === undefined) {
      const label = BEGIN.exec(line)?.[1];
      if (label !== undefined) {
        if (blocks.length === most) throw badLine(`The file has more than ${most} PEM blocks.`, number);
        open = { label, line: number, headers: new Map(), base64: [], friendlyName };
        friendlyName = undefined;
      } else if (line.startsWith('friendlyName:')) {
        friendlyName = Buffer.from(line.slice(13).trim(), 'latin1').toString('utf8').slice(0, 200) || undefined;
      } else if (line.startsWith('-----END ')) throw badLine('A PEM block ends that did not begin.', number);
      continue;
    }
    if (line.startsWith('-----')) {
      if (END.exec(line)?.[1] !== open.label) throw badLine(`The PEM block ${open.label} should end here.`, number);
      blocks.push({
        label: open.label, content: Buffer.from(open.base64.join(''), 'base64'), headers: open.headers, line: open.line,
        ...(open.friendlyName === undefined ? {} : { friendlyName: open.friendlyName }),
      });
      checkBase64(open.base64, number);
      open = undefined;
    } else if (open.base64.length === 0 && line.includes(':')) {
      const colon = line.indexOf(':');
      open.headers.set(line.slice(0, colon).trim().toLowerCase(), line.slice(colon + 1).trim());
    } else if (line !== '') {
      const base64 = line.replaceAll(/[ \t]+/g, ''); // RFC 7468 §3: white space is nothing, wherever it stands
      if (!BASE64.test(base64)) throw badLine(`The PEM block ${open.label} has characters that are not base64.`, number);
      if (open.base64.at(-1)?.endsWith('=')) throw badLine(`The PEM block ${open.label} goes on after its padding.`, number);
      open.base64.push(base64);
    }
  }
  if (open !== undefined) throw badLine(`The PEM block ${open.label} never ends.`, open.line);
  return blocks;
}

/** Whole groups of four; missing padding is a truncated line. */
function checkBase64(parts: readonly string[], line: number): void {
  const length = parts.reduce((sum, part) => sum + part.length, 0);
  if (length % 4 !== 0) throw badLine('The base64 of the PEM block is not whole: characters are missing.', line);
}

/** @returns the PEM text of `content`. */
export function writePem(label: string, content: Uint8Array, width = 64): Buffer {
  const text = Buffer.from(content.buffer, content.byteOffset, content.length).toString('base64');
  const body = text.match(new RegExp(`.{1,${width}}`, 'g'))?.join('\n') ?? '';
  return Buffer.from(`-----BEGIN ${label}-----\n${body}\n-----END ${label}-----\n`);
}

function* lines(content: Uint8Array): Generator<string> {
  const text = Buffer.from(content.buffer, content.byteOffset, content.length);
  let at = text.subarray(0, 3).equals(Buffer.of(0xef, 0xbb, 0xbf)) ? 3 : 0;
  for (let number = 1; at < text.length; number++) {
    let end = at;
    while (end < text.length && text[end] !== 0x0a && text[end] !== 0x0d) end++;
    if (end - at > MAX_LINE) throw badLine(`A line has more than ${MAX_LINE} characters.`, number);
    yield text.toString('latin1', at, end).trim();
    at = end + (text[end] === 0x0d && text[end + 1] === 0x0a ? 2 : 1);
  }
}

function badLine(detail: string, line: number): Error {
  return malformedAt(`line ${line}`, detail);
}
