import { createCipheriv, createDecipheriv, createHash, hkdfSync, randomBytes, timingSafeEqual } from 'node:crypto';
import { KeywrightError } from '../../contract/index.ts';
import { malformed, notSupported } from '../../formats/malformed.ts';
import { release } from '../release.ts';
import type { ByteSource } from '../source.ts';
import { together } from '../text-source.ts';
import { Window } from '../window.ts';
import { AEAD_TAG, AEADS, isAead, OCB, PACKETS, SYMMETRIC } from './algorithms.ts';
import { type CfbDecipher, cfbDecipher } from './cfb.ts';
import { aeadCipher, type NewSessionKey, type SessionKey } from './session-key.ts';

/** Symmetrically Encrypted and Integrity Protected Data (RFC 9580 §5.13): version 1 with a modification detection code, version 2 with an AEAD in chunks. */

type Write = (piece: Uint8Array) => Promise<void>;
interface Sealer {
  write(piece: Uint8Array): Promise<void>;
  end(): Promise<void>;
}

const PIECE = 64 * 1024;
const SHA1 = 20;
const MDC = Buffer.of(0xc0 | PACKETS.modificationDetection, SHA1);
/** 64 KiB, and the most that is allowed: 4 MiB (RFC 9580 §5.13.2). */
const [CHUNK_CODE, MOST_CHUNK_CODE] = [10, 16];
const chunkBytes = (code: number): number => 2 ** (code + 6);

/** @param write takes the body of the packet. */
export async function sealVersion1({ key, cipher }: NewSessionKey, write: Write): Promise<Sealer> {
  const { name, blockBytes } = SYMMETRIC[cipher]!;
  const sealer = createCipheriv(`${name}-cfb`, key, Buffer.alloc(blockBytes));
  const hash = createHash('sha1');
  const random = randomBytes(blockBytes);
  const prefix = Buffer.concat([random, random.subarray(-2)]);
  hash.update(prefix);
  await write(Buffer.concat([Buffer.of(1), sealer.update(prefix)]));
  return {
    async write(piece) {
      hash.update(piece);
      const sealed = sealer.update(piece);
      await write(sealed);
      release(sealed);
    },
    async end() {
      await write(sealer.update(Buffer.concat([MDC, hash.update(MDC).digest()])));
    },
  };
}

/** Symmetrically encrypted and integrity protected data, version 2: chunks by an AEAD (RFC 9580 §5.13.2). @param write takes the body of the packet. */
export async function sealVersion2({ key, cipher }: NewSessionKey, write: Write): Promise<Sealer> {
  const salt = randomBytes(32);
  const head = Buffer.of(2, cipher, OCB, CHUNK_CODE);
  const chunks = new Chunks(key, head, salt);
  const size = chunkBytes(CHUNK_CODE);
  await write(Buffer.concat([head, salt]));
  const held = new Window();
  let total = 0;
  const seal = (plain: Uint8Array, more: Uint8Array = new Uint8Array()): Buffer[] => {
    const sealer = aeadCipher(createCipheriv, cipher, OCB, chunks.key, chunks.nonce()).setAAD(Buffer.concat([chunks.aad, more]));
    return [sealer.update(plain), sealer.final(), sealer.getAuthTag()];
  };
  return {
    async write(piece) {
      held.add(piece);
      total += piece.length;
      const sealed: Buffer[] = [];
      while (held.length > size) sealed.push(...seal(held.take(size)));
      if (sealed.length === 0) return;
      const all = together(sealed);
      await write(all);
      release(all);
    },
    async end() {
      const last = held.length > 0 ? seal(held.view()) : [];
      await write(Buffer.concat([...last, ...seal(Buffer.alloc(0), uint64(total))]));
    },
  };
}

/** What the chunks of version 2 share (RFC 9580 §5.13.2). */
class Chunks {
  readonly key: Buffer;
  readonly aad: Buffer;
  readonly #prefix: Buffer;
  #index = 0;

  /** @param head version, cipher, AEAD and chunk size: 4 bytes. */
  constructor(sessionKey: Uint8Array, head: Uint8Array, salt: Uint8Array) {
    this.aad = Buffer.concat([Buffer.of(0xc0 | PACKETS.protected), head]);
    const { keyBytes } = SYMMETRIC[head[1] as number]!;
    const derived = Buffer.from(hkdfSync('sha256', sessionKey, salt, this.aad, keyBytes + AEADS[head[2] as number]!.nonceBytes - 8));
    this.key = derived.subarray(0, keyBytes);
    this.#prefix = derived.subarray(keyBytes);
  }

  /** Of the next chunk. */
  nonce(): Buffer {
    return Buffer.concat([this.#prefix, uint64(this.#index++)]);
  }
}

/** What is encrypted, as it is decrypted. Not all of it is authenticated before its end: {@link ByteSource.read} must have come there before any of it is released. */
export type Protected = ByteSource;

/** @param body of the packet. @throws INVALID_INPUT, CAPABILITY_MISSING */
export async function openProtected(body: ByteSource, keys: readonly SessionKey[]): Promise<Protected> {
  const version = (await body.read(1))[0];
  if (version === 1) return openVersion1(body, keys);
  if (version === 2) return openVersion2(body, keys);
  throw version === undefined ? damaged('it is cut off') : notSupported(`Encrypted content of version ${version} is not handled.`);
}

/** The repeated bytes at the beginning tell which of several session keys it is; they are no proof, and the end is (RFC 9580 §5.13.1). */
async function openVersion1(body: ByteSource, keys: readonly SessionKey[]): Promise<Protected> {
  const able = keys.flatMap(({ key, cipher }) => (cipher === undefined || SYMMETRIC[cipher]?.keyBytes !== key.length ? [] : [{ key, facts: SYMMETRIC[cipher] }]));
  const widest = Math.max(...able.map(({ facts }) => facts.blockBytes + 2));
  const start = able.length === 0 ? Buffer.alloc(0) : Buffer.from(await body.read(widest));
  for (const { key, facts: { name, blockBytes } } of able) {
    const opener = cfbDecipher(name, key, blockBytes);
    const first = opener.update(start);
    if (first.length < blockBytes + 2 || !first.subarray(blockBytes - 2, blockBytes).equals(first.subarray(blockBytes, blockBytes + 2))) continue;
    return new Version1(body, opener, first, blockBytes + 2);
  }
  throw damaged('its beginning was changed or cut off, or it is for another key');
}

class Version1 implements Protected {
  readonly #body: ByteSource;
  readonly #opener: CfbDecipher;
  readonly #hash = createHash('sha1');
  /** Decrypted, with what may be the end at its end. */
  readonly #held = new Window();
  #ended = false;
  #problem: KeywrightError | undefined;

  constructor(body: ByteSource, opener: CfbDecipher, first: Buffer, prefix: number) {
    this.#body = body;
    this.#opener = opener;
    this.#hash.update(first.subarray(0, prefix));
    this.#held.add(first.subarray(prefix));
  }

  async read(length: number): Promise<Buffer> {
    if (this.#problem !== undefined) throw this.#problem;
    const kept = MDC.length + SHA1;
    while (!this.#ended && this.#held.length < length + kept) {
      const piece = await this.#body.read(PIECE);
      if (piece.length === 0) this.#end();
      else this.#add(this.#opener.update(piece));
    }
    if (this.#ended) return this.#held.take(length);
    const given = this.#held.take(length);
    this.#hash.update(given);
    return given;
  }

  #add(plain: Buffer): void {
    this.#held.add(plain);
    release(plain);
  }

  #end(): void {
    const all = this.#held.view();
    const at = all.length - SHA1;
    const made = this.#hash.update(all.subarray(0, Math.max(0, at))).digest();
    if (at < MDC.length || !all.subarray(at - MDC.length, at).equals(MDC) || !timingSafeEqual(made, all.subarray(at))) throw (this.#problem = damaged('a part of it was changed or cut off'));
    this.#held.cut(MDC.length + SHA1);
    this.#ended = true;
  }
}

async function openVersion2(body: ByteSource, keys: readonly SessionKey[]): Promise<Protected> {
  const head = Buffer.concat([Buffer.of(2), await body.read(3)]);
  const salt = Buffer.from(await body.read(32));
  if (head.length < 4 || salt.length < 32) throw damaged('it is cut off');
  const [, cipher = 0, aead = 0, code = 0] = head;
  const facts = SYMMETRIC[cipher];
  if (facts === undefined || !isAead(cipher, aead)) throw notSupported(aead === 1 ? 'The content is encrypted in the mode EAX, which is not handled.' : 'The content is encrypted with a cipher that is not handled.', 'Have it encrypted with OCB, which all programs of RFC 9580 have.', ['ocb', 'gcm']);
  if (code > MOST_CHUNK_CODE) throw malformed('The chunks of the content are larger than 4 MiB (RFC 9580 §5.13.2).');
  const able = keys.filter(({ key }) => key.length === facts.keyBytes);
  if (able.length === 0) throw damaged('it is for another key');
  const source = new Version2(body, able.map(({ key }) => new Chunks(key, head, salt)), cipher, aead, chunkBytes(code));
  await source.begin();
  return source;
}

class Version2 implements Protected {
  readonly #body: ByteSource;
  readonly #cipher: number;
  readonly #aead: number;
  readonly #size: number;
  #able: readonly Chunks[];
  readonly #ahead = new Window();
  readonly #held = new Window();
  #total = 0;
  #ended = false;

  constructor(body: ByteSource, able: readonly Chunks[], cipher: number, aead: number, size: number) {
    this.#body = body;
    this.#able = able;
    this.#cipher = cipher;
    this.#aead = aead;
    this.#size = size;
  }

  /** The first chunk tells which of several session keys it is. */
  begin(): Promise<void> {
    return this.#next();
  }

  async read(length: number): Promise<Buffer> {
    while (this.#held.length < length && !this.#ended) await this.#next();
    return this.#held.take(length);
  }

  async #next(): Promise<void> {
    // The last chunk is followed by a tag of its own over the whole length.
    const wanted = this.#size + 2 * AEAD_TAG;
    while (this.#ahead.length < wanted && (await this.#more()));
    const last = this.#ahead.length < wanted;
    const sealed = this.#ahead.take(last ? Math.max(0, this.#ahead.length - AEAD_TAG) : this.#size + AEAD_TAG);
    if (sealed.length > 0) {
      for (const plain of this.#open(sealed)) {
        this.#total += plain.length;
        this.#held.add(plain);
        release(plain);
      }
    }
    if (!last && this.#ahead.length > AEAD_TAG) return;
    if (!last && (await this.#more())) return;
    this.#open(this.#ahead.view(), uint64(this.#total));
    this.#ended = true;
  }

  /** Whether anything is behind what there is. */
  async #more(): Promise<boolean> {
    const piece = await this.#body.read(PIECE);
    this.#ahead.add(piece);
    return piece.length > 0;
  }

  #open(sealed: Buffer, more: Uint8Array = new Uint8Array()): Buffer[] {
    if (sealed.length < AEAD_TAG) throw damaged('it is cut off');
    for (const chunks of this.#able) {
      const opener = aeadCipher(createDecipheriv, this.#cipher, this.#aead, chunks.key, chunks.nonce()).setAAD(Buffer.concat([chunks.aad, more])).setAuthTag(sealed.subarray(-AEAD_TAG));
      try {
        const plain = [opener.update(sealed.subarray(0, -AEAD_TAG)), opener.final()];
        this.#able = [chunks];
        return plain;
      } catch {
        continue;
      }
    }
    throw damaged('a part of it was changed, cut off or moved, or it is for another key');
  }
}

function uint64(value: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(BigInt(value));
  return bytes;
}

export function damaged(what: string): KeywrightError {
  return new KeywrightError('INVALID_INPUT', { detail: `The content of this OpenPGP message is not as it was encrypted: ${what}. Nothing of it was written.`, remedy: 'Get the file anew.' });
}
