import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { KeywrightError } from '../../contract/index.ts';
import { FileAppendLog } from '../append-log.ts';
import { BufferedStorage, type Write } from '../buffered.ts';
import { alreadyThere, closed, conditionError, corrupt, nothingThere, storageError, tooNew } from '../faults.ts';
import type { ListedRecord, Page, PageRequest, StorageKind, StoredRecord, Summary } from '../storage.ts';
import type { Answers, Reply, Request } from './messages.ts';
import { DATABASE } from './schema.ts';

/** Records in an SQLite database: the default. `docs/storage.md` tells the layout and what it promises. */
export const sqliteKind: StorageKind = {
  kind: 'sqlite',
  prepare() {
    prepared ??= new DatabaseThread();
  },
  async open({ folder, create }) {
    const thread = prepared ?? new DatabaseThread();
    prepared = undefined;
    try {
      const opened = await thread.ask<'open'>({ op: 'open', folder, create });
      if (opened.state === 'absent') throw nothingThere('sqlite');
      if (opened.state === 'present') throw alreadyThere('sqlite');
      if (opened.state === 'too new') throw tooNew(opened.found, opened.known);
      if (opened.state === 'damaged') throw corrupt(DATABASE, opened.why);
      return new SqliteStorage(thread, new FileAppendLog(join(folder, 'log')));
    } catch (thrown) {
      await thread.close();
      throw thrown;
    }
  },
};

/** A thread that starts already, for whoever opens the next database. */
let prepared: DatabaseThread | undefined;

class SqliteStorage extends BufferedStorage {
  readonly kind = 'sqlite';
  readonly log: FileAppendLog;
  readonly #thread: DatabaseThread;

  constructor(thread: DatabaseThread, log: FileAppendLog) {
    super();
    this.#thread = thread;
    this.log = log;
  }

  async check(): Promise<readonly KeywrightError[]> {
    const records = await this.#thread.ask<'check'>({ op: 'check' });
    const entries = await this.log.damaged();
    return [
      ...records.map(({ where, why }) => corrupt(where, why)),
      ...entries.map(({ from, to }) => corrupt(`log entry ${from}`, `Entries ${from} to ${to} cannot be read.`)),
    ];
  }

  protected async read(key: string): Promise<StoredRecord | undefined> {
    const found = await this.#thread.ask<'get'>({ op: 'get', key }, key);
    if (found === undefined) return undefined;
    if (!found.intact) throw corrupt(key, 'Its checksum does not match.');
    return { key, value: found.value, revision: found.revision, summary: summaryOf(found.summary ?? '') };
  }

  protected async page(prefix: string, { limit, cursor }: PageRequest): Promise<Page<ListedRecord>> {
    // Keys are printable ASCII: \x01 comes before any of their characters, and \x7f behind.
    const from = cursor !== undefined && cursor >= prefix ? `${cursor}\x01` : prefix;
    const { keys, revisions, summaries, more } = await this.#thread.ask<'page'>({ op: 'page', from, below: `${prefix}\x7f`, limit });
    if (keys === '') return { items: [] };
    const revision = revisions.split('\n');
    const summary = summaries === '' ? undefined : summaries.split('\n');
    const items = keys.split('\n').map((key, index) => ({ key, revision: revision[index]!, summary: summaryOf(summary?.[index] ?? '') }));
    return more ? { items, cursor: items[items.length - 1]!.key } : { items };
  }

  protected async commit(writes: readonly Write[]): Promise<void> {
    const rows = writes.map((write) => ({ ...write, summary: write.summary === null ? null : JSON.stringify(write.summary) }));
    const failed = await this.#thread.ask<'commit'>({ op: 'commit', writes: rows });
    if (failed !== undefined) throw conditionError(writes[failed.write]!.ifRevision, failed.current);
  }

  protected async close(): Promise<void> {
    try {
      await this.log.close();
      await this.#thread.ask<'close'>({ op: 'close' });
    } finally {
      await this.#thread.close();
    }
  }
}

function summaryOf(json: string): Summary {
  return json === '' ? null : (JSON.parse(json) as Summary);
}

interface Pending {
  readonly resolve: (answer: Reply['answer']) => void;
  readonly reject: (error: KeywrightError) => void;
  readonly where: string | undefined;
}

/** The calling side of SQLite's thread. It keeps the process alive only while an answer is awaited. */
class DatabaseThread {
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

  /** @param where the record that is asked for, to be named when it is damaged. @throws as {@link storageError} tells. */
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
