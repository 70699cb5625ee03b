import { createCipheriv, createDecipheriv, createSecretKey, hkdfSync, type KeyObject, randomBytes } from 'node:crypto';
import { KeywrightError } from '../../contract/index.ts';
import { release } from '../release.ts';
import type { ByteSource } from '../source.ts';

/** The payload of an age file: STREAM over ChaCha20-Poly1305 in chunks of 64 KiB, each authenticated before it is handed on. */

const CHUNK = 64 * 1024;
const TAG = 16;
const NONCE = 16;
const CIPHER = 'chacha20-poly1305';

type Write = (piece: Uint8Array) => Promise<void>;
/** So many chunks are read, and written, at once: with their tags they are less than 1 MiB. */
const TOGETHER = 15;

/** 11 bytes that count, and one that says whether it is the last (Hoang, Reyhanitabar, Rogaway and Vizár 2015). */
function nonceOf(counter: number, last: boolean): Buffer {
  const nonce = Buffer.alloc(12);
  nonce.writeUIntBE(counter, 5, 6);
  nonce[11] = last ? 1 : 0;
  return nonce;
}

/** As an object: Node makes one of the bytes anew for every cipher, which takes it longer than 10 KiB of encrypting. */
function keyOf(fileKey: Uint8Array, salt: Uint8Array): KeyObject {
  const bytes = Buffer.from(hkdfSync('sha256', fileKey, salt, 'payload', 32));
  const key = createSecretKey(bytes);
  bytes.fill(0);
  return key;
}

/** The payload of an age file: a salt of 16 bytes, then chunks of 64 KiB by ChaCha20-Poly1305 (age-encryption.org/v1, *Payload*). @param fileKey 16 bytes */
export async function encryptPayload(source: ByteSource, fileKey: Uint8Array, write: Write): Promise<void> {
  const salt = randomBytes(NONCE);
  const key = keyOf(fileKey, salt);
  await write(salt);
  const out = new Together(write);
  await eachChunk(source, CHUNK, (chunk, counter, last) => {
    const cipher = createCipheriv(CIPHER, key, nonceOf(counter, last), { authTagLength: TAG });
    return out.add(last, cipher.update(chunk), cipher.final(), cipher.getAuthTag());
  });
}

/** @throws INVALID_INPUT when a chunk was changed, cut off, moved or added; what was written before it is to be thrown away */
export async function decryptPayload(source: ByteSource, fileKey: Uint8Array, write: Write): Promise<void> {
  const salt = Buffer.from(await source.read(NONCE));
  if (salt.length < NONCE) throw damaged('it is cut off');
  const key = keyOf(fileKey, salt);
  const out = new Together(write);
  await eachChunk(source, CHUNK + TAG, (chunk, counter, last) => {
    if (chunk.length < TAG || (chunk.length === TAG && counter > 0)) throw damaged(chunk.length < TAG ? 'it is cut off' : 'its last chunk is empty');
    return out.add(last, ...open(key, nonceOf(counter, last), chunk));
  });
}

/** @param work is told which of the chunks is the last; there is one at least, which may be empty. A chunk holds until it returns. */
async function eachChunk(source: ByteSource, size: number, work: (chunk: Buffer, counter: number, last: boolean) => Promise<void> | undefined): Promise<void> {
  // What is behind it is not known yet, and reading that takes away what a view shows.
  let held: Buffer = Buffer.from(await source.read(size));
  for (let counter = 0; ;) {
    const piece = await source.read(TOGETHER * size);
    await work(held, counter++, piece.length === 0);
    if (piece.length === 0) return;
    let from = 0;
    for (; from + size < piece.length; from += size) await work(piece.subarray(from, from + size), counter++, false);
    held = Buffer.from(piece.subarray(from));
  }
}

function open(key: KeyObject, nonce: Uint8Array, chunk: Buffer): Buffer[] {
  const decipher = createDecipheriv(CIPHER, key, nonce, { authTagLength: TAG });
  decipher.setAuthTag(chunk.subarray(-TAG));
  try {
    return [decipher.update(chunk.subarray(0, -TAG)), decipher.final()];
  } catch {
    throw damaged('a part of it was changed, cut off or moved');
  }
}

function damaged(what: string): KeywrightError {
  return new KeywrightError('INVALID_INPUT', { detail: `The content of this age file is not as it was encrypted: ${what}. Nothing of it was written.`, remedy: 'Get the file anew.' });
}

/** Chunks on their way out: some at once, and the next are made while those are written. Two buffers take turns: a new one for each would be most of the work. */
class Together {
  readonly #write: Write;
  #buffer: Buffer | undefined;
  #other: Buffer | undefined;
  #filled = 0;
  #chunks = 0;
  #written: Promise<void> = Promise.resolve();

  constructor(write: Write) {
    this.#write = write;
  }

  /** @param last settles when all is written. @returns undefined where nothing is to be waited for. @throws what became of the write before */
  add(last: boolean, ...pieces: readonly Buffer[]): Promise<void> | undefined {
    if (last && this.#chunks === 0) return this.#end(Buffer.concat(pieces));
    this.#buffer ??= Buffer.allocUnsafeSlow(TOGETHER * (CHUNK + TAG));
    for (const piece of pieces) {
      this.#buffer.set(piece, this.#filled);
      this.#filled += piece.length;
      release(piece);
    }
    this.#chunks += 1;
    if (last) return this.#end(this.#buffer.subarray(0, this.#filled));
    return this.#chunks === TOGETHER ? this.#next(this.#buffer) : undefined;
  }

  async #next(buffer: Buffer): Promise<void> {
    await this.#written;
    this.#written = this.#write(buffer.subarray(0, this.#filled));
    // Told when the next begins, or at the end.
    this.#written.catch(() => undefined);
    [this.#buffer, this.#other] = [this.#other, buffer];
    [this.#filled, this.#chunks] = [0, 0];
  }

  async #end(rest: Buffer): Promise<void> {
    await this.#written;
    await this.#write(rest);
  }
}
