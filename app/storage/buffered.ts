import { KeywrightError } from '../contract/index.ts';
import { closed, conditionError } from './faults.ts';
import { newRevision, requireKey, requirePage, requireValue } from './limits.ts';
import type { AppendLog, IfRevision, ListedRecord, Page, PageRequest, PutOptions, Storage, StorageReader, StorageTransaction, StoredRecord, Summary } from './storage.ts';

/** One write of a commit. */
export interface Write {
  readonly key: string;
  /** What must hold of the record as it was before the transaction. */
  readonly ifRevision: IfRevision;
  /** `undefined` deletes. A copy of its own, exactly as long as its buffer: it may be handed to another thread. */
  readonly value: Uint8Array | undefined;
  readonly revision: string;
  readonly summary: Summary;
}

/**
 * What all kinds of storage share: transactions run one after the other, hold their writes back, and hand them to
 * {@link commit} in one go. So a commit is one message to SQLite's thread, or one entry in the journal of files.
 */
export abstract class BufferedStorage implements Storage {
  abstract readonly kind: string;
  abstract readonly log: AppendLog;
  #last: Promise<unknown> = Promise.resolve();
  #closing: Promise<void> | undefined;

  /** Checks every condition and makes every write, or throws and changes nothing. Never called twice at once. */
  protected abstract commit(writes: readonly Write[]): Promise<void>;
  protected abstract read(key: string): Promise<StoredRecord | undefined>;
  protected abstract page(prefix: string, page: PageRequest): Promise<Page<ListedRecord>>;
  protected abstract close(): Promise<void>;

  async get(key: string): Promise<StoredRecord | undefined> {
    this.#requireOpen();
    requireKey(key);
    return this.read(key);
  }

  async list(prefix: string, page: PageRequest): Promise<Page<ListedRecord>> {
    this.#requireOpen();
    requirePage(page);
    return this.page(prefix, page);
  }

  async put(key: string, value: Uint8Array, options: PutOptions): Promise<StoredRecord> {
    return this.transaction((tx) => tx.put(key, value, options));
  }

  async delete(key: string, options: { readonly ifRevision: IfRevision }): Promise<void> {
    return this.transaction((tx) => tx.delete(key, options));
  }

  async transaction<T>(work: (tx: StorageTransaction) => Promise<T>): Promise<T> {
    this.#requireOpen();
    return this.#inTurn(async () => {
      const tx = new BufferedTransaction({ get: (key) => this.read(key), list: (prefix, page) => this.page(prefix, page) });
      try {
        const result = await work(tx);
        const writes = tx.end();
        if (writes.length > 0) await this.commit(writes);
        return result;
      } finally {
        tx.end(false);
      }
    });
  }

  /** Waits for what is under way, then closes; what comes later fails. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing ??= this.#inTurn(() => this.close());
    return this.#closing;
  }

  /** Runs when all that asked before it are done. */
  async #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const before = this.#last;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#last = promise;
    await before;
    try {
      return await work();
    } finally {
      resolve();
    }
  }

  #requireOpen(): void {
    if (this.#closing !== undefined) throw closed();
  }
}

class BufferedTransaction implements StorageTransaction {
  readonly #storage: StorageReader;
  readonly #writes = new Map<string, Write>();
  #failed: KeywrightError | undefined;
  #ended = false;

  constructor(storage: StorageReader) {
    this.#storage = storage;
  }

  async get(key: string): Promise<StoredRecord | undefined> {
    this.#requireOpen();
    requireKey(key);
    const write = this.#writes.get(key);
    if (write === undefined) return this.#storage.get(key);
    if (write.value === undefined) return undefined;
    return { key, value: new Uint8Array(write.value), revision: write.revision, summary: write.summary };
  }

  async list(prefix: string, page: PageRequest): Promise<Page<ListedRecord>> {
    this.#requireOpen();
    requirePage(page);
    const stored = await this.#storage.list(prefix, page);
    const after = page.cursor ?? '';
    // Beyond the last record of this page lies the next page, unless it is the last one.
    const until = stored.cursor;
    const mine = [...this.#writes.values()].filter(({ key }) => key.startsWith(prefix) && key > after && (until === undefined || key <= until));
    if (mine.length === 0) return stored;
    const touched = new Set(mine.map(({ key }) => key));
    const written = mine.flatMap(({ key, value, revision, summary }) => (value === undefined ? [] : [{ key, revision, summary }]));
    const items = [...stored.items.filter(({ key }) => !touched.has(key)), ...written].sort((a, b) => (a.key < b.key ? -1 : 1));
    if (items.length <= page.limit) return { ...stored, items };
    const cut = items.slice(0, page.limit);
    return { items: cut, cursor: cut[cut.length - 1]!.key };
  }

  async put(key: string, value: Uint8Array, { ifRevision, summary = null }: PutOptions): Promise<StoredRecord> {
    requireValue(value);
    const revision = newRevision();
    const kept = summary === null || typeof summary !== 'object' ? summary : structuredClone(summary);
    this.#write({ key, ifRevision, value: new Uint8Array(value), revision, summary: kept });
    return { key, value, revision, summary };
  }

  async delete(key: string, { ifRevision }: { readonly ifRevision: IfRevision }): Promise<void> {
    this.#write({ key, ifRevision, value: undefined, revision: '', summary: null });
  }

  /** @returns the writes to commit. @throws the first condition that did not hold. After it no write is taken. */
  end(commit = true): readonly Write[] {
    this.#ended = true;
    if (commit && this.#failed !== undefined) throw this.#failed;
    return [...this.#writes.values()];
  }

  #write(write: Write): void {
    this.#requireOpen();
    requireKey(write.key);
    const earlier = this.#writes.get(write.key);
    if (earlier === undefined) {
      this.#writes.set(write.key, write);
      return;
    }
    const failed = conditionError(write.ifRevision, earlier.value === undefined ? undefined : earlier.revision);
    if (failed !== undefined) {
      this.#failed ??= failed;
      throw failed;
    }
    // The condition on what is stored is that of the first write.
    this.#writes.set(write.key, { ...write, ifRevision: earlier.ifRevision });
  }

  #requireOpen(): void {
    if (this.#ended) throw new KeywrightError('INTERNAL', 'A transaction was used after its end.');
  }
}
