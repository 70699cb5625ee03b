import { type FileHandle, open } from 'node:fs/promises';
import { sizeOf } from '../signing/raw.ts';

/** Bytes that are read in order, as much at a time as is wanted. */
export interface ByteSource {
  /** @returns exactly `length` bytes, or fewer at the end, where it stays: none are left then. A view that holds until the next read. */
  read(length: number): Promise<Buffer>;
}

const BUFFER = 1024 * 1024;

/** A file, read in pieces of 1 MiB; a small one needs no more memory than it has bytes. */
export class FileSource implements ByteSource, AsyncDisposable {
  readonly size: number;
  readonly #file: FileHandle;
  readonly #signal: AbortSignal;
  readonly #told: ((bytes: number, total: number) => void) | undefined;
  #buffer: Buffer;
  #from = 0;
  #to = 0;
  #position = 0;

  private constructor(file: FileHandle, size: number, signal: AbortSignal, told?: (bytes: number, total: number) => void) {
    this.#file = file;
    this.size = size;
    this.#signal = signal;
    this.#told = told;
    this.#buffer = Buffer.allocUnsafeSlow(Math.min(2 * BUFFER, size + 1));
  }

  /** @throws NOT_FOUND, PERMISSION_DENIED, INVALID_INPUT for what is no regular file */
  static async open(path: string, signal: AbortSignal, told?: (bytes: number, total: number) => void): Promise<FileSource> {
    const size = await sizeOf(path);
    return new FileSource(await open(path, 'r'), size, signal, told);
  }

  /** @param length at most 1 MiB */
  async read(length: number): Promise<Buffer> {
    if (this.#to - this.#from < length) await this.#fill(length);
    const piece = this.#buffer.subarray(this.#from, Math.min(this.#to, this.#from + length));
    this.#from += piece.length;
    return piece;
  }

  /** @param length at most 1 MiB @returns as {@link read}, without moving on */
  async peek(length: number): Promise<Buffer> {
    const piece = await this.read(length);
    this.#from -= piece.length;
    return piece;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#file.close();
  }

  async #fill(length: number): Promise<void> {
    this.#buffer.copyWithin(0, this.#from, this.#to);
    this.#to -= this.#from;
    this.#from = 0;
    while (this.#to < length) {
      this.#signal.throwIfAborted();
      if (this.#to === this.#buffer.length) this.#buffer = Buffer.concat([this.#buffer], 2 * BUFFER); // it has grown since it was opened
      const { bytesRead } = await this.#file.read(this.#buffer, this.#to, Math.min(BUFFER, this.#buffer.length - this.#to), this.#position);
      if (bytesRead === 0) return;
      this.#position += bytesRead;
      this.#to += bytesRead;
      this.#told?.(this.#position, Math.max(this.size, this.#position));
    }
  }
}

/** Bytes that are in memory. */
export class MemorySource implements ByteSource {
  readonly #bytes: Buffer;
  #from = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  }

  async read(length: number): Promise<Buffer> {
    const piece = this.#bytes.subarray(this.#from, this.#from + length);
    this.#from += piece.length;
    return piece;
  }
}
