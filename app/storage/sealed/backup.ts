import { createHash } from 'node:crypto';
import { KeywrightError } from '../../contract/index.ts';
import type { Storage, StorageTransaction, Summary } from '../storage.ts';
import { BACKUP_MAGIC, encodeFrame, noBackup, readFrames, type Frame } from './backup-format.ts';
import { HEADER_KEY, parseHeader } from './header.ts';
import { INDEX_PREFIX } from './index-format.ts';
import { inBatches, listRaw } from './raw.ts';
import { RECORD_PREFIX } from './record.ts';
import { rawOf } from './store.ts';
import type { SealedStorage, Watch } from './types.ts';

/** Takes the next bytes of the backup and resolves once it can take more. */
export type BackupSink = (chunk: Uint8Array) => Promise<void>;
/** Gives the backup's bytes from the start. Called twice: the file is checked whole before anything is written. */
export type BackupSource = () => AsyncIterable<Uint8Array>;

export interface BackupSummary {
  readonly storeId: string;
  /** Sealed records, the index aside. */
  readonly records: number;
  readonly logEntries: number;
  readonly bytes: number;
  /** Of the whole file, hexadecimal: what `sha256sum` prints. */
  readonly sha256: string;
}

const WIDTH = 64;
const LOG_PAGE = 1000;
const PIECE_BYTES = 256 * 1024;
const BATCH_BYTES = 8 * 1024 * 1024;
const any = { ifRevision: 'any' } as const;

/**
 * Writes the whole store, as sealed as it is, into one file. Works on a locked store's raw storage as well. Writers wait
 * until the records are read, so that the backup is of one moment.
 *
 * @throws NOT_FOUND (no store), CORRUPT_RECORD (`where`: the raw key), CANCELLED, what the sink throws.
 */
export async function writeBackup(store: SealedStorage | Storage, sink: BackupSink, { signal, progress }: Watch): Promise<BackupSummary> {
  const raw = rawOf(store) ?? store;
  const written = new Written(sink);
  await written.write(BACKUP_MAGIC);
  await store.log.flush();
  const { storeId, records, logEntries } = await raw.transaction(async (tx) => ({
    ...(await writeRecords(tx, written, { signal, progress })), logEntries: await raw.log.last(),
  }));
  await writeLog(raw, logEntries, written, signal);
  await written.write(encodeFrame({ kind: 'end', records, logEntries, sha256: written.digest() }));
  await written.handOver();
  return { storeId, records, logEntries, bytes: written.bytes, sha256: written.fileDigest() };
}

/**
 * Makes the store of a backup in an empty storage. The file is first read to its end and checked, and every record is
 * read back after it was written; the header comes last, so that whatever happens before leaves no store.
 *
 * @throws INVALID_INPUT (`where`: `offset n`) for a file that is no backup, cut short or altered; CORRUPT_RECORD (`where`) for a
 *         header that is damaged or a record that the storage did not keep; STORE_TOO_NEW; ALREADY_EXISTS when the storage is not empty; STORAGE_FULL; CANCELLED.
 */
export async function readBackup(source: BackupSource, raw: Storage, { signal, progress }: Watch): Promise<BackupSummary> {
  await mustBeEmpty(raw);
  const checked = await checkBackup(source, signal);
  try {
    await restore(source, raw, checked, { signal, progress });
  } catch (thrown) {
    await clear(raw).catch(() => undefined); // without its header it is no store in any case
    throw thrown;
  }
  return checked;
}

async function writeRecords(tx: StorageTransaction, written: Written, { signal, progress }: Watch): Promise<{ storeId: string; records: number }> {
  const header = await tx.get(HEADER_KEY);
  if (header === undefined) throw new KeywrightError('NOT_FOUND', 'There is no store here to back up.');
  const storeId = parseHeader(header.value).header.id;
  const keys: string[] = [];
  for (const prefix of [INDEX_PREFIX, RECORD_PREFIX]) {
    for await (const page of listRaw(tx, prefix)) for (const { key } of page) keys.push(key);
  }
  await written.write(encodeFrame({ kind: 'record', key: HEADER_KEY, value: header.value, summary: header.summary }));
  for (let at = 0; at < keys.length; at += WIDTH) {
    throwIfCancelled(signal);
    for (const record of await inBatches(keys.slice(at, at + WIDTH), WIDTH, (key) => tx.get(key))) {
      if (record !== undefined) await written.write(encodeFrame({ kind: 'record', key: record.key, value: record.value, summary: record.summary }));
    }
    progress(Math.min(at + WIDTH, keys.length), keys.length);
  }
  return { storeId, records: keys.filter((key) => key.startsWith(RECORD_PREFIX)).length };
}

/** @param last the newest entry of the moment that the records are of: one that came later may tell of a change that they do not have. */
async function writeLog(raw: Storage, last: number, written: Written, signal: AbortSignal): Promise<void> {
  for (let from = 1; from <= last; from += LOG_PAGE) {
    throwIfCancelled(signal);
    for (const { number, entry } of await raw.log.read(from, Math.min(LOG_PAGE, last - from + 1))) {
      await written.write(encodeFrame({ kind: 'log', number, entry }));
    }
  }
}

/** Reads the file to its end without writing anything. */
async function checkBackup(source: BackupSource, signal: AbortSignal): Promise<BackupSummary> {
  let storeId: string | undefined;
  let records = 0;
  let logEntries = 0;
  let before = '';
  for await (const { frame, offset, file } of readFrames(source())) {
    throwIfCancelled(signal);
    if (storeId === undefined) {
      if (frame.kind !== 'record' || frame.key !== HEADER_KEY) throw noBackup(offset, 'it does not start with the header of a store');
      storeId = parseHeader(frame.value).header.id;
    } else if (frame.kind === 'record') {
      if (frame.key <= before || !(frame.key.startsWith(INDEX_PREFIX) || frame.key.startsWith(RECORD_PREFIX))) throw noBackup(offset, 'a record is not in its place');
      before = frame.key;
      if (frame.key.startsWith(RECORD_PREFIX)) records += 1;
    } else if (frame.kind === 'log') {
      if (frame.number !== ++logEntries) throw noBackup(offset, 'an entry of the log is not in its place');
    } else if (frame.records !== records || frame.logEntries !== logEntries) {
      throw noBackup(offset, 'records are missing');
    }
    if (file !== undefined) return { storeId, records, logEntries, ...file };
  }
  throw noBackup(0, 'it has no end');
}

async function restore(source: BackupSource, raw: Storage, { records }: BackupSummary, { signal, progress }: Watch): Promise<void> {
  let header: Extract<Frame, { kind: 'record' }> | undefined;
  let batch: { key: string; value: Uint8Array; summary: Summary }[] = [];
  let bytes = 0;
  let done = 0;
  const write = async () => {
    await writeAndReadBack(raw, batch);
    done += batch.filter(({ key }) => key.startsWith(RECORD_PREFIX)).length;
    batch = [];
    bytes = 0;
    progress(done, records);
  };
  for await (const { frame } of readFrames(source())) {
    throwIfCancelled(signal);
    if (frame.kind === 'record' && header === undefined) {
      header = frame;
    } else if (frame.kind === 'record') {
      batch.push(frame);
      bytes += frame.value.length + 1000;
      if (bytes > BATCH_BYTES) await write();
    } else if (frame.kind === 'log') {
      await raw.log.append(frame.entry);
    }
  }
  await write();
  await raw.log.flush();
  if (header !== undefined) await writeAndReadBack(raw, [header]);
}

async function writeAndReadBack(raw: Storage, batch: readonly { key: string; value: Uint8Array; summary: Summary }[]): Promise<void> {
  await raw.transaction(async (tx) => {
    for (const { key, value, summary } of batch) await tx.put(key, value, { ifRevision: 'absent', summary });
  });
  await inBatches(batch, WIDTH, async ({ key, value }) => {
    const stored = await raw.get(key);
    if (stored !== undefined && Buffer.compare(stored.value, value) === 0) return;
    throw new KeywrightError('CORRUPT_RECORD', { detail: 'A record was not kept as it was written: the storage is faulty.', where: key });
  });
}

async function mustBeEmpty(raw: Storage): Promise<void> {
  if ((await raw.list('', { limit: 1 })).items.length === 0 && (await raw.log.last()) === 0) return;
  throw new KeywrightError('ALREADY_EXISTS', { detail: 'A backup is restored into an empty storage, and this one is not.', remedy: 'Choose an empty folder.' });
}

async function clear(raw: Storage): Promise<void> {
  const keys: string[] = [];
  for await (const page of listRaw(raw, '')) for (const { key } of page) keys.push(key);
  await raw.transaction(async (tx) => {
    for (const key of keys) await tx.delete(key, any);
  });
}

/** Counts and hashes what goes into the sink, and hands it over in large pieces. */
class Written {
  readonly #sink: BackupSink;
  readonly #hash = createHash('sha256');
  #held: Uint8Array[] = [];
  #heldBytes = 0;
  bytes = 0;

  constructor(sink: BackupSink) {
    this.#sink = sink;
  }

  async write(chunk: Uint8Array): Promise<void> {
    this.#hash.update(chunk);
    this.bytes += chunk.length;
    this.#held.push(chunk);
    this.#heldBytes += chunk.length;
    if (this.#heldBytes >= PIECE_BYTES) await this.handOver();
  }

  async handOver(): Promise<void> {
    const piece = Buffer.concat(this.#held);
    this.#held = [];
    this.#heldBytes = 0;
    await this.#sink(piece);
  }

  /** Of everything until now. */
  digest(): Buffer {
    return this.#hash.copy().digest();
  }

  fileDigest(): string {
    return this.digest().toString('hex');
  }
}

function throwIfCancelled(signal: AbortSignal): void {
  if (signal.aborted) throw new KeywrightError('CANCELLED', 'The call was cancelled.');
}
