import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto';
import { KeywrightError } from '../../contract/index.ts';
import type { ByteSource } from '../source.ts';

/** The payload of an age file: STREAM over ChaCha20-Poly1305 in chunks of 64 KiB, each authenticated before it is handed on. */

const CHUNK = 64 * 1024;
const TAG = 16;
const NONCE = 16;
const CIPHER = 'chacha20-poly1305';

type Write = (piece: Uint8Array) => Promise<void>;
/** So many chunks are written at once. */
const TOGETHER = 16;

/** 11 bytes that count, and one that says whether it is the last (Hoang, Reyhanitabar, Rogaway and Vizár 2015). */
function nonceOf(counter: number, last: boolean): Buffer {
  const nonce = Buffer.alloc(12);
  nonce.writeUIntBE(counter, 5, 6);
  nonce[11] = last ? 1 : 0;
  return nonce;
}

function keyOf(fileKey: Uint8Array, salt: Uint8Array): Buffer {
  return Buffer.from(hkdfSync('sha256', fileKey, salt, 'payload', 32));
}

export async function encryptPayload(source: ByteSource, fileKey: Uint8Array, write: Write): Promise<void> {
  const salt = randomBytes(NONCE);
  const key = keyOf(fileKey, salt);
  await write(salt);
  const out = new Together(write);
  let chunk: Buffer = Buffer.from(await source.read(CHUNK));
  for (let counter = 0; ; counter += 1) {
    const next: Buffer = Buffer.from(await source.read(CHUNK));
    const last = next.length === 0;
    const cipher = createCipheriv(CIPHER, key, nonceOf(counter, last), { authTagLength: TAG });
    await out.add(cipher.update(chunk), cipher.final(), cipher.getAuthTag());
    if (last) break;
    chunk = next;
  }
  await out.flush();
}

/** @throws INVALID_INPUT when a chunk was changed, cut off, moved or added; what was written before it is to be thrown away */
export async function decryptPayload(source: ByteSource, fileKey: Uint8Array, write: Write): Promise<void> {
  const salt = Buffer.from(await source.read(NONCE));
  if (salt.length < NONCE) throw damaged('it is cut off');
  const key = keyOf(fileKey, salt);
  const out = new Together(write);
  let chunk: Buffer = Buffer.from(await source.read(CHUNK + TAG));
  for (let counter = 0; ; counter += 1) {
    const next: Buffer = chunk.length < CHUNK + TAG ? Buffer.alloc(0) : Buffer.from(await source.read(CHUNK + TAG));
    const last = next.length === 0;
    if (chunk.length < TAG || (chunk.length === TAG && counter > 0)) throw damaged(chunk.length < TAG ? 'it is cut off' : 'its last chunk is empty');
    await out.add(...open(key, nonceOf(counter, last), chunk));
    if (last) break;
    chunk = next;
  }
  await out.flush();
}

function open(key: Uint8Array, nonce: Uint8Array, chunk: Buffer): Buffer[] {
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

/** Chunks on their way out: some at once, and the next are made while those are written. */
class Together {
  readonly #write: Write;
  #pieces: Buffer[] = [];
  #chunks = 0;
  #written: Promise<void> = Promise.resolve();

  constructor(write: Write) {
    this.#write = write;
  }

  async add(...pieces: readonly Buffer[]): Promise<void> {
    this.#pieces.push(...pieces);
    this.#chunks += 1;
    if (this.#chunks === TOGETHER) await this.#begin();
  }

  async flush(): Promise<void> {
    if (this.#chunks > 0) await this.#begin();
    await this.#written;
  }

  /** @throws what became of the write before */
  async #begin(): Promise<void> {
    await this.#written;
    this.#written = this.#write(Buffer.concat(this.#pieces));
    // Told when the next begins, or at the end.
    this.#written.catch(() => undefined);
    this.#pieces = [];
    this.#chunks = 0;
  }
}
