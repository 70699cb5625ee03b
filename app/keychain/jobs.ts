import { KeywrightError, nounOf, operationsOf, type Call, type CallOptions, type Job, type JobState, type Operation } from '../contract/index.ts';
import type { EventBus } from './events.ts';
import type { Finished, JobRecords, KeptJob } from './job-records.ts';

/** Ended jobs that are remembered. */
const KEEP_ENDED = 200;

interface Tracked {
  job: Job;
  readonly abort: (reason: KeywrightError) => void;
  readonly watchers: Set<(job: Job) => void>;
  /** It was asked to pause: what ends it is no cancel. */
  paused: boolean;
}

/** One of the items of a job that is kept. */
export interface JobItem {
  /** The same one each time that the job is gone on with. */
  readonly job: string;
  /** What an earlier run noted of it. */
  readonly noted: Finished | undefined;
  /** Notes durably what it came to, before that gets its name. */
  note(finished: Finished): Promise<void>;
}

/** A job while it runs, as the call that does it sees it. */
export interface RunningJob {
  progress(event: unknown): void;
  /** The items are these, wire side, and not those of the input. Before any is done. */
  expanded(items: readonly unknown[]): Promise<void>;
  /** The n-th item of the input is done. */
  completed(index: number): void;
  /** @returns the n-th item of a job that is kept. */
  item(index: number): JobItem | undefined;
  /** @returns whether it can be gone on with. */
  end(state: 'done' | 'failed' | 'cancelled', detail: string | null): Promise<boolean>;
}

/** Calls that stream progress, while they run and for a while after: any face can list, watch and cancel them. Those over many files can be paused and gone on with. */
export class Jobs {
  readonly #events: EventBus;
  readonly #records: () => JobRecords | undefined;
  readonly #tracked = new Map<string, Tracked>();

  /** @param records those of the open store. */
  constructor(events: EventBus, records: () => JobRecords | undefined) {
    this.#events = events;
    this.#records = records;
  }

  /** @param input wire side: kept for a job over several items, so that it can be gone on with. */
  async start(operation: Operation, call: Pick<Call, 'id' | 'principal'>, input: unknown, abort: (reason: KeywrightError) => void): Promise<RunningJob> {
    let kept = await this.#keep(operation, call, input);
    const total = itemsOf(operation, input)?.length;
    const tracked: Tracked = {
      job: {
        id: call.id, operation: operation.id, title: operation.summary, state: 'running', startedAt: new Date().toISOString(), endedAt: null,
        startedBy: call.principal.name, fraction: null, items: kept === undefined ? null : { done: kept.done, total: kept.done + (total ?? 0) }, resumable: kept !== undefined, detail: null,
      },
      abort,
      watchers: new Set(),
      paused: false,
    };
    this.#tracked.set(call.id, tracked);
    this.#changed(tracked);
    const update = (facts: Partial<Job>): void => {
      tracked.job = { ...tracked.job, ...facts };
      for (const watcher of tracked.watchers) watcher(tracked.job);
    };
    return {
      progress: (event) => update(tracked.job.items === null ? progressOf(event) : {}),
      expanded: async (items) => {
        kept = await this.#keep(operation, call, { ...(input as object), [operation.resumable as string]: items }, true);
        update({ items: kept === undefined ? null : { done: 0, total: items.length }, resumable: kept !== undefined });
      },
      completed: (index) => {
        if (kept === undefined || tracked.job.items === null) return;
        kept.completed(index);
        update({ items: { ...tracked.job.items, done: kept.done }, fraction: kept.done / tracked.job.items.total });
      },
      item: (index) => {
        const job = kept;
        return job?.has(index) !== true ? undefined : { job: job.id, noted: job.noted(index), note: (finished) => job.note(index, finished) };
      },
      end: async (ended, detail) => {
        const state: JobState = ended === 'cancelled' && tracked.paused ? 'paused' : ended === 'done' && kept?.isDone === false ? 'failed' : ended;
        const told = detail ?? (state === 'failed' && kept !== undefined ? `${kept.total - kept.done} of ${kept.total} could not be done.` : null);
        await kept?.end(state, told);
        const resumable = kept !== undefined && this.#records()?.get(call.id) !== undefined;
        tracked.job = { ...tracked.job, state, detail: told, resumable, endedAt: new Date().toISOString(), ...(state === 'done' ? { fraction: 1 } : {}) };
        this.#forgetOld();
        this.#changed(tracked);
        return resumable;
      },
    };
  }

  list(): Job[] {
    const kept = (this.#records()?.list() ?? []).filter(({ id }) => !this.#tracked.has(id));
    return [...kept.sort((a, b) => (a.startedAt < b.startedAt ? -1 : 1)), ...[...this.#tracked.values()].map(({ job }) => job)].reverse();
  }

  /** @throws NOT_FOUND */
  show(id: string): Job {
    const job = this.#tracked.get(id)?.job ?? this.#records()?.get(id);
    if (job === undefined) throw notFound();
    return job;
  }

  /** @throws NOT_FOUND, CONFLICT when it has ended. */
  cancel(id: string): Job {
    return this.#stop(id, new KeywrightError('CANCELLED', 'The job was cancelled.')).job;
  }

  /** @throws NOT_FOUND, CONFLICT when it has ended or cannot be gone on with. */
  pause(id: string): Job {
    if (this.#tracked.get(id)?.job.resumable === false) throw new KeywrightError('CONFLICT', { detail: 'This job cannot be gone on with, so it cannot be paused.', remedy: 'Cancel it, or let it run.' });
    const tracked = this.#stop(id, new KeywrightError('CANCELLED', 'The job was paused.'));
    tracked.paused = true;
    return tracked.job;
  }

  /** Goes on with what is left of a job, under its id. @throws NOT_FOUND, CONFLICT while it runs, and what its operation does */
  async resume(id: string, call: Call, run: (operation: string, input: unknown, options: CallOptions) => Promise<unknown>): Promise<Job> {
    const records = this.#records();
    if (this.#tracked.get(id)?.job.state === 'running') throw new KeywrightError('CONFLICT', { detail: 'The job is running.', remedy: 'Watch it with `keywright jobs watch`.' });
    if (records === undefined) throw notFound();
    const { operation, input } = await records.left(id, async (name) => (await operationsOf(nounOf({ id: name }))).find((one) => one.id === name)?.resumable);
    this.#tracked.delete(id);
    await run(operation, input, { principal: call.principal, prompt: call.prompt, signal: call.signal, requestId: id, progress: () => {
      const job = this.#tracked.get(id)?.job;
      if (job !== undefined) call.progress(job);
    } });
    return this.show(id);
  }

  /** @throws NOT_FOUND, CONFLICT while it runs. */
  async forget(id: string): Promise<void> {
    if (this.show(id).state === 'running') throw new KeywrightError('CONFLICT', { detail: 'The job is running.', remedy: 'Cancel it first.' });
    await this.#records()?.forget(id);
    this.#tracked.delete(id);
    this.#events.emit({ type: 'jobs.changed', id });
  }

  /** Tells each change until the job ends. @throws NOT_FOUND */
  async watch(id: string, call: Call): Promise<Job> {
    const tracked = this.#tracked.get(id);
    if (tracked === undefined) return this.show(id);
    call.progress(tracked.job);
    if (tracked.job.state !== 'running') return tracked.job;
    const { promise, resolve, reject } = Promise.withResolvers<Job>();
    const abort = (): void => reject(call.signal.reason);
    const watcher = (job: Job): void => {
      call.progress(job);
      if (job.state !== 'running') resolve(job);
    };
    call.signal.addEventListener('abort', abort, { once: true });
    tracked.watchers.add(watcher);
    try {
      return await promise;
    } finally {
      tracked.watchers.delete(watcher);
      call.signal.removeEventListener('abort', abort);
    }
  }

  #stop(id: string, reason: KeywrightError): Tracked {
    const tracked = this.#tracked.get(id);
    if (tracked === undefined || tracked.job.state !== 'running') {
      this.show(id);
      throw new KeywrightError('CONFLICT', 'The job has ended already.');
    }
    tracked.abort(reason);
    return tracked;
  }

  /** One item alone is begun anew as quickly as gone on with. */
  async #keep(operation: Operation, { id, principal }: Pick<Call, 'id' | 'principal'>, input: unknown, anew = false): Promise<KeptJob | undefined> {
    const items = itemsOf(operation, input);
    const records = this.#records();
    if (items === undefined || records === undefined || (items.length < 2 && records.get(id) === undefined)) return undefined;
    return records.begin({ id, operation: operation.id, title: operation.summary, startedAt: new Date().toISOString(), startedBy: principal.name, total: items.length }, input, anew);
  }

  #changed(tracked: Tracked): void {
    for (const watcher of tracked.watchers) watcher(tracked.job);
    this.#events.emit({ type: 'jobs.changed', id: tracked.job.id });
  }

  #forgetOld(): void {
    const ended = [...this.#tracked.values()].filter(({ job }) => job.state !== 'running');
    for (const { job } of ended.slice(0, Math.max(0, ended.length - KEEP_ENDED))) this.#tracked.delete(job.id);
  }
}

function itemsOf({ resumable }: Operation, input: unknown): readonly unknown[] | undefined {
  return resumable === undefined ? undefined : ((input as Record<string, unknown>)[resumable] as readonly unknown[] | undefined);
}

function notFound(): KeywrightError {
  return new KeywrightError('NOT_FOUND', { detail: 'There is no such job.', remedy: 'See `keywright jobs list`.' });
}

/** Progress records count in bytes (`bytes`/`totalBytes`) or in things (`done`/`total`). */
function progressOf(event: unknown): Partial<Job> {
  if (typeof event !== 'object' || event === null) return {};
  const facts = event as Record<string, unknown>;
  const [done, total] = 'totalBytes' in facts ? [facts['bytes'], facts['totalBytes']] : [facts['done'], facts['total']];
  if (typeof done !== 'number' || typeof total !== 'number' || total <= 0) return {};
  return { fraction: Math.min(1, done / total) };
}
