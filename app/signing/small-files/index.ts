import { Worker } from 'node:worker_threads';
import { KeywrightError } from '../../contract/index.ts';
import { fileError } from '../file-errors.ts';
import { type AsideOptions, asidePlace, NO_LINKS, usualMode, writeAside } from '../write-aside.ts';
import type { KindsReply, PlaceReply, ReadReply, Reply, Request } from './messages.ts';

/** Files from which on a batch has a thread for the small ones: below, starting it costs more than it saves. */
export const MANY = 64;
/** Large files that are under way at once beside the small ones: each has buffers of its own. */
const LARGE_AT_ONCE = 8;

type Unnumbered<R> = R extends Request ? Omit<R, 'id'> : never;

interface Pending {
  readonly resolve: (reply: Reply) => void;
  readonly reject: (error: KeywrightError) => void;
}

/** The small files of one batch: read and written in a thread of their own, many at a time. It starts when it is first asked. */
export class SmallFiles implements AsyncDisposable {
  #worker: Worker | undefined;
  readonly #pending = new Map<number, Pending>();
  #waiting: Request[] = [];
  #next = 0;
  #ended = false;
  #large = 0;
  readonly #queue: (() => void)[] = [];

  /** @returns the file and what it was like, both null for what is not small or cannot be read; and whether something is called `beside`. */
  async read(path: string, beside: string | null = null): Promise<ReadReply> {
    return await this.#ask({ read: path, beside }) as ReadReply;
  }

  /** @returns one letter a path: `d` for a folder, `-` for what is not there, `f` for everything else. */
  async kinds(paths: readonly string[]): Promise<string> {
    return (await this.#ask({ kinds: paths }) as KindsReply).kinds;
  }

  /** Writes a file as `writeAside` does, together with others of its moment where nothing is replaced and nothing is to be told before. @throws as that does */
  async place(path: string, bytes: Uint8Array, options: AsideOptions): Promise<void> {
    const { overwrite, signal, mode = usualMode(), job, finished } = options;
    signal.throwIfAborted();
    const alone = (): Promise<void> => writeAside(path, options, (write) => write(bytes));
    if (overwrite || finished !== undefined) return alone();
    const { fault } = await this.#ask({ place: path, aside: asidePlace(path, job), bytes, mode, mayReplaceAside: job !== undefined }) as PlaceReply;
    if (fault === null) return;
    if (NO_LINKS.has(fault.code ?? '')) return alone();
    throw fileError(Object.assign(new Error(fault.message), { code: fault.code }), path, 'write');
  }

  /** Does what a large file needs once fewer others than eight are under way. */
  async large<T>(work: () => Promise<T>): Promise<T> {
    if (this.#large === LARGE_AT_ONCE) await new Promise<void>((resolve) => this.#queue.push(resolve));
    else this.#large += 1;
    try {
      return await work();
    } finally {
      const next = this.#queue.shift();
      if (next === undefined) this.#large -= 1;
      else next();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#ended = true;
    await this.#worker?.terminate();
  }

  #ask(request: Unnumbered<Request>): Promise<Reply> {
    if (this.#ended) return Promise.reject(gone());
    const worker = (this.#worker ??= this.#start());
    const id = this.#next++;
    const { promise, resolve, reject } = Promise.withResolvers<Reply>();
    this.#pending.set(id, { resolve, reject });
    this.#waiting.push({ ...request, id } as Request);
    // What else is asked in this turn of the event loop goes with it.
    if (this.#waiting.length === 1) setImmediate(() => {
      const requests = this.#waiting;
      this.#waiting = [];
      worker.postMessage(requests);
    });
    return promise;
  }

  #start(): Worker {
    const worker = new Worker(new URL('./worker.ts', import.meta.url), { name: 'small files', execArgv: [], resourceLimits: { maxYoungGenerationSizeMb: 16, maxOldGenerationSizeMb: 128 } });
    worker.on('message', (replies: readonly Reply[]) => {
      for (const reply of replies) {
        this.#pending.get(reply.id)?.resolve(reply);
        this.#pending.delete(reply.id);
      }
    });
    worker.on('error', (cause) => this.#end(cause));
    worker.on('exit', () => this.#end());
    return worker;
  }

  #end(cause?: unknown): void {
    this.#ended = true;
    for (const { reject } of this.#pending.values()) reject(gone(cause));
    this.#pending.clear();
  }
}

function gone(cause?: unknown): KeywrightError {
  return new KeywrightError('INTERNAL', { detail: 'The thread that reads and writes small files ended.', remedy: 'Start again: what was done is found to be done.', cause });
}
