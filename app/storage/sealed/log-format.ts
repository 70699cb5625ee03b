import type { KeyObject } from 'node:crypto';
import { SALT_BYTES, type KeyRing, type SerialSealer } from './keys.ts';

/**
 * How entries of the log are sealed: those that come together, in one envelope. The raw entry of the first holds it, and
 * those of the others are empty, so that an entry has the same number in the raw log as here. The raw log writes such a
 * group whole or not at all.
 */

/** Entries that are sealed together at most: one is opened with all of its group. */
export const MOST_TOGETHER = 32;
const LENGTH_BYTES = 4;

/** @returns the envelope of entries from number `first` on. */
export function sealGroup(sealer: SerialSealer, first: number, entries: readonly Uint8Array[]): Buffer {
  let bytes = 0;
  for (const entry of entries) bytes += LENGTH_BYTES + entry.length;
  const group = Buffer.allocUnsafe(bytes);
  let at = 0;
  for (const entry of entries) {
    group.writeUInt32BE(entry.length, at);
    group.set(entry, at + LENGTH_BYTES);
    at += LENGTH_BYTES + entry.length;
  }
  return sealer.seal(contextOf(first), [group]);
}

/** Whether a raw entry belongs to the group of the one before it. */
export function continues(raw: Uint8Array): boolean {
  return raw.length === 0;
}

/** Opens raw entries in ascending order: each group once, when its first entry comes. */
export class GroupReader {
  readonly #keys: KeyRing;
  readonly #keyOf: (salt: Uint8Array) => KeyObject;
  #first = 0;
  #entries: readonly Uint8Array[] = [];

  constructor(keys: KeyRing, keyOf: (salt: Uint8Array) => KeyObject) {
    this.#keys = keys;
    this.#keyOf = keyOf;
  }

  /** @returns the entry, or undefined when it is not authentic in this place. */
  open(number: number, raw: Uint8Array): Uint8Array | undefined {
    if (continues(raw)) return this.#entries[number - this.#first];
    this.#first = number;
    this.#entries = this.#group(number, raw) ?? [];
    return this.#entries[0];
  }

  #group(first: number, raw: Uint8Array): readonly Uint8Array[] | undefined {
    const key = this.#keyOf(raw.subarray(1, 1 + SALT_BYTES));
    const group = this.#keys.openUnder(key, contextOf(first), raw);
    if (group !== undefined) return entriesOf(group);
    const alone = this.#keys.openUnder(key, contextInFormat1(first), raw);
    return alone && [alone];
  }
}

/** @returns undefined when the bytes are not whole entries. */
function entriesOf(group: Buffer): Uint8Array[] | undefined {
  const entries: Uint8Array[] = [];
  for (let at = 0; at < group.length; ) {
    if (at + LENGTH_BYTES > group.length) return undefined;
    const start = at + LENGTH_BYTES;
    const end = start + group.readUInt32BE(at);
    if (end > group.length) return undefined;
    entries.push(group.subarray(start, end));
    at = end;
  }
  return entries;
}

function contextOf(first: number): string {
  return `keywright/log/2/${first}`;
}

/** Entries of format 1 are sealed one by one, without a length. */
function contextInFormat1(number: number): string {
  return `keywright/log/1/${number}`;
}
