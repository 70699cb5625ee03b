import { crc32 } from 'node:zlib';
import type { ListedRecord, StoredRecord, Summary } from '../storage.ts';

/**
 * How a record lies in its file, and in the journal:
 *
 * | bytes | what |
 * | --- | --- |
 * | 4 | `KWr1` |
 * | 2 + 2 + 4 + 4 | lengths of key, revision, summary (JSON; 0 for none) and value, little-endian |
 * | 4 | CRC-32 of the value |
 * | 4 | CRC-32 of the 20 bytes before it and of key, revision and summary |
 * | … | key, revision, summary, value |
 */
const MAGIC = 0x3172574b;
const HEAD = 24;

/** Enough to read the head of nearly any record at once. */
export const TYPICAL_HEAD = 1024;

export interface Head extends ListedRecord {
  readonly valueStart: number;
  readonly valueLength: number;
  readonly valueChecksum: number;
}

/** @returns the bytes of a record’s file, with CRC-32s over head and value. */
export function encodeRecord({ key, revision, summary, value }: StoredRecord): Buffer {
  const json = summary === null ? '' : JSON.stringify(summary);
  const text = Buffer.from(key + revision + json, 'utf8');
  const bytes = Buffer.allocUnsafeSlow(HEAD + text.length + value.byteLength);
  bytes.writeUInt32LE(MAGIC, 0);
  bytes.writeUInt16LE(key.length, 4);
  bytes.writeUInt16LE(revision.length, 6);
  bytes.writeUInt32LE(text.length - key.length - revision.length, 8);
  bytes.writeUInt32LE(value.byteLength, 12);
  bytes.writeUInt32LE(crc32(value), 16);
  bytes.writeUInt32LE(crc32(text, crc32(bytes.subarray(0, 20))), 20);
  bytes.set(text, HEAD);
  bytes.set(value, HEAD + text.length);
  return bytes;
}

/** @returns all but the value; how many bytes it takes to tell; or undefined if it is damaged. */
export function decodeHead(bytes: Buffer): Head | { readonly needs: number } | undefined {
  if (bytes.length < HEAD || bytes.readUInt32LE(0) !== MAGIC) return undefined;
  const keyEnd = HEAD + bytes.readUInt16LE(4);
  const revisionEnd = keyEnd + bytes.readUInt16LE(6);
  const end = revisionEnd + bytes.readUInt32LE(8);
  if (end > bytes.length) return { needs: end };
  if (crc32(bytes.subarray(HEAD, end), crc32(bytes.subarray(0, 20))) !== bytes.readUInt32LE(20)) return undefined;
  return {
    key: bytes.toString('latin1', HEAD, keyEnd),
    revision: bytes.toString('latin1', keyEnd, revisionEnd),
    summary: end === revisionEnd ? null : (JSON.parse(bytes.toString('utf8', revisionEnd, end)) as Summary),
    valueStart: end,
    valueLength: bytes.readUInt32LE(12),
    valueChecksum: bytes.readUInt32LE(16),
  };
}

/** @returns the record, its value a copy of its own; undefined if it is damaged, cut short or has something behind it. */
export function decodeRecord(bytes: Buffer): StoredRecord | undefined {
  const head = decodeHead(bytes);
  if (head === undefined || 'needs' in head || bytes.length !== head.valueStart + head.valueLength) return undefined;
  const value = new Uint8Array(bytes.subarray(head.valueStart));
  if (crc32(value) !== head.valueChecksum) return undefined;
  return { key: head.key, revision: head.revision, summary: head.summary, value };
}
