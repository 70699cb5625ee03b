import { malformed } from './malformed.ts';

/** What Java's DataOutputStream wrote, which both Java's and Bouncy Castle's key stores are made of. */
export class JavaReader {
  readonly #bytes: Uint8Array;
  readonly #end: number;
  at: number;

  constructor(bytes: Uint8Array, end: number, at = 0) {
    this.at = at;
    this.#bytes = bytes;
    this.#end = Math.max(end, 0);
  }

  byte(what: string): number {
    return this.#view(1, what).getUint8(0);
  }

  uint32(what: string): number {
    return this.#view(4, what).getUint32(0);
  }

  date(what: string): Date | null {
    const milliseconds = this.#view(8, what).getBigInt64(0);
    return milliseconds < 0n || milliseconds > 8_640_000_000_000_000n ? null : new Date(Number(milliseconds));
  }

  text(what: string): string {
    const length = this.#view(2, what).getUint16(0);
    return Buffer.from(this.#take(length, what)).toString('utf8').slice(0, 200);
  }

  /** A view, not a copy. */
  bytes(what: string): Uint8Array {
    return this.#take(this.uint32(what), what);
  }

  /** @returns a view from one place to another, behind which reading goes on. */
  slice(from: number, to = this.at): Uint8Array {
    this.at = to;
    return this.#bytes.subarray(from, to);
  }

  finish(): void {
    if (this.at !== this.#end) throw malformed(`${this.#end - this.at} bytes follow the last entry.`, this.at);
  }

  #view(length: number, what: string): DataView {
    const bytes = this.#take(length, what);
    return new DataView(bytes.buffer, bytes.byteOffset, length);
  }

  #take(length: number, what: string): Uint8Array {
    if (length > this.#end - this.at) throw malformed(`${what} claims ${length} bytes, but ${this.#end - this.at} remain.`, this.at);
    this.at += length;
    return this.#bytes.subarray(this.at - length, this.at);
  }
}
