import type { Entry } from './record.ts';

const CHUNK = 512;

/** The entries of all records in memory, ascending by name. Kept in chunks, so that an insertion moves a few hundred and not all. */
export class Catalogue {
  readonly #chunks: Entry[][] = [];
  #size: number;

  /** @param entries ascending by name, each name once. */
  constructor(entries: readonly Entry[]) {
    this.#size = entries.length;
    for (let at = 0; at < entries.length; at += CHUNK) this.#chunks.push(entries.slice(at, at + CHUNK));
  }

  get size(): number {
    return this.#size;
  }

  get(name: string): Entry | undefined {
    const { chunk, at } = this.#place(name);
    const entry = this.#chunks[chunk]?.[at];
    return entry?.name === name ? entry : undefined;
  }

  set(entry: Entry): void {
    const { chunk, at } = this.#place(entry.name);
    const entries = this.#chunks[chunk];
    if (entries === undefined) {
      this.#chunks.push([entry]);
      this.#size += 1;
      return;
    }
    const known = entries[at]?.name === entry.name;
    entries.splice(at, known ? 1 : 0, entry);
    if (!known) this.#size += 1;
    if (entries.length > 2 * CHUNK) this.#chunks.splice(chunk, 1, entries.slice(0, CHUNK), entries.slice(CHUNK));
  }

  delete(name: string): void {
    const { chunk, at } = this.#place(name);
    const entries = this.#chunks[chunk];
    if (entries?.[at]?.name !== name) return;
    entries.splice(at, 1);
    this.#size -= 1;
    if (entries.length === 0) this.#chunks.splice(chunk, 1);
  }

  /** Entries whose name is at least `from` (greater, with `after`) and starts with `prefix`, ascending. */
  *startingWith(prefix: string, after?: string): IterableIterator<Entry> {
    const from = after !== undefined && after >= prefix ? after : prefix;
    let { chunk, at } = this.#place(from);
    for (; chunk < this.#chunks.length; chunk++, at = 0) {
      const entries = this.#chunks[chunk] as Entry[];
      for (; at < entries.length; at++) {
        const entry = entries[at] as Entry;
        if (entry.name === after) continue;
        if (!entry.name.startsWith(prefix)) return;
        yield entry;
      }
    }
  }

  /** Where the first entry is that is not below `name`; within the last chunk if there is none. */
  #place(name: string): { chunk: number; at: number } {
    let low = 0;
    let high = this.#chunks.length - 1;
    while (low < high) { // the first chunk whose last entry is not below
      const middle = (low + high) >> 1;
      if ((this.#chunks[middle]?.at(-1)?.name ?? '') < name) low = middle + 1;
      else high = middle;
    }
    const entries = this.#chunks[low] ?? [];
    let at = 0;
    let end = entries.length;
    while (at < end) {
      const middle = (at + end) >> 1;
      if ((entries[middle]?.name ?? '') < name) at = middle + 1;
      else end = middle;
    }
    return { chunk: low, at };
  }
}
