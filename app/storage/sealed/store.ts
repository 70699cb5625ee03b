import { because, KeywrightError, type SecretBytes } from '../../contract/index.ts';
import { requireKey } from '../limits.ts';
import type { IfRevision, ListedRecord, Page, PageRequest, PutOptions, Storage, StorageTransaction, StoredRecord } from '../storage.ts';
import type { Catalogue } from './catalogue.ts';
import { pageOf } from './checks.ts';
import { removal } from './entries.ts';
import { Examiner } from './examiner.ts';
import { describeHeader, encodeHeader, HEADER_KEY, type Header } from './header.ts';
import type { Journal, Journalled } from './journal.ts';
import { locked, type KeyRing } from './keys.ts';
import type { SealedLog } from './log.ts';
import { readRaw } from './raw.ts';
import { openRecord, RECORD_PREFIX, revisionOf, type Entry } from './record.ts';
import { makeSlot, MAX_SLOTS, unlockSlots } from './slots.ts';
import { corruptRecord, listed, SealedTransaction, type Changes } from './transaction.ts';
import type { NewSlot, Problem, SealedStorage, SlotDescription, Slots, StoreHeader, Watch } from './types.ts';
import { verifyStore } from './verify.ts';

/** Deltas that start a compaction: in the background, and when the store is closed. */
const BACKLOG = 128;
const BACKLOG_AT_CLOSE = 32;
/** Under which name among the problems it stands that all is a copy from before: no record has it. */
const OLDER = 'older copy';
interface StoreParts {
  readonly raw: Storage;
  readonly keys: KeyRing;
  readonly header: Header;
  readonly catalogue: Catalogue;
  readonly journal: Journal;
  readonly log: SealedLog;
  readonly problems: Map<string, Problem>;
  readonly strays: Map<string, string>;
}

/** An open store: a storage over a raw one, all of whose records, names, summaries and log entries are sealed (docs/store-format.md). */
export class SealedStore implements SealedStorage {
  readonly kind = 'sealed';
  readonly #raw: Storage;
  readonly #keys: KeyRing;
  readonly #catalogue: Catalogue;
  readonly #journal: Journal;
  readonly #log: SealedLog;
  readonly #problems: Map<string, Problem>;
  readonly #strays: Map<string, string>;
  #header: Header;
  #open = true;
  /** What the transaction under way changes: seen by readers only once it has committed. */
  #pending: Changes = new Map();
  #queue: Promise<unknown> = Promise.resolve();
  #compacting: Promise<void> | undefined;
  #closing: Promise<void> | undefined;
  readonly #examiner = new Examiner(async (name) => {
    if (this.#open && (await this.#read(name)) === 'corrupt') this.#report(name);
  });

  constructor(parts: StoreParts) {
    this.#raw = parts.raw;
    this.#keys = parts.keys;
    this.#header = parts.header;
    this.#catalogue = parts.catalogue;
    this.#journal = parts.journal;
    this.#log = parts.log;
    this.#problems = parts.problems;
    this.#strays = parts.strays;
  }

  static rawOf(store: SealedStore): Storage {
    return store.#raw;
  }

  get header(): StoreHeader {
    return describeHeader(this.#header);
  }

  get problems(): readonly Problem[] {
    return [...this.#problems.values()];
  }

  get size(): number {
    return this.#catalogue.size;
  }

  get log(): SealedLog {
    return this.#log;
  }

  async get(key: string): Promise<StoredRecord | undefined> {
    this.#check(key);
    const outcome = await this.#read(key);
    if (outcome === 'corrupt') {
      this.#report(key);
      throw corruptRecord(key);
    }
    return outcome;
  }

  async list(prefix: string, page: PageRequest): Promise<Page<ListedRecord>> {
    this.#checkOpen();
    return pageOf(page, (after) => this.#catalogue.startingWith(prefix, after), listed);
  }

  *snapshot(prefix: string): IterableIterator<ListedRecord> {
    this.#checkOpen();
    for (const entry of this.#catalogue.startingWith(prefix)) yield listed(entry);
  }

  put(key: string, value: Uint8Array, options: PutOptions): Promise<StoredRecord> {
    return this.transaction((tx) => tx.put(key, value, options));
  }

  delete(key: string, options: { readonly ifRevision: IfRevision }): Promise<void> {
    return this.transaction((tx) => tx.delete(key, options));
  }

  transaction<T>(work: (tx: StorageTransaction) => Promise<T>): Promise<T> {
    return this.#transaction(work, () => this.#knownLog);
  }

  get logKnown(): number {
    return this.#journal.log;
  }

  acceptShortLog<T>(entries: number, work: (tx: StorageTransaction) => Promise<T>): Promise<T> {
    return this.#transaction(work, () => entries);
  }

  reportOlder(detail: string): void {
    this.#problems.set(OLDER, { record: 'index', detail });
  }

  /** A log that was cut off counts with what it had, until that is accepted. */
  get #knownLog(): number {
    return Math.max(this.#log.flushed, this.#journal.log);
  }

  /** @param log how many entries the log has from now on, as far as the store knows. */
  #transaction<T>(work: (tx: StorageTransaction) => Promise<T>, log: () => number): Promise<T> {
    return this.#exclusively(async () => {
      const changes: Changes = new Map();
      let journalled: Journalled | undefined;
      try {
        const result = await this.#raw.transaction(async (rawTx) => {
          const tx = new SealedTransaction(rawTx, this.#keys, this.#catalogue, changes, (name) => this.#strays.get(name));
          this.#pending = changes;
          const answer = await work(tx);
          await tx.end();
          if (changes.size > 0) journalled = await this.#journal.write(rawTx, toEntries(changes), log());
          return answer;
        });
        if (journalled !== undefined) this.#apply(changes, journalled);
        return result;
      } catch (thrown) {
        throw journalled === undefined ? thrown : asForeignWrite(thrown);
      } finally {
        this.#pending = new Map();
      }
    });
  }

  verify(watch: Watch): Promise<{ records: number; problems: Problem[] }> {
    this.#checkOpen();
    return verifyStore({
      raw: this.#raw, keys: this.#keys, log: this.#log, header: this.#header,
      entries: [...this.#catalogue.startingWith('')],
      examine: async (name) => (await this.#read(name)) !== 'corrupt',
      exclusively: (work) => this.#exclusively(work),
    }, watch).then(({ records, problems, strays }) => {
      // That the log was cut off, or the rest put back, is seen as the store is opened: it grows since, and lacks what it lacked.
      for (const name of ['log', OLDER]) {
        const known = this.#problems.get(name);
        if (known !== undefined) problems.set(name, known);
      }
      this.#problems.clear();
      for (const [name, problem] of problems) this.#problems.set(name, problem);
      this.#strays.clear();
      for (const [name, key] of strays) this.#strays.set(name, key);
      return { records, problems: [...problems.values()] };
    });
  }

  readonly slots: Slots = {
    list: () => this.header.slots,
    add: (slot) => this.#addSlot(slot),
    remove: (id) => this.#exclusively(async () => {
      const slots = this.#header.slots.filter((slot) => slot.id !== id);
      if (slots.length === this.#header.slots.length) throw new KeywrightError('NOT_FOUND', `There is no unlock slot ${id}.`);
      if (slots.length === 0) {
        throw new KeywrightError('CONFLICT', because('store.last-slot', {}));
      }
      await this.#writeHeader({ ...this.#header, slots });
    }),
  };

  async changePassphrase(current: SecretBytes, next: SecretBytes): Promise<void> {
    this.#checkOpen();
    const { slot, root } = await unlockSlots(this.#header.id, this.#header.slots, { kind: 'passphrase', secret: current });
    root.wipe();
    const kdf = slot.kdf.algorithm === 'argon2id' ? { kdf: slot.kdf } : {};
    await this.#exclusively(async () => {
      const replacement = await makeSlot(this.#header.id, this.#keys.root, { kind: 'passphrase', label: slot.label, secret: next, ...kdf });
      await this.#writeHeader({ ...this.#header, slots: this.#header.slots.map((one) => (one.id === slot.id ? replacement : one)) });
    });
  }

  deriveKey(purpose: string, length: number): SecretBytes {
    this.#checkOpen();
    return this.#keys.derive(purpose, length);
  }

  /** What was begun is finished; nothing is begun any more. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#open = false;
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    this.#examiner.stop();
    try {
      await this.#queue;
      await this.#compacting;
      await this.#log.flush();
      if (this.#log.flushed > this.#journal.log) await this.#noteLog().catch(() => undefined); // then the next opening expects a shorter one
      if (this.#journal.backlog > BACKLOG_AT_CLOSE && !this.#journal.damaged) await this.#compact().catch(() => undefined); // the next opening is slower, that is all
    } finally {
      this.#log.close();
      this.#keys[Symbol.dispose]();
    }
  }

  /** Finds what the listing cannot judge. */
  startExamining(): Promise<void> {
    return this.#examiner.start([...this.#catalogue.startingWith('')].map(({ name }) => name));
  }

  /**
   * Reads without waiting for writers. The raw record may be newer than the entry that we looked up: then that entry
   * has changed meanwhile, or is about to, and the transaction under way knows the new one.
   */
  async #read(name: string): Promise<StoredRecord | undefined | 'corrupt'> {
    for (;;) {
      const entry = this.#catalogue.get(name);
      if (entry === undefined) return undefined;
      const stored = await readRaw(this.#raw, RECORD_PREFIX + entry.id);
      this.#checkOpen();
      const value = stored === undefined || stored === 'damaged' ? undefined : stored.value;
      const opened = value && openRecord(this.#keys, entry.id, value, entry.revision);
      if (opened !== undefined) return { ...listed(entry), value: opened.value };
      if (this.#catalogue.get(name) !== entry) continue;
      const pending = this.#pending.get(name);
      if (pending === null && stored === undefined) return undefined;
      const next = pending && value && revisionOf(value) === pending.revision ? openRecord(this.#keys, entry.id, value, pending.revision) : undefined;
      return next === undefined || !pending ? 'corrupt' : { ...listed(pending), value: next.value };
    }
  }

  #apply(changes: Changes, journalled: Journalled): void {
    for (const [name, entry] of changes) {
      if (entry === null) this.#catalogue.delete(name);
      else this.#catalogue.set(entry);
      this.#problems.delete(name);
      this.#strays.delete(name);
    }
    this.#committed(journalled);
  }

  #committed(journalled: Journalled): void {
    this.#journal.committed(journalled);
    if (this.#journal.backlog < BACKLOG || this.#compacting !== undefined) return;
    this.#compacting = this.#compact()
      .catch(() => undefined) // what was written stays as it was; the next transaction tries again
      .finally(() => { this.#compacting = undefined; });
  }

  #compact(): Promise<void> {
    return this.#journal.compact(this.#catalogue, (work) => this.#inTurn(work));
  }

  async #addSlot(slot: NewSlot): Promise<SlotDescription> {
    return this.#exclusively(async () => {
      if (this.#header.slots.length >= MAX_SLOTS) throw new KeywrightError('INVALID_INPUT', `A store has at most ${MAX_SLOTS} unlock slots.`);
      const made = await makeSlot(this.#header.id, this.#keys.root, slot);
      await this.#writeHeader({ ...this.#header, slots: [...this.#header.slots, made] });
      return { id: made.id, kind: made.kind, label: made.label, createdAt: made.createdAt };
    });
  }

  /** Tells the index how long the log is, so that an end that is cut off later is missed. */
  #noteLog(): Promise<void> {
    return this.#inTurn(async () => {
      this.#journal.committed(await this.#raw.transaction((tx) => this.#journal.write(tx, [], this.#knownLog)));
    });
  }

  /** With a delta that knows the new header's code, so that the older header is noticed if it is put back. */
  async #writeHeader(header: Header): Promise<void> {
    const { value, mac } = encodeHeader(this.#keys, header);
    const journalled = await this.#raw.transaction(async (tx) => {
      await tx.put(HEADER_KEY, value, { ifRevision: 'any' });
      return this.#journal.write(tx, [], this.#knownLog, mac);
    }).catch((thrown: unknown) => { throw asForeignWrite(thrown); });
    this.#header = header;
    this.#problems.delete('header');
    this.#committed(journalled);
  }

  async #exclusively<T>(work: () => Promise<T>): Promise<T> {
    this.#checkOpen();
    return this.#inTurn(work);
  }

  /** Runs when all that asked before it are done, and before anything that asks later. */
  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#queue.then(work);
    this.#queue = turn.catch(() => undefined);
    return turn;
  }

  #report(name: string): void {
    if (!this.#problems.has(name)) this.#problems.set(name, { record: name, detail: 'The record is damaged, missing or was put back from another copy.' });
  }

  #check(key: string): void {
    this.#checkOpen();
    requireKey(key);
  }

  #checkOpen(): void {
    if (!this.#open) throw locked();
  }
}

/** The raw storage under a sealed one; undefined when it is not sealed. */
export function rawOf(storage: Storage): Storage | undefined {
  return storage instanceof SealedStore ? SealedStore.rawOf(storage) : undefined;
}

/** All conditions were met by our own index: only another writer can have taken the place of our delta. */
function asForeignWrite(thrown: unknown): unknown {
  if (!(thrown instanceof KeywrightError) || thrown.code !== 'ALREADY_EXISTS') return thrown;
  return new KeywrightError('CONFLICT', { ...because('store.other-writer', {}), cause: thrown });
}

function toEntries(changes: Changes): Entry[] {
  return [...changes].map(([name, entry]) => entry ?? removal(name)).sort((a, b) => (a.name < b.name ? -1 : 1));
}
