const REDACTED = '[redacted]';

/**
 * Bytes that must not be seen: PINs, passphrases, key material. Prints as `[redacted]` everywhere and is wiped by
 * {@link wipe} or at the end of a `using` block. JavaScript cannot promise that no copy remains; this keeps the copies
 * that we control short-lived and out of logs.
 */
export class SecretBytes implements Disposable {
  #bytes: Uint8Array;
  #wiped = false;

  /** Takes ownership: the caller must not keep or reuse `bytes`. */
  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  /** UTF-8 bytes of `text`. The string itself cannot be wiped; prefer bytes from the source. */
  static fromText(text: string): SecretBytes {
    return new SecretBytes(new TextEncoder().encode(text));
  }

  get length(): number {
    return this.#bytes.length;
  }

  /** The bytes themselves, not a copy: valid until {@link wipe}. @throws TypeError once wiped. */
  reveal(): Uint8Array {
    if (this.#wiped) throw new TypeError('this secret was wiped');
    return this.#bytes;
  }

  /** A second secret with a copy of the bytes, to be wiped on its own. */
  clone(): SecretBytes {
    return new SecretBytes(Uint8Array.from(this.reveal()));
  }

  wipe(): void {
    this.#bytes.fill(0);
    this.#wiped = true;
  }

  [Symbol.dispose](): void {
    this.wipe();
  }

  toString(): string {
    return REDACTED;
  }

  toJSON(): string {
    return REDACTED;
  }

  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return REDACTED;
  }
}
