import { createCipheriv, createDecipheriv, type KeyObject } from 'node:crypto';
import { SecretBytes } from '../../contract/index.ts';
import { doesNotOpen } from './refusals.ts';

/** AES Key Wrap: KW (RFC 3394 §2.2) and KWP, which pads (RFC 5649 §4). */
export type KeyWrapMode = 'aes-kw' | 'aes-kwp';

const INITIAL_VALUES = { 'aes-kw': Buffer.from('a6a6a6a6a6a6a6a6', 'hex'), 'aes-kwp': Buffer.from('a65959a6', 'hex') } as const;

const cipherName = (mode: KeyWrapMode, key: KeyObject): string => `id-aes${(key.symmetricKeySize as number) * 8}-wrap${mode === 'aes-kwp' ? '-pad' : ''}`;

/**
 * @param key an AES key.
 * @param secret KW: 16 bytes or more, a multiple of 8; KWP: 1 byte or more.
 * @returns KW: 8 bytes more; KWP: 8 bytes more than the next multiple of 8.
 */
export function wrapWithAes(mode: KeyWrapMode, key: KeyObject, secret: Uint8Array): Buffer {
  const cipher = createCipheriv(cipherName(mode, key), key, INITIAL_VALUES[mode]);
  return Buffer.concat([cipher.update(secret), cipher.final()]);
}

/** @throws INVALID_INPUT, in the same words whatever was wrong */
export function unwrapWithAes(mode: KeyWrapMode, key: KeyObject, wrapped: Uint8Array): SecretBytes {
  const least = mode === 'aes-kw' ? 24 : 16;
  if (wrapped.length < least || wrapped.length % 8 !== 0) throw doesNotOpen();
  try {
    const decipher = createDecipheriv(cipherName(mode, key), key, INITIAL_VALUES[mode]);
    const first = decipher.update(wrapped);
    const last = decipher.final();
    return new SecretBytes(last.length === 0 ? first : Buffer.concat([first, last]));
  } catch {
    throw doesNotOpen();
  }
}
