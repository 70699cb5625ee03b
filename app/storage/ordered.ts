import type { ListedRecord, Page, PageRequest } from './storage.ts';

/** A map from record keys to whatever a storage keeps of them, listed in the order of the keys. */
export class OrderedRecords<T extends Omit<ListedRecord, 'key'>> {
  readonly #records = new Map<string, T>();
  #sorted: string[] = [];
  #fresh: string[] = [];

  get size(): number {
    return this.#records.size;
  }

  get(key: string): T | undefined {
    return this.#records.get(key);
  }

  entries(): IterableIterator<[string, T]> {
    return this.#records.entries();
  }

  set(key: string, record: T): void {
    if (!this.#records.has(key)) this.#fresh.push(key);
    this.#records.set(key, record);
  }

  delete(key: string): void {
    if (!this.#records.has(key)) return;
    this.#arrange();
    this.#records.delete(key);
    this.#sorted.splice(this.#indexOf(key), 1);
  }

  page(prefix: string, { limit, cursor }: PageRequest): Page<ListedRecord> {
    this.#arrange();
    const start = cursor !== undefined && cursor >= prefix ? this.#indexOf(cursor, true) : this.#indexOf(prefix);
    const items: ListedRecord[] = [];
    let index = start;
    for (; index < this.#sorted.length && items.length < limit; index++) {
      const key = this.#sorted[index]!;
      if (!key.startsWith(prefix)) break;
      const { revision, summary } = this.#records.get(key)!;
      items.push({ key, revision, summary });
    }
    const more = items.length === limit && this.#sorted[index]?.startsWith(prefix) === true;
    return more ? { items, cursor: items[items.length - 1]!.key } : { items };
  }

  /** Sorting is left until somebody asks, since many records arrive together and few lists are read between. */
  #arrange(): void {
    if (this.#fresh.length === 0) return;
    if (this.#fresh.length < 16) {
      for (const key of this.#fresh) this.#sorted.splice(this.#indexOf(key), 0, key);
    } else {
      this.#sorted = [...this.#sorted, ...this.#fresh].sort((a, b) => (a < b ? -1 : 1));
    }
    this.#fresh = [];
  }

  /** @returns the place of the first key that is not before `key`, or, with `after`, the first behind it. */
  #indexOf(key: string, after = false): number {
    let low = 0;
    let high = this.#sorted.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const there = this.#sorted[middle]!;
      if (there < key || (after && there === key)) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
