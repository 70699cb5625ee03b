import { createHash, type Hash } from 'node:crypto';
import type { BigIntStats } from 'node:fs';
import { type FileHandle, open, stat } from 'node:fs/promises';
import { type HashName, because, KeywrightError, SIGNATURE_ALGORITHM_NAMES, SIGNATURE_ALGORITHMS, type SignatureAlgorithmName } from '../contract/index.ts';
import { fileError } from './file-errors.ts';

/** How the content of a file comes to a signer: its digest for schemes that hash first, all of it for pure ones, or piece by piece. */

/** Reads of 1 MiB are on a par with OpenSSL; chunks of 64 KiB cost more than twice as much. */
const READ_SIZE = 1024 * 1024;
/** Pure schemes have the whole message in memory, some of them twice. */
export const MAX_WHOLE_FILE = 256 * 1024 * 1024;

export interface Watch {
  readonly signal: AbortSignal;
  /** Told after each piece. */
  progress?(bytes: number, totalBytes: number): void;
  /** What a file was like when a call first met it: who reads it again must find the same one. */
  readonly facts?: FileFacts;
}

/** What tells whether a file is the one that it was. */
export type FileFacts = Pick<BigIntStats, 'size' | 'mtimeNs' | 'ctimeNs' | 'ino' | 'dev'>;

/** What is hashed besides the file: formats put their own words around it, or write it in base64 first. */
export interface Frame {
  readonly before?: Uint8Array;
  readonly after?: Uint8Array;
  readonly base64url?: true;
}

/** @returns bytes of a regular file. @throws NOT_FOUND, PERMISSION_DENIED, INVALID_INPUT for a folder, a device or a pipe */
export async function sizeOf(path: string): Promise<number> {
  try {
    const facts = await stat(path);
    if (!facts.isFile()) throw new KeywrightError('INVALID_INPUT', { detail: `${path} is not a regular file.`, remedy: facts.isDirectory() ? 'Name the files in it.' : 'Write it to a file first.' });
    return facts.size;
  } catch (thrown) {
    throw fileError(thrown, path, 'read');
  }
}

/**
 * Hashes a file of any size with two buffers of 1 MiB: one is read into while the other is hashed.
 * @param hash as node:crypto names it.
 * @returns 32, 48 or 64 bytes for our own hashes.
 * @throws NOT_FOUND, PERMISSION_DENIED, INVALID_INPUT for what is no regular file, CONFLICT when it changed meanwhile, CANCELLED (as AbortError)
 */
export async function digestFile(path: string, hash: HashName | ForeignHash, watch: Watch, frame: Frame = {}): Promise<Uint8Array> {
  const { signal, progress } = watch;
  return reading(path, watch, async (file, size) => {
    const digest = hashing(hash);
    digest.update(frame.before ?? Buffer.alloc(0));
    const encoder = frame.base64url === true ? base64urlPieces() : undefined;
    // One byte more than it has tells that it grew.
    const room = Math.min(READ_SIZE, size + 1);
    let filling = Buffer.allocUnsafeSlow(room);
    let taken = Buffer.allocUnsafeSlow(room);
    let done = 0;
    let read = file.read(filling, 0, room, 0);
    for (;;) {
      const { bytesRead } = await read;
      signal.throwIfAborted();
      if (bytesRead === 0) break;
      [filling, taken] = [taken, filling];
      read = file.read(filling, 0, room, done + bytesRead);
      read.catch(() => undefined); // it is awaited in the next turn, unless hashing or progress throws first
      const piece = taken.subarray(0, bytesRead);
      digest.update(encoder === undefined ? piece : encoder.next(piece));
      done += bytesRead;
      progress?.(done, size);
    }
    if (encoder !== undefined) digest.update(encoder.end());
    return digest.update(frame.after ?? Buffer.alloc(0)).digest();
  });
}

/** Hashes that other programs' formats ask for beside ours. MD5 and SHA-1 are for reading what is old. */
export type ForeignHash = 'blake2b512' | 'md5' | 'sha1' | 'sha224' | 'sha3-256' | 'sha3-384' | 'sha3-512' | 'shake128' | 'shake256';

/** @returns a hash; SHAKE gives as many bytes as CMS asks for: 32 and 64 (RFC 9814 §4, RFC 8419 §2.3). */
export function hashing(hash: HashName | ForeignHash): Hash {
  return createHash(hash, hash === 'shake256' ? { outputLength: 64 } : hash === 'shake128' ? { outputLength: 32 } : {});
}

/** Base64url without padding, piece by piece: what does not fill three bytes waits for the next piece. */
export function base64urlPieces(): { next(piece: Uint8Array): Buffer; end(): Buffer } {
  let left = Buffer.alloc(0);
  return {
    next(piece) {
      const all = left.length === 0 ? Buffer.from(piece.buffer, piece.byteOffset, piece.length) : Buffer.concat([left, piece]);
      const whole = all.length - (all.length % 3);
      left = Buffer.from(all.subarray(whole));
      return Buffer.from(all.toString('base64url', 0, whole), 'latin1');
    },
    end: () => Buffer.from(left.toString('base64url'), 'latin1'),
  };
}

/** Reads a file piece by piece, for who writes it elsewhere. @param take is given pieces of 1 MiB, each valid until it returns. @throws as {@link digestFile} */
export async function eachPiece(path: string, watch: Watch, take: (piece: Uint8Array) => Promise<void>): Promise<void> {
  await reading(path, watch, async (file, size) => {
    const buffer = Buffer.allocUnsafeSlow(READ_SIZE);
    for (let done = 0; ;) {
      const { bytesRead } = await file.read(buffer, 0, READ_SIZE, done);
      watch.signal.throwIfAborted();
      if (bytesRead === 0) return;
      done += bytesRead;
      await take(buffer.subarray(0, bytesRead));
      watch.progress?.(done, size);
    }
  });
}

/**
 * Reads a file as a whole.
 * @param max bytes; by default what pure schemes take, 256 MiB.
 * @throws CAPABILITY_MISSING beyond the default, naming the algorithms that serve; INVALID_INPUT beyond a `max` that was given; and as {@link digestFile}
 */
export async function readWhole(path: string, max: number | undefined, signal: AbortSignal, facts?: FileFacts): Promise<Uint8Array> {
  return reading(path, { signal, ...(facts === undefined ? {} : { facts }) }, async (file, size) => {
    if (size > (max ?? MAX_WHOLE_FILE)) throw tooLarge(path, size, max);
    const bytes = Buffer.allocUnsafeSlow(size);
    for (let done = 0; done < size;) {
      const { bytesRead } = await file.read(bytes, done, Math.min(READ_SIZE * 8, size - done), done);
      signal.throwIfAborted();
      if (bytesRead === 0) throw changed(path);
      done += bytesRead;
    }
    return bytes;
  });
}

/** @returns how a file begins, at most `length` bytes. */
export function readStart(path: string, length: number, watch: Watch): Promise<Uint8Array> {
  return reading(path, watch, async (file, size) => {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(Math.min(length, size)), 0, Math.min(length, size), 0);
    return buffer.subarray(0, bytesRead);
  });
}

/** Reads that are smaller are not told of. */
const PROGRESS_FROM = 64 * 1024;

/** A file that is read here and there. */
export interface RandomReader {
  readonly bytes: number;
  readonly signal: AbortSignal;
  /** @returns exactly `length` bytes. @throws CONFLICT when the file is shorter than it was */
  read(at: number, length: number): Promise<Buffer>;
}

/** Gives `work` a file to read from at any place. @throws as {@link digestFile} */
export function readAnywhere<T>(path: string, watch: Watch, work: (reader: RandomReader) => Promise<T>): Promise<T> {
  const { signal, progress } = watch;
  let passed = 0;
  return reading(path, watch, (file, bytes) => work({ bytes, signal, async read(at, length) {
    const piece = Buffer.allocUnsafeSlow(length);
    for (let done = 0; done < length;) {
      const { bytesRead } = await file.read(piece, done, length - done, at + done);
      signal.throwIfAborted();
      if (bytesRead === 0) throw changed(path);
      done += bytesRead;
    }
    passed = Math.min(bytes, passed + length);
    if (length >= PROGRESS_FROM) progress?.(passed, bytes);
    return piece;
  } }));
}

/** Signature algorithms that hash first, and so take files of any size. */
export const STREAMING_ALGORITHMS: readonly SignatureAlgorithmName[] = SIGNATURE_ALGORITHM_NAMES.filter((name) => SIGNATURE_ALGORITHMS[name].hash !== null);

async function reading<T>(path: string, { signal, facts }: Watch, work: (file: FileHandle, size: number) => Promise<T>): Promise<T> {
  signal.throwIfAborted();
  await sizeOf(path); // before opening, which would wait for a pipe's writer
  let file: FileHandle | undefined;
  try {
    file = await open(path, 'r');
    const before = await file.stat({ bigint: true });
    if (facts !== undefined && !isSame(facts, before)) throw changed(path);
    const result = await work(file, Number(before.size));
    const after = await file.stat({ bigint: true });
    if (!isSame(before, after)) throw changed(path);
    return result;
  } catch (thrown) {
    throw fileError(thrown, path, 'read');
  } finally {
    await file?.close();
  }
}

/** Anybody who may write to a file can set the time of its change, and nobody that of its status. */
export function isSame(before: FileFacts, after: FileFacts): boolean {
  return after.size === before.size && after.mtimeNs === before.mtimeNs && after.ctimeNs === before.ctimeNs && after.ino === before.ino && after.dev === before.dev;
}

function changed(path: string): KeywrightError {
  return new KeywrightError('CONFLICT', because('file.changed', { path }));
}

function tooLarge(path: string, size: number, max: number | undefined): KeywrightError {
  if (max !== undefined) return new KeywrightError('INVALID_INPUT', { detail: `${path} has ${size} bytes; ${max} is the most here.`, remedy: 'Check that it is the right file.' });
  return pureTooLarge(path, size, { remedy: 'Sign it with an RSA or EC key, whose algorithms hash first and take files of any size.', alternatives: STREAMING_ALGORITHMS });
}

/** @param size bytes @param way what will serve instead */
export function pureTooLarge(path: string, size: number, way: { readonly remedy: string; readonly alternatives: readonly string[] }): KeywrightError {
  return new KeywrightError('CAPABILITY_MISSING', {
    detail: `${path} has ${Math.ceil(size / 2 ** 20)} MiB. A pure scheme signs the bytes themselves and takes at most ${MAX_WHOLE_FILE / 2 ** 20} MiB; it is not hashed first in silence, since that would be another signature.`,
    ...way,
  });
}
