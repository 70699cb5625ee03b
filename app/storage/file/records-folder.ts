import { closeSync, fstatSync, mkdirSync, openSync, readdirSync, readSync, rmSync, statSync } from 'node:fs';
import { open, readFile, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { syncFolder } from '../disk.ts';
import { corrupt } from '../faults.ts';
import { stampOf, type Entry } from './catalogue.ts';
import type { Change } from './journal.ts';
import { ASIDE, keyOf, pathOf, SHARDS } from './names.ts';
import { decodeHead, decodeRecord, TYPICAL_HEAD, type Head } from './record-file.ts';
import type { StoredRecord } from '../storage.ts';

/** Written, fsynced and renamed together: enough for the disk to work on, and few open files. */
const GROUP = 32;

/** The stamp of a file that cannot be read. */
const UNKNOWN = Number.NaN;

/** The revision that a damaged record is listed with when its own cannot be told. */
const DAMAGED = 'damaged';

export interface Scanned {
  /** How many files were not as the catalogue knew them. */
  readonly headsRead: number;
  /** Files that do not tell which record they hold. */
  readonly unreadable: readonly string[];
}

/** One file a record. */
export class RecordsFolder {
  readonly #path: string;

  constructor(path: string) {
    this.#path = path;
  }

  create(): void {
    for (const shard of SHARDS) mkdirSync(join(this.#path, shard), { recursive: true, mode: 0o700 });
    syncFolder(this.#path);
  }

  /**
   * Looks at every file, and reads the head of those that changed since `known` was written, so that a record that was
   * put back from a copy or removed shows at once. Clears away what a crash left behind.
   */
  async scan(known: ReadonlyMap<string, Entry>, found: (key: string, entry: Entry) => void): Promise<Scanned> {
    let headsRead = 0;
    const unreadable: string[] = [];
    for (const shard of SHARDS) {
      // The event loop has its turn between folders.
      await nextTurn();
      const folder = join(this.#path, shard);
      for (const name of readdirSync(folder)) {
        const path = join(folder, name);
        if (name.endsWith(ASIDE)) {
          rmSync(path);
          continue;
        }
        const named = keyOf(name);
        if (named === 'foreign') continue;
        const cached = named === 'hashed' ? undefined : known.get(named.key);
        const stamp = stampOf(statSync(path));
        if (named !== 'hashed' && cached?.stamp === stamp) {
          found(named.key, cached);
          continue;
        }
        headsRead += 1;
        const head = readHead(path);
        const key = named === 'hashed' ? head?.key : named.key;
        if (key === undefined || pathOf(key) !== join(shard, name)) {
          unreadable.push(join(shard, name));
          continue;
        }
        if (head === undefined || head.key !== key) found(key, { revision: cached?.revision ?? DAMAGED, summary: cached?.summary ?? null, stamp: UNKNOWN });
        else found(key, { revision: head.revision, summary: head.summary, stamp });
      }
    }
    return { headsRead, unreadable };
  }

  /** @returns the record; undefined if its file is gone. @throws CORRUPT_RECORD, or what the disk says. */
  async read(key: string): Promise<StoredRecord | undefined> {
    let bytes: Buffer;
    try {
      bytes = await readFile(join(this.#path, pathOf(key)));
    } catch (thrown) {
      if ((thrown as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
      throw thrown;
    }
    const record = decodeRecord(bytes);
    if (record === undefined) throw corrupt(key, 'Its file does not match its checksum.');
    if (record.key !== key) throw corrupt(key, 'Its file holds another record.');
    return record;
  }

  /** Makes changes durable: each file written, fsynced and renamed, then the folders fsynced. @returns the stamps of what was written. */
  async apply(changes: readonly Change[]): Promise<Map<string, number>> {
    const stamps = new Map<string, number>();
    const folders = new Set<string>();
    for (let start = 0; start < changes.length; start += GROUP) {
      const group = changes.slice(start, start + GROUP).map(([key, record]) => ({ key, record, path: join(this.#path, pathOf(key)) }));
      await this.#write(group.filter(isPut), stamps);
      await Promise.all(group.map(({ path, record }) => (record === undefined ? rm(path, { force: true }) : rename(`${path}${ASIDE}`, path))));
      for (const { path } of group) folders.add(dirname(path));
    }
    for (const folder of process.platform === 'win32' ? [] : folders) {
      const handle = await open(folder, 'r');
      try {
        await handle.sync();
      } finally {
        await handle.close();
      }
    }
    return stamps;
  }

  async #write(group: readonly Put[], stamps: Map<string, number>): Promise<void> {
    const written = await Promise.allSettled(group.map(async ({ key, path, record }) => {
      const handle = await open(`${path}${ASIDE}`, 'w', 0o600);
      try {
        await handle.writeFile(record);
        await handle.sync();
        stamps.set(key, stampOf(await handle.stat()));
      } finally {
        await handle.close();
      }
    }));
    const failed = written.find((outcome) => outcome.status === 'rejected');
    if (failed === undefined) return;
    // On a full disk every block counts.
    await Promise.allSettled(group.map(({ path }) => rm(`${path}${ASIDE}`, { force: true })));
    throw failed.reason;
  }
}

interface Put {
  readonly key: string;
  readonly path: string;
  readonly record: Buffer;
}

function isPut(change: { key: string; path: string; record: Buffer | undefined }): change is Put {
  return change.record !== undefined;
}

function readHead(path: string): Head | undefined {
  const file = openSync(path, 'r');
  try {
    let bytes = Buffer.allocUnsafe(TYPICAL_HEAD);
    bytes = bytes.subarray(0, readSync(file, bytes, 0, bytes.length, 0));
    let head = decodeHead(bytes);
    if (head !== undefined && 'needs' in head) {
      if (head.needs > fstatSync(file).size) return undefined;
      bytes = Buffer.allocUnsafe(head.needs);
      head = decodeHead(bytes.subarray(0, readSync(file, bytes, 0, bytes.length, 0)));
    }
    return head === undefined || 'needs' in head ? undefined : head;
  } finally {
    closeSync(file);
  }
}
