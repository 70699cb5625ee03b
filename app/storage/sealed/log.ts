import type { KeyObject } from 'node:crypto';
import { KeywrightError } from '../../contract/index.ts';
import { requireLogEntry } from '../limits.ts';
import type { AppendLog } from '../storage.ts';
import { locked, OVERHEAD, SALT_BYTES, SerialSealer, type KeyRing } from './keys.ts';

/**
 * The append log, sealed. Each opening of the store has a key of its own, from a random salt that each entry carries,
 * and nonces that count up: so that no nonce repeats even when a number is used again after a torn tail. An entry's
 * number is associated data: it opens in its own place alone.
 */
export class SealedLog implements AppendLog {
  readonly #raw: AppendLog;
  #keys: KeyRing | undefined;
  #sealer: SerialSealer | undefined;
  readonly #readKeys = new Map<string, KeyObject>();
  /** The number that the last append got or, while it is under way, will get. */
  #last: number;
  #flushed = 0;
  #underWay = new Set<Promise<unknown>>();
  #settling: Promise<void> | undefined;

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

  async append(entry: Uint8Array): Promise<number> {
    requireLogEntry(entry, 0);
    while (this.#settling !== undefined) await this.#settling;
    if (this.#sealer === undefined) throw locked();
    const number = this.#last + 1;
    const sealed = this.#sealer.seal(contextOf(number), [entry]);
    this.#last = number;
    const appending = this.#raw.append(sealed);
    this.#underWay.add(appending);
    try {
      const got = await appending;
      if (got !== number) throw new KeywrightError('INTERNAL', { detail: 'The log did not take this entry in its turn.', remedy: 'Try again.' });
      return number;
    } catch (thrown) {
      this.#settling ??= this.#settle();
      throw thrown;
    } finally {
      this.#underWay.delete(appending);
    }
  }

  async flush(): Promise<void> {
    this.#ring();
    const last = this.#last;
    await Promise.allSettled(this.#underWay);
    await this.#raw.flush();
    this.#flushed = Math.max(this.#flushed, Math.min(last, this.#last));
  }

  async read(from: number, limit: number): Promise<readonly { readonly number: number; readonly entry: Uint8Array }[]> {
    this.#ring();
    const stored = await this.#raw.read(from, limit);
    return stored.map(({ number, entry }) => {
      const opened = this.#open(number, entry);
      if (opened === undefined) throw corruptEntry(number);
      return { number, entry: opened };
    });
  }

  /** Like {@link read}, but tells of damage instead of failing at the first. */
  async examine(from: number, limit: number): Promise<readonly { readonly number: number; readonly damaged: boolean }[]> {
    this.#ring();
    const stored = await this.#raw.read(from, limit);
    return stored.map(({ number, entry }) => ({ number, damaged: this.#open(number, entry) === undefined }));
  }

  async last(): Promise<number> {
    this.#ring();
    return this.#raw.last();
  }

  /** Nothing works any more. */
  close(): void {
    this.#keys = undefined;
    this.#sealer = undefined;
    this.#readKeys.clear();
  }

  #open(number: number, sealed: Uint8Array): Uint8Array | undefined {
    if (sealed.length < OVERHEAD) return undefined;
    return this.#ring().openUnder(this.#keyOf(sealed.subarray(1, 1 + SALT_BYTES)), contextOf(number), sealed);
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

  /** After a failed append the numbers given to those behind it are wrong: waits for them, then counts anew. */
  async #settle(): Promise<void> {
    try {
      await Promise.allSettled(this.#underWay);
      this.#last = await this.#raw.last();
    } catch {
      // The next append fails as this one did, and tries again.
    } finally {
      this.#settling = undefined;
    }
  }

  #ring(): KeyRing {
    if (this.#keys === undefined) throw locked();
    return this.#keys;
  }
}

function contextOf(number: number): string {
  return `keywright/log/1/${number}`;
}

function corruptEntry(number: number): KeywrightError {
  return new KeywrightError('CORRUPT_RECORD', {
    detail: `Entry ${number} of the log is damaged or not in its place.`,
    remedy: 'Restore the store from a backup to have the entry again; all records still work.',
    where: `log ${number}`,
  });
}
