import { createCipheriv, createDecipheriv, timingSafeEqual } from 'node:crypto';
import { fromBigInt, toBigInt } from './der.ts';
import { wrongPassphrase } from './pbes.ts';

/** The ciphers of OpenSSH's private key files (PROTOCOL.key; PROTOCOL.chacha20poly1305). */

interface SshCipher {
  readonly key: number;
  readonly iv: number;
  readonly block: number;
  /** Bytes that follow the encrypted part. */
  readonly tag: number;
  /** @throws PIN_INCORRECT when it is authenticated and the tag does not fit */
  decrypt(key: Buffer, iv: Buffer, encrypted: Uint8Array, tag: Uint8Array): Buffer;
}

const plain = (name: string, key: number, block: number): SshCipher => ({
  key, iv: block, block, tag: 0,
  decrypt: (keyBytes, iv, encrypted) => {
    const decipher = createDecipheriv(name, keyBytes, iv).setAutoPadding(false);
    return Buffer.concat([decipher.update(encrypted), decipher.final()]);
  },
});
const gcm = (name: 'aes-128-gcm' | 'aes-256-gcm', key: number): SshCipher => ({
  key, iv: 12, block: 16, tag: 16,
  decrypt: (keyBytes, iv, encrypted, tag) => {
    const decipher = createDecipheriv(name, keyBytes, iv, { authTagLength: 16 }).setAuthTag(tag);
    const bytes = decipher.update(encrypted);
    try {
      return Buffer.concat([bytes, decipher.final()]);
    } catch {
      bytes.fill(0);
      throw wrongPassphrase();
    }
  },
});

export const SSH_CIPHERS: Readonly<Record<string, SshCipher>> = {
  'aes256-ctr': plain('aes-256-ctr', 32, 16),
  'aes192-ctr': plain('aes-192-ctr', 24, 16),
  'aes128-ctr': plain('aes-128-ctr', 16, 16),
  'aes256-cbc': plain('aes-256-cbc', 32, 16),
  'aes192-cbc': plain('aes-192-cbc', 24, 16),
  'aes128-cbc': plain('aes-128-cbc', 16, 16),
  '3des-cbc': plain('des-ede3-cbc', 24, 8),
  'aes256-gcm@openssh.com': gcm('aes-256-gcm', 32),
  'aes128-gcm@openssh.com': gcm('aes-128-gcm', 16),
  'chacha20-poly1305@openssh.com': {
    key: 64, iv: 0, block: 8, tag: 16,
    decrypt: (key, _iv, encrypted, tag) => {
      // The second half of the key is for packet lengths, which a file does not have. Sequence number 0; block 0 makes the Poly1305 key.
      const authenticationKey = chacha20(key.subarray(0, 32), 0, Buffer.alloc(32));
      if (!timingSafeEqual(poly1305(authenticationKey, encrypted), tag)) throw wrongPassphrase();
      return chacha20(key.subarray(0, 32), 1, encrypted);
    },
  },
};

/** ChaCha20 with 64 bits each of counter and nonce, as Bernstein has it. */
function chacha20(key: Uint8Array, counter: number, input: Uint8Array): Buffer {
  const iv = Buffer.alloc(16);
  iv.writeUInt32LE(counter);
  return createCipheriv('chacha20', key, iv).update(input);
}

/** RFC 8439 §2.5, which node:crypto does not offer by itself. In numbers of any length: for a file that is here, not for a wire. */
function poly1305(key: Uint8Array, message: Uint8Array): Buffer {
  const little = (bytes: Uint8Array): bigint => toBigInt(Uint8Array.from(bytes).reverse());
  const r = little(key.subarray(0, 16)) & 0x0ffffffc0ffffffc0ffffffc0fffffffn;
  const prime = (1n << 130n) - 5n;
  let sum = 0n;
  for (let at = 0; at < message.length; at += 16) {
    const block = message.subarray(at, at + 16);
    sum = ((sum + little(block) + (1n << BigInt(8 * block.length))) * r) % prime;
  }
  return fromBigInt((sum + little(key.subarray(16, 32))) & ((1n << 128n) - 1n), 16).reverse();
}
