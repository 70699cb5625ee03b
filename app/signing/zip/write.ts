import { crc32, deflateRawSync } from 'node:zlib';
import { KeywrightError } from '../../contract/index.ts';
import type { FileContent } from '../content.ts';
import { piecesBetween } from './read.ts';
import { DIRECTORY_BYTES, DIRECTORY_RECORD, END_RECORD, extraField, FLAG, IN_ZIP64, LOCAL_HEADER, METHOD, movedRecord, uint16, uint32, uint64, type Zip, ZIP64_END_RECORD, ZIP64_LOCATOR, type ZipEntry } from './records.ts';

/** Writes ZIP archives: entries of ours, and those of another archive as they are, byte by byte. */

/** An entry of ours, whose content is in memory, or in a file of which the checksum is known. */
export interface NewEntry {
  readonly name: string;
  readonly content: Uint8Array | { readonly file: FileContent; readonly crc: number };
  /** Not deflated: it can be read as it lies there. */
  readonly stored?: boolean;
}

/** Version 2.0 of the format, or 4.5 where ZIP64 is needed; made on no particular system. */
const VERSION = 20;
const ZIP64_VERSION = 45;
/** 1980-01-01, the first day that there is: the archive says nothing of when it was made. */
const [DOS_TIME, DOS_DATE] = [0, 0x0021];
/** Padding in a local header, as Android's tools write it. */
const ALIGNMENT_FIELD = 0xd935;

type Take = (piece: Uint8Array) => Promise<void>;

/** Writes an archive piece by piece. */
export class ZipWriter {
  readonly #take: Take;
  readonly #records: Buffer[] = [];
  #at = 0;

  constructor(take: Take) {
    this.#take = take;
  }

  async #put(bytes: Uint8Array): Promise<void> {
    this.#at += bytes.length;
    await this.#take(bytes);
  }

  /** @param padTo a number of which the place after it shall be a multiple, plus `padOffset`. */
  async add({ name, content, stored = false }: NewEntry, padTo = 1, padOffset = 0): Promise<void> {
    const isFile = !(content instanceof Uint8Array);
    const size = isFile ? content.file.bytes : content.length;
    if (size >= IN_ZIP64) throw new KeywrightError('CAPABILITY_MISSING', { detail: `${name} has ${size} bytes; a file in an archive has less than 4 GiB here.`, remedy: 'Sign it detached, as CMS or XML.' });
    const deflated = isFile || stored ? undefined : deflateRawSync(content);
    const packed = isFile ? undefined : deflated !== undefined && deflated.length < size ? deflated : content;
    const method = packed !== undefined && packed === deflated ? METHOD.deflated : METHOD.stored;
    const crc = isFile ? content.crc : crc32(content);
    const compressed = packed?.length ?? size;
    const nameBytes = Buffer.from(name);
    const middle = Buffer.concat([uint16(FLAG.utf8), uint16(method), uint16(DOS_TIME), uint16(DOS_DATE), uint32(crc), uint32(compressed), uint32(size), uint16(nameBytes.length)]);
    const at = this.#at;
    const bare = at + 30 + nameBytes.length + compressed;
    const padding = (((padOffset - bare) % padTo) + padTo) % padTo;
    const extra = padding === 0 ? Buffer.alloc(0) : extraField(ALIGNMENT_FIELD, Buffer.concat([uint16(padTo & 0xffff), Buffer.alloc(((padding - 6) % padTo + padTo) % padTo)]));
    await this.#put(Buffer.concat([uint32(LOCAL_HEADER), uint16(VERSION), middle, uint16(extra.length), nameBytes, extra]));
    if (packed !== undefined) await this.#put(packed);
    else await (content as { file: FileContent }).file.each((piece) => this.#put(piece));
    const record = Buffer.concat([uint32(DIRECTORY_RECORD), uint16(VERSION), uint16(VERSION), middle, Buffer.alloc(DIRECTORY_BYTES - 30), nameBytes]);
    this.#records.push(movedRecord({ record, size, compressed }, at));
  }

  /** Entries of another archive, with all that belongs to them. */
  async copy(file: FileContent, entries: readonly ZipEntry[]): Promise<void> {
    await file.anywhere(async (reader) => {
      for (const entry of entries) {
        this.#records.push(movedRecord(entry, this.#at));
        for await (const piece of piecesBetween(reader, entry.at, entry.end)) await this.#put(piece);
      }
    });
  }

  /** The directory and the end. */
  async finish({ comment }: Pick<Zip, 'comment'> = { comment: Buffer.alloc(0) }): Promise<void> {
    const at = this.#at;
    for (const record of this.#records) await this.#put(record);
    const bytes = this.#at - at;
    const count = this.#records.length;
    const isLarge = count >= 0xffff || bytes >= IN_ZIP64 || at >= IN_ZIP64;
    if (isLarge) {
      const end = this.#at;
      await this.#put(Buffer.concat([uint32(ZIP64_END_RECORD), uint64(44), uint16(ZIP64_VERSION), uint16(ZIP64_VERSION), uint32(0), uint32(0), uint64(count), uint64(count), uint64(bytes), uint64(at)]));
      await this.#put(Buffer.concat([uint32(ZIP64_LOCATOR), uint32(0), uint64(end), uint32(1)]));
    }
    const [shortCount, shortBytes, shortAt] = isLarge ? [0xffff, IN_ZIP64, IN_ZIP64] : [count, bytes, at];
    await this.#put(Buffer.concat([uint32(END_RECORD), uint16(0), uint16(0), uint16(shortCount as number), uint16(shortCount as number), uint32(shortBytes as number), uint32(shortAt as number), uint16(comment.length), comment]));
  }
}
