import { existsSync } from 'node:fs';
import { Worker } from 'node:worker_threads';
import { KeywrightError } from '../../contract/index.ts';
import { closed, storageError } from '../faults.ts';
import type { Asked } from './asked.ts';
import type { Answers, Reply, Request } from './messages.ts';

interface Pending {
  readonly resolve: (answer: Reply['answer']) => void;
  readonly reject: (error: KeywrightError) => void;
  readonly where: string | undefined;
}

/** The calling side of SQLite's thread. It keeps the process alive only while an answer is awaited. */
export class DatabaseThread implements Asked {
  readonly #worker: Worker;
  readonly #pending = new Map<number, Pending>();
  #next = 1;
  #ended = false;

  constructor() {
    this.#worker = new Worker(workerFile(), {
      name: 'storage',
      execArgv: [],
      // Values are outside of its heap, and statements are few.
      resourceLimits: { maxYoungGenerationSizeMb: 2, maxOldGenerationSizeMb: 128 },
    });
    this.#worker.on('message', (reply: Reply) => this.#settle(reply));
    this.#worker.on('error', (cause) => this.#end(cause));
    this.#worker.on('exit', () => this.#end());
    this.#worker.unref();
  }

  ask<Op extends Request['op']>(request: Extract<Request, { op: Op }>, where?: string): Promise<Answers[Op]> {
    if (this.#ended) return Promise.reject(closed());
    const id = this.#next++;
    const { promise, resolve, reject } = Promise.withResolvers<Reply['answer']>();
    if (this.#pending.size === 0) this.#worker.ref();
    this.#pending.set(id, { resolve, reject, where });
    this.#worker.postMessage({ id, request });
    return promise as Promise<Answers[Op]>;
  }

  async close(): Promise<void> {
    this.#ended = true;
    await this.#worker.terminate();
  }

  #settle({ id, answer, fault }: Reply): void {
    const pending = this.#pending.get(id);
    this.#pending.delete(id);
    if (this.#pending.size === 0) this.#worker.unref();
    if (fault === undefined) pending?.resolve(answer);
    else pending?.reject(storageError(fault, pending.where));
  }

  #end(cause?: unknown): void {
    this.#ended = true;
    const error = new KeywrightError('INTERNAL', { detail: "The database's thread ended. Whether the last change was made is not known.", remedy: 'Open the store again.', cause });
    for (const { reject } of this.#pending.values()) reject(error);
    this.#pending.clear();
  }
}

/**
 * A bundle has the thread's code beside it as `storage-worker.js` (entry `app/storage/sqlite/worker.ts`); unbundled, the
 * source runs as it is.
 */
function workerFile(): URL {
  const bundled = new URL('./storage-worker.js', import.meta.url);
  return existsSync(bundled) ? bundled : new URL('./worker.ts', import.meta.url);
}
