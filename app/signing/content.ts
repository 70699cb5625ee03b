import { createHash } from 'node:crypto';
import { stat } from 'node:fs/promises';
import type { HashName, SignatureAlgorithmName } from '../contract/index.ts';
import { SIGNATURE_ALGORITHMS, type SignatureAlgorithmFacts } from '../contract/index.ts';
import type { Content } from '../keystore/keystore.ts';
import { fileError } from './file-errors.ts';
import { SMALL } from './small-files/messages.ts';
import { base64urlPieces, digestFile, eachPiece, type FileFacts, type ForeignHash, type Frame, hashing, type RandomReader, readAnywhere, readStart, readWhole, sizeOf, type Watch } from './raw.ts';


/** How much of a file tells what it is. */
const START = 64 * 1024;

/** A file that is signed or verified: of any size, read as often as a format needs, and the same one each time. */
export class FileContent {
  readonly path: string;
  /** As the person calls it. */
  readonly name: string;
  readonly bytes: number;
  readonly signal: AbortSignal;
  readonly #watch: Watch;
  readonly #facts: FileFacts;
  readonly #digests = new Map<string, Promise<Uint8Array>>();
  #whole: Promise<Uint8Array> | undefined;

  private constructor(path: string, name: string, facts: FileFacts, watch: Watch) {
    this.path = path;
    this.name = name;
    this.bytes = Number(facts.size);
    this.signal = watch.signal;
    this.#facts = facts;
    this.#watch = { ...watch, facts };
  }

  /** @throws NOT_FOUND, PERMISSION_DENIED, INVALID_INPUT for what is no regular file. The methods: CONFLICT when it has changed since. */
  static async open(path: string, name: string, watch: Watch): Promise<FileContent> {
    await sizeOf(path);
    try {
      return new FileContent(path, name, await stat(path, { bigint: true }), watch);
    } catch (thrown) {
      throw fileError(thrown, path, 'read');
    }
  }

  /** A small file that was read already. @param facts what it was like then. */
  static of(path: string, name: string, whole: Uint8Array, facts: FileFacts, watch: Watch): FileContent {
    const content = new FileContent(path, name, facts, watch);
    content.#whole = Promise.resolve(whole);
    return content;
  }

  /** @returns the digest of the file, within a format's frame if it has one. The bare one is made once. */
  digest(hash: HashName | ForeignHash, frame?: Frame): Promise<Uint8Array> {
    if (frame !== undefined) return digestFile(this.path, hash, this.#watch, frame);
    const known = this.#digests.get(hash) ?? (this.#whole !== undefined && this.bytes <= SMALL ? this.#digestOf(this.#whole, hash) : digestFile(this.path, hash, this.#watch));
    this.#digests.set(hash, known);
    return known;
  }

  /** What was read already is not read again; it is told of as if it were. */
  async #digestOf(whole: Promise<Uint8Array>, hash: HashName | ForeignHash): Promise<Uint8Array> {
    const bytes = await whole;
    this.#watch.progress?.(bytes.length, this.bytes);
    return hashing(hash).update(bytes).digest();
  }

  /** @returns all of it. @throws CAPABILITY_MISSING beyond 256 MiB; INVALID_INPUT beyond a `max` that was given */
  async whole(max?: number): Promise<Uint8Array> {
    if (max !== undefined && this.bytes > max) return readWhole(this.path, max, this.signal, this.#facts);
    this.#whole ??= readWhole(this.path, undefined, this.signal, this.#facts);
    return this.#whole;
  }

  /** @returns how it begins, to tell what it is. */
  async start(): Promise<Uint8Array> {
    return this.#whole !== undefined && this.bytes <= SMALL ? (await this.#whole).subarray(0, START) : readStart(this.path, START, this.#watch);
  }

  /** @returns all of a small file, else undefined. What is read for it is told of. */
  async small(): Promise<Uint8Array | undefined> {
    if (this.bytes > SMALL) return undefined;
    const isRead = this.#whole !== undefined;
    const whole = await this.whole();
    if (!isRead) this.#watch.progress?.(whole.length, this.bytes);
    return whole;
  }

  /** @returns what a signer is given: the digest for schemes that hash first, all of it for pure ones. */
  async for(algorithm: SignatureAlgorithmName, frame: Frame = {}): Promise<Content> {
    const { hash }: SignatureAlgorithmFacts = SIGNATURE_ALGORITHMS[algorithm];
    const isBare = Object.keys(frame).length === 0;
    if (hash !== null) return { digest: await this.digest(hash, isBare ? undefined : frame) };
    const whole = await this.whole();
    if (isBare) return { message: whole };
    const middle = frame.base64url === true ? Buffer.from(Buffer.from(whole.buffer, whole.byteOffset, whole.length).toString('base64url')) : whole;
    return { message: Buffer.concat([frame.before ?? Buffer.alloc(0), middle, frame.after ?? Buffer.alloc(0)]) };
  }

  /** Whether these bytes are the file's: of what a signature carries itself. */
  async holds(bytes: Uint8Array): Promise<boolean> {
    return this.bytes === bytes.length && createHash('sha256').update(bytes).digest().equals(await this.digest('sha256'));
  }

  /** Reads it here and there, as archives are. */
  anywhere<T>(work: (reader: RandomReader) => Promise<T>): Promise<T> {
    return readAnywhere(this.path, this.#watch, work);
  }

  /** Copies it elsewhere, piece by piece. */
  each(take: (piece: Uint8Array) => Promise<void>): Promise<void> {
    return eachPiece(this.path, this.#watch, take);
  }

  /** Copies it in base64url without padding (RFC 4648 §5). */
  async encoded(take: (piece: Uint8Array) => Promise<void>): Promise<void> {
    const encoder = base64urlPieces();
    await this.each((piece) => take(encoder.next(piece)));
    await take(encoder.end());
  }
}
