import { malformed } from '../../formats/malformed.ts';

/** The cleartext signature framework (RFC 9580 §7): a text that anybody can read, with its signature below. */

const BEGIN = '-----BEGIN PGP SIGNED MESSAGE-----';
const SIGNATURE = '-----BEGIN PGP SIGNATURE-----';
const END = '-----END PGP SIGNATURE-----';
const HASH_NAMES: Readonly<Record<string, string>> = { sha256: 'SHA256', sha384: 'SHA384', sha512: 'SHA512' };

/** @param trim spaces at the ends of lines are not signed in this framework. @returns the text with line ends of CR and LF, as it is hashed (RFC 9580 §5.2.4, §7.2) */
export function textOf(text: Buffer, trim: boolean): Buffer {
  const lines = text.toString('latin1').split(/\r?\n/);
  return Buffer.from(lines.map((line) => (trim ? line.replace(/[ \t\r]+$/, '') : line)).join('\r\n'), 'latin1');
}

/** The text's last line end belongs to the framework, and so is given back with one more. */
export function writeClearSigned(text: Buffer, hash: string, armored: string): Buffer {
  const lines = text.toString('latin1').split(/\r?\n/).map((line) => (/^-|^From /.test(line) ? `- ${line}` : line));
  return Buffer.concat([Buffer.from(`${BEGIN}\nHash: ${HASH_NAMES[hash]}\n\n`), Buffer.from(lines.join('\n'), 'latin1'), Buffer.from(`\n${armored}`)]);
}

interface ClearSigned {
  readonly text: Buffer;
  readonly signature: Uint8Array;
  /** There is something before or after. */
  readonly outside: boolean;
}

/** @throws INVALID_INPUT with the line; a header that is not Hash is refused, since some programs took it for signed text */
export function readClearSigned(content: Uint8Array): ClearSigned {
  const lines = Buffer.from(content.buffer, content.byteOffset, content.length).toString('latin1').split(/\r?\n/);
  const begin = lines.findIndex((line) => line.trimEnd() === BEGIN);
  if (begin < 0) throw malformed('The file holds no text that was signed with OpenPGP.', 0, 'Name the signature’s file.');
  let at = begin + 1;
  for (; (lines[at] ?? '').trim() !== ''; at++) if (!/^Hash: [A-Za-z0-9, -]+$/.test((lines[at] as string).trimEnd())) throw malformed(`Line ${at + 1} stands where only the hash may be named.`);
  const end = lines.findIndex((line, index) => index > at && line.trimEnd() === SIGNATURE);
  const last = lines.findIndex((line, index) => index > end && line.trimEnd() === END);
  if (end < 0 || last < 0) throw malformed('The signed text never ends.');
  const text = lines.slice(at + 1, end).map((line, index) => {
    if (line.startsWith('- ')) return line.slice(2);
    if (line.startsWith('-')) throw malformed(`Line ${at + 2 + index} begins with a dash that is not marked as text.`);
    return line;
  });
  const outside = [...lines.slice(0, begin), ...lines.slice(last + 1)].some((line) => line.trim() !== '');
  return { text: Buffer.from(text.join('\n'), 'latin1'), signature: Buffer.from(lines.slice(end, last + 1).join('\n'), 'latin1'), outside };
}
