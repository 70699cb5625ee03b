import { createCipheriv, createDecipheriv, hkdfSync } from 'node:crypto';
import { badHeader, FILE_KEY_BYTES, fromBase64 } from './header.ts';

/** What the kinds of stanzas share: the file key under a key that is used once, so that the nonce is zero. */

const CIPHER = 'chacha20-poly1305';
const NONCE = Buffer.alloc(12);
const TAG = 16;
const BODY = FILE_KEY_BYTES + TAG;

/** @returns 32 bytes: the file key and a tag. */
export function sealFileKey(key: Uint8Array, fileKey: Uint8Array): Buffer {
  const cipher = createCipheriv(CIPHER, key, NONCE, { authTagLength: TAG });
  return Buffer.concat([cipher.update(fileKey), cipher.final(), cipher.getAuthTag()]);
}

/** @returns undefined when it is for another key. @throws INVALID_INPUT when the body has another length: a file key of another length may open under two keys */
export function openFileKey(key: Uint8Array, body: Uint8Array): Buffer | undefined {
  if (body.length !== BODY) throw badHeader('the file key in a stanza has a wrong length');
  const decipher = createDecipheriv(CIPHER, key, NONCE, { authTagLength: TAG });
  decipher.setAuthTag(body.subarray(-TAG));
  try {
    return Buffer.concat([decipher.update(body.subarray(0, -TAG)), decipher.final()]);
  } catch {
    return undefined;
  }
}

/** HKDF with SHA-256 (RFC 5869). @returns 32 bytes */
export function derive(secret: Uint8Array, salt: Uint8Array, info: string): Buffer {
  return Buffer.from(hkdfSync('sha256', secret, salt, info, 32));
}

/** @returns the argument's bytes. @throws INVALID_INPUT unless it is canonical Base64 of so many */
export function bytesArgument(text: string, length: number, what: string): Buffer {
  const bytes = fromBase64(text);
  if (bytes?.length !== length) throw badHeader(`${what} is no ${length} bytes of Base64`);
  return bytes;
}

/** @throws INVALID_INPUT unless a stanza has so many arguments */
export function requireArguments(args: readonly string[], count: number, type: string): void {
  if (args.length !== count) throw badHeader(`a stanza of type ${type} has ${args.length} arguments, not ${count}`);
}
