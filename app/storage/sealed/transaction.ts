import { because, KeywrightError } from '../../contract/index.ts';
import { requireKey } from '../limits.ts';
import type { IfRevision, ListedRecord, Page, PageRequest, PutOptions, StorageTransaction, StoredRecord } from '../storage.ts';
import { asciiJson } from './bytes.ts';
import type { Catalogue } from './catalogue.ts';
import { checkRecord, checkRevision, pageOf } from './checks.ts';
import type { KeyRing } from './keys.ts';
import { readRaw } from './raw.ts';
import { newRevision, openRecord, RECORD_PREFIX, sealRecord, summaryOf, type Entry } from './record.ts';

const any = { ifRevision: 'any' } as const;

/** The entries that a transaction changes; null: deleted. */
export type Changes = Map<string, Entry | null>;

/** What a transaction sees: the catalogue, and over it its own changes. */
export class SealedTransaction implements StorageTransaction {
  readonly #raw: StorageTransaction;
  readonly #keys: KeyRing;
  readonly #catalogue: Catalogue;
  readonly #changes: Changes;
  /** The raw key under which a name lies that the index does not have: put back from an older copy. */
  readonly #stray: (name: string) => string | undefined;
  readonly #underWay = new Set<Promise<unknown>>();
  #failed: unknown;
  #ended = false;

  constructor(raw: StorageTransaction, keys: KeyRing, catalogue: Catalogue, changes: Changes, stray: (name: string) => string | undefined) {
    this.#raw = raw;
    this.#keys = keys;
    this.#catalogue = catalogue;
    this.#changes = changes;
    this.#stray = stray;
  }

  async get(key: string): Promise<StoredRecord | undefined> {
    this.#check(key);
    const entry = this.#entry(key);
    if (entry === undefined) return undefined;
    const stored = await readRaw(this.#raw, RECORD_PREFIX + entry.id);
    const opened = stored === undefined || stored === 'damaged' ? undefined : openRecord(this.#keys, entry.id, stored.value, entry.revision);
    if (opened === undefined) throw corruptRecord(key);
    return { ...listed(entry), value: opened.value };
  }

  async list(prefix: string, page: PageRequest): Promise<Page<ListedRecord>> {
    this.#requireOpen();
    return pageOf(page, (after) => this.#merged(prefix, after), listed);
  }

  async put(key: string, value: Uint8Array, { ifRevision, summary = null }: PutOptions): Promise<StoredRecord> {
    this.#check(key);
    const json = asciiJson(summary);
    checkRecord(value, json);
    const before = this.#entry(key);
    this.#require(key, before, ifRevision);
    const entry: Entry = { name: key, id: before?.id ?? this.#keys.opaqueId(key), revision: newRevision(), summary: json };
    const sealed = sealRecord(this.#keys, entry, value);
    this.#changes.set(key, entry);
    await this.#write(this.#raw.put(RECORD_PREFIX + entry.id, sealed, { ...any, summary: entry.revision }));
    return { ...listed(entry), value };
  }

  async delete(key: string, { ifRevision }: { readonly ifRevision: IfRevision }): Promise<void> {
    this.#check(key);
    const before = this.#entry(key);
    this.#require(key, before, ifRevision);
    const there = before === undefined ? this.#stray(key) : RECORD_PREFIX + before.id;
    if (there === undefined) return;
    this.#changes.set(key, null);
    await this.#write(this.#raw.delete(there, any));
  }

  /** Waits for what `work` did not wait for. @throws what made any write fail, even if `work` went on: nothing of it may commit. */
  async end(): Promise<void> {
    this.#ended = true;
    await Promise.allSettled(this.#underWay);
    if (this.#failed !== undefined) throw this.#failed;
  }

  async #write(writing: Promise<unknown>): Promise<void> {
    this.#underWay.add(writing);
    try {
      await writing;
    } catch (thrown) {
      this.#failed ??= thrown;
      throw thrown;
    } finally {
      this.#underWay.delete(writing);
    }
  }

  #entry(name: string): Entry | undefined {
    const changed = this.#changes.get(name);
    return changed === null ? undefined : (changed ?? this.#catalogue.get(name));
  }

  *#merged(prefix: string, after: string | undefined): IterableIterator<Entry> {
    const added = [...this.#changes.values()]
      .filter((entry): entry is Entry => entry !== null && entry.name.startsWith(prefix) && (after === undefined || entry.name > after))
      .sort((a, b) => (a.name < b.name ? -1 : 1));
    let next = 0;
    for (const entry of this.#catalogue.startingWith(prefix, after)) {
      if (this.#changes.has(entry.name)) continue;
      for (let own = added[next]; own !== undefined && own.name < entry.name; own = added[++next]) yield own;
      yield entry;
    }
    yield* added.slice(next);
  }

  /** A condition that does not hold fails the whole transaction, whether or not `work` catches the error. */
  #require(name: string, before: Entry | undefined, ifRevision: IfRevision): void {
    try {
      checkRevision(name, before, ifRevision);
    } catch (thrown) {
      this.#failed ??= thrown;
      throw thrown;
    }
  }

  #check(key: string): void {
    this.#requireOpen();
    requireKey(key);
  }

  #requireOpen(): void {
    if (this.#ended) throw new KeywrightError('INTERNAL', 'A transaction was used after its end.');
  }
}

export function listed(entry: Entry): ListedRecord {
  return { key: entry.name, revision: entry.revision, summary: summaryOf(entry) };
}

export function corruptRecord(name: string): KeywrightError {
  return new KeywrightError('CORRUPT_RECORD', {
    ...because('store.record-damaged', { name }),
    where: name,
  });
}
