import { createCipheriv, createDecipheriv, createHash, pbkdf2, randomBytes } from 'node:crypto';
import { promisify } from 'node:util';
import { contextTag, der, derSequence, TAG } from '../../formats/der.ts';
import { malformed } from '../../formats/malformed.ts';
import type { Hash } from './identifiers.ts';

/** How the content-encryption key is itself encrypted. */

const derive = promisify(pbkdf2);

/** Key derivation of X9.63 with ECC-CMS-SharedInfo (RFC 5753 §7.2). @param wrapIdentifier AlgorithmIdentifier of the key wrap, DER. @returns a key for it */
export function agreedKey(shared: Uint8Array, hash: Hash, wrapIdentifier: Uint8Array, ukm: Uint8Array | undefined, keyBytes: number): Buffer {
  const bits = Buffer.alloc(4);
  bits.writeUInt32BE(8 * keyBytes);
  const info = derSequence(wrapIdentifier, ...(ukm === undefined ? [] : [der(contextTag(0), der(TAG.octetString, ukm))]), der(contextTag(2), der(TAG.octetString, bits)));
  const blocks: Buffer[] = [];
  for (let counter = 1; blocks.reduce((sum, { length }) => sum + length, 0) < keyBytes; counter += 1) blocks.push(createHash(hash).update(shared).update(Buffer.of(0, 0, 0, counter)).update(info).digest());
  return Buffer.concat(blocks).subarray(0, keyBytes);
}

/** PBKDF2 (RFC 8018 §5.2). */
export function passwordKey(passphrase: Uint8Array, salt: Uint8Array, rounds: number, keyBytes: number, prf: Hash): Promise<Buffer> {
  return derive(passphrase, salt, rounds, keyBytes, prf);
}

/** RFC 3211 §2.3.1: the key with a length, a check and padding, encrypted twice in CBC mode. @param key of AES, 16 to 32 bytes. */
export function wrapWithPassword(key: Uint8Array, iv: Uint8Array, content: Uint8Array): Buffer {
  const check = Buffer.from(content.subarray(0, 3)).map((byte) => byte ^ 0xff);
  const length = Math.max(32, 16 * Math.ceil((4 + content.length) / 16));
  const padded = Buffer.concat([Buffer.of(content.length), check, content, randomBytes(length - 4 - content.length)]);
  const once = cbc(true, key, iv, padded);
  return cbc(true, key, once.subarray(-16), once);
}

/** @returns undefined when it is for another passphrase. @throws INVALID_INPUT when it has no such form */
export function unwrapWithPassword(key: Uint8Array, iv: Uint8Array, wrapped: Uint8Array): Buffer | undefined {
  if (wrapped.length < 32 || wrapped.length % 16 !== 0) throw malformed('The key under the passphrase has a wrong length.');
  const last = cbc(false, key, wrapped.subarray(-32, -16), wrapped.subarray(-16));
  const padded = cbc(false, key, iv, cbc(false, key, last, wrapped));
  const length = padded[0] as number;
  const fits = length >= 8 && length <= padded.length - 4 && [1, 2, 3].every((at) => ((padded[at] as number) ^ 0xff) === padded[at + 3]);
  return fits ? padded.subarray(4, 4 + length) : undefined;
}

function cbc(encrypt: boolean, key: Uint8Array, iv: Uint8Array, content: Uint8Array): Buffer {
  const cipher = (encrypt ? createCipheriv : createDecipheriv)(`aes-${8 * key.length}-cbc`, key, iv).setAutoPadding(false);
  return Buffer.concat([cipher.update(content), cipher.final()]);
}
