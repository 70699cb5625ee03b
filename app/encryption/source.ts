import { type FileHandle, open } from 'node:fs/promises';
import { because, KeywrightError } from '../contract/index.ts';
import { type FileFacts, isSame, sizeOf } from '../signing/raw.ts';

/** Bytes that are read in order, as much at a time as is wanted. */
export interface ByteSource {
  /** @returns exactly `length` bytes, or fewer at the end, where it stays: none are left then. A view that holds until the next read. */
  read(length: number): Promise<Buffer>;
}

const BUFFER = 1024 * 1024;

/** What the next piece of the file is read into: behind room for what is left of the one before. */
interface Piece {
  readonly buffer: Buffer;
  readonly bytes: number;
}

/** A file, read in pieces of 1 MiB, the next while one is worked on; a small one needs no more memory than it has bytes. */
export class FileSource implements ByteSource, AsyncDisposable {
  readonly size: number;
  readonly #path: string;
  readonly #facts: FileFacts;
  readonly #file: FileHandle;
  readonly #signal: AbortSignal;
  readonly #told: ((bytes: number, total: number) => void) | undefined;
  #buffer: Buffer = Buffer.alloc(0);
  #from = 0;
  #to = 0;
  #position = 0;
  /** Under way, into the other buffer. */
  #next: Promise<Piece> | undefined;
  #other: Buffer | undefined;

  private constructor(path: string, file: FileHandle, facts: FileFacts, signal: AbortSignal, told?: (bytes: number, total: number) => void) {
    this.#path = path;
    this.#file = file;
    this.#facts = facts;
    this.size = Number(facts.size);
    this.#signal = signal;
    this.#told = told;
  }

  /** @throws NOT_FOUND, PERMISSION_DENIED, INVALID_INPUT for what is no regular file */
  static async open(path: string, signal: AbortSignal, told?: (bytes: number, total: number) => void): Promise<FileSource> {
    await sizeOf(path);
    const file = await open(path, 'r');
    try {
      return new FileSource(path, file, await file.stat({ bigint: true }), signal, told);
    } catch (thrown) {
      await file.close();
      throw thrown;
    }
  }

  /** @param length at most 1 MiB @throws CONFLICT at the end, when the file has changed since it was opened */
  async read(length: number): Promise<Buffer> {
    while (this.#to - this.#from < length && await this.#more());
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
    await this.#next?.catch(() => undefined);
    await this.#file.close();
  }

  /** @returns whether there was more. */
  async #more(): Promise<boolean> {
    this.#signal.throwIfAborted();
    const { buffer, bytes } = await (this.#next ?? this.#readOn());
    this.#next = undefined;
    if (bytes === 0) {
      this.#other = buffer;
      if (!isSame(this.#facts, await this.#file.stat({ bigint: true }))) throw new KeywrightError('CONFLICT', because('file.changed', { path: this.#path }));
      return false;
    }
    const rest = this.#buffer.subarray(this.#from, this.#to);
    const [start, end] = [roomIn(buffer), roomIn(buffer) + bytes];
    rest.copy(buffer, start - rest.length);
    [this.#other, this.#buffer, this.#from, this.#to] = [this.#buffer, buffer, start - rest.length, end];
    this.#position += bytes;
    this.#told?.(this.#position, Math.max(this.size, this.#position));
    if (this.#position < this.size) {
      this.#next = this.#readOn();
      this.#next.catch(() => undefined); // told when it is waited for
    }
    return true;
  }

  async #readOn(): Promise<Piece> {
    const buffer = this.#other?.length === WHOLE ? this.#other : Buffer.allocUnsafeSlow(this.size < BUFFER && this.#position === 0 ? this.size + 1 : WHOLE);
    this.#other = undefined;
    const room = roomIn(buffer);
    const { bytesRead } = await this.#file.read(buffer, room, Math.min(BUFFER, buffer.length - room), this.#position);
    return { buffer, bytes: bytesRead };
  }
}

const WHOLE = 2 * BUFFER;

/** The first piece of a small file has nothing before it. */
function roomIn(buffer: Buffer): number {
  return buffer.length === WHOLE ? BUFFER : 0;
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
