import { pipeline } from 'node:stream/promises';
import { Readable } from 'node:stream';
import { crc32, createInflateRaw, inflateRawSync } from 'node:zlib';
import { malformed, notSupported } from '../../formats/malformed.ts';
import type { RandomReader } from '../raw.ts';
import { DESCRIPTOR, END_BYTES, END_RECORD, exactNumber, FLAG, IN_ZIP64, LOCAL_BYTES, LOCAL_HEADER, LOCATOR_BYTES, METHOD, readDirectoryRecord, type Zip, ZIP64_END_BYTES, ZIP64_END_RECORD, ZIP64_LOCATOR, zip64Values, type ZipEntry } from './records.ts';

/**
 * Reads ZIP archives that somebody else made (APPNOTE.TXT 6.3.10), as a signature needs it: programs that read the same
 * archive in other ways (from its beginning, by its directory) must all find the same files in it. What they would read
 * differently is refused: bytes that belong to no entry, entries that overlap, headers that contradict the directory.
 * Memory is bounded by the directory; content passes through in pieces.
 */
const MAX_DIRECTORY = 64 * 1024 * 1024;
const MAX_ENTRIES = 500_000;
/** Beyond both of these an archive is made to fill memory or disks: deflate packs real files less than a hundredfold. */
const MAX_UNPACKED = 4 * 2 ** 30;
const MAX_RATIO = 100;
/** Up to here entries are unpacked at once, which is quicker than a stream. */
const SMALL = 1024 * 1024;
const PIECE = 256 * 1024;

/** @throws INVALID_INPUT with the offset, CAPABILITY_MISSING for encrypted archives */
export async function readZip(reader: RandomReader): Promise<Zip> {
  const { directoryAt, directoryBytes, count, comment } = await findDirectory(reader);
  if (directoryBytes > MAX_DIRECTORY || count > MAX_ENTRIES) throw malformed(`The archive has ${count} entries; ${MAX_ENTRIES} are the most here.`, directoryAt);
  const directory = await reader.read(directoryAt, directoryBytes);
  const listed: Omit<ZipEntry, 'contentAt' | 'end'>[] = [];
  for (let from = 0; from < directory.length;) {
    const { bytes, name, ...fields } = readDirectoryRecord(directory, from, directoryAt);
    listed.push({ ...fields, name: nameOf(name, directoryAt + from), record: directory.subarray(from, from + bytes) });
    from += bytes;
  }
  if (listed.length !== count) throw malformed(`The archive’s directory lists ${listed.length} entries, and its end says ${count}.`, directoryAt);
  assertNoBomb(listed, reader.bytes);
  listed.sort((a, b) => a.at - b.at);
  const entries: ZipEntry[] = [];
  for (const [index, entry] of listed.entries()) {
    const limit = listed[index + 1]?.at ?? directoryAt;
    const located = await locate(entry, limit, reader);
    entries.push(located);
    if (index + 1 < listed.length) await assertEmpty(reader, located.end, limit);
  }
  if ((entries[0]?.at ?? directoryAt) !== 0) throw malformed('Bytes stand before the archive’s first entry: no signature of an archive covers them, and another program may take the file for something else.', 0);
  return { entries, comment, apkBlock: await readApkBlock(reader, entries.at(-1)?.end ?? 0, directoryAt) };
}

const APK_MAGIC = 'APK Sig Block 42';

/** The signatures of an APK by scheme 2 and up stand before the directory, and end with their size and a magic. */
async function readApkBlock(reader: RandomReader, from: number, to: number): Promise<Buffer | null> {
  if (to - from >= 32) {
    const tail = await reader.read(to - 24, 24);
    const at = to - 8 - exactNumber(tail, 0, to - 24);
    if (tail.toString('latin1', 8) === APK_MAGIC && at >= from && to - at <= MAX_DIRECTORY) {
      await assertEmpty(reader, from, at);
      return reader.read(at, to - at);
    }
  }
  await assertEmpty(reader, from, to);
  return null;
}

/** Zeros may fill up to where an entry is wanted. */
async function assertEmpty(reader: RandomReader, from: number, to: number): Promise<void> {
  if (to - from > SMALL || (to > from && (await reader.read(from, to - from)).some((byte) => byte !== 0))) throw malformed('Bytes that belong to no entry lie in the archive: another program may take them for one.', from);
}

interface DirectoryPlace {
  readonly directoryAt: number;
  readonly directoryBytes: number;
  readonly count: number;
  readonly comment: Buffer;
}

async function findDirectory(reader: RandomReader): Promise<DirectoryPlace> {
  const length = Math.min(reader.bytes, END_BYTES + 0xffff);
  const start = reader.bytes - length;
  const tail = await reader.read(start, length);
  let at = length - END_BYTES;
  while (at >= 0 && !(tail.readUInt32LE(at) === END_RECORD && at + END_BYTES + tail.readUInt16LE(at + 20) === length)) at -= 1;
  if (at < 0) throw malformed('This is no ZIP archive, or its end is missing.', reader.bytes, 'Fetch it again: it may not have been fetched whole.');
  const comment = tail.subarray(at + END_BYTES);
  if (comment.includes(Buffer.from('PK\x05\x06', 'latin1'))) throw malformed('The archive ends twice: programs would find different files in it.', start + at);
  const count = tail.readUInt16LE(at + 10);
  if (tail.readUInt16LE(at + 4) !== tail.readUInt16LE(at + 6) || tail.readUInt16LE(at + 8) !== count) throw malformed('The archive is one of several parts.', start + at);
  const [directoryBytes, directoryAt] = [tail.readUInt32LE(at + 12), tail.readUInt32LE(at + 16)];
  const place = count === 0xffff || directoryBytes === IN_ZIP64 || directoryAt === IN_ZIP64 ? await findLarge(reader, start + at) : { directoryAt, directoryBytes, count, end: start + at };
  if (place.directoryAt + place.directoryBytes !== place.end) throw malformed('The archive’s directory is not where its end says.', start + at, 'Fetch it again; if it begins with something else than an archive, take that off.');
  return { ...place, comment };
}

/** ZIP64's end record (§4.3.14), by its locator. */
async function findLarge(reader: RandomReader, end: number): Promise<Omit<DirectoryPlace, 'comment'> & { end: number }> {
  const missing = malformed('The archive’s ZIP64 end is missing or damaged.', end);
  if (end < LOCATOR_BYTES + ZIP64_END_BYTES) throw missing;
  const locator = await reader.read(end - LOCATOR_BYTES, LOCATOR_BYTES);
  if (locator.readUInt32LE(0) !== ZIP64_LOCATOR) throw missing;
  const at = exactNumber(locator, 8, end);
  if (at + ZIP64_END_BYTES > end - LOCATOR_BYTES) throw missing;
  const record = await reader.read(at, ZIP64_END_BYTES);
  if (record.readUInt32LE(0) !== ZIP64_END_RECORD || at + 12 + exactNumber(record, 4, at) !== end - LOCATOR_BYTES) throw missing;
  return { count: exactNumber(record, 32, at), directoryBytes: exactNumber(record, 40, at), directoryAt: exactNumber(record, 48, at), end: at };
}

function nameOf(bytes: Buffer, place: number): string {
  try {
    return assertEntryName(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes), place);
  } catch (thrown) {
    throw thrown instanceof TypeError ? malformed('The name of an entry is not in UTF-8.', place) : thrown;
  }
}

/** @returns the name. @throws INVALID_INPUT unless it is safe to unpack, and no line of a manifest can be made of it */
export function assertEntryName(name: string, place?: number): string {
  if (/[\u0000-\u001f\u007f]/.test(name)) throw malformed(`The name of an entry has a line break or another control character: ${JSON.stringify(name.slice(0, 100))}.`, place);
  if (name === '' || /^\/|\\|^[A-Za-z]:|(^|\/)\.\.?(\/|$)/.test(name)) throw malformed(`The name of an entry leads out of the folder that it would be unpacked to: ${JSON.stringify(name.slice(0, 100))}.`, place);
  return name;
}

function assertNoBomb(listed: readonly Pick<ZipEntry, 'size' | 'compressed' | 'name' | 'at' | 'method'>[], bytes: number): void {
  const total = listed.reduce((sum, { size }) => sum + size, 0);
  if (total > MAX_UNPACKED && total > MAX_RATIO * bytes) throw malformed(`The archive of ${bytes} bytes unpacks to ${total}: it is made to fill memory and disks.`, 0);
  // Deflate cannot do better than this.
  const liar = listed.find(({ size, compressed, method }) => (method === METHOD.stored ? size !== compressed : size > 1040 * compressed + 1040));
  if (liar !== undefined) throw malformed(`The sizes of ${JSON.stringify(liar.name.slice(0, 100))} cannot both be right.`, liar.at);
}

/** Reads an entry's local header, which must say what the directory says. @param limit where the next thing begins. */
async function locate(entry: Omit<ZipEntry, 'contentAt' | 'end'>, limit: number, reader: RandomReader): Promise<ZipEntry> {
  const { at, name, flags, method, crc, compressed, size } = entry;
  const called = JSON.stringify(name.slice(0, 100));
  if (at + LOCAL_BYTES > limit) throw malformed(`Entries overlap: ${called} lies within another, or past the end.`, at);
  const head = await reader.read(at, LOCAL_BYTES);
  if (head.readUInt32LE(0) !== LOCAL_HEADER) throw malformed(`There is no entry where the directory says that ${called} is.`, at);
  const nameBytes = head.readUInt16LE(26);
  const extraBytes = head.readUInt16LE(28);
  const contentAt = at + LOCAL_BYTES + nameBytes + extraBytes;
  if (contentAt + compressed > limit) throw malformed(`Entries overlap: ${called} runs into what follows it.`, at);
  const rest = await reader.read(at + LOCAL_BYTES, nameBytes + extraBytes);
  const fields = [head.readUInt32LE(22), head.readUInt32LE(18)];
  const isLater = (head.readUInt16LE(6) & FLAG.descriptor) !== 0;
  const [ownSize, ownCompressed] = isLater && fields.every((value) => value === 0 || value === IN_ZIP64) ? [size, compressed] : zip64Values(rest.subarray(nameBytes), fields, at);
  const same = rest.subarray(0, nameBytes).equals(Buffer.from(name)) && head.readUInt16LE(8) === method && ownSize === size && ownCompressed === compressed && (isLater ? [0, crc] : [crc]).includes(head.readUInt32LE(14));
  if (!same || isLater !== ((flags & FLAG.descriptor) !== 0)) throw malformed(`${called} is described in two ways: programs would read the archive differently.`, at);
  if ((flags & FLAG.encrypted) !== 0) throw notSupported(`${called} is encrypted, so that nobody else could check a signature of it.`, 'Unpack the archive, and pack it without a password.');
  const end = await endOf({ crc, compressed, size }, isLater, contentAt + compressed, limit, reader);
  return { ...entry, contentAt, end };
}

/** @returns where an entry ends, its descriptor included (§4.3.9), once nothing but zeros is left up to the next. */
async function endOf({ crc, compressed, size }: Pick<ZipEntry, 'crc' | 'compressed' | 'size'>, isLater: boolean, contentEnd: number, limit: number, reader: RandomReader): Promise<number> {
  const gap = await reader.read(contentEnd, Math.min(limit - contentEnd, 24));
  let length = 0;
  if (isLater) {
    const from = gap.length >= 16 && gap.readUInt32LE(0) === DESCRIPTOR ? 4 : 0;
    const fits = (wide: boolean): boolean => gap.length >= from + (wide ? 20 : 12) && gap.readUInt32LE(from) === crc &&
      (wide ? gap.readBigUInt64LE(from + 4) === BigInt(compressed) && gap.readBigUInt64LE(from + 12) === BigInt(size) : gap.readUInt32LE(from + 4) === compressed && gap.readUInt32LE(from + 8) === size);
    if (fits(true)) length = from + 20;
    else if (fits(false)) length = from + 12;
    else throw malformed('An entry’s descriptor is missing, or says otherwise than the directory.', contentEnd);
  }
  return contentEnd + length;
}

/** @returns content of an entry that is kept in memory: manifests, signatures. @throws INVALID_INPUT beyond `most` bytes */
export async function entryBytes(entry: ZipEntry, reader: RandomReader, most: number): Promise<Buffer> {
  if (entry.size > most) throw malformed(`${JSON.stringify(entry.name)} has ${entry.size} bytes; ${most} are the most here.`, entry.at);
  const pieces: Buffer[] = [];
  await eachPieceOf(entry, reader, (piece) => pieces.push(Buffer.from(piece)));
  return Buffer.concat(pieces);
}

/** Unpacks an entry. @param take is given pieces, each valid until it returns. @throws INVALID_INPUT when it does not unpack to what the directory says, CAPABILITY_MISSING for methods other than deflate */
export async function eachPieceOf(entry: ZipEntry, reader: RandomReader, take: (piece: Uint8Array) => void): Promise<void> {
  const { name, method, contentAt, compressed, size } = entry;
  const damaged = malformed(`${JSON.stringify(name.slice(0, 100))} is damaged: it does not unpack to what the archive says.`, contentAt);
  if (method !== METHOD.stored && method !== METHOD.deflated) throw notSupported(`${JSON.stringify(name)} is packed by a method (${method}) that is not usual.`, 'Pack the archive with deflate.');
  let total = 0;
  let crc = 0;
  const counted = (piece: Uint8Array): void => {
    total += piece.length;
    if (total > size) throw damaged;
    crc = crc32(piece, crc);
    take(piece);
  };
  if (method === METHOD.stored) for await (const piece of piecesBetween(reader, contentAt, contentAt + compressed)) counted(piece);
  else if (size <= SMALL && compressed <= SMALL) counted(unpackAtOnce(await reader.read(contentAt, compressed), size, damaged));
  else await unpackInPieces(entry, reader, counted, damaged);
  if (total !== size || crc !== entry.crc) throw damaged;
}

function unpackAtOnce(packed: Buffer, size: number, damaged: Error): Buffer {
  try {
    const { buffer, engine } = inflateRawSync(packed, { maxOutputLength: Math.max(size, 1), info: true }) as unknown as { buffer: Buffer; engine: { bytesWritten: number } };
    if (engine.bytesWritten === packed.length) return buffer;
  } catch { /* it is damaged */ }
  throw damaged;
}

async function unpackInPieces({ contentAt, compressed }: ZipEntry, reader: RandomReader, take: (piece: Uint8Array) => void, damaged: Error): Promise<void> {
  const inflate = createInflateRaw({ chunkSize: PIECE });
  let ours: unknown;
  try {
    await pipeline(Readable.from(piecesBetween(reader, contentAt, contentAt + compressed)), inflate, async (pieces: AsyncIterable<Uint8Array>) => {
      try {
        for await (const piece of pieces) take(piece);
      } catch (thrown) {
        ours = thrown;
        throw thrown;
      }
    }, { signal: reader.signal });
  } catch (thrown) {
    reader.signal.throwIfAborted();
    throw (thrown as NodeJS.ErrnoException).code?.startsWith('Z_') === true ? damaged : ours ?? thrown;
  }
  if (inflate.bytesWritten !== compressed) throw damaged;
}

/** @returns bytes as they lie in the file. */
export async function* piecesBetween(reader: RandomReader, from: number, to: number): AsyncGenerator<Buffer> {
  for (let at = from; at < to; at += PIECE) yield reader.read(at, Math.min(PIECE, to - at));
}
