import { accessSync, constants, existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { KeywrightError } from '../../contract/index.ts';
import { FileAppendLog, type AppendLogOptions } from '../append-log.ts';
import { BufferedStorage, type Write } from '../buffered.ts';
import { syncFolder, writeNewFile } from '../disk.ts';
import { alreadyThere, conditionError, corrupt, nothingThere, storageError, tooNew } from '../faults.ts';
import { OrderedRecords } from '../ordered.ts';
import type { ListedRecord, Page, PageRequest, Storage, StorageKind, StoredRecord } from '../storage.ts';
import { readCatalogue, writeCatalogue, type Entry } from './catalogue.ts';
import { Journal, type Change } from './journal.ts';
import { decodeRecord, encodeRecord } from './record-file.ts';
import { RecordsFolder, type Scanned } from './records-folder.ts';

/** One file a record: damage to one leaves all others alone. `docs/storage.md` tells the layout and what it promises. */
export const fileKind: StorageKind = { kind: 'file', open: (options) => openFileStorage(options) };

interface FileStorageOptions {
  readonly folder: string;
  readonly create: boolean;
  /** The journal is emptied into the records' files when it is this long … */
  readonly settleBytes?: number;
  /** … or when nothing was written for so many milliseconds. */
  readonly settleDelay?: number;
  readonly appendLog?: AppendLogOptions;
}

/** As {@link fileKind} opens it, with a journal and log files of another length. */
export async function openFileStorage({ folder, create, settleBytes = 2 * 1024 * 1024, settleDelay = 500, appendLog }: FileStorageOptions): Promise<Storage> {
  try {
    const marker = join(folder, MARKER);
    const records = new RecordsFolder(join(folder, 'records'));
    const isThere = existsSync(marker);
    if (create && (isThere || hasFiles(folder))) throw alreadyThere('file');
    if (!create && !isThere) throw nothingThere('file');
    accessSync(folder, constants.W_OK);
    if (create) createStorage(folder);
    else migrate(folder);
    const known = readCatalogue(join(folder, CATALOGUE));
    const { journal, changes } = Journal.open(join(folder, 'journal'));
    const entries = new OrderedRecords<Entry>();
    const scanned = await records.scan(known, (key, entry) => entries.set(key, entry));
    const storage = new FileStorage({ folder, records, journal, entries, scanned, settleBytes, settleDelay, log: new FileAppendLog(join(folder, 'log'), appendLog) });
    storage.replay(changes);
    return storage;
  } catch (thrown) {
    throw storageError(thrown);
  }
}

const MARKER = 'storage.json';
const CATALOGUE = 'catalogue';

/** Step number n brings a folder from format n to n + 1. A step that was released is never changed. */
const MIGRATIONS: readonly ((folder: string) => void)[] = [
  (folder) => {
    for (const name of ['records', 'journal', 'log']) mkdirSync(join(folder, name), { recursive: true, mode: 0o700 });
    new RecordsFolder(join(folder, 'records')).create();
  },
];

/** The marker comes last: without it there is no storage, and a creation that was cut off is made again. */
function createStorage(folder: string): void {
  for (const step of MIGRATIONS) step(folder);
  writeMarker(folder);
}

/** @returns whether there are records, in case the marker alone was lost. */
function hasFiles(folder: string): boolean {
  return ['records', 'journal'].some((name) => {
    const path = join(folder, name);
    return existsSync(path) && readdirSync(path, { recursive: true, withFileTypes: true }).some((found) => found.isFile());
  });
}

function writeMarker(folder: string): void {
  const marker = join(folder, MARKER);
  rmSync(`${marker}.new`, { force: true });
  writeNewFile(`${marker}.new`, Buffer.from(`${JSON.stringify({ kind: 'file', format: MIGRATIONS.length })}\n`));
  renameSync(`${marker}.new`, marker);
  syncFolder(folder);
}

function migrate(folder: string): void {
  const format = formatIn(readFileSync(join(folder, MARKER), 'utf8'));
  if (format > MIGRATIONS.length) throw tooNew(format, MIGRATIONS.length);
  if (format === MIGRATIONS.length) return;
  for (const step of MIGRATIONS.slice(format)) step(folder);
  writeMarker(folder);
}

function formatIn(marker: string): number {
  try {
    const { kind, format } = JSON.parse(marker) as { kind?: unknown; format?: unknown };
    if (kind === 'file' && typeof format === 'number' && Number.isInteger(format) && format >= 1) return format;
  } catch {
    // Told below.
  }
  throw corrupt(MARKER, 'It does not tell the format of this storage.');
}

interface Parts extends Required<Pick<FileStorageOptions, 'folder' | 'settleBytes' | 'settleDelay'>> {
  readonly records: RecordsFolder;
  readonly journal: Journal;
  readonly entries: OrderedRecords<Entry>;
  readonly scanned: Scanned;
  readonly log: FileAppendLog;
}

/** From so many changed records on the catalogue is written again: below it, reading their heads costs less. */
const WORTH_SAVING = 1000;

class FileStorage extends BufferedStorage {
  readonly kind = 'file';
  readonly log: FileAppendLog;
  readonly #parts: Parts;
  readonly #entries: OrderedRecords<Entry>;
  /** In the newest file of the journal, and not yet in a file of its own. */
  #pending = new Map<string, Buffer | undefined>();
  /** On the way into files of their own. */
  #settling = new Map<string, Buffer | undefined>();
  #settled: Promise<boolean> | undefined;
  #timer: NodeJS.Timeout | undefined;
  #unsaved: number;
  #committing: Promise<void> | undefined;

  constructor(parts: Parts) {
    super();
    this.#parts = parts;
    this.#entries = parts.entries;
    this.#unsaved = parts.scanned.headsRead;
    this.log = parts.log;
  }

  /** Takes what a journal held at open for written. */
  replay(changes: readonly Change[]): void {
    for (const [key, record] of changes) {
      const decoded = record && decodeRecord(record);
      if (record !== undefined && decoded === undefined) throw corrupt(key, 'Its last change cannot be read.');
      this.#take(key, record, decoded);
    }
    if (this.#pending.size > 0) this.#settleSoon();
  }

  async check(): Promise<readonly KeywrightError[]> {
    const wrong = this.#parts.scanned.unreadable.map((path) => corrupt(path, 'It cannot be told which record it holds.'));
    for (const [key] of [...this.#entries.entries()]) {
      await this.read(key).catch((thrown: unknown) => wrong.push(storageError(thrown, key)));
    }
    for (const { from, to } of await this.log.damaged()) wrong.push(corrupt(`log entry ${from}`, `Entries ${from} to ${to} cannot be read.`));
    return wrong;
  }

  protected async read(key: string): Promise<StoredRecord | undefined> {
    for (;;) {
      const entry = this.#entries.get(key);
      if (entry === undefined) return undefined;
      const held = this.#pending.get(key) ?? this.#settling.get(key);
      if (held !== undefined) return decodeRecord(held);
      const record = await this.#parts.records.read(key).catch((thrown: unknown) => {
        throw storageError(thrown, key);
      });
      if (record?.revision === entry.revision) return record;
      // It may have been changed while it was read.
      if (this.#entries.get(key)?.revision !== entry.revision) continue;
      throw corrupt(key, record === undefined ? 'Its file is gone.' : 'Its file was replaced by another version.');
    }
  }

  protected async page(prefix: string, page: PageRequest): Promise<Page<ListedRecord>> {
    return this.#entries.page(prefix, page);
  }

  protected async commit(writes: readonly Write[]): Promise<void> {
    for (const { key, ifRevision } of writes) {
      const failed = conditionError(ifRevision, this.#entries.get(key)?.revision);
      if (failed !== undefined) throw failed;
    }
    const { journal, settleBytes } = this.#parts;
    // Files are slower than the journal: whoever writes without a pause waits for them now and then.
    if (journal.bytes >= 4 * settleBytes) await this.#settle();
    const changes = writes.flatMap((write): { write: Write; record: Buffer | undefined }[] => {
      if (write.value !== undefined) return [{ write, record: encodeRecord({ ...write, value: write.value }) }];
      return this.#entries.get(write.key) === undefined ? [] : [{ write, record: undefined }];
    });
    if (changes.length === 0) return;
    this.#committing = (async () => {
      await journal.append(changes.map(({ write, record }) => [write.key, record]));
      for (const { write, record } of changes) this.#take(write.key, record, write);
    })();
    try {
      await this.#committing;
    } catch (thrown) {
      throw storageError(thrown);
    } finally {
      this.#committing = undefined;
    }
    if (journal.bytes >= settleBytes) void this.#settle();
    else this.#settleSoon();
  }

  protected async close(): Promise<void> {
    clearTimeout(this.#timer);
    try {
      await this.#settled;
      // What cannot be settled, on a full disk say, stays in the journal.
      if (this.#pending.size > 0) await this.#settle();
      clearTimeout(this.#timer);
      this.#saveCatalogue();
    } finally {
      this.#parts.journal.close();
      await this.log.close();
    }
  }

  #take(key: string, record: Buffer | undefined, entry: Pick<ListedRecord, 'revision' | 'summary'> | undefined): void {
    this.#pending.set(key, record);
    if (record === undefined || entry === undefined) this.#entries.delete(key);
    else this.#entries.set(key, { revision: entry.revision, summary: entry.summary, stamp: Number.NaN });
  }

  #settleSoon(): void {
    if (this.#timer === undefined) this.#timer = setTimeout(() => void this.#settle(), this.#parts.settleDelay).unref();
    else this.#timer.refresh();
  }

  /** Moves what the journal holds into the records' files. @returns whether it succeeded; if not, all stays in the journal. */
  #settle(): Promise<boolean> {
    this.#settled ??= this.#settleNow().finally(() => {
      this.#settled = undefined;
    });
    return this.#settled;
  }

  async #settleNow(): Promise<boolean> {
    const { journal, records } = this.#parts;
    // A journal's file is not finished between a commit's write and its fsync.
    while (this.#committing !== undefined) await this.#committing.catch(() => undefined);
    const batch = this.#pending;
    try {
      const finished = journal.rotate();
      this.#settling = batch;
      this.#pending = new Map();
      const stamps = await records.apply([...batch]);
      journal.remove(finished);
      for (const [key, stamp] of stamps) {
        const entry = this.#entries.get(key);
        if (entry !== undefined && !this.#pending.has(key)) this.#entries.set(key, { ...entry, stamp });
      }
      this.#unsaved += batch.size;
      if (this.#unsaved >= WORTH_SAVING + this.#entries.size / 4) this.#saveCatalogue();
      return true;
    } catch {
      // The journal keeps it, and the next change or closing tries again.
      for (const [key, record] of this.#settling) if (!this.#pending.has(key)) this.#pending.set(key, record);
      return false;
    } finally {
      this.#settling = new Map();
    }
  }

  #saveCatalogue(): void {
    if (this.#unsaved < WORTH_SAVING) return;
    try {
      writeCatalogue(join(this.#parts.folder, CATALOGUE), this.#entries.entries());
      this.#unsaved = 0;
    } catch {
      // It only saves time.
    }
  }
}
