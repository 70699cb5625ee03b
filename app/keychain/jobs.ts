import { KeywrightError, type Call, type Job, type Operation } from '../contract/index.ts';
import type { EventBus } from './events.ts';

/** Ended jobs that are remembered. */
const KEEP_ENDED = 200;

interface Tracked {
  job: Job;
  readonly abort: () => void;
  readonly watchers: Set<(job: Job) => void>;
}

/** Calls that stream progress, while they run and for a while after: any face can list, watch and cancel them. */
export class Jobs {
  readonly #events: EventBus;
  readonly #tracked = new Map<string, Tracked>();

  constructor(events: EventBus) {
    this.#events = events;
  }

  start(operation: Operation, call: Pick<Call, 'id' | 'principal'>, abort: () => void): { progress(event: unknown): void; end(state: 'done' | 'failed' | 'cancelled', detail: string | null): void } {
    const tracked: Tracked = {
      job: {
        id: call.id, operation: operation.id, title: operation.summary, state: 'running', startedAt: new Date().toISOString(), endedAt: null,
        startedBy: call.principal.name, fraction: null, detail: null,
      },
      abort,
      watchers: new Set(),
    };
    this.#tracked.set(call.id, tracked);
    this.#changed(tracked);
    return {
      progress: (event) => {
        tracked.job = { ...tracked.job, ...progressOf(event) };
        for (const watcher of tracked.watchers) watcher(tracked.job);
      },
      end: (state, detail) => {
        tracked.job = { ...tracked.job, state, detail, endedAt: new Date().toISOString(), ...(state === 'done' ? { fraction: 1 } : {}) };
        this.#forgetOld();
        this.#changed(tracked);
      },
    };
  }

  list(): Job[] {
    return [...this.#tracked.values()].map(({ job }) => job).reverse();
  }

  /** @throws NOT_FOUND */
  show(id: string): Job {
    return this.#get(id).job;
  }

  /** @throws NOT_FOUND, CONFLICT when it has ended. */
  cancel(id: string): Job {
    const tracked = this.#get(id);
    if (tracked.job.state !== 'running') throw new KeywrightError('CONFLICT', 'The job has ended already.');
    tracked.abort();
    return tracked.job;
  }

  /** Tells each change until the job ends. @throws NOT_FOUND */
  async watch(id: string, call: Call): Promise<Job> {
    const tracked = this.#get(id);
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

  #get(id: string): Tracked {
    const tracked = this.#tracked.get(id);
    if (tracked === undefined) throw new KeywrightError('NOT_FOUND', { detail: 'There is no such job.', remedy: 'See `keywright jobs list`.' });
    return tracked;
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

/** Progress records count in bytes (`bytes`/`totalBytes`) or in things (`done`/`total`). */
function progressOf(event: unknown): Partial<Job> {
  if (typeof event !== 'object' || event === null) return {};
  const facts = event as Record<string, unknown>;
  const [done, total] = 'totalBytes' in facts ? [facts['bytes'], facts['totalBytes']] : [facts['done'], facts['total']];
  if (typeof done !== 'number' || typeof total !== 'number' || total <= 0) return {};
  return { fraction: Math.min(1, done / total) };
}
