import type { Summary } from '../storage.ts';
import { randomBytes } from './bytes.ts';
import { SALT_BYTES, type KeyRing } from './keys.ts';

/** Where sealed records lie in the raw storage: this and the opaque id. */
export const RECORD_PREFIX = 'r/';

/** What the index knows of a record. */
export interface Entry {
  readonly name: string;
  /** 32 hexadecimal digits: the record's raw key is `r/<id>`. */
  readonly id: string;
  /** 32 hexadecimal digits, random for each write. It is also the salt of the record's key. */
  readonly revision: string;
  /** JSON in ASCII. */
  readonly summary: string;
}

interface OpenedRecord {
  readonly entry: Entry;
  readonly value: Uint8Array;
}

export function newRevision(): string {
  return randomBytes(SALT_BYTES).toString('hex');
}

/**
 * Seals a record: a 2-byte length of its name, a 4-byte length of its summary, name, summary, value. The name and the
 * summary are within, although the index has them too, so that a lost index can be made anew from the records.
 */
export function sealRecord(keys: KeyRing, entry: Entry, value: Uint8Array): Buffer {
  const head = Buffer.allocUnsafe(6 + entry.name.length + entry.summary.length);
  head.writeUInt16BE(entry.name.length, 0);
  head.writeUInt32BE(entry.summary.length, 2);
  head.write(entry.name, 6, 'latin1');
  head.write(entry.summary, 6 + entry.name.length, 'latin1');
  return keys.seal('records', contextOf(entry.id, entry.revision), [head, value], Buffer.from(entry.revision, 'hex'));
}

/**
 * @param revision the one that it must have; without it, the one that it says it has.
 * @returns undefined unless it is the authentic record of that id and revision.
 */
export function openRecord(keys: KeyRing, id: string, sealed: Uint8Array, revision = revisionOf(sealed)): OpenedRecord | undefined {
  if (revisionOf(sealed) !== revision) return undefined;
  const plain = keys.open('records', contextOf(id, revision), sealed);
  if (plain === undefined || plain.length < 6) return undefined;
  const summaryAt = 6 + plain.readUInt16BE(0);
  const valueAt = summaryAt + plain.readUInt32BE(2);
  if (valueAt > plain.length) return undefined;
  const name = plain.toString('latin1', 6, summaryAt);
  return { entry: { name, id, revision, summary: plain.toString('latin1', summaryAt, valueAt) }, value: plain.subarray(valueAt) };
}

/** What a sealed record says its revision is: not proven until it is opened. */
export function revisionOf(sealed: Uint8Array): string {
  return Buffer.from(sealed.buffer, sealed.byteOffset, sealed.byteLength).toString('hex', 1, 1 + SALT_BYTES);
}

export function summaryOf(entry: Entry): Summary {
  return JSON.parse(entry.summary) as Summary;
}

function contextOf(id: string, revision: string): string {
  return `keywright/record/1/${id}/${revision}`;
}
