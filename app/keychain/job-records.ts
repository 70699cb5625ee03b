import { KeywrightError, type Job, type JobState } from '../contract/index.ts';
import type { Storage } from '../storage/storage.ts';
import { jsonBytes, jsonOf } from './unit.ts';

/** A file that is whole and about to get its name: who finds it under that name after the process ended knows that it is the job's own. */
export interface Finished {
  readonly path: string;
  readonly bytes: number;
  /** SHA-256 of its content, base64url. */
  readonly sha256: string;
  /** What the job answers for it. Never secret. */
  readonly answer: unknown;
}

/** What is left of a job over many items (files) when it ends before they are all done, by cancel, failure, lock or power cut. */
interface StoredJob {
  readonly id: string;
  readonly operation: string;
  readonly title: string;
  readonly startedAt: string;
  readonly startedBy: string;
  readonly endedAt: string | null;
  /** `running` in a store that was just opened: the process ended meanwhile. */
  readonly state: JobState;
  readonly detail: string | null;
  readonly total: number;
  /** A bit an item that is done, base64url, the lowest bit of the first byte first. */
  readonly done: string;
  /** By position among all items: those that were finished when it was last noted which are done. */
  readonly finished?: Readonly<Record<string, Finished>>;
}

const STATE = 'jobs/state/';
const INPUT = 'jobs/input/';
/** Items done since the last write are done again after a power cut: they are found to be done then. */
const WRITE_EVERY_MS = 250;
/** Older ones that nobody went on with are forgotten. */
const MOST = 100;

/**
 * Jobs that can be gone on with, kept in the store: their input in one record, written once, and what is done of it in a small one.
 * They are forgotten when they are done.
 */
export class JobRecords {
  readonly #storage: Storage;
  readonly #jobs: Map<string, StoredJob>;

  private constructor(storage: Storage, jobs: Map<string, StoredJob>) {
    this.#storage = storage;
    this.#jobs = jobs;
  }

  static async open(storage: Storage): Promise<JobRecords> {
    const { items } = await storage.list(STATE, { limit: 1000 });
    const jobs = new Map<string, StoredJob>();
    for (const { key } of items) {
      const record = await storage.get(key).catch(() => undefined); // damaged: among the store's problems
      if (record === undefined) continue;
      const job = jsonOf<StoredJob>(record);
      jobs.set(job.id, job.state === 'running' ? { ...job, state: 'interrupted', endedAt: job.endedAt ?? job.startedAt } : job);
    }
    const records = new JobRecords(storage, jobs);
    const ended = [...jobs.values()].sort((a, b) => (a.startedAt < b.startedAt ? -1 : 1));
    for (const { id } of ended.slice(0, Math.max(0, ended.length - MOST))) await records.forget(id);
    return records;
  }

  list(): Job[] {
    return [...this.#jobs.values()].filter(({ state }) => state !== 'running').map(jobOf);
  }

  get(id: string): Job | undefined {
    const job = this.#jobs.get(id);
    return job === undefined || job.state === 'running' ? undefined : jobOf(job);
  }

  /** @returns the operation and its input with the items that are left. @throws NOT_FOUND */
  async left(id: string, itemsOf: (operation: string) => Promise<string | undefined>): Promise<{ readonly operation: string; readonly input: Record<string, unknown> }> {
    const job = this.#jobs.get(id);
    const record = job === undefined ? undefined : await this.#storage.get(INPUT + id);
    const items = job === undefined ? undefined : await itemsOf(job.operation);
    if (job === undefined || record === undefined || items === undefined) throw new KeywrightError('NOT_FOUND', { detail: 'There is no job to go on with by this id.', remedy: 'See `keywright jobs list`.' });
    const input = jsonOf<Record<string, unknown>>(record);
    const all = input[items] as readonly unknown[];
    return { operation: job.operation, input: { ...input, [items]: leftOf(job).map((index) => all[index]) } };
  }

  /** Begins to keep a job, or goes on with one that is kept. @param anew what was kept under its id had other items. @returns what marks the n-th item of this run as done. */
  async begin(job: Pick<StoredJob, 'id' | 'operation' | 'title' | 'startedAt' | 'startedBy' | 'total'>, input: unknown, anew = false): Promise<KeptJob> {
    const before = anew ? undefined : this.#jobs.get(job.id);
    const kept: StoredJob = before === undefined ? { ...job, endedAt: null, state: 'running', detail: null, done: '' } : { ...before, state: 'running', endedAt: null, detail: null };
    this.#jobs.set(job.id, kept);
    await this.#storage.transaction(async (tx) => {
      if (before === undefined) await tx.put(INPUT + job.id, jsonBytes(input), { ifRevision: 'any' });
      await tx.put(STATE + job.id, jsonBytes(kept), { ifRevision: 'any' });
    });
    return new KeptJob(kept, (now) => this.#keep(now), () => this.forget(job.id));
  }

  async forget(id: string): Promise<void> {
    this.#jobs.delete(id);
    await this.#storage.transaction(async (tx) => {
      await tx.delete(STATE + id, { ifRevision: 'any' });
      await tx.delete(INPUT + id, { ifRevision: 'any' });
    });
  }

  async #keep(job: StoredJob): Promise<void> {
    this.#jobs.set(job.id, job);
    await this.#storage.put(STATE + job.id, jsonBytes(job), { ifRevision: 'any' });
  }
}

/** A job that is kept, while it runs. */
export class KeptJob {
  readonly #before: StoredJob;
  readonly #keep: (job: StoredJob) => Promise<void>;
  readonly #forget: () => Promise<void>;
  /** Positions among all items, by position in this run. */
  readonly #left: readonly number[];
  readonly #done: Buffer;
  readonly #finished: Map<string, Finished>;
  #count: number;
  #writing: Promise<unknown> = Promise.resolve();
  /** Position of the item that was done last, when all are. Until the job has ended it is not marked as done, so that something is left to go on with: a manifest may be to be written. */
  #last: number | undefined;
  /** A write that has not begun, and takes along what is noted until it does. */
  #noting: Promise<void> | undefined;
  #written = performance.now();

  constructor(job: StoredJob, keep: (job: StoredJob) => Promise<void>, forget: () => Promise<void>) {
    this.#before = job;
    this.#keep = keep;
    this.#forget = forget;
    this.#left = leftOf(job);
    this.#done = bitsOf(job);
    this.#finished = new Map(Object.entries(job.finished ?? {}));
    this.#count = job.total - this.#left.length;
  }

  /** Items that are done, of earlier runs too. */
  get done(): number {
    return this.#count;
  }

  get id(): string {
    return this.#before.id;
  }

  /** Whether this run has an n-th item. */
  has(index: number): boolean {
    return index < this.#left.length;
  }

  /** @returns what an earlier run noted of the n-th item of this one. */
  noted(index: number): Finished | undefined {
    return this.#finished.get(String(this.#left[index]));
  }

  /** Notes durably what the n-th item of this run came to, before it gets its name. Items that are noted at once share a write. */
  note(index: number, finished: Finished): Promise<void> {
    this.#finished.set(String(this.#left[index]), finished);
    this.#noting ??= this.#nextNote();
    return this.#noting;
  }

  #nextNote(): Promise<void> {
    const noting = this.#writing.then(() => {
      this.#noting = undefined;
      this.#written = performance.now();
      return this.#keep(this.#now('running', null));
    });
    this.#writing = noting.catch(() => undefined);
    return noting;
  }

  get total(): number {
    return this.#before.total;
  }

  get isDone(): boolean {
    return this.#count === this.#before.total;
  }

  completed(index: number): void {
    const at = this.#left[index];
    if (at === undefined) return;
    this.#done[at >> 3] = (this.#done[at >> 3] as number) | (1 << (at & 7));
    this.#count += 1;
    if (this.isDone) this.#last = at;
    else this.#finished.delete(String(at));
    if (performance.now() - this.#written < WRITE_EVERY_MS) return;
    this.#written = performance.now();
    this.#write('running', null);
  }

  /** Writes how it ended; one of which all items are done, or none and nothing begun since it failed at once, is forgotten. Never fails: a job that could not be written is done again, and found to be done. */
  async end(state: JobState, detail: string | null): Promise<void> {
    // What was refused as a whole is asked for again in other words, not gone on with.
    const refused = state === 'failed' && this.#count === 0 && this.#finished.size === 0;
    if (refused || (this.isDone && state === 'done')) this.#writing = this.#writing.then(this.#forget).catch(() => undefined);
    else this.#write(state, detail);
    await this.#writing;
  }

  #write(state: JobState, detail: string | null): void {
    const now = this.#now(state, detail);
    this.#writing = this.#writing.then(() => this.#keep(now)).catch(() => undefined);
  }

  #now(state: JobState, detail: string | null): StoredJob {
    const { finished: _earlier, ...before } = this.#before;
    const done = Buffer.from(this.#done);
    if (this.#last !== undefined) done[this.#last >> 3] = (done[this.#last >> 3] as number) & ~(1 << (this.#last & 7));
    return { ...before, state, detail, endedAt: state === 'running' ? null : new Date().toISOString(), done: done.toString('base64url'), ...(this.#finished.size > 0 && { finished: Object.fromEntries(this.#finished) }) };
  }
}

function bitsOf({ done, total }: StoredJob): Buffer {
  const bits = Buffer.alloc(Math.ceil(total / 8));
  Buffer.from(done, 'base64url').copy(bits);
  return bits;
}

function leftOf(job: StoredJob): number[] {
  const bits = bitsOf(job);
  return Array.from({ length: job.total }, (_, index) => index).filter((index) => ((bits[index >> 3] as number) & (1 << (index & 7))) === 0);
}

function jobOf(job: StoredJob): Job {
  const done = job.total - leftOf(job).length;
  const { id, operation, title, state, startedAt, endedAt, startedBy, total, detail } = job;
  return { id, operation, title, state, startedAt, endedAt, startedBy, fraction: done / total, items: { done, total }, resumable: true, detail };
}
