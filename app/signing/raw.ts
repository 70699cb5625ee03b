import { createHash } from 'node:crypto';
import { type FileHandle, open, stat } from 'node:fs/promises';
import { type HashName, KeywrightError, SIGNATURE_ALGORITHM_NAMES, SIGNATURE_ALGORITHMS, type SignatureAlgorithmName } from '../contract/index.ts';
import { fileError } from './file-errors.ts';

/** How the content of a file comes to a signer: its digest for schemes that hash first, all of it for pure ones. */

/** Reads of 1 MiB are on a par with OpenSSL; chunks of 64 KiB cost more than twice as much. */
const READ_SIZE = 1024 * 1024;
/** Pure schemes have the whole message in memory, some of them twice. */
export const MAX_WHOLE_FILE = 256 * 1024 * 1024;

export interface Watch {
  readonly signal: AbortSignal;
  /** Told after each piece. */
  progress?(bytes: number, totalBytes: number): void;
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
 * @returns 32, 48 or 64 bytes.
 * @throws NOT_FOUND, PERMISSION_DENIED, INVALID_INPUT for what is no regular file, CONFLICT when it changed meanwhile, CANCELLED (as AbortError)
 */
export async function digestFile(path: string, hash: HashName, { signal, progress }: Watch): Promise<Uint8Array> {
  return reading(path, signal, async (file, size) => {
    const digest = createHash(hash);
    let filling = Buffer.allocUnsafeSlow(READ_SIZE);
    let hashing = Buffer.allocUnsafeSlow(READ_SIZE);
    let done = 0;
    let read = file.read(filling, 0, READ_SIZE, 0);
    for (;;) {
      const { bytesRead } = await read;
      signal.throwIfAborted();
      if (bytesRead === 0) break;
      [filling, hashing] = [hashing, filling];
      read = file.read(filling, 0, READ_SIZE, done + bytesRead);
      read.catch(() => undefined); // it is awaited in the next turn, unless hashing or progress throws first
      digest.update(hashing.subarray(0, bytesRead));
      done += bytesRead;
      progress?.(done, size);
    }
    return digest.digest();
  });
}

/**
 * Reads a file as a whole.
 * @param max bytes; by default what pure schemes take, 256 MiB.
 * @throws CAPABILITY_MISSING beyond the default, naming the algorithms that serve; INVALID_INPUT beyond a `max` that was given; and as {@link digestFile}
 */
export async function readWhole(path: string, max: number | undefined, signal: AbortSignal): Promise<Uint8Array> {
  return reading(path, signal, async (file, size) => {
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

/** Signature algorithms that hash first, and so take files of any size. */
export const STREAMING_ALGORITHMS: readonly SignatureAlgorithmName[] = SIGNATURE_ALGORITHM_NAMES.filter((name) => SIGNATURE_ALGORITHMS[name].hash !== null);

async function reading<T>(path: string, signal: AbortSignal, work: (file: FileHandle, size: number) => Promise<T>): Promise<T> {
  signal.throwIfAborted();
  await sizeOf(path); // before opening, which would wait for a pipe's writer
  let file: FileHandle | undefined;
  try {
    file = await open(path, 'r');
    const before = await file.stat({ bigint: true });
    const result = await work(file, Number(before.size));
    const after = await file.stat({ bigint: true });
    if (after.size !== before.size || after.mtimeNs !== before.mtimeNs) throw changed(path);
    return result;
  } catch (thrown) {
    throw fileError(thrown, path, 'read');
  } finally {
    await file?.close();
  }
}

function changed(path: string): KeywrightError {
  return new KeywrightError('CONFLICT', { detail: `${path} changed while it was read.`, remedy: 'Try again when nobody writes to it any more.' });
}

function tooLarge(path: string, size: number, max: number | undefined): KeywrightError {
  if (max !== undefined) return new KeywrightError('INVALID_INPUT', { detail: `${path} has ${size} bytes; ${max} is the most here.`, remedy: 'Check that it is the right file.' });
  return new KeywrightError('CAPABILITY_MISSING', {
    detail: `${path} has ${Math.ceil(size / 2 ** 20)} MiB. A pure scheme signs the bytes themselves and takes at most ${MAX_WHOLE_FILE / 2 ** 20} MiB; it is not hashed first in silence, since that would be another signature.`,
    remedy: 'Sign it with an RSA or EC key, whose algorithms hash first and take files of any size.',
    alternatives: STREAMING_ALGORITHMS,
  });
}
