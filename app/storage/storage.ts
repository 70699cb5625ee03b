/**
 * Where records live: named bytes with revisions. `memory`, `file` and `sqlite` implement it, `sealed` implements it
 * over any of them, and `conformance.ts` is what all must pass.
 */

import type { KeywrightError } from '../contract/index.ts';

/** A JSON value kept beside a record, so that a listing need not open it (`sealed` keeps it in its sealed index). */
export type Summary = null | boolean | number | string | Summary[] | { [name: string]: Summary };

export interface StoredRecord {
  /** 1 to 512 characters of printable ASCII; `/` separates levels. */
  readonly key: string;
  /** At most 64 MiB. */
  readonly value: Uint8Array;
  /** Opaque; another one after each write, never one that this key had before, not even after a deletion. */
  readonly revision: string;
  readonly summary: Summary;
}

export type ListedRecord = Omit<StoredRecord, 'value'>;

export interface Page<T> {
  readonly items: readonly T[];
  /** Hand it back for the next page; absent on the last one. */
  readonly cursor?: string;
}

export interface PageRequest {
  /** 1 to 10,000. */
  readonly limit: number;
  readonly cursor?: string;
}

/** What must be true of the record for a write to happen; otherwise CONFLICT (or ALREADY_EXISTS for `absent`). */
export type IfRevision = string | 'absent' | 'any';

export interface PutOptions {
  readonly ifRevision: IfRevision;
  readonly summary?: Summary;
}

export interface StorageReader {
  get(key: string): Promise<StoredRecord | undefined>;
  /** Records whose key starts with `prefix`, ascending by key (UTF-16 code units, which for ASCII is byte order). */
  list(prefix: string, page: PageRequest): Promise<Page<ListedRecord>>;
}

/**
 * The writes of one transaction: seen by its own reads, by nobody else until it commits. A condition that does not hold
 * fails the whole transaction: at the write, or at the latest when it commits, and also when `work` caught it.
 */
export interface StorageTransaction extends StorageReader {
  /** @returns the record as it will be once committed; its revision is final. */
  put(key: string, value: Uint8Array, options: PutOptions): Promise<StoredRecord>;
  delete(key: string, options: { readonly ifRevision: IfRevision }): Promise<void>;
}

/**
 * Every method is atomic, and durable once it resolves (written and fsynced, as far as the kind can: `memory` cannot).
 *
 * @throws CONFLICT or ALREADY_EXISTS when `ifRevision` does not hold, CORRUPT_RECORD (with `where`: the key) for one
 *         that cannot be read, STORAGE_FULL, STORAGE_READ_ONLY, STORE_TOO_NEW; after any of them nothing has changed.
 */
export interface Storage extends StorageTransaction, AsyncDisposable {
  readonly kind: string;
  /** Writes commit together or not at all. Transactions run one after the other; `work` that throws rolls back. */
  transaction<T>(work: (tx: StorageTransaction) => Promise<T>): Promise<T>;
  /** Appends to a log that is *written* before it resolves but fsynced in groups; `flush` makes all of it durable. */
  readonly log: AppendLog;
  /** Reads everything there is, as `store verify` wants. @returns what is damaged, each with `where`; empty if nothing is. */
  check?(): Promise<readonly KeywrightError[]>;
}

/**
 * Append-only entries beside the records (the audit trail's uses of keys). An entry survives kill -9 once `append`
 * resolves and a power cut within 50 ms of it, or once `flush` resolves.
 */
export interface AppendLog {
  /** @param entry at most 1 MiB. @returns its number; the first is 1, without gaps. */
  append(entry: Uint8Array): Promise<number>;
  /**
   * Appends what stands for `count` entries (1 to 256), all of them or none even in a crash: read, the first is `group`, the others have
   * no byte. A kind may do without; its entries are then sealed one by one, which costs more of each. @returns the number of the first.
   */
  appendGroup?(group: Uint8Array, count: number): Promise<number>;
  flush(): Promise<void>;
  /** Entries from number `from` on, ascending. A torn last entry (a crash) is dropped at open; damage elsewhere is CORRUPT_RECORD. */
  read(from: number, limit: number): Promise<readonly { readonly number: number; readonly entry: Uint8Array }[]>;
  /** The newest number, 0 if there is none. */
  last(): Promise<number>;
  /** Numbers, inclusive, of entries that were durable once and cannot be read: {@link read} tells of one damage at a time. A kind may do without. */
  damaged?(): Promise<readonly { readonly from: number; readonly to: number }[]>;
}

/** A kind of storage that a store can be created on. The registry of kinds is open (see `docs/storage.md`). */
export interface StorageKind {
  readonly kind: string;
  /** Begins what takes a moment and touches no store, such as starting a thread: one will be opened soon. */
  prepare?(): void;
  /**
   * Opens or, with `create`, makes the storage in `folder` (0700, exists).
   * @throws NOT_FOUND, ALREADY_EXISTS, CORRUPT_RECORD (damaged: the files are left as they are), STORE_TOO_NEW, STORAGE_READ_ONLY.
   */
  open(options: OpenStorage): Promise<Storage>;
}

export interface OpenStorage {
  readonly folder: string;
  readonly create: boolean;
  /** For a process that does one thing and ends: what makes long work easier on others, such as a thread, is left out. A kind may ignore it. */
  readonly brief?: boolean;
}
