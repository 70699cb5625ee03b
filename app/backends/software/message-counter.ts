import { KeywrightError } from '../../contract/index.ts';
import type { KeyRef } from '../../keystore/keystore.ts';
import type { Storage, StorageReader, StorageTransaction, StoredRecord } from '../../storage/storage.ts';
import { nameOf } from './refusals.ts';

/**
 * Most messages under one version of an AEAD key with random 96-bit nonces: beyond it, the chance that two nonces are
 * equal passes 2^-32 (SP 800-38D §8.3). ChaCha20-Poly1305 gets the same bound: its nonce is as long.
 */
const MOST_MESSAGES = 2 ** 32;
/** So that counting costs one durable write in so many messages. What a crash leaves of a block counts as used. */
const BLOCK = 1024;
const TRIES = 5;

interface Live {
  used: number;
  reserved: number;
  revision: string;
  pending: Promise<void> | undefined;
}

/** Counts the messages of AEAD keys, durably: no count is used before the storage has a higher one. */
export class MessageCounter {
  readonly #storage: Storage;
  readonly #prefix: string;
  readonly #live = new Map<string, Live>();

  constructor(storage: Storage, instance: string) {
    this.#storage = storage;
    this.#prefix = `counter/${instance}/`;
  }

  /**
   * Counts one message.
   * @param before messages that were encrypted elsewhere before the key came here.
   * @param unit the call's own, when it has made this version and not committed it yet: its count then commits with it.
   * @throws CAPABILITY_MISSING at the limit
   */
  async count(key: KeyRef, before: number, unit: StorageTransaction | undefined): Promise<void> {
    const name = this.#nameOf(key);
    if (unit !== undefined) {
      const used = Math.max(before, readCount(await unit.get(name)));
      assertBelowLimit(key, used);
      await unit.put(name, countBytes(used + 1), { ifRevision: 'any' });
      return;
    }
    let live = this.#live.get(name);
    if (live === undefined) this.#live.set(name, live = { used: 0, reserved: 0, revision: '', pending: undefined });
    while (live.used >= live.reserved) {
      live.pending ??= this.#reserve(name, live, key, before).finally(() => { live.pending = undefined; });
      await live.pending;
    }
    live.used++;
  }

  /** @returns how many messages were encrypted so far. */
  async used(key: KeyRef, before: number, reader: StorageReader): Promise<number> {
    const name = this.#nameOf(key);
    const live = this.#live.get(name);
    return live !== undefined && live.reserved > 0 ? live.used : Math.max(before, readCount(await reader.get(name)));
  }

  /** Removes the counts of a key within the call's unit. */
  async remove(id: string, unit: StorageTransaction): Promise<void> {
    const prefix = `${this.#prefix}${id}/`;
    for (const name of this.#live.keys()) if (name.startsWith(prefix)) this.#live.delete(name);
    const { items } = await unit.list(prefix, { limit: 10_000 });
    for (const { key } of items) await unit.delete(key, { ifRevision: 'any' });
  }

  clear(): void {
    this.#live.clear();
  }

  async #reserve(name: string, live: Live, key: KeyRef, before: number): Promise<void> {
    for (let tries = 1; ; tries++) {
      const record = live.revision === '' ? await this.#storage.get(name) : undefined;
      const used = live.revision === '' ? Math.max(before, readCount(record)) : live.reserved;
      assertBelowLimit(key, used);
      const reserved = Math.min(used + BLOCK, MOST_MESSAGES);
      try {
        const written = await this.#storage.put(name, countBytes(reserved), { ifRevision: live.revision !== '' ? live.revision : (record?.revision ?? 'absent') });
        Object.assign(live, { used, reserved, revision: written.revision });
        return;
      } catch (thrown) {
        const other = thrown instanceof KeywrightError && (thrown.code === 'CONFLICT' || thrown.code === 'ALREADY_EXISTS');
        if (!other || tries === TRIES) throw thrown;
        live.revision = ''; // another opening of this instance took a block meanwhile: go on from what it wrote
      }
    }
  }

  #nameOf({ id, version }: KeyRef): string {
    return `${this.#prefix}${id}/${version}`;
  }
}

function assertBelowLimit(key: KeyRef, used: number): void {
  if (used < MOST_MESSAGES) return;
  throw new KeywrightError('CAPABILITY_MISSING', {
    detail: `${nameOf(key)} has encrypted 2^32 messages, the most that random nonces allow (SP 800-38D §8.3). It still decrypts.`,
    remedy: 'Rotate the key: the new version starts afresh, and old ciphertexts stay readable.',
  });
}

function readCount(record: StoredRecord | undefined): number {
  if (record === undefined) return 0;
  const count = Number(Buffer.from(record.value).toString('latin1'));
  if (Number.isSafeInteger(count) && count >= 0) return count;
  throw new KeywrightError('CORRUPT_RECORD', { detail: 'The message counter of a key is damaged.', where: record.key, remedy: 'Rotate the key, or restore a backup.' });
}

function countBytes(count: number): Uint8Array {
  return Buffer.from(String(count), 'latin1');
}
