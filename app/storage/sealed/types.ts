import type { SecretBytes } from '../../contract/index.ts';
import type { ListedRecord, Storage, StorageTransaction } from '../storage.ts';

/** Argon2id (RFC 9106 §3.1). What a header may ask for is bounded: see `kdf.ts`. */
export interface KdfParameters {
  /** Kibibytes of memory; 65,536 unless told. */
  readonly memoryKiB: number;
  /** Passes over the memory; 3 unless told. */
  readonly passes: number;
  /** Lanes; 4 unless told. */
  readonly parallelism: number;
}

/** A kind of slot with a known way from secret to key; any other takes a 32-byte key-encryption key as its secret. */
export type SlotKind = 'passphrase' | 'recovery-code' | (string & {});

export interface SlotDescription {
  /** 16 hexadecimal digits. */
  readonly id: string;
  readonly kind: SlotKind;
  readonly label: string;
  /** RFC 3339, UTC, milliseconds. */
  readonly createdAt: string;
}

/** What is known of a store before it is unlocked. Not to be trusted until then: only the root key proves it. */
export interface StoreHeader {
  /** 32 hexadecimal digits. */
  readonly id: string;
  readonly name: string;
  readonly formatVersion: number;
  readonly createdAt: string;
  readonly slots: readonly SlotDescription[];
}

export interface UnlockSecret {
  readonly kind: SlotKind;
  /** passphrase: UTF-8. recovery-code: the code as text. Other kinds: 32 bytes. Neither kept nor wiped. */
  readonly secret: SecretBytes;
}

export interface CreateOptions {
  readonly name: string;
  /** UTF-8, 1 to 1,024 bytes; neither kept nor wiped. */
  readonly passphrase: SecretBytes;
  readonly kdf?: KdfParameters;
}

export interface NewSlot extends UnlockSecret {
  /** 1 to 100 characters. */
  readonly label: string;
  /** For a passphrase. */
  readonly kdf?: KdfParameters;
}

/** Something that is not as the sealed index says. */
export interface Problem {
  /** The record's name; `record <opaque id>` when it cannot be told; `header`, `index` or `log`. */
  readonly record: string;
  readonly detail: string;
}

export interface Watch {
  readonly signal: AbortSignal;
  progress(done: number, total: number): void;
}

export interface Slots {
  list(): readonly SlotDescription[];
  /** @throws INVALID_INPUT (empty secret, malformed recovery code, key not of 32 bytes, too many slots). */
  add(slot: NewSlot): Promise<SlotDescription>;
  /** @throws NOT_FOUND; CONFLICT for the last one. */
  remove(id: string): Promise<void>;
}

/**
 * An unlocked store: records go in and come out in the clear, and are sealed underneath. Summaries are kept in the
 * sealed index and held in memory, so that listing reads nothing.
 *
 * Disposing it locks it: pending log entries are flushed, keys are wiped and every method throws STORE_LOCKED. The raw
 * storage stays open, for the next unlock; whoever opened it closes it.
 *
 * `get` throws CORRUPT_RECORD (`where`: the name) for a record that is damaged, missing or put back from an older copy;
 * all others still work. A `put` with `ifRevision: 'any'` or a `delete` mends it.
 */
export interface SealedStorage extends Storage {
  readonly kind: 'sealed';
  readonly header: StoreHeader;
  /** What was found at open and since. Grows while old records are examined in the background; shrinks when they are mended. */
  readonly problems: readonly Problem[];
  /** How many records there are. */
  readonly size: number;
  /** Opens every record. @throws CANCELLED by the signal. */
  verify(watch: Watch): Promise<{ records: number; problems: Problem[] }>;
  readonly slots: Slots;
  /**
   * Replaces the slot that `current` opens. No record is touched.
   * @throws PIN_INCORRECT
   */
  changePassphrase(current: SecretBytes, next: SecretBytes): Promise<void>;
  /** How many entries the log had on disk, as far as the store knows: more than there are when its end was lost. */
  readonly logKnown: number;
  /**
   * A transaction that also says that the log has no more than `entries` entries: what it lost is written down, and no longer waited for.
   * `problems` still tells of it until the store is opened next.
   */
  acceptShortLog<T>(entries: number, work: (tx: StorageTransaction) => Promise<T>): Promise<T>;
  /** What only who reads the log can tell: that records and index together are a copy from before. `problems` and `verify` tell of it until the store is opened next. */
  reportOlder(detail: string): void;
  /** Records whose name starts with `prefix`, ascending, from memory. Do not write while iterating. */
  snapshot(prefix: string): Iterable<ListedRecord>;
  /** HKDF-SHA256 (RFC 5869) from the root key. @param length 1 to 8,160 bytes. The caller wipes it. */
  deriveKey(purpose: string, length: number): SecretBytes;
}
