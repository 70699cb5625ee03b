import { readSync, closeSync, existsSync, fstatSync, openSync, readFileSync } from 'node:fs';
import { APPLICATION_ID } from './schema.ts';

/**
 * What is wrong with a database's files, seen without SQLite, which takes a file that was cut short for a smaller one, drops the
 * rest of a log behind a damaged frame in silence, and changes files as it opens and closes them.
 * https://sqlite.org/fileformat2.html §1.3 (header), §4 (write-ahead log).
 *
 * @returns a sentence, or undefined if nothing is.
 */
export function inspectDatabase(path: string): string | undefined {
  const file = openSync(path, 'r');
  const header = Buffer.alloc(100);
  let size: number;
  try {
    size = fstatSync(file).size;
    if (readSync(file, header, 0, 100, 0) < 100) return 'It is shorter than a database can be.';
  } finally {
    closeSync(file);
  }
  if (header.toString('latin1', 0, 16) !== 'SQLite format 3\0') return 'It is not an SQLite database.';
  if (header.readUInt32BE(68) !== APPLICATION_ID) return 'It is a database of another program.';
  const pageSize = header.readUInt16BE(16) === 1 ? 65536 : header.readUInt16BE(16);
  const log = readLog(`${path}-wal`, pageSize);
  if (log.damaged) return 'Its write-ahead log is damaged in the middle.';
  // A page may still be in the log alone: a checkpoint copies them one by one.
  const pages = log.pages ?? header.readUInt32BE(28);
  for (let page = Math.floor(size / pageSize) + 1; page <= pages; page++) {
    if (!log.has.has(page)) return `It was cut short: ${pages} pages of ${pageSize} bytes are expected, and the file has ${size} bytes.`;
  }
  return undefined;
}

interface Log {
  /** Size of the database in pages after the last commit in the log; undefined if it has none. */
  readonly pages: number | undefined;
  /** The pages that commits in the log hold. */
  readonly has: ReadonlySet<number>;
  readonly damaged: boolean;
}

const WAL_HEADER = 32;
const FRAME_HEADER = 24;

function readLog(path: string, pageSize: number): Log {
  const has = new Set<number>();
  if (!existsSync(path)) return { pages: undefined, has, damaged: false };
  const log = readFileSync(path);
  const frame = FRAME_HEADER + pageSize;
  // Its header is made durable before the first frame.
  if (log.length < WAL_HEADER + frame) return { pages: undefined, has, damaged: false };
  const magic = log.readUInt32BE(0);
  const bigEndian = (magic & 1) === 1;
  let sum = checksum(log, 0, 24, [0, 0], bigEndian);
  const valid = magic >>> 1 === 0x377f0682 >>> 1 && sum[0] === log.readUInt32BE(24) && sum[1] === log.readUInt32BE(28);
  if (!valid) return { pages: undefined, has, damaged: true };

  const sameSalt = (offset: number) => log.compare(log, 16, 24, offset + 8, offset + 16) === 0;
  let pages: number | undefined;
  let uncommitted: number[] = [];
  let offset = WAL_HEADER;
  for (; offset + frame <= log.length && sameSalt(offset); offset += frame) {
    sum = checksum(log, offset, offset + 8, sum, bigEndian);
    sum = checksum(log, offset + FRAME_HEADER, offset + frame, sum, bigEndian);
    if (sum[0] !== log.readUInt32BE(offset + 16) || sum[1] !== log.readUInt32BE(offset + 20)) break;
    uncommitted.push(log.readUInt32BE(offset));
    const size = log.readUInt32BE(offset + 4);
    if (size === 0) continue;
    pages = size;
    for (const page of uncommitted) has.add(page);
    uncommitted = [];
  }
  // Each commit is fsynced before the next begins, so a crash can leave one of them in pieces, and never two.
  let commitsBehind = 0;
  for (; offset + frame <= log.length; offset += frame) {
    if (sameSalt(offset) && log.readUInt32BE(offset + 4) !== 0) commitsBehind += 1;
  }
  return { pages, has, damaged: commitsBehind > 1 };
}

/** The log's running checksum (fileformat2 §4.2), over 32-bit words in the byte order that its magic number tells. */
function checksum(log: Buffer, from: number, to: number, [first, second]: readonly [number, number], bigEndian: boolean): [number, number] {
  const words = new DataView(log.buffer, log.byteOffset + from, to - from);
  let a = first;
  let b = second;
  for (let offset = 0; offset < to - from; offset += 8) {
    a = (a + words.getUint32(offset, !bigEndian) + b) >>> 0;
    b = (b + words.getUint32(offset + 4, !bigEndian) + a) >>> 0;
  }
  return [a, b];
}
