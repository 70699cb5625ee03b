import { KeywrightError } from '../contract/index.ts';
import { Turns } from './turns.ts';
import type { IfRevision, ListedRecord, Page, PageRequest, PutOptions, Storage, StoredRecord, StorageTransaction } from '../storage/storage.ts';

interface Write {
  readonly value: Uint8Array | undefined;
  readonly options: PutOptions;
}

/**
 * The writes of one call, held back until it succeeds: whatever handlers and backends write commits in one storage
 * transaction, or not at all. Unlike a transaction it blocks nobody while the call waits for a person.
 * Reads see the call's own writes.
 */
export class UnitOfWork implements StorageTransaction {
  readonly #storage: Storage;
  readonly #writes = new Map<string, Write>();

  constructor(storage: Storage) {
    this.#storage = storage;
  }

  get isEmpty(): boolean {
    return this.#writes.size === 0;
  }

  async get(key: string): Promise<StoredRecord | undefined> {
    const write = this.#writes.get(key);
    if (write === undefined) return this.#storage.get(key);
    return write.value === undefined ? undefined : provisional(key, write.value, write.options);
  }

  async list(prefix: string, page: PageRequest): Promise<Page<ListedRecord>> {
    const stored = await this.#storage.list(prefix, page);
    const mine = [...this.#writes].filter(([key]) => key.startsWith(prefix));
    if (mine.length === 0) return stored;
    const touched = new Set(mine.map(([key]) => key));
    const added = mine.flatMap(([key, { value, options }]) => (value === undefined ? [] : [provisional(key, value, options)]));
    const items = [...stored.items.filter(({ key }) => !touched.has(key)), ...added].sort((a, b) => (a.key < b.key ? -1 : 1));
    return { ...stored, items };
  }

  async put(key: string, value: Uint8Array, options: PutOptions): Promise<StoredRecord> {
    const earlier = this.#writes.get(key);
    // The condition on what is stored is that of the first write; later ones replace the value alone.
    this.#writes.set(key, { value, options: earlier === undefined ? options : { ...options, ifRevision: earlier.options.ifRevision } });
    return provisional(key, value, options);
  }

  async delete(key: string, options: { readonly ifRevision: IfRevision }): Promise<void> {
    const earlier = this.#writes.get(key);
    if (earlier?.options.ifRevision === 'absent') this.#writes.delete(key);
    else this.#writes.set(key, { value: undefined, options: earlier?.options ?? options });
  }

  /** Commits everything with what `more` adds. @returns the records as stored, by key. @throws what {@link Storage} does; nothing has changed then. */
  async commit(more: (tx: StorageTransaction) => Promise<void>): Promise<ReadonlyMap<string, StoredRecord>> {
    try {
      return await this.#storage.transaction(async (tx) => {
        const stored = new Map<string, StoredRecord>();
        const turns = new Turns(); // thousands of records are sealed
        for (const [key, { value, options }] of this.#writes) {
          await turns.next();
          if (value === undefined) await tx.delete(key, options);
          else stored.set(key, await tx.put(key, value, options));
        }
        await more(tx);
        return stored;
      });
    } catch (thrown) {
      // What is there already by now was not there when the call looked: another one came first (two rotations at once).
      if (!(thrown instanceof KeywrightError) || thrown.code !== 'ALREADY_EXISTS') throw thrown;
      throw new KeywrightError('CONFLICT', { detail: 'Somebody else changed the same thing at the same time. Nothing of this call was changed.', remedy: 'Try again.', cause: thrown });
    }
  }
}

const PROVISIONAL = 'not-yet-committed';

function provisional(key: string, value: Uint8Array, options: PutOptions): StoredRecord {
  return { key, value, revision: PROVISIONAL, summary: options.summary ?? null };
}

/** @returns a record's JSON value. @throws CORRUPT_RECORD when it is none. */
export function jsonOf<T>(record: Pick<StoredRecord, 'key' | 'value'>): T {
  try {
    return JSON.parse(Buffer.from(record.value).toString('utf8')) as T;
  } catch (cause) {
    throw new KeywrightError('CORRUPT_RECORD', { detail: 'A record does not hold what it should.', where: record.key, remedy: 'Run `keywright store verify`, and restore a backup.', cause });
  }
}

/** @returns a record's value for {@link jsonOf}. */
export function jsonBytes(value: unknown): Uint8Array {
  return Buffer.from(JSON.stringify(value), 'utf8');
}
