import type { KeyObject } from 'node:crypto';
import { KeywrightError } from '../../contract/index.ts';
import { requireLogEntry } from '../limits.ts';
import type { AppendLog } from '../storage.ts';
import { locked, SerialSealer, type KeyRing } from './keys.ts';
import { continues, GroupReader, MOST_TOGETHER, sealGroup } from './log-format.ts';

interface Waiting {
  readonly entry: Uint8Array;
  readonly resolve: (number: number) => void;
  readonly reject: (thrown: unknown) => void;
}

type RawEntries = Awaited<ReturnType<AppendLog['read']>>;

/** Entries are sealed together up to so many bytes; a longer one is alone. */
const MOST_BYTES = 64 * 1024;

/**
 * The append log, sealed. Each opening of the store has a key of its own, from a random salt that each envelope carries,
 * and nonces that count up: so that no nonce repeats even when a number is used again after a torn tail. The number of an
 * envelope's first entry is associated data: it opens in its own place alone.
 *
 * Sealing and writing cost about as much for many entries as for one. So under load entries wait for one another, as long as
 * each turn of the event loop brings further ones: some ten microseconds.
 */
export class SealedLog implements AppendLog {
  readonly #raw: AppendLog;
  #keys: KeyRing | undefined;
  #sealer: SerialSealer | undefined;
  readonly #readKeys = new Map<string, KeyObject>();
  /** The number of the newest entry that was written. */
  #last: number;
  #flushed = 0;
  #waiting: Waiting[] = [];
  /** The write under way. It never rejects: those who wait for their entries are told. */
  #writing: Promise<void> | undefined;
  #scheduled: NodeJS.Immediate | undefined;
  /** How many waited when it was looked last. */
  #seen = 0;
  /** The last write was of several entries: more are likely to come behind the first. */
  #busy = false;

  constructor(raw: AppendLog, keys: KeyRing, last: number) {
    this.#raw = raw;
    this.#keys = keys;
    this.#sealer = new SerialSealer(keys, 'log');
    this.#last = last;
  }

  /** So many entries are known to be on disk. */
  get flushed(): number {
    return this.#flushed;
  }

  append(entry: Uint8Array): Promise<number> {
    const { promise, resolve, reject } = Promise.withResolvers<number>();
    try {
      requireLogEntry(entry, 0);
      this.#ring();
    } catch (thrown) {
      reject(thrown);
      return promise;
    }
    this.#waiting.push({ entry: Buffer.from(entry), resolve, reject });
    if (this.#writing === undefined && this.#scheduled === undefined) {
      this.#seen = this.#busy ? 0 : 1;
      this.#scheduled = setImmediate(() => this.#look());
    }
    return promise;
  }

  async flush(): Promise<void> {
    this.#ring();
    while (this.#writing !== undefined || this.#waiting.length > 0) await (this.#writing ?? this.#write());
    const last = this.#last;
    await this.#raw.flush();
    this.#flushed = Math.max(this.#flushed, Math.min(last, this.#last));
  }

  async read(from: number, limit: number): Promise<readonly { readonly number: number; readonly entry: Uint8Array }[]> {
    const stored = await this.#raw.read(from, limit);
    const reader = await this.#readerFor(stored);
    return stored.map(({ number, entry }) => {
      const opened = reader.open(number, entry);
      if (opened === undefined) throw corruptEntry(number);
      return { number, entry: opened };
    });
  }

  /** Like {@link read}, but tells of damage instead of failing at the first. */
  async examine(from: number, limit: number): Promise<readonly { readonly number: number; readonly damaged: boolean }[]> {
    const stored = await this.#raw.read(from, limit);
    const reader = await this.#readerFor(stored);
    return stored.map(({ number, entry }) => ({ number, damaged: reader.open(number, entry) === undefined }));
  }

  async damaged(): Promise<readonly { readonly from: number; readonly to: number }[]> {
    return (await this.#raw.damaged?.()) ?? [];
  }

  async last(): Promise<number> {
    this.#ring();
    return this.#raw.last();
  }

  /** Nothing works any more. */
  close(): void {
    clearImmediate(this.#scheduled);
    for (const { reject } of this.#waiting.splice(0)) reject(locked());
    this.#keys = undefined;
    this.#sealer = undefined;
    this.#readKeys.clear();
  }

  #look(): void {
    this.#scheduled = undefined;
    const count = this.#waiting.length;
    if (count > this.#seen && count < MOST_TOGETHER) {
      this.#seen = count;
      this.#scheduled = setImmediate(() => this.#look());
    } else if (count > 0) void this.#write();
  }

  /** Writes those that have waited longest. */
  #write(): Promise<void> {
    clearImmediate(this.#scheduled);
    this.#scheduled = undefined;
    const group = this.#waiting.splice(0, this.#fitting());
    const first = this.#last + 1;
    this.#busy = group.length > 1;
    this.#writing = this.#append(first, group).then(
      () => {
        this.#last = first + group.length - 1;
        this.#writing = undefined;
        group.forEach(({ resolve }, index) => resolve(first + index));
        if (this.#waiting.length > 0) void this.#write();
      },
      (thrown: unknown) => this.#fail(group, thrown),
    );
    return this.#writing;
  }

  async #append(first: number, group: readonly Waiting[]): Promise<void> {
    if (this.#sealer === undefined) throw locked();
    const sealed = sealGroup(this.#sealer, first, group.map(({ entry }) => entry));
    const got = this.#raw.appendGroup === undefined ? await this.#raw.append(sealed) : await this.#raw.appendGroup(sealed, group.length);
    if (got !== first) throw new KeywrightError('INTERNAL', { detail: 'The log did not take this entry in its turn.', remedy: 'Try again.' });
  }

  /** @returns how many of those that wait go into the next envelope. */
  #fitting(): number {
    if (this.#raw.appendGroup === undefined) return 1;
    let bytes = 0;
    const beyond = this.#waiting.findIndex(({ entry }, index) => index === MOST_TOGETHER || (bytes += entry.length) > MOST_BYTES);
    return beyond === -1 ? this.#waiting.length : Math.max(1, beyond);
  }

  /** Those behind a failed one fail too, since they may follow from it. Then it is counted anew. */
  async #fail(group: readonly Waiting[], thrown: unknown): Promise<void> {
    for (const { reject } of [...group, ...this.#waiting.splice(0)]) reject(thrown);
    try {
      this.#last = await this.#raw.last();
    } catch {
      // The next append fails as this one did, and tries again.
    }
    this.#writing = undefined;
    if (this.#waiting.length > 0) void this.#write();
  }

  /** @returns a reader that knows the group to which the first of these belongs, if it began before. */
  async #readerFor([first]: RawEntries): Promise<GroupReader> {
    const reader = new GroupReader(this.#ring(), (salt) => this.#keyOf(salt));
    if (first === undefined || !continues(first.entry)) return reader;
    for (const { number, entry } of await this.#lastBefore(first.number)) reader.open(number, entry);
    return reader;
  }

  /** @returns the raw entries directly before one, as many as a group may have and can be read. */
  async #lastBefore(number: number): Promise<RawEntries> {
    for (let from = Math.max(1, number - MOST_TOGETHER + 1); from < number; from += 1) {
      const before = await this.#raw.read(from, number - from).catch(() => []);
      if (before.length === number - from) return before;
    }
    return [];
  }

  #keyOf(salt: Uint8Array): KeyObject {
    const name = Buffer.from(salt).toString('hex');
    let key = this.#readKeys.get(name);
    if (key === undefined) {
      if (this.#readKeys.size >= 1000) this.#readKeys.clear();
      key = this.#ring().derivedFor('log', salt);
      this.#readKeys.set(name, key);
    }
    return key;
  }

  #ring(): KeyRing {
    if (this.#keys === undefined) throw locked();
    return this.#keys;
  }
}

function corruptEntry(number: number): KeywrightError {
  return new KeywrightError('CORRUPT_RECORD', {
    detail: `Entry ${number} of the log is damaged or not in its place.`,
    remedy: 'Restore the store from a backup to have the entry again; all records still work.',
    where: `log ${number}`,
  });
}
