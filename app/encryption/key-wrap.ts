import { createCipheriv, createDecipheriv } from 'node:crypto';

/** AES key wrap (RFC 3394), which CMS, JOSE and OpenPGP put around the key of a file. */

const WRAP_IV = Buffer.alloc(8, 0xa6);

/** @param key 16, 24 or 32 bytes. @param content a multiple of 8 bytes, 16 at least. @returns 8 bytes more */
export function wrapKey(key: Uint8Array, content: Uint8Array): Buffer {
  const cipher = createCipheriv(`id-aes${8 * key.length}-wrap`, key, WRAP_IV);
  return Buffer.concat([cipher.update(content), cipher.final()]);
}

/** @returns undefined when it is for another key */
export function unwrapKey(key: Uint8Array, wrapped: Uint8Array): Buffer | undefined {
  if (wrapped.length < 24 || wrapped.length % 8 !== 0) return undefined;
  try {
    const decipher = createDecipheriv(`id-aes${8 * key.length}-wrap`, key, WRAP_IV);
    return Buffer.concat([decipher.update(wrapped), decipher.final()]);
  } catch {
    return undefined;
  }
}
