import { createCipheriv, createDecipheriv, createSecretKey, hash, hkdfSync, randomBytes } from 'node:crypto';

/**
 * Uses once what opening a store uses: OpenSSL looks for an algorithm when it is first asked for it, and seeds its generator then, five
 * milliseconds in all. For whoever waits anyway. Nothing comes of it.
 */
export function findAlgorithms(): void {
  const nothing = randomBytes(32);
  const nonce = nothing.subarray(0, 12);
  const key = createSecretKey(new Uint8Array(hkdfSync('sha256', nothing, nothing, '', 32)));
  const cipher = createCipheriv('aes-256-gcm', key, nonce);
  const sealed = Buffer.concat([cipher.update(nothing), cipher.final()]);
  const decipher = createDecipheriv('aes-256-gcm', key, nonce, { authTagLength: 16 });
  decipher.setAuthTag(cipher.getAuthTag());
  hash('sha256', Buffer.concat([decipher.update(sealed), decipher.final()]), 'buffer');
}
