import { join } from 'node:path';
import type { KeywrightError } from '../../contract/index.ts';
import { FileAppendLog } from '../append-log.ts';
import { BufferedStorage, type Write } from '../buffered.ts';
import { alreadyThere, conditionError, corrupt, nothingThere, tooNew } from '../faults.ts';
import type { ListedRecord, Page, PageRequest, StorageKind, StoredRecord, Summary } from '../storage.ts';
import type { Asked } from './asked.ts';
import { DATABASE } from './schema.ts';

/** Records in an SQLite database: the default. `docs/storage.md` tells the layout and what it promises. */
export const sqliteKind: StorageKind = {
  kind: 'sqlite',
  prepare() {
    prepared ??= startThread();
  },
  async open({ folder, create, brief = false }) {
    const database = await (brief ? here() : (prepared ?? startThread()));
    if (!brief) prepared = undefined;
    try {
      const opened = await database.ask<'open'>({ op: 'open', folder, create });
      if (opened.state === 'absent') throw nothingThere('sqlite');
      if (opened.state === 'present') throw alreadyThere('sqlite');
      if (opened.state === 'too new') throw tooNew(opened.found, opened.known);
      if (opened.state === 'damaged') throw corrupt(DATABASE, opened.why);
      return new SqliteStorage(database, new FileAppendLog(join(folder, 'log')));
    } catch (thrown) {
      await database.close();
      throw thrown;
    }
  },
};

/** A thread that starts already, for whoever opens the next database. */
let prepared: Promise<Asked> | undefined;

const startThread = async (): Promise<Asked> => new (await import('./thread.ts')).DatabaseThread();
const here = async (): Promise<Asked> => new (await import('./here.ts')).DatabaseHere();

class SqliteStorage extends BufferedStorage {
  readonly kind = 'sqlite';
  readonly log: FileAppendLog;
  readonly #database: Asked;

  constructor(database: Asked, log: FileAppendLog) {
    super();
    this.#database = database;
    this.log = log;
  }

  async check(): Promise<readonly KeywrightError[]> {
    const records = await this.#database.ask<'check'>({ op: 'check' });
    const entries = await this.log.damaged();
    return [
      ...records.map(({ where, why }) => corrupt(where, why)),
      ...entries.map(({ from, to }) => corrupt(`log entry ${from}`, `Entries ${from} to ${to} cannot be read.`)),
    ];
  }

  protected async read(key: string): Promise<StoredRecord | undefined> {
    const found = await this.#database.ask<'get'>({ op: 'get', key }, key);
    if (found === undefined) return undefined;
    if (!found.intact) throw corrupt(key, 'Its checksum does not match.');
    return { key, value: found.value, revision: found.revision, summary: summaryOf(found.summary ?? '') };
  }

  protected async page(prefix: string, { limit, cursor }: PageRequest): Promise<Page<ListedRecord>> {
    // Keys are printable ASCII: \x01 comes before any of their characters, and \x7f behind.
    const from = cursor !== undefined && cursor >= prefix ? `${cursor}\x01` : prefix;
    const { keys, revisions, summaries, more } = await this.#database.ask<'page'>({ op: 'page', from, below: `${prefix}\x7f`, limit });
    if (keys === '') return { items: [] };
    const revision = revisions.split('\n');
    const summary = summaries === '' ? undefined : summaries.split('\n');
    const items = keys.split('\n').map((key, index) => ({ key, revision: revision[index]!, summary: summaryOf(summary?.[index] ?? '') }));
    return more ? { items, cursor: items[items.length - 1]!.key } : { items };
  }

  protected async commit(writes: readonly Write[]): Promise<void> {
    const rows = writes.map((write) => ({ ...write, summary: write.summary === null ? null : JSON.stringify(write.summary) }));
    const failed = await this.#database.ask<'commit'>({ op: 'commit', writes: rows });
    if (failed !== undefined) throw conditionError(writes[failed.write]!.ifRevision, failed.current);
  }

  protected async close(): Promise<void> {
    try {
      await this.log.close();
      await this.#database.ask<'close'>({ op: 'close' });
    } finally {
      await this.#database.close();
    }
  }
}

function summaryOf(json: string): Summary {
  return json === '' ? null : (JSON.parse(json) as Summary);
}
