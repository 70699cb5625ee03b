import { BufferedStorage, type Write } from '../buffered.ts';
import { alreadyThere, conditionError, nothingThere } from '../faults.ts';
import { requireGroup, requireLogEntry } from '../limits.ts';
import { OrderedRecords } from '../ordered.ts';
import type { AppendLog, ListedRecord, Page, PageRequest, StorageKind, StoredRecord, Summary } from '../storage.ts';

interface Kept {
  readonly value: Uint8Array;
  readonly revision: string;
  readonly summary: Summary;
}

/** Records in this process's memory, by folder name, so that a test can close and open them again. Nothing outlives the process. */
export const memoryKind: StorageKind = {
  kind: 'memory',
  async open({ folder, create }) {
    const there = stores.get(folder);
    if (create && there !== undefined) throw alreadyThere('memory');
    if (!create && there === undefined) throw nothingThere('memory');
    const contents = there ?? { records: new OrderedRecords<Kept>(), entries: [] };
    stores.set(folder, contents);
    return new MemoryStorage(contents);
  },
};

interface Contents {
  readonly records: OrderedRecords<Kept>;
  readonly entries: Uint8Array[];
}

const stores = new Map<string, Contents>();

class MemoryStorage extends BufferedStorage {
  readonly kind = 'memory';
  readonly log: AppendLog;
  readonly #records: OrderedRecords<Kept>;

  constructor({ records, entries }: Contents) {
    super();
    this.#records = records;
    this.log = new MemoryLog(entries);
  }

  protected async read(key: string): Promise<StoredRecord | undefined> {
    const kept = this.#records.get(key);
    return kept && { key, value: new Uint8Array(kept.value), revision: kept.revision, summary: kept.summary };
  }

  protected async page(prefix: string, page: PageRequest): Promise<Page<ListedRecord>> {
    return this.#records.page(prefix, page);
  }

  protected async commit(writes: readonly Write[]): Promise<void> {
    for (const { key, ifRevision } of writes) {
      const failed = conditionError(ifRevision, this.#records.get(key)?.revision);
      if (failed !== undefined) throw failed;
    }
    for (const { key, value, revision, summary } of writes) {
      if (value === undefined) this.#records.delete(key);
      else this.#records.set(key, { value, revision, summary });
    }
  }

  protected async close(): Promise<void> {}
}

class MemoryLog implements AppendLog {
  readonly #entries: Uint8Array[];

  constructor(entries: Uint8Array[]) {
    this.#entries = entries;
  }

  async append(entry: Uint8Array): Promise<number> {
    requireLogEntry(entry);
    return this.#entries.push(new Uint8Array(entry));
  }

  async appendGroup(group: Uint8Array, count: number): Promise<number> {
    requireLogEntry(group);
    requireGroup(count);
    return this.#entries.push(new Uint8Array(group), ...Array.from({ length: count - 1 }, () => new Uint8Array())) - count + 1;
  }

  async flush(): Promise<void> {}

  async read(from: number, limit: number): Promise<readonly { number: number; entry: Uint8Array }[]> {
    const start = Math.max(from, 1) - 1;
    return this.#entries.slice(start, start + limit).map((entry, index) => ({ number: start + index + 1, entry: new Uint8Array(entry) }));
  }

  async last(): Promise<number> {
    return this.#entries.length;
  }
}
