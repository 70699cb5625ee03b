import { readFileSync, renameSync, rmSync } from 'node:fs';
import { crc32 } from 'node:zlib';
import { writeNewFile } from '../disk.ts';
import type { Summary } from '../storage.ts';

/** What is known of a record without opening its file. */
export interface Entry {
  readonly revision: string;
  readonly summary: Summary;
  /** Of the file that this was read from (see {@link stampOf}). */
  readonly stamp: number;
}

/**
 * Names, revisions and summaries in one file, so that opening a large store need not read each record. It may be old or
 * missing, and never wrong: an entry counts only if its file's stamp is still the same.
 *
 * Text lines: `keywright-catalogue 1`, then stamp, revision, key and summary (JSON) between tabs, and a last one with
 * the CRC-32 of all before it.
 */
export function readCatalogue(path: string): Map<string, Entry> {
  const entries = new Map<string, Entry>();
  let contents: string;
  try {
    contents = readFileSync(path, 'utf8');
  } catch {
    return entries;
  }
  const end = contents.lastIndexOf('\n', contents.length - 2) + 1;
  if (!contents.startsWith(`${TITLE}\n`) || contents.slice(end).trim() !== crc32(contents.slice(0, end)).toString(16)) return entries;
  for (let start = TITLE.length + 1; start < end; ) {
    const lineEnd = contents.indexOf('\n', start);
    const first = contents.indexOf('\t', start);
    const second = contents.indexOf('\t', first + 1);
    const third = contents.indexOf('\t', second + 1);
    const summary = third + 1 === lineEnd ? null : (JSON.parse(contents.slice(third + 1, lineEnd)) as Summary);
    entries.set(contents.slice(second + 1, third), { stamp: Number(contents.slice(start, first)), revision: contents.slice(first + 1, second), summary });
    start = lineEnd + 1;
  }
  return entries;
}

/** Written aside and renamed, without an fsync: one that is lost or old costs time and nothing else. */
export function writeCatalogue(path: string, entries: Iterable<readonly [string, Entry]>): void {
  const lines = [TITLE];
  for (const [key, { stamp, revision, summary }] of entries) {
    if (!Number.isNaN(stamp)) lines.push(`${stamp}\t${revision}\t${key}\t${summary === null ? '' : JSON.stringify(summary)}`);
  }
  const contents = `${lines.join('\n')}\n`;
  rmSync(`${path}.new`, { force: true });
  writeNewFile(`${path}.new`, Buffer.from(`${contents}${crc32(contents).toString(16)}\n`));
  renameSync(`${path}.new`, path);
}

const TITLE = 'keywright-catalogue 1';

/** @returns a number that changes whenever a file is replaced or written: of its inode, time of change and size. */
export function stampOf({ ino, mtimeMs, size }: { readonly ino: number; readonly mtimeMs: number; readonly size: number }): number {
  return crc32(`${ino} ${mtimeMs} ${size}`) * 0x100000 + (size % 0x100000);
}
