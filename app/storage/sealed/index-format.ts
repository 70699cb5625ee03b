import { hash } from 'node:crypto';
import { uint64 } from './bytes.ts';
import { decodeEntries, encodeEntries } from './entries.ts';
import type { KeyRing, SerialSealer } from './keys.ts';
import type { Entry } from './record.ts';

/** The sealed index in the raw storage: one head, segments in runs, and a delta for each transaction since. */
export const INDEX_PREFIX = 'i/';
export const HEAD_KEY = 'i/head';
export const DELTA_PREFIX = 'i/d/';
export const SEGMENT_PREFIX = 'i/s/';

/** What the chain starts with. */
export const FIRST_STATE = Buffer.alloc(32);

/** Entries sorted by name, in several segments; a later run overrides the earlier ones. */
export interface Run {
  readonly count: number;
  /** Raw keys. */
  readonly segments: readonly string[];
}

export interface Head {
  /** The last transaction that the runs contain. */
  readonly sequence: number;
  /** The chain's state after it, 32 bytes in hexadecimal. */
  readonly state: string;
  /** The code of the header at that time, hexadecimal. */
  readonly headerMac: string;
  /** The log had at least so many entries on disk. */
  readonly log: number;
  readonly runs: readonly Run[];
}

/** One transaction. */
export interface Delta {
  readonly sequence: number;
  /** The chain's state before it. */
  readonly previous: Buffer;
  readonly headerMac: Buffer;
  readonly log: number;
  readonly entries: readonly Entry[];
}

const DELTA_HEAD_BYTES = 8 + 32 + 32 + 8;

export function deltaKey(sequence: number): string {
  return `${DELTA_PREFIX}${sequence.toString(16).padStart(16, '0')}`;
}

/** Sequence (8 bytes), previous state (32), code of the header (32), length of the log (8), entries. */
export function sealDelta(sealer: SerialSealer, delta: Delta): Buffer {
  const parts = [uint64(delta.sequence), delta.previous, delta.headerMac, uint64(delta.log), ...encodeEntries(delta.entries)];
  return sealer.seal(contextOf(deltaKey(delta.sequence)), [Buffer.concat(parts)]);
}

/** @param key the raw key that it lies under. @returns undefined for what does not open there */
export function openDelta(keys: KeyRing, key: string, sealed: Uint8Array): Delta | undefined {
  const plain = keys.open('index', contextOf(key), sealed);
  if (plain === undefined || plain.length < DELTA_HEAD_BYTES) return undefined;
  const entries = decodeEntries(plain.subarray(DELTA_HEAD_BYTES));
  if (entries === undefined) return undefined;
  return {
    sequence: Number(plain.readBigUInt64BE(0)),
    previous: plain.subarray(8, 40),
    headerMac: plain.subarray(40, 72),
    log: Number(plain.readBigUInt64BE(72)),
    entries,
  };
}

/** The accumulator: SHA-256 of the state before and of the sealed delta, so that it stands for every change there ever was. */
export function nextState(previous: Uint8Array, sealedDelta: Uint8Array): Buffer {
  return hash('sha256', Buffer.concat([previous, sealedDelta]), 'buffer');
}

/** @param key the raw key that it will lie under */
export function sealSegment(keys: KeyRing, key: string, entries: readonly Entry[]): Buffer {
  return keys.seal('index', contextOf(key), encodeEntries(entries));
}

/** @returns undefined for what does not open under that raw key */
export function openSegment(keys: KeyRing, key: string, sealed: Uint8Array): Entry[] | undefined {
  const plain = keys.open('index', contextOf(key), sealed);
  return plain === undefined ? undefined : decodeEntries(plain);
}

/** The head has one place, and is sealed for that. */
export function sealHead(keys: KeyRing, head: Head): Buffer {
  return keys.seal('index', contextOf(HEAD_KEY), [Buffer.from(JSON.stringify(head))]);
}

/** @returns undefined for what does not open */
export function openHead(keys: KeyRing, sealed: Uint8Array): Head | undefined {
  const plain = keys.open('index', contextOf(HEAD_KEY), sealed);
  return plain === undefined ? undefined : (JSON.parse(plain.toString()) as Head);
}

function contextOf(key: string): string {
  return `keywright/index/1/${key}`;
}
