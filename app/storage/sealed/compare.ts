import type { ListedRecord, StorageReader } from '../storage.ts';
import type { KeyRing } from './keys.ts';
import type { LoadedIndex } from './load-index.ts';
import { inBatches, readRaw } from './raw.ts';
import { openRecord, RECORD_PREFIX, type Entry } from './record.ts';
import type { Problem } from './types.ts';

export interface Comparison {
  /** By the record's name, but for those of the index itself. */
  readonly problems: Map<string, Problem>;
  /** Raw keys of records that the index does not have, by the name that the problem goes under. */
  readonly strays: Map<string, string>;
  /** Entries that damage of the index had taken, made anew from the records. */
  readonly recovered: readonly Entry[];
}

/** Beyond so many, recovered records are counted and not named one by one. */
const NAMED = 100;

/**
 * Compares what the raw storage lists under `r/` with what the index says. A record's revision is in its raw summary, so nothing
 * is opened but what differs. While the index is damaged, authentic records that it lacks are taken back into it.
 */
export async function compareWithRecords(raw: StorageReader, keys: KeyRing, index: LoadedIndex, listing: readonly (readonly ListedRecord[])[]): Promise<Comparison> {
  const { entries } = index;
  const places = new Places(entries);
  const seen = new Uint8Array(entries.length);
  const different: { id: string; entry: Entry | undefined }[] = [];
  for (const page of listing) {
    for (const { key, summary } of page) {
      const id = key.slice(RECORD_PREFIX.length);
      const place = places.of(id);
      const entry = entries[place];
      if (entry === undefined || entry.revision !== summary) different.push({ id, entry });
      if (entry !== undefined) seen[place] = 1;
    }
  }

  const problems = new Map<string, Problem>();
  const strays = new Map<string, string>();
  const recovered: Entry[] = [];
  const report = (record: string, detail: string) => problems.set(record, { record, detail });

  entries.forEach(({ name }, place) => {
    if (seen[place] === 0) report(name, 'The record is missing.');
  });
  await inBatches(different, 32, async ({ id, entry }) => {
    const key = RECORD_PREFIX + id;
    const stored = await readRaw(raw, key);
    const opened = stored === undefined || stored === 'damaged' ? undefined : openRecord(keys, id, stored.value);
    const name = entry?.name ?? opened?.entry.name ?? `record ${id}`;
    if (opened !== undefined && index.damage.length > 0) {
      recovered.push(opened.entry);
      return;
    }
    if (entry === undefined) strays.set(name, key);
    if (opened === undefined) report(name, 'The record is damaged.');
    else if (entry === undefined) report(name, 'The record is not in the index: it was put back after it had been deleted, or the index was set back.');
    else if (opened.entry.revision === entry.revision) report(name, 'The mark of its revision was altered; the record itself is intact.');
    else report(name, 'The record is not the one that the index expects: it was put back from another copy, or the index was set back.');
  });

  if (recovered.length <= NAMED) {
    for (const { name } of recovered) report(name, 'Its entry in the index was lost and made anew from the record, which could be an older one.');
  }
  for (const detail of index.damage) {
    const more = recovered.length === 0 ? '' : ` Entries were made anew from ${recovered.length} records; whether one of these is an older one cannot be told.`;
    problems.set(`index ${problems.size}`, { record: 'index', detail: detail + more });
  }
  return { problems, strays, recovered };
}

/** Where in a list the entry with an id is. Ids are codes and so evenly spread: their first digits hash them, for a fraction of what a Map of strings costs. */
class Places {
  readonly #entries: readonly Entry[];
  readonly #mask: number;
  /** One more than the place in the list; 0 is free. */
  readonly #slots: Int32Array;

  constructor(entries: readonly Entry[]) {
    this.#entries = entries;
    const size = 2 ** Math.ceil(Math.log2(2 * entries.length + 2));
    this.#mask = size - 1;
    this.#slots = new Int32Array(size);
    entries.forEach(({ id }, place) => {
      this.#slots[this.#slot(id)] = place + 1;
    });
  }

  /** @returns -1 when no entry has that id. */
  of(id: string): number {
    return this.#slots[this.#slot(id)]! - 1;
  }

  /** @returns the slot of that id, or the free one where it belongs. */
  #slot(id: string): number {
    let slot = firstDigits(id) & this.#mask;
    for (let taken = this.#slots[slot]!; taken !== 0 && this.#entries[taken - 1]!.id !== id; taken = this.#slots[slot]!) slot = (slot + 1) & this.#mask;
    return slot;
  }
}

/** @returns a number from the first seven characters, which should be hexadecimal digits. */
function firstDigits(id: string): number {
  let number = 0;
  for (let at = 0; at < 7; at += 1) {
    const code = id.charCodeAt(at);
    number = (number << 4) | ((code & 15) + (code > 57 ? 9 : 0));
  }
  return number;
}
