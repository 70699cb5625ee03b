import { KeywrightError } from '../../contract/index.ts';
import type { Storage, StorageTransaction } from '../storage.ts';
import { breathe, randomBytes } from './bytes.ts';
import type { Catalogue } from './catalogue.ts';
import { removal } from './entries.ts';
import { deltaKey, HEAD_KEY, nextState, openSegment, sealDelta, sealHead, SEGMENT_PREFIX, sealSegment, type Run } from './index-format.ts';
import { SerialSealer, type KeyRing } from './keys.ts';
import type { LoadedIndex } from './load-index.ts';
import { readRaw } from './raw.ts';
import type { Entry } from './record.ts';

/** Entries in a segment: large enough that opening many costs little, small enough that one is never a burden. */
const SEGMENT_ENTRIES = 4096;
const SEGMENT_BYTES = 8 * 1024 * 1024;
const MAX_DELTA_BYTES = 60 * 1024 * 1024;
const any = { ifRevision: 'any' } as const;

/** What a delta changes here once its transaction has committed. */
export interface Journalled {
  readonly sequence: number;
  readonly state: Buffer;
  readonly headerMac: Buffer;
  readonly log: number;
  readonly key: string;
  readonly names: readonly string[];
}

/** Writes the sealed index: a small delta with each transaction, and now and then a compaction that folds deltas into segments. */
export class Journal {
  readonly #raw: Storage;
  readonly #keys: KeyRing;
  readonly #sealer: SerialSealer;
  #sequence: number;
  #state: Buffer;
  #headerMac: Buffer;
  #runs: readonly Run[];
  /** Deltas since the last compaction, and the names that they change. */
  #deltas: string[];
  #changed: Set<string>;
  #garbage: readonly string[];
  #log: number;
  /** Nothing less than a new first run mends a damaged index. */
  #damaged: boolean;

  constructor(raw: Storage, keys: KeyRing, index: LoadedIndex, headerMac: Buffer) {
    this.#raw = raw;
    this.#keys = keys;
    this.#sealer = new SerialSealer(keys, 'index');
    this.#sequence = index.sequence;
    this.#state = index.state;
    this.#headerMac = headerMac;
    this.#runs = index.runs;
    this.#deltas = [...index.deltas];
    this.#changed = index.changed;
    this.#garbage = index.garbage;
    this.#log = index.log;
    this.#damaged = index.damage.length > 0;
  }

  /** Deltas that the next opening will have to read one by one. */
  get backlog(): number {
    return this.#deltas.length;
  }

  /** The log is known to have so many entries on disk. */
  get log(): number {
    return this.#log;
  }

  get damaged(): boolean {
    return this.#damaged;
  }

  /** @param log how many entries of the log are on disk. Adds the delta to the transaction. Call {@link committed} with the result once that has committed. */
  async write(tx: StorageTransaction, entries: readonly Entry[], log: number, headerMac = this.#headerMac): Promise<Journalled> {
    const sequence = this.#sequence + 1;
    const sealed = sealDelta(this.#sealer, { sequence, previous: this.#state, headerMac, log, entries });
    if (sealed.length > MAX_DELTA_BYTES) throw new KeywrightError('INVALID_INPUT', 'The transaction changes too many records at once.');
    const key = deltaKey(sequence);
    await tx.put(key, sealed, { ifRevision: 'absent' }); // fails if another process went on from the same state
    return { sequence, state: nextState(this.#state, sealed), headerMac, log, key, names: entries.map(({ name }) => name) };
  }

  committed({ sequence, state, headerMac, log, key, names }: Journalled): void {
    this.#sequence = sequence;
    this.#state = state;
    this.#headerMac = headerMac;
    this.#log = log;
    this.#deltas.push(key);
    for (const name of names) this.#changed.add(name);
  }

  /**
   * Folds the deltas into a new run, together with the latest runs that are not much longer: so that there are few
   * runs, and an entry is rewritten a few times only. Writers go on meanwhile; `exclusively` keeps them out of the last step.
   */
  async compact(catalogue: Catalogue, exclusively: <T>(work: () => Promise<T>) => Promise<T>): Promise<void> {
    const { sequence, state, headerMac } = { sequence: this.#sequence, state: this.#state, headerMac: this.#headerMac };
    const log = this.#log;
    const deltas = this.#deltas.length;
    const folded = this.#changed;
    this.#changed = new Set();
    try {
      const { kept, entries } = await this.#gather(catalogue, folded);
      const segments = await this.#writeSegments(entries);
      const run: Run = { count: entries.length, segments: segments.map(({ key }) => key) };
      const runs = entries.length === 0 ? kept : [...kept, run];
      const outdated = [
        ...this.#deltas.slice(0, deltas), ...this.#garbage,
        ...this.#runs.slice(kept.length).flatMap(({ segments: old }) => old),
      ];
      await exclusively(() => this.#raw.transaction(async (tx) => {
        for (const { key, sealed } of segments) if (sealed !== undefined) await tx.put(key, sealed, any);
        const head = { sequence, state: state.toString('hex'), headerMac: headerMac.toString('hex'), log, runs };
        await tx.put(HEAD_KEY, sealHead(this.#keys, head), any);
        for (const key of outdated) await tx.delete(key, any);
      }));
      this.#runs = runs;
      this.#deltas = this.#deltas.slice(deltas);
      this.#garbage = [];
      this.#damaged = false;
    } catch (thrown) {
      for (const name of folded) this.#changed.add(name);
      throw thrown;
    }
  }

  /** @returns the runs that stay, and what the new one has to say in their place: entries, and removals unless it is the first. */
  async #gather(catalogue: Catalogue, changed: ReadonlySet<string>): Promise<{ kept: readonly Run[]; entries: readonly Entry[] }> {
    let kept = this.#runs.length;
    let count = changed.size;
    while (kept > 0 && (this.#runs[kept - 1]?.count ?? 0) <= 2 * count) count += this.#runs[--kept]?.count ?? 0;
    const names = this.#damaged || kept === 0 ? undefined : await this.#namesIn(this.#runs.slice(kept));
    if (names === undefined) return { kept: [], entries: [...catalogue.startingWith('')] };
    for (const name of changed) names.add(name);
    const entries = [...names].sort().map((name) => catalogue.get(name) ?? removal(name));
    return { kept: this.#runs.slice(0, kept), entries };
  }

  /** @returns undefined when a segment does not open: then everything is written anew. */
  async #namesIn(runs: readonly Run[]): Promise<Set<string> | undefined> {
    const names = new Set<string>();
    for (const key of runs.flatMap(({ segments }) => segments)) {
      const stored = await readRaw(this.#raw, key);
      const segment = stored === undefined || stored === 'damaged' ? undefined : openSegment(this.#keys, key, stored.value);
      if (segment === undefined) return undefined;
      for (const { name } of segment) names.add(name);
      await breathe();
    }
    return names;
  }

  /** Writes all segments but the last, which is left to the final transaction: a small compaction is a single write. */
  async #writeSegments(entries: readonly Entry[]): Promise<{ key: string; sealed: Buffer | undefined }[]> {
    const segments: { key: string; sealed: Buffer | undefined }[] = [];
    for (let at = 0; at < entries.length;) {
      const part = takeSegment(entries, at);
      at += part.length;
      const key = SEGMENT_PREFIX + randomBytes(16).toString('hex');
      const sealed = sealSegment(this.#keys, key, part);
      const last = at >= entries.length;
      if (!last) await this.#raw.put(key, sealed, any);
      segments.push({ key, sealed: last ? sealed : undefined });
      await breathe();
    }
    return segments;
  }
}

function takeSegment(entries: readonly Entry[], from: number): readonly Entry[] {
  let end = from;
  for (let bytes = 0; end < entries.length && end - from < SEGMENT_ENTRIES && bytes < SEGMENT_BYTES; end++) bytes += (entries[end]?.summary.length ?? 0) + 600;
  return entries.slice(from, end);
}
