import { fromBigInt, toBigInt } from './der.ts';
import { malformed } from './malformed.ts';

/** The data types of SSH (RFC 4251 §5). */

export class SshReader {
  readonly bytes: Uint8Array;
  readonly #base: number;
  #at = 0;

  /** @param base where `bytes` begin in what the user has, for offsets in errors. */
  constructor(bytes: Uint8Array, base = 0) {
    this.bytes = bytes;
    this.#base = base;
  }

  /** Of what comes next. */
  get offset(): number {
    return this.#base + this.#at;
  }

  get rest(): Uint8Array {
    return this.bytes.subarray(this.#at);
  }

  uint32(what: string): number {
    if (this.bytes.length - this.#at < 4) throw malformed(`It ends where ${what} should be.`, this.offset);
    const value = new DataView(this.bytes.buffer, this.bytes.byteOffset + this.#at, 4).getUint32(0);
    this.#at += 4;
    return value;
  }

  /** @returns a view, not a copy. */
  string(what: string): Uint8Array {
    const { offset } = this;
    const length = this.uint32(what);
    const left = this.bytes.length - this.#at;
    if (length > left) throw malformed(`${what} claims ${length} bytes, but ${left} remain.`, offset);
    this.#at += length;
    return this.bytes.subarray(this.#at - length, this.#at);
  }

  text(what: string, encoding: 'latin1' | 'utf8' = 'latin1'): string {
    return Buffer.from(this.string(what)).toString(encoding);
  }

  /** @returns a positive mpint. @throws INVALID_INPUT for a negative, padded or oversized one */
  mpint(what: string): bigint {
    const { offset } = this;
    const bytes = this.string(what);
    const [first = 0, second = 0] = bytes;
    if (first >= 0x80) throw malformed(`${what} is negative.`, offset);
    if (first === 0 && bytes.length > 0 && (bytes.length === 1 || second < 0x80)) throw malformed(`${what} has needless leading bytes.`, offset);
    if (bytes.length > 2049) throw malformed(`${what} has ${bytes.length} bytes; 2049 is the most.`, offset);
    return toBigInt(bytes);
  }

  finish(what: string): void {
    if (this.#at !== this.bytes.length) throw malformed(`${this.bytes.length - this.#at} bytes follow the end of ${what}.`, this.offset);
  }
}

/** RFC 4251 §5, `uint32`. */
export function sshUint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

/** RFC 4251 §5, `string`: its length in four bytes before it. */
export function sshString(content: Uint8Array | string): Buffer {
  const bytes = typeof content === 'string' ? Buffer.from(content) : content;
  return Buffer.concat([sshUint32(bytes.length), bytes]);
}

/** @param value positive. */
export function sshMpint(value: bigint): Buffer {
  const bytes = fromBigInt(value);
  return sshString((bytes[0] as number) >= 0x80 ? Buffer.concat([Buffer.of(0), bytes]) : bytes);
}
