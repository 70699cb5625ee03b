import { createPublicKey, type KeyObject } from 'node:crypto';
import { KeywrightError, SecretBytes, type KeyAlgorithmName, type Usage } from '../../contract/index.ts';
import type { CapabilitySet, KeyCall, KeyMaterial, KeyRef } from '../../keystore/keystore.ts';
import type { StorageReader, StorageTransaction, StoredRecord } from '../../storage/storage.ts';
import { LeastRecentlyUsed } from './lru.ts';
import { lockSecret, unlockSecret } from './passphrase.ts';
import { decodeMaterial, encodeMaterial, MaterialNames, type Material, type MaterialHead } from './record.ts';
import { throwIfEnded } from './cancel.ts';
import { nameOf, usageMissing } from './refusals.ts';

/** What differs between key pairs and symmetric keys. */
export interface KeyKind {
  readonly type: 'pkcs8' | 'aes';
  readonly capabilities: CapabilitySet;
  /** @returns PKCS#8 DER or the raw key, and the SPKI of a pair. @throws CANCELLED as soon as the signal says so */
  make(algorithm: KeyAlgorithmName, signal: AbortSignal): Promise<NewSecret>;
  /** Checks material from elsewhere and gives it the form in which it is kept; does not wipe it. @throws INVALID_INPUT */
  check(material: KeyMaterial): Promise<NewSecret>;
  load(secret: Uint8Array): KeyObject;
  /** Between the secret and the PrivateKeyInfo that is encrypted under a passphrase of the key's own; both give new bytes. */
  pack(secret: Uint8Array): Uint8Array;
  unpack(privateKeyInfo: Uint8Array): Uint8Array;
}

export interface NewSecret extends Disposable {
  readonly secret: SecretBytes;
  readonly publicKey: Uint8Array | null;
  /** ML-DSA and ML-KEM: it has its expanded form alone. */
  readonly seedless: boolean;
}

/** A key ready to act. */
export interface LoadedKey {
  readonly head: MaterialHead;
  /** The private or the secret key. */
  readonly key: KeyObject;
  /** Where the facets keep what they derive from it, as long as the key is kept. */
  readonly derived: Map<string, unknown>;
}

/** Enough for all keys that a busy agent uses in turns; each takes a few kilobytes. */
const CACHED_KEYS = 1024;
const MOST_VERSIONS = 10_000;

/**
 * The versions of software keys in the store, and those used last as KeyObjects, so that using one reads no storage.
 * Keys with a passphrase of their own are never kept.
 */
export class SoftwareKeys {
  readonly kind: KeyKind;
  readonly names: MaterialNames;
  readonly #cache = new LeastRecentlyUsed<LoadedKey>(CACHED_KEYS);
  /** What a call has written that has not committed yet: nobody else may see it, so it is not kept either. */
  readonly #written = new WeakMap<StorageTransaction, Set<string>>();
  /** Removed keys: until the removal commits, another call could still read one and would keep it for ever. */
  readonly #removed = new Set<string>();

  constructor(kind: KeyKind, instance: string) {
    this.kind = kind;
    this.names = new MaterialNames(instance, kind.type);
  }

  /** @returns a key for a use, asking for its passphrase if it has one. @throws NOT_FOUND, CAPABILITY_MISSING, PIN_REQUIRED, PIN_INCORRECT, CANCELLED */
  async use(ref: KeyRef, usage: Usage, call: KeyCall): Promise<LoadedKey> {
    const loaded = this.#cached(ref) ?? await this.#load(ref, usage, call);
    if (!loaded.head.usages.includes(usage)) throw usageMissing(ref, loaded.head.usages, usage);
    return loaded;
  }

  /** @returns the public half of a pair; needs no passphrase. */
  async usePublic(ref: KeyRef, usage: Usage, call: KeyCall): Promise<{ readonly head: MaterialHead; readonly publicKey: KeyObject }> {
    const head = this.#cached(ref)?.head ?? await this.head(ref, call.unit);
    if (!head.usages.includes(usage)) throw usageMissing(ref, head.usages, usage);
    const publicKey = createPublicKey({ key: spkiOf(head), format: 'der', type: 'spki' });
    return { head, publicKey };
  }

  /** @throws NOT_FOUND, CORRUPT_RECORD */
  async head(ref: KeyRef, reader: StorageReader): Promise<MaterialHead> {
    const { head, secret } = await this.#read(ref, reader);
    secret.fill(0);
    return head;
  }

  /** @returns the heads of all versions, ascending; none for a key that is not there. */
  async heads(id: string, reader: StorageReader): Promise<MaterialHead[]> {
    const { items } = await reader.list(this.names.ofKey(id), { limit: MOST_VERSIONS });
    const heads: MaterialHead[] = [];
    for (const { key } of items) {
      const record = await reader.get(key);
      if (record === undefined) continue;
      const { head, secret } = this.#decode(record, id, reader);
      secret.fill(0);
      heads.push(head);
    }
    return heads;
  }

  /** Gives a key's secret away: the caller wipes it and must have checked that it may leave. */
  async secretOf(ref: KeyRef, call: KeyCall): Promise<SecretBytes> {
    const { head, secret } = await this.#read(ref, call.unit);
    try {
      return head.protection === 'store' ? new SecretBytes(Uint8Array.from(secret)) : await this.#unlock(secret, ref, call);
    } finally {
      secret.fill(0);
    }
  }

  /** Writes a new version into the call's unit. @throws ALREADY_EXISTS, there or when the call commits */
  async write(id: string, head: MaterialHead, secret: SecretBytes, passphrase: SecretBytes | undefined, call: KeyCall): Promise<void> {
    const name = this.names.ofVersion(id, head.version);
    let kept = secret.reveal();
    if (passphrase !== undefined) {
      const packed = this.kind.pack(kept);
      kept = await lockSecret(packed, passphrase);
      packed.fill(0);
    }
    throwIfEnded(call.signal);
    await call.unit.put(name, encodeMaterial(head, kept), { ifRevision: 'absent' });
    this.#ownWrites(call.unit).add(id);
  }

  /** Takes all versions away within the call's unit. */
  async remove(id: string, call: KeyCall): Promise<number> {
    const { items } = await call.unit.list(this.names.ofKey(id), { limit: MOST_VERSIONS });
    this.#removed.add(id);
    this.#ownWrites(call.unit).add(id);
    this.#cache.forget(`${id}/`);
    for (const { key } of items) await call.unit.delete(key, { ifRevision: 'any' });
    return items.length;
  }

  /** @returns the call's unit when this call itself made or changed the key and has not committed yet. */
  pendingUnit(id: string, unit: StorageTransaction): StorageTransaction | undefined {
    return this.#isOwnWrite(id, unit) ? unit : undefined;
  }

  clear(): void {
    this.#cache.clear();
  }

  #isOwnWrite(id: string, unit: StorageTransaction): boolean {
    return this.#written.get(unit)?.has(id) === true;
  }

  #ownWrites(unit: StorageTransaction): Set<string> {
    let ids = this.#written.get(unit);
    if (ids === undefined) this.#written.set(unit, ids = new Set());
    return ids;
  }

  /**
   * Neither the call's signal nor its unit is asked for: each is made for who asks, and costs as much as a signature does. A
   * version that is kept is as it was committed, also for a call that writes others, and is forgotten when one is to be removed.
   */
  #cached({ id, version }: KeyRef): LoadedKey | undefined {
    return this.#cache.get(`${id}/${version}`);
  }

  async #load(ref: KeyRef, usage: Usage, call: KeyCall): Promise<LoadedKey> {
    throwIfEnded(call.signal);
    const { head, secret } = await this.#read(ref, call.unit);
    try {
      // Nobody is asked for the passphrase of a key that will be refused.
      if (!head.usages.includes(usage)) throw usageMissing(ref, head.usages, usage);
      if (head.protection === 'store+passphrase') {
        using opened = await this.#unlock(secret, ref, call);
        return { head, key: this.#keyObject(opened.reveal(), ref), derived: new Map() };
      }
      const loaded: LoadedKey = { head, key: this.#keyObject(secret, ref), derived: new Map() };
      if (!this.#isOwnWrite(ref.id, call.unit) && !this.#removed.has(ref.id)) this.#cache.set(`${ref.id}/${ref.version}`, loaded);
      return loaded;
    } finally {
      secret.fill(0);
    }
  }

  async #read(ref: KeyRef, reader: StorageReader): Promise<Material> {
    const record = await reader.get(this.names.ofVersion(ref.id, ref.version));
    if (record === undefined) throw new KeywrightError('NOT_FOUND', { detail: `Version ${ref.version} of ${nameOf(ref)} is not there.`, remedy: 'See `keywright keys list`.' });
    return this.#decode(record, ref.id, reader);
  }

  /** What a call has written and not committed yet is its pending write itself: wiping that would destroy the key. */
  #decode(record: StoredRecord, id: string, reader: StorageReader): Material {
    const pending = this.#isOwnWrite(id, reader as StorageTransaction);
    return decodeMaterial(pending ? { key: record.key, value: Uint8Array.from(record.value) } : record);
  }

  async #unlock(stored: Uint8Array, ref: KeyRef, call: KeyCall): Promise<SecretBytes> {
    using packed = await unlockSecret(stored, ref, call);
    return new SecretBytes(this.kind.unpack(packed.reveal()));
  }

  #keyObject(secret: Uint8Array, ref: KeyRef): KeyObject {
    try {
      return this.kind.load(secret);
    } catch {
      throw new KeywrightError('CORRUPT_RECORD', { detail: 'The record of a key does not hold a whole key.', where: this.names.ofVersion(ref.id, ref.version), remedy: 'Run `keywright store verify`, and restore a backup.' });
    }
  }
}

/** @returns the public key of a pair, DER. */
export function spkiOf(head: MaterialHead): Buffer {
  return Buffer.from(head.publicKey ?? '', 'base64url');
}
