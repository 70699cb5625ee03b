import { createHash } from 'node:crypto';
import { malformed } from './malformed.ts';

/** Files of minisign and signify: a line of comment, then a line of base64 that begins with the algorithm and the key's id. */

/** What base64 holds after `untrusted comment: …`. */
export interface MinisignBlock {
  /** `Ed`: pure Ed25519. `ED`: Ed25519 over the BLAKE2b-512 of the file. */
  readonly algorithm: string;
  /** 8 bytes. */
  readonly keyId: Uint8Array;
  /** The key (32 bytes) or the signature (64 bytes). */
  readonly body: Uint8Array;
  readonly comment: string;
}

export const MINISIGN_COMMENT = 'untrusted comment:';

/** @returns the id that we give a public key: 8 bytes of its SHA-256. Others choose it at random; it only tells keys apart. */
export function minisignKeyId(publicKey: Uint8Array): Buffer {
  return createHash('sha256').update(publicKey).digest().subarray(0, 8);
}

/** @returns the id as both programs print it: the bytes are a little-endian number. */
export function minisignKeyName(keyId: Uint8Array): string {
  return Buffer.from(keyId).reverse().toString('hex').toUpperCase();
}

/** @param lines of the file; the first is the comment. @param size of the body. @throws INVALID_INPUT with the line */
export function parseMinisignBlock(lines: readonly string[], size: number): MinisignBlock {
  const [comment = '', base64 = ''] = lines;
  if (!comment.startsWith(MINISIGN_COMMENT)) throw malformed(`The first line should begin with “${MINISIGN_COMMENT}”.`, 0);
  const blob = decodeMinisignLine(base64, 10 + size, 'The second line');
  return { algorithm: Buffer.from(blob.subarray(0, 2)).toString('latin1'), keyId: blob.subarray(2, 10), body: blob.subarray(10), comment: comment.slice(MINISIGN_COMMENT.length).trim() };
}

/** @returns the bytes of a line of canonical base64. @throws INVALID_INPUT */
export function decodeMinisignLine(base64: string, size: number, what: string): Uint8Array {
  const bytes = Buffer.from(base64, 'base64');
  if (bytes.toString('base64') !== base64) throw malformed(`${what} should be base64.`);
  if (bytes.length !== size) throw malformed(`${what} should hold ${size} bytes, not ${bytes.length}.`);
  return bytes;
}

/** @returns the lines of a file, without their ends (CRLF too). */
export function minisignLines(content: Uint8Array): string[] {
  return Buffer.from(content).toString('utf8').replace(/\r?\n$/, '').split(/\r?\n/);
}

/** @returns two lines of text: the untrusted comment, and algorithm (2 bytes), key id (8 bytes) and body in base64. */
export function writeMinisignBlock({ algorithm, keyId, body, comment }: MinisignBlock): string {
  return `${MINISIGN_COMMENT} ${comment}\n${Buffer.concat([Buffer.from(algorithm, 'latin1'), keyId, body]).toString('base64')}\n`;
}

/** @returns the public key file of an Ed25519 key for minisign and signify. @param publicKey 32 bytes */
export function writeMinisignPublicKey(publicKey: Uint8Array, comment?: string): Buffer {
  const keyId = minisignKeyId(publicKey);
  return Buffer.from(writeMinisignBlock({ algorithm: 'Ed', keyId, body: publicKey, comment: comment ?? `minisign public key ${minisignKeyName(keyId)}` }));
}

/** @returns the 32 bytes of the key in a public key file. */
export function readMinisignPublicKey(content: Uint8Array): Uint8Array {
  const { algorithm, body } = parseMinisignBlock(minisignLines(content), 32);
  if (algorithm !== 'Ed') throw malformed('The key is not for Ed25519.');
  return body;
}
