import { malformed } from '../../formats/malformed.ts';

/** The records of a ZIP archive (APPNOTE.TXT 6.3.10 §4.3), their fields, and what an archive turns out to hold. */

export const LOCAL_HEADER = 0x04034b50;
export const DIRECTORY_RECORD = 0x02014b50;
export const END_RECORD = 0x06054b50;
export const ZIP64_END_RECORD = 0x06064b50;
export const ZIP64_LOCATOR = 0x07064b50;
export const DESCRIPTOR = 0x08074b50;
export const LOCAL_BYTES = 30;
export const DIRECTORY_BYTES = 46;
export const END_BYTES = 22;
export const ZIP64_END_BYTES = 56;
export const LOCATOR_BYTES = 20;
/** Stands in a field of 32 bits whose value is in the ZIP64 field (§4.5.3). */
export const IN_ZIP64 = 0xffff_ffff;
const ZIP64_FIELD = 0x0001;

export const FLAG = { encrypted: 0x0001, descriptor: 0x0008, utf8: 0x0800 } as const;
export const METHOD = { stored: 0, deflated: 8 } as const;

export interface ZipEntry {
  readonly name: string;
  readonly flags: number;
  readonly method: number;
  readonly crc: number;
  /** Bytes of its content as it lies in the archive, and when it is unpacked. */
  readonly compressed: number;
  readonly size: number;
  /** Where its local header begins, its content, and what follows its content (and descriptor). */
  readonly at: number;
  readonly contentAt: number;
  readonly end: number;
  /** Its record in the central directory, as it is. */
  readonly record: Buffer;
}

export interface Zip {
  /** In the order in which they lie in the archive. */
  readonly entries: readonly ZipEntry[];
  /** Signatures of an APK by scheme 2 and up, which stand before the directory. */
  readonly apkBlock: Buffer | null;
  readonly comment: Buffer;
}

/** A central directory's record, by its fixed fields and ZIP64 field. */
interface DirectoryFields {
  readonly flags: number;
  readonly method: number;
  readonly crc: number;
  readonly compressed: number;
  readonly size: number;
  readonly at: number;
  readonly name: Buffer;
  readonly bytes: number;
}

/** @param directory the central directory; `from` is where a record begins in it, and `place` where the directory begins in the file. @throws INVALID_INPUT with the offset in the file */
export function readDirectoryRecord(directory: Buffer, from: number, place: number): DirectoryFields {
  if (directory.length - from < DIRECTORY_BYTES || directory.readUInt32LE(from) !== DIRECTORY_RECORD) throw malformed('The archive’s directory ends early, or is damaged.', place + from);
  const nameBytes = directory.readUInt16LE(from + 28);
  const extraBytes = directory.readUInt16LE(from + 30);
  const bytes = DIRECTORY_BYTES + nameBytes + extraBytes + directory.readUInt16LE(from + 32);
  if (from + bytes > directory.length) throw malformed('The archive’s directory ends early, or is damaged.', place + from);
  const disk = directory.readUInt16LE(from + 34);
  if (disk !== 0 && disk !== 0xffff) throw malformed('The archive is one of several parts.', place + from);
  const name = directory.subarray(from + DIRECTORY_BYTES, from + DIRECTORY_BYTES + nameBytes);
  const fields = { size: directory.readUInt32LE(from + 24), compressed: directory.readUInt32LE(from + 20), at: directory.readUInt32LE(from + 42) };
  const large = zip64Values(directory.subarray(from + DIRECTORY_BYTES + nameBytes, from + DIRECTORY_BYTES + nameBytes + extraBytes), [fields.size, fields.compressed, fields.at], place + from);
  const [size, compressed, at] = large as [number, number, number];
  return { flags: directory.readUInt16LE(from + 8), method: directory.readUInt16LE(from + 10), crc: directory.readUInt32LE(from + 16), size, compressed, at, name, bytes };
}

/** @returns the values, those that are in the ZIP64 field taken from there, in its order (§4.5.3). */
export function zip64Values(extra: Buffer, values: readonly number[], place: number): number[] {
  if (!values.includes(IN_ZIP64)) return [...values];
  const field = extraFields(extra).find(({ id }) => id === ZIP64_FIELD)?.content ?? Buffer.alloc(0);
  let next = 0;
  return values.map((value) => {
    if (value !== IN_ZIP64) return value;
    if (field.length - next < 8) throw malformed('An entry’s size or place is told nowhere: its ZIP64 field lacks it.', place);
    next += 8;
    return exactNumber(field, next - 8, place);
  });
}

/** @throws INVALID_INPUT for what no file has */
export function exactNumber(bytes: Buffer, at: number, place: number): number {
  const value = bytes.readBigUInt64LE(at);
  if (value > BigInt(Number.MAX_SAFE_INTEGER)) throw malformed('The archive names a size or a place that no file has.', place);
  return Number(value);
}

function extraFields(extra: Buffer): { readonly id: number; readonly content: Buffer }[] {
  const fields = [];
  for (let at = 0; at + 4 <= extra.length;) {
    const length = extra.readUInt16LE(at + 2);
    fields.push({ id: extra.readUInt16LE(at), content: extra.subarray(at + 4, at + 4 + length) });
    at += 4 + length;
  }
  return fields;
}

/** @returns an entry's record for a place that may be another than it was. */
export function movedRecord({ record, size, compressed }: Pick<ZipEntry, 'record' | 'size' | 'compressed'>, at: number): Buffer {
  const nameEnd = DIRECTORY_BYTES + record.readUInt16LE(28);
  const extraEnd = nameEnd + record.readUInt16LE(30);
  const large = [size, compressed, at].map((value) => value >= IN_ZIP64);
  const head = Buffer.from(record.subarray(0, DIRECTORY_BYTES));
  [[24, size], [20, compressed], [42, at]].forEach(([field, value], index) => head.writeUInt32LE(large[index] === true ? IN_ZIP64 : (value as number), field as number));
  const others = extraFields(record.subarray(nameEnd, extraEnd)).filter(({ id }) => id !== ZIP64_FIELD).map(({ id, content }) => extraField(id, content));
  const extra = Buffer.concat([...zip64Field([size, compressed, at].filter((_, index) => large[index])), ...others]);
  head.writeUInt16LE(extra.length, 30);
  return Buffer.concat([head, record.subarray(DIRECTORY_BYTES, nameEnd), extra, record.subarray(extraEnd)]);
}

function zip64Field(values: readonly number[]): Buffer[] {
  return values.length === 0 ? [] : [extraField(ZIP64_FIELD, Buffer.concat(values.map(uint64)))];
}

export function extraField(id: number, content: Buffer): Buffer {
  return Buffer.concat([uint16(id), uint16(content.length), content]);
}

export function uint16(value: number): Buffer {
  const bytes = Buffer.alloc(2);
  bytes.writeUInt16LE(value);
  return bytes;
}

export function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}

export function uint64(value: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(BigInt(value));
  return bytes;
}
