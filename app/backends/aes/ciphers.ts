import { createCipheriv, createDecipheriv, randomBytes, type KeyObject } from 'node:crypto';
import { ENCRYPTION_ALGORITHMS, encryptionAlgorithmsOf, KEY_ALGORITHMS, KeywrightError, type EncryptionAlgorithmName, type KeyAlgorithmName } from '../../contract/index.ts';
import type { Ciphertext, Decrypter, Encrypter, KeyRef } from '../../keystore/keystore.ts';
import type { SoftwareKeys } from '../software/keys.ts';
import type { MessageCounter } from '../software/message-counter.ts';
import { assertNoAad, cannot, doesNotOpen } from '../software/refusals.ts';

/**
 * GCM (SP 800-38D), CBC with the padding of PKCS#7 and CTR (SP 800-38A), ChaCha20-Poly1305 (RFC 8439). AEADs draw a random
 * nonce of 12 bytes for each message and count the messages; the others draw 16 bytes.
 */

const AEAD_NONCE = 12;
const TAG = 16;
const BLOCK = 16;
const EMPTY = new Uint8Array();

export function encrypterOf(keys: SoftwareKeys, messages: MessageCounter): Encrypter {
  return {
    async encrypt(ref, algorithm, { plaintext, aad }, call) {
      const { head, key } = await keys.use(ref, 'encrypt', call);
      const { authenticated } = fitting(ref, head.algorithm, algorithm);
      if (!authenticated) {
        assertNoAad(algorithm, aad);
        return encryptBlocks(cipherName(head.algorithm, algorithm), key, plaintext);
      }
      await messages.count(ref, head.aeadMessages, keys.pendingUnit(ref.id, call.unit));
      return encryptAuthenticated(cipherName(head.algorithm, algorithm), key, plaintext, aad ?? EMPTY);
    },
  };
}

export function decrypterOf(keys: SoftwareKeys): Decrypter {
  return {
    async decrypt(ref, algorithm, { ciphertext, nonce, tag, aad }, call) {
      const { head, key } = await keys.use(ref, 'decrypt', call);
      const { authenticated } = fitting(ref, head.algorithm, algorithm);
      const name = cipherName(head.algorithm, algorithm);
      if (!authenticated) {
        assertNoAad(algorithm, aad);
        return decryptBlocks(name, key, ciphertext, sized(nonce, BLOCK, 'nonce', algorithm));
      }
      return decryptAuthenticated(name, key, ciphertext, sized(nonce, AEAD_NONCE, 'nonce', algorithm), sized(tag, TAG, 'tag', algorithm), aad ?? EMPTY);
    },
  };
}

function encryptAuthenticated(name: string, key: KeyObject, plaintext: Uint8Array, aad: Uint8Array): Ciphertext {
  const nonce = randomBytes(AEAD_NONCE);
  const cipher = createCipheriv(name as 'aes-256-gcm', key, nonce, { authTagLength: TAG });
  cipher.setAAD(aad, { plaintextLength: plaintext.length });
  const ciphertext = whole(cipher.update(plaintext), cipher.final());
  return { ciphertext, nonce, tag: cipher.getAuthTag() };
}

function decryptAuthenticated(name: string, key: KeyObject, ciphertext: Uint8Array, nonce: Uint8Array, tag: Uint8Array, aad: Uint8Array): Uint8Array {
  let unproven: Buffer | undefined;
  try {
    const decipher = createDecipheriv(name as 'aes-256-gcm', key, nonce, { authTagLength: TAG });
    decipher.setAAD(aad, { plaintextLength: ciphertext.length });
    decipher.setAuthTag(tag);
    unproven = decipher.update(ciphertext);
    return whole(unproven, decipher.final());
  } catch {
    unproven?.fill(0);
    throw doesNotOpen();
  }
}

function encryptBlocks(name: string, key: KeyObject, plaintext: Uint8Array): Ciphertext {
  const nonce = randomBytes(BLOCK);
  const cipher = createCipheriv(name, key, nonce);
  return { ciphertext: whole(cipher.update(plaintext), cipher.final()), nonce };
}

function decryptBlocks(name: string, key: KeyObject, ciphertext: Uint8Array, nonce: Uint8Array): Uint8Array {
  try {
    const decipher = createDecipheriv(name, key, nonce);
    return whole(decipher.update(ciphertext), decipher.final());
  } catch {
    throw doesNotOpen();
  }
}

/** @returns both in one, without a copy when there is nothing to append. */
function whole(body: Buffer, end: Buffer): Buffer {
  return end.length === 0 ? body : Buffer.concat([body, end]);
}

function fitting(ref: KeyRef, own: KeyAlgorithmName, algorithm: EncryptionAlgorithmName): { readonly authenticated: boolean } {
  const possible = encryptionAlgorithmsOf(own);
  if (!possible.includes(algorithm)) throw cannot(ref, own, `encrypt or decrypt as ${algorithm}`, possible);
  return ENCRYPTION_ALGORITHMS[algorithm];
}

/** @returns `aes-256-gcm`, `chacha20-poly1305`. */
function cipherName(own: KeyAlgorithmName, algorithm: EncryptionAlgorithmName): string {
  const { family, openssl } = KEY_ALGORITHMS[own];
  return family === 'aes' ? `${openssl}-${algorithm.slice('aes-'.length)}` : openssl;
}

function sized(bytes: Uint8Array | undefined, size: number, what: 'nonce' | 'tag', algorithm: EncryptionAlgorithmName): Uint8Array {
  if (bytes?.length === size) return bytes;
  throw new KeywrightError('INVALID_INPUT', {
    detail: bytes === undefined ? `${algorithm} needs a ${what} of ${size} bytes to decrypt.` : `The ${what} of ${algorithm} has ${size} bytes, and this one has ${bytes.length}.`,
    where: `/${what}`, remedy: 'Give the parts as they came from the encryption.',
  });
}
