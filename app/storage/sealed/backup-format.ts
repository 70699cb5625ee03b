import { createHash } from 'node:crypto';
import { because, KeywrightError } from '../../contract/index.ts';
import type { Summary } from '../storage.ts';
import { asciiJson, uint32, uint64 } from './bytes.ts';

/** What every backup starts with: a line, so that `head -1` tells what the file is. */
export const BACKUP_MAGIC = Buffer.from('KEYWRIGHT BACKUP 1\n');

export type Frame =
  | { readonly kind: 'record'; readonly key: string; readonly summary: Summary; readonly value: Uint8Array }
  | { readonly kind: 'log'; readonly number: number; readonly entry: Uint8Array }
  /** @param sha256 of everything before this frame. */
  | { readonly kind: 'end'; readonly records: number; readonly logEntries: number; readonly sha256: Uint8Array };

const RECORD = 1;
const LOG = 2;
const END = 3;
/** What a hostile file may make us hold at once. */
const MAX_KEY = 512;
const MAX_SUMMARY = 1024 * 1024;
const MAX_VALUE = 68 * 1024 * 1024;
const MAX_ENTRY = 1024 * 1024 + 1024;

/** One byte of kind, then lengths big-endian, then the parts; see `docs/store-format.md`. */
export function encodeFrame(frame: Frame): Buffer {
  switch (frame.kind) {
    case 'record': {
      const summary = asciiJson(frame.summary);
      const lengths = Buffer.alloc(7);
      lengths.writeUInt8(RECORD, 0);
      lengths.writeUInt16BE(frame.key.length, 1);
      lengths.writeUInt32BE(summary.length, 3);
      return Buffer.concat([lengths, uint32(frame.value.length), Buffer.from(frame.key + summary, 'latin1'), frame.value]);
    }
    case 'log':
      return Buffer.concat([Uint8Array.of(LOG), uint64(frame.number), uint32(frame.entry.length), frame.entry]);
    case 'end':
      return Buffer.concat([Uint8Array.of(END), uint64(frame.records), uint64(frame.logEntries), frame.sha256]);
  }
}

interface ReadFrame {
  readonly frame: Frame;
  /** Of the frame's first byte. */
  readonly offset: number;
  /** With the last frame: the whole file. */
  readonly file?: { readonly bytes: number; readonly sha256: string };
}

/** @throws INVALID_INPUT (`where`: `offset n`) for anything but a whole backup, at the latest with its last frame; STORE_TOO_NEW. */
export async function* readFrames(source: AsyncIterable<Uint8Array>): AsyncGenerator<ReadFrame> {
  const reader = new Reader(source);
  const magic = await reader.take(BACKUP_MAGIC.length);
  if (/^KEYWRIGHT BACKUP [1-9]\d?\n?/.test(magic.toString('latin1')) && !BACKUP_MAGIC.equals(magic)) throw new KeywrightError('STORE_TOO_NEW', because('store.too-new', {}));
  if (!BACKUP_MAGIC.equals(magic)) throw noBackup(0, 'it does not start as a backup does');
  for (;;) {
    const offset = reader.offset;
    const before = reader.digest();
    const kind = (await reader.take(1))[0];
    if (kind === RECORD) {
      yield { offset, frame: await readRecord(reader, offset) };
    } else if (kind === LOG) {
      const number = Number((await reader.take(8)).readBigUInt64BE());
      yield { offset, frame: { kind: 'log', number, entry: await reader.take(await reader.length(4, MAX_ENTRY)) } };
    } else if (kind === END) {
      const records = Number((await reader.take(8)).readBigUInt64BE());
      const logEntries = Number((await reader.take(8)).readBigUInt64BE());
      const sha256 = await reader.take(32);
      if (!before().equals(sha256)) throw noBackup(offset, 'its checksum does not match: it was altered or damaged');
      if (!(await reader.ended())) throw noBackup(reader.offset, 'something follows its end');
      yield { offset, frame: { kind: 'end', records, logEntries, sha256 }, file: { bytes: reader.offset, sha256: reader.digest()().toString('hex') } };
      return;
    } else {
      throw noBackup(offset, 'it is damaged');
    }
  }
}

async function readRecord(reader: Reader, offset: number): Promise<Frame> {
  const keyLength = await reader.length(2, MAX_KEY);
  const summaryLength = await reader.length(4, MAX_SUMMARY);
  const valueLength = await reader.length(4, MAX_VALUE);
  const key = (await reader.take(keyLength)).toString('latin1');
  const summary = (await reader.take(summaryLength)).toString('latin1');
  try {
    return { kind: 'record', key, summary: JSON.parse(summary) as Summary, value: await reader.take(valueLength) };
  } catch (thrown) {
    throw thrown instanceof KeywrightError ? thrown : noBackup(offset, 'it is damaged');
  }
}

export function noBackup(offset: number, why: string): KeywrightError {
  return new KeywrightError('INVALID_INPUT', {
    detail: `This is not a whole backup: ${why}.`,
    remedy: 'Use another copy of the backup. Nothing was restored.',
    where: `offset ${offset}`,
  });
}

/** Takes exact lengths from chunks of any length, and hashes what it has taken. */
class Reader {
  readonly #chunks: AsyncIterator<Uint8Array>;
  readonly #hash = createHash('sha256');
  #rest: Buffer = Buffer.alloc(0);
  offset = 0;

  constructor(source: AsyncIterable<Uint8Array>) {
    this.#chunks = source[Symbol.asyncIterator]();
  }

  async take(length: number): Promise<Buffer> {
    const parts: Buffer[] = [];
    let missing = length;
    while (missing > 0) {
      if (this.#rest.length === 0 && !(await this.#fill())) throw noBackup(this.offset + length - missing, 'it was cut short');
      const part = this.#rest.subarray(0, missing);
      this.#rest = this.#rest.subarray(part.length);
      missing -= part.length;
      parts.push(part);
    }
    const taken = parts.length === 1 ? (parts[0] as Buffer) : Buffer.concat(parts);
    this.#hash.update(taken);
    this.offset += length;
    return taken;
  }

  /** A big-endian length of `bytes` bytes, at most `max`. */
  async length(bytes: number, max: number): Promise<number> {
    const at = this.offset;
    const length = (await this.take(bytes)).readUIntBE(0, bytes);
    if (length > max) throw noBackup(at, `it has a part of ${length} bytes, where ${max} are the most`);
    return length;
  }

  async ended(): Promise<boolean> {
    return this.#rest.length === 0 && !(await this.#fill());
  }

  /** Of what was taken until now; calculated only when it is called. */
  digest(): () => Buffer {
    const copy = this.#hash.copy();
    return () => copy.digest();
  }

  async #fill(): Promise<boolean> {
    for (;;) {
      const { done, value } = await this.#chunks.next();
      if (done === true) return false;
      if (value.length === 0) continue;
      this.#rest = Buffer.from(value.buffer, value.byteOffset, value.byteLength);
      return true;
    }
  }
}
