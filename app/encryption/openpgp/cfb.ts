import { createCipheriv, createDecipheriv } from 'node:crypto';

/**
 * Decrypts in cipher feedback mode (NIST SP 800-38A §6.3, RFC 9580 §12.9) with a block of zeros in front: each block is the ciphertext's, XOR what the cipher makes of the one before. Those are
 * all known, so that AES makes many at once in ECB; OpenSSL's own CFB goes one after the other, which takes eight times as long.
 */

export interface CfbDecipher {
  /** @returns as many bytes as come in. */
  update(piece: Uint8Array): Buffer;
}

const BLOCK = 16;

/** @param cipher as OpenSSL calls it, without the mode. @param key of its length */
export function cfbDecipher(cipher: string, key: Uint8Array, blockBytes: number): CfbDecipher {
  return cipher.startsWith('aes-') ? new AesCfb(cipher, key) : createDecipheriv(`${cipher}-cfb`, key, Buffer.alloc(blockBytes));
}

class AesCfb implements CfbDecipher {
  readonly #cipher;
  /** The block before, then what is decrypted now: aligned, so that eight bytes go at once. */
  #work = Buffer.alloc(0);
  readonly #before = Buffer.alloc(BLOCK);
  /** Of the last block that is not whole: its ciphertext, of so many bytes, and what those are XORed with. */
  readonly #part = Buffer.alloc(BLOCK);
  #partBytes = 0;
  #pad = Buffer.alloc(0);

  constructor(cipher: string, key: Uint8Array) {
    this.#cipher = createCipheriv(`${cipher}-ecb`, key, null).setAutoPadding(false);
  }

  update(piece: Uint8Array): Buffer {
    const first = this.#finishPart(piece);
    const rest = piece.subarray(first.length);
    const whole = rest.length - (rest.length % BLOCK);
    const blocks = this.#blocks(rest.subarray(0, whole));
    const last = this.#beginPart(rest.subarray(whole));
    return first.length + last.length === 0 ? blocks : Buffer.concat([first, blocks, last]);
  }

  #blocks(sealed: Uint8Array): Buffer {
    if (sealed.length === 0) return Buffer.alloc(0);
    if (this.#work.length < BLOCK + sealed.length) this.#work = Buffer.allocUnsafeSlow(BLOCK + sealed.length);
    this.#before.copy(this.#work);
    this.#work.set(sealed, BLOCK);
    const plain = this.#cipher.update(this.#work.subarray(0, sealed.length));
    this.#work.copy(this.#before, 0, sealed.length, sealed.length + BLOCK);
    if (plain.byteOffset % 8 === 0) {
      const into = new BigUint64Array(plain.buffer, plain.byteOffset, plain.length / 8);
      const from = new BigUint64Array(this.#work.buffer, BLOCK, into.length);
      for (let at = 0; at < into.length; at += 1) into[at]! ^= from[at]!;
    } else for (let at = 0; at < plain.length; at += 1) plain[at]! ^= this.#work[BLOCK + at]!;
    return plain;
  }

  #beginPart(sealed: Uint8Array): Buffer {
    if (sealed.length === 0) return Buffer.alloc(0);
    this.#pad = this.#cipher.update(this.#before);
    return this.#inPart(sealed);
  }

  #finishPart(piece: Uint8Array): Buffer {
    if (this.#partBytes === 0) return Buffer.alloc(0);
    const plain = this.#inPart(piece.subarray(0, BLOCK - this.#partBytes));
    if (this.#partBytes === BLOCK) {
      this.#part.copy(this.#before);
      this.#partBytes = 0;
    }
    return plain;
  }

  #inPart(sealed: Uint8Array): Buffer {
    const plain = Buffer.alloc(sealed.length);
    for (let at = 0; at < sealed.length; at += 1) plain[at] = sealed[at]! ^ this.#pad[this.#partBytes + at]!;
    this.#part.set(sealed, this.#partBytes);
    this.#partBytes += sealed.length;
    return plain;
  }
}
