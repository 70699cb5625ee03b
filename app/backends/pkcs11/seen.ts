import type { KeyAlgorithmName, Usage } from '../../contract/index.ts';
import type { Storage } from '../../storage/storage.ts';
import type { KeySelector } from './messages.ts';
import type { KeyObject, TokenObjects } from './module/objects.ts';

/** A key as it was seen last, when more of it showed than now. */
export interface SeenKey extends KeySelector {
  readonly algorithm: KeyAlgorithmName;
  readonly usages: readonly Usage[];
  readonly extractable: boolean;
  readonly publicKey: string | null;
  readonly local: boolean | null;
  readonly alwaysAuthenticate: boolean;
  /** False: only its public key has shown so far. */
  readonly seen: boolean;
  /** When it was seen first: tokens keep no date of their own. */
  readonly since: string;
}

/**
 * What a token showed of its keys while somebody was logged in. Before a login its private objects do not show, but they are there: what
 * was seen is kept in the store, so that nobody needs to give a PIN to see a list again.
 */
export class SeenKeys {
  readonly #storage: Storage;
  readonly #record: string;
  #keys: Map<string, SeenKey> | undefined;
  #turn: Promise<unknown> = Promise.resolve();

  constructor(storage: Storage, instance: string, token: string) {
    this.#storage = storage;
    this.#record = `material/${instance}/seen/${token}`;
  }

  /**
   * Brings together what shows now and what was seen before.
   * @param loggedIn everything shows: what does not is gone.
   */
  async update({ keys }: TokenObjects, loggedIn: boolean): Promise<SeenKey[]> {
    const before = await this.#read();
    const after = new Map<string, SeenKey>();
    for (const key of keys) {
      if (key.algorithm === null) continue;
      const name = nameOf(key);
      const known = before.get(name);
      // The same key with less to see of it than before.
      const same = known !== undefined && known.publicKey === key.publicKey;
      after.set(name, same && !key.seen ? known : toSeen(key, key.algorithm, same ? known.since : new Date().toISOString()));
    }
    if (!loggedIn) for (const [name, key] of before) if (!after.has(name) && key.kind === 'secret-key') after.set(name, key);
    const changed = JSON.stringify([...before]) !== JSON.stringify([...after]);
    this.#keys = after;
    if (changed) await this.#write();
    return [...after.values()];
  }

  async #read(): Promise<Map<string, SeenKey>> {
    if (this.#keys !== undefined) return this.#keys;
    const record = await this.#storage.get(this.#record).catch(() => undefined); // damaged: it is read from the token again
    this.#keys = new Map(record === undefined ? [] : (JSON.parse(Buffer.from(record.value).toString('utf8')) as SeenKey[]).map((key) => [nameOf(key), key]));
    return this.#keys;
  }

  #write(): Promise<void> {
    const write = this.#turn.catch(() => undefined).then(() => this.#storage.put(this.#record, Buffer.from(JSON.stringify([...(this.#keys as Map<string, SeenKey>).values()])), { ifRevision: 'any' })).then(() => undefined);
    this.#turn = write;
    return write;
  }
}

const nameOf = ({ kind, id, label }: KeySelector): string => `${kind}\0${id}\0${label}`;

function toSeen({ kind, id, label, usages, extractable, publicKey, local, alwaysAuthenticate, seen }: KeyObject, algorithm: KeyAlgorithmName, since: string): SeenKey {
  return { kind, id, label, algorithm, usages, extractable, publicKey, local, alwaysAuthenticate, seen, since };
}
