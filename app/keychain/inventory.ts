import { KEY_ALGORITHMS, because, KeywrightError, type HardwareFacts, type KeyAlgorithmName, type KeyRecord, type KeyVersion, type Usage } from '../contract/index.ts';
import type { Protection } from '../keystore/keystore.ts';
import type { ListedRecord, StorageTransaction } from '../storage/storage.ts';
import { orderOf, withWords, type Entry, type Order } from './key-search.ts';
import { fromSummary, toSummary, type KeySummary } from './key-summary.ts';
import { jsonBytes } from './unit.ts';

export interface StoredVersion {
  readonly version: number;
  readonly createdAt: string;
  readonly retired: boolean;
  /** Of the public key, which lies under `public/` by this name; null for symmetric keys. */
  readonly fingerprint: string | null;
  /** ML-DSA and ML-KEM: its place has the expanded form alone. */
  readonly seedless?: true;
}

/** What the keychain keeps of a key, wherever the key itself lives. In short it is the record's summary too, so that no record needs opening to list or search. */
export interface StoredKey {
  readonly uri: string;
  readonly id: string;
  readonly label: string;
  readonly backend: string;
  readonly type: string;
  readonly algorithm: KeyAlgorithmName;
  readonly usages: readonly Usage[];
  readonly state: 'active' | 'suspended' | 'deactivated' | 'compromised';
  readonly createdAt: string;
  readonly notBefore: string | null;
  readonly notAfter: string | null;
  readonly extractable: boolean;
  readonly protection: Protection;
  readonly tags: readonly string[];
  readonly origin: 'generated' | 'imported' | 'found';
  readonly trashedUntil: string | null;
  readonly versions: readonly StoredVersion[];
  /** Ids that the same key material had where it was copied from: its ciphertexts name those. */
  readonly formerIds: readonly string[];
  /** Counts the writes. */
  readonly change: number;
  /** The key's id within its backend's store, where that is not `id`: a token names its keys itself. */
  readonly ref: string | null;
  /** Where in which token it is; null for all others. */
  readonly hardware: HardwareFacts | null;
}

export const KEY_PREFIX = 'keys/';
/** SubjectPublicKeyInfo, DER, by fingerprint: there also while a key's backend is not. */
export const PUBLIC_PREFIX = 'public/';

/** @returns for a reference in a scheme whose keys have many URIs: whether it names the key at a URI. */
export type KeyNaming = (reference: string) => ((uri: string) => boolean) | undefined;

/** Key URIs that say themselves that their key is in a token. */
const IN_A_TOKEN = /^(?:yubikey|smartcardhsm|pkcs11):./;

/** All keys, in memory while the store is unlocked: resolved, searched and sorted without touching the storage. */
export class Inventory {
  readonly #byId = new Map<string, Entry>();
  readonly #namesKey: KeyNaming;
  /** Made when first asked for: opening a large store needs none of these. */
  #byUri: Map<string, string> | undefined;
  #byLabel: IdsByName | undefined;
  #byFingerprint: IdsByName | undefined;
  /** By field, made when first asked for. A change drops them. */
  readonly #sorted = new Map<string, Order>();

  /** @param namesKey whether a URI names the key that has another one: {@link KeyNaming}. */
  constructor(records: Iterable<ListedRecord>, namesKey: KeyNaming = () => undefined) {
    this.#namesKey = namesKey;
    for (const { summary, revision } of records) this.#add(fromSummary(summary as KeySummary), revision);
  }

  get size(): number {
    return this.#byId.size;
  }

  has(id: string): boolean {
    return this.#byId.has(id);
  }

  all(): IteratorObject<StoredKey> {
    return this.#byId.values().map(({ key }) => key);
  }

  byFingerprint(fingerprint: string): StoredKey[] {
    this.#byFingerprint ??= new IdsByName(this.all(), fingerprintsOf);
    return this.#byFingerprint.get(fingerprint).map((id) => this.#byId.get(id)!.key);
  }

  /** Whether a reference names something here, be it ambiguous. */
  knows(reference: string): boolean {
    if (this.#byId.has(reference) || this.#idAt(reference) !== undefined || this.#namesKey(reference) !== undefined) return true;
    this.#byLabel ??= new IdsByName(this.all(), labelOf);
    return this.#byLabel.get(reference).length > 0;
  }

  #idAt(uri: string): string | undefined {
    this.#byUri ??= new Map(this.#byId.values().map(({ key }) => [key.uri, key.id]));
    return this.#byUri.get(uri);
  }

  /** @returns the key at a URI. */
  atUri(uri: string): StoredKey | undefined {
    const id = this.#idAt(uri);
    return id === undefined ? undefined : this.#byId.get(id)!.key;
  }

  /** @returns the keys of a token. */
  ofToken(token: string): StoredKey[] {
    return [...this.all()].filter(({ hardware }) => hardware?.token === token);
  }

  /**
   * @param reference a key URI, an id, or a label when it is unique.
   * @throws NOT_FOUND; INVALID_INPUT for an ambiguous label, with the candidates' URIs, or for a URI that holds a PIN.
   */
  resolve(reference: string): StoredKey {
    const id = this.#byId.has(reference) ? reference : this.#idAt(reference);
    if (id !== undefined) return this.#byId.get(id)!.key;
    if (/[;?&]pin-(value|source)=/i.test(reference)) {
      throw new KeywrightError('INVALID_INPUT', { detail: 'A PIN does not belong into a key URI.', where: '/key', remedy: 'Leave it out: it is asked for, or give --pin-file.' });
    }
    this.#byLabel ??= new IdsByName(this.all(), labelOf);
    const labelled = this.#byLabel.get(reference).map((candidate) => this.#byId.get(candidate)!.key);
    // A key in the trash does not make the label of a living one ambiguous.
    const named = labelled.length > 0 ? labelled : this.#named(reference);
    const living = named.filter(({ trashedUntil }) => trashedUntil === null);
    const candidates = living.length > 0 ? living : named;
    const [only] = candidates;
    if (only === undefined) throw new KeywrightError('NOT_FOUND', because(IN_A_TOKEN.test(reference) ? 'key.notPluggedIn' : 'key.unknown', { name: reference }));
    if (candidates.length > 1) {
      throw new KeywrightError('INVALID_INPUT', {
        ...because('key.ambiguous', { count: candidates.length, name: reference }), where: '/key', alternatives: candidates.slice(0, 20).map(({ uri }) => uri),
      });
    }
    return only;
  }

  /** @returns the keys that a URI names which is none of theirs word for word. @throws INVALID_INPUT when it is malformed */
  #named(reference: string): StoredKey[] {
    const names = this.#namesKey(reference);
    return names === undefined ? [] : [...this.all()].filter(({ uri }) => names(uri));
  }

  /** @returns keys that have all `words` and for which `matches` holds, in the order of `field`. */
  select(field: SortField, descending: boolean, words: readonly string[], matches: (key: StoredKey) => boolean): StoredKey[] {
    const order = this.#order(field);
    const found: StoredKey[] = [];
    for (const { key } of words.length === 0 ? order.entries : withWords(order, words)) if (matches(key)) found.push(key);
    return descending ? found.reverse() : found;
  }

  /** Writes a new or changed key into the call's unit; {@link applied} makes it visible once that has committed. */
  async put(key: StoredKey, unit: StorageTransaction): Promise<StoredKey> {
    const before = this.#byId.get(key.id);
    const next: StoredKey = { ...key, change: (before?.key.change ?? 0) + 1 };
    await unit.put(KEY_PREFIX + key.id, jsonBytes(next), { ifRevision: before?.revision ?? 'absent', summary: toSummary(next) });
    return next;
  }

  async remove(id: string, unit: StorageTransaction): Promise<void> {
    const before = this.#byId.get(id);
    await unit.delete(KEY_PREFIX + id, { ifRevision: before?.revision ?? 'any' });
  }

  /** A committed write. `undefined`: the key is gone. */
  applied(id: string, written: { key: StoredKey; revision: string } | undefined): void {
    this.#drop(id);
    if (written !== undefined) this.#add(written.key, written.revision);
    this.#sorted.clear();
  }

  #add(key: StoredKey, revision: string): void {
    const haystack = `${key.label}\n${key.tags.length === 0 ? '' : `${key.tags.join('\n')}\n`}${key.algorithm}\n${key.backend}${key.hardware === null ? '' : `\n${key.hardware.tokenTitle}\n${key.hardware.slot ?? ''}`}`.toLowerCase();
    this.#byId.set(key.id, { key, revision, haystack });
    this.#byUri?.set(key.uri, key.id);
    this.#byLabel?.add(key);
    this.#byFingerprint?.add(key);
  }

  #drop(id: string): void {
    const entry = this.#byId.get(id);
    if (entry === undefined) return;
    this.#byId.delete(id);
    if (this.#byUri?.get(entry.key.uri) === id) this.#byUri.delete(entry.key.uri);
    this.#byLabel?.remove(entry.key);
    this.#byFingerprint?.remove(entry.key);
  }

  #order(field: SortField): Order {
    const known = this.#sorted.get(field);
    if (known !== undefined) return known;
    const order = orderOf(sortedBy(field, [...this.#byId.values()]));
    this.#sorted.set(field, order);
    return order;
  }
}

/** What a list of keys can be sorted by. */
export type SortField = 'label' | 'algorithm' | 'backend' | 'createdAt' | 'notAfter' | 'state';

/** Sorts in place: by that field, then by label, then by id. */
function sortedBy(field: SortField, entries: Entry[]): Entry[] {
  // A haystack begins with the label in lower case and a line's end, which sorts before whatever a label may hold.
  const byLabel = (a: Entry, b: Entry): number => (a.haystack < b.haystack ? -1 : a.haystack > b.haystack ? 1 : a.key.id < b.key.id ? -1 : 1);
  if (field === 'label') return entries.sort(byLabel);
  const keyed = entries.map((entry) => ({ entry, by: sortKey(entry.key, field) }));
  return keyed.sort((a, b) => (a.by < b.by ? -1 : a.by > b.by ? 1 : byLabel(a.entry, b.entry))).map(({ entry }) => entry);
}

/** Upper and lower case sort together; keys without an end sort after those with one. */
function sortKey(key: StoredKey, field: SortField): string {
  if (field === 'notAfter') return key.notAfter ?? '\uffff';
  if (field === 'state') return stateOf(key);
  return key[field].toLowerCase();
}

export function primary(key: StoredKey): StoredVersion {
  return key.versions[key.versions.length - 1]!;
}

/** @returns a version, the primary one by default; undefined when there is no such one. */
export function versionOf(key: StoredKey, version?: number): StoredVersion | undefined {
  return version === undefined ? primary(key) : key.versions.find((known) => known.version === version);
}

/** @returns the state now: the stored one, bounded by the validity (SP 800-57 part 1 rev. 5 §7). */
export function stateOf(key: StoredKey, now: number = Date.now()): KeyRecord['state'] {
  if (key.state !== 'active') return key.state;
  if (key.notBefore !== null && Date.parse(key.notBefore) > now) return 'pre-active';
  if (key.notAfter !== null && Date.parse(key.notAfter) <= now) return 'deactivated';
  return 'active';
}

/** What a key's record says beyond the key itself: whether its token is here, and which certificates are for it. */
interface Surroundings {
  readonly backends: { readonly tokens: { has(id: string): boolean } };
  readonly certificates: { allForKey(publicKey: string | null): readonly { readonly id: string; readonly trashedUntil: string | null }[] };
}

/** @returns the record as every face gives it. */
export function recordOf(key: StoredKey, { backends: { tokens }, certificates }: Surroundings): KeyRecord {
  const { version, fingerprint } = primary(key);
  const { change, type: _type, formerIds: _formerIds, ref: _ref, versions, ...same } = key;
  return { ...same, present: key.hardware === null || tokens.has(key.hardware.token), usages: [...key.usages], tags: [...key.tags], state: stateOf(key), version, versions: versions.length, fingerprint, certificates: certificates.allForKey(fingerprint).filter(({ trashedUntil }) => trashedUntil === null).map(({ id }) => id), revision: String(change) };
}

export function versionsOf(key: StoredKey): KeyVersion[] {
  const newest = primary(key).version;
  return key.versions.map(({ version, createdAt, retired, fingerprint }) => ({ version, createdAt, fingerprint, state: version === newest ? 'primary' : retired ? 'retired' : 'active' }));
}

export function isPair(key: Pick<StoredKey, 'algorithm'>): boolean {
  return KEY_ALGORITHMS[key.algorithm].kind === 'pair';
}

const labelOf = ({ label }: StoredKey): string[] => [label];
const fingerprintsOf = ({ versions }: StoredKey): string[] => versions.flatMap(({ fingerprint }) => fingerprint ?? []);

/** Ids of the keys that have a name. Nearly all names are one key's: those cost no set. */
class IdsByName {
  readonly #namesOf: (key: StoredKey) => string[];
  readonly #ids = new Map<string, string | Set<string>>();

  constructor(keys: Iterable<StoredKey>, namesOf: (key: StoredKey) => string[]) {
    this.#namesOf = namesOf;
    for (const key of keys) this.add(key);
  }

  get(name: string): string[] {
    const ids = this.#ids.get(name);
    return ids === undefined ? [] : typeof ids === 'string' ? [ids] : [...ids];
  }

  add(key: StoredKey): void {
    for (const name of this.#namesOf(key)) {
      const ids = this.#ids.get(name);
      if (ids === undefined || ids === key.id) this.#ids.set(name, key.id);
      else if (typeof ids === 'string') this.#ids.set(name, new Set([ids, key.id]));
      else ids.add(key.id);
    }
  }

  remove(key: StoredKey): void {
    for (const name of this.#namesOf(key)) {
      const ids = this.#ids.get(name);
      if (ids === key.id) this.#ids.delete(name);
      else if (typeof ids === 'object') ids.delete(key.id);
    }
  }
}
