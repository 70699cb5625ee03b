import type { StorageReader } from '../storage.ts';
import { REMOVED } from './entries.ts';
import {
  DELTA_PREFIX, deltaKey, FIRST_STATE, HEAD_KEY, INDEX_PREFIX, nextState, openDelta, openHead, openSegment, SEGMENT_PREFIX, type Head, type Run,
} from './index-format.ts';
import type { KeyRing } from './keys.ts';
import { inBatches, listRaw, readRaw } from './raw.ts';
import type { Entry } from './record.ts';

/** What the index says, and where the next transaction goes on. */
export interface LoadedIndex {
  /** Ascending by name, each name once. */
  readonly entries: readonly Entry[];
  readonly runs: readonly Run[];
  /** The last transaction. */
  readonly sequence: number;
  readonly state: Buffer;
  /** Undefined when the index cannot tell. */
  readonly headerMac: Buffer | undefined;
  readonly log: number;
  /** Raw keys of the deltas, which the next compaction folds. */
  readonly deltas: readonly string[];
  /** Names that these deltas change. */
  readonly changed: Set<string>;
  /** Raw keys that nothing refers to: what a compaction left that was cut short. */
  readonly garbage: readonly string[];
  /** What is wrong with the index itself; when there is any, entries may be lacking or outdated. */
  readonly damage: readonly string[];
}

const WIDTH = 64;
const DELTA_KEY = /^i\/d\/[0-9a-f]{16}$/;
/** Deltas that do not open count as lost ones, unless they are so far off that they were never ours. */
const FAR = 10_000;

/** Reads head, runs and deltas (docs/store-format.md, *Index*). Whatever does not open or follow is told in `damage`, and nothing is thrown for it. */
export async function loadIndex(raw: StorageReader, keys: KeyRing): Promise<LoadedIndex> {
  const listed: string[] = [];
  for await (const page of listRaw(raw, INDEX_PREFIX)) for (const { key } of page) listed.push(key);
  const damage: string[] = [];
  const head = await readHead(raw, keys, damage);
  const used = new Set(head.runs.flatMap(({ segments }) => segments));
  const entries = await readRuns(raw, keys, head, damage);
  const first = deltaKey(head.sequence + 1);
  const deltas = listed.filter((key) => DELTA_KEY.test(key) && key >= first);
  const chain = await readDeltas(raw, keys, head, deltas, entries, damage);
  return {
    entries: latestByName(entries), runs: head.runs, deltas, damage, ...chain,
    garbage: listed.filter((key) => (key.startsWith(SEGMENT_PREFIX) ? !used.has(key) : key.startsWith(DELTA_PREFIX) && key < first)),
  };
}

async function readHead(raw: StorageReader, keys: KeyRing, damage: string[]): Promise<Head & { known: boolean }> {
  const stored = await readRaw(raw, HEAD_KEY);
  const head = stored === undefined || stored === 'damaged' ? undefined : openHead(keys, stored.value);
  if (head !== undefined) return { ...head, known: true };
  damage.push(`The head of the index is ${stored === undefined ? 'missing' : 'damaged'}.`);
  return { sequence: 0, state: FIRST_STATE.toString('hex'), headerMac: '', log: 0, runs: [], known: false };
}

async function readRuns(raw: StorageReader, keys: KeyRing, head: Head, damage: string[]): Promise<Entry[]> {
  const entries: Entry[] = [];
  for (const { segments } of head.runs) {
    const read = await inBatches(segments, 4, async (key) => ({ key, stored: await readRaw(raw, key) }));
    for (const { key, stored } of read) {
      const segment = stored === undefined || stored === 'damaged' ? undefined : openSegment(keys, key, stored.value);
      if (segment === undefined) damage.push(`Segment ${key} of the index is ${stored === undefined ? 'missing' : 'damaged'}.`);
      else for (const entry of segment) entries.push(entry);
    }
  }
  return entries;
}

async function readDeltas(raw: StorageReader, keys: KeyRing, head: Head & { known: boolean }, deltas: readonly string[], entries: Entry[], damage: string[]) {
  const changed = new Set<string>();
  let { sequence, log } = head;
  let state: Buffer<ArrayBufferLike> = Buffer.from(head.state, 'hex');
  let headerMac: Buffer<ArrayBufferLike> | undefined = head.known ? Buffer.from(head.headerMac, 'hex') : undefined;
  let unbroken = head.known;
  const read = await inBatches(deltas, WIDTH, async (key) => ({ key, stored: await readRaw(raw, key) }));
  for (const { key, stored } of read) {
    const number = Number.parseInt(key.slice(DELTA_PREFIX.length), 16);
    const delta = stored === undefined || stored === 'damaged' ? undefined : openDelta(keys, key, stored.value);
    if (delta === undefined && number > sequence + FAR) {
      damage.push(`There is a transaction ${key} that is not of this store.`);
      continue;
    }
    if (number !== sequence + 1 && unbroken) damage.push(`Transactions ${sequence + 1} to ${number - 1} of the index are missing.`);
    else if (delta !== undefined && unbroken && !delta.previous.equals(state)) damage.push(`Transaction ${number} of the index does not follow the one before it.`);
    unbroken = delta !== undefined;
    sequence = number;
    if (delta === undefined || stored === undefined || stored === 'damaged') {
      damage.push(`Transaction ${number} of the index is damaged.`);
      continue;
    }
    for (const entry of delta.entries) {
      entries.push(entry);
      changed.add(entry.name);
    }
    state = nextState(delta.previous, stored.value);
    headerMac = delta.headerMac;
    log = delta.log;
  }
  return { sequence, state, headerMac, log, changed };
}

/**
 * @param entries oldest first: each run and each delta is sorted in itself, which makes sorting them all cheap.
 * @returns of each name the last entry, unless that says "removed".
 */
function latestByName(entries: Entry[]): Entry[] {
  entries.sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
  let kept = 0;
  for (let at = 0; at < entries.length; at += 1) {
    const entry = entries[at]!;
    if (entry.revision === REMOVED || entries[at + 1]?.name === entry.name) continue;
    entries[kept] = entry;
    kept += 1;
  }
  entries.length = kept;
  return entries;
}
