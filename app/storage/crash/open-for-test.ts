import { existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openFileStorage } from '../file/index.ts';
import { FileAppendLog, type AppendLogOptions } from '../append-log.ts';
import { Database, openDatabase } from '../sqlite/database.ts';
import { sqliteKind } from '../sqlite/index.ts';
import type { Storage, StorageReader } from '../storage.ts';

export type DiskKind = 'file' | 'sqlite';

export const DISK_KINDS: readonly DiskKind[] = ['file', 'sqlite'];

/** In memory where that can be had: what a killed process wrote is there whether or not a disk has it, and thousands of folders and fsyncs cost little. */
export const SCRATCH = existsSync('/dev/shm') ? '/dev/shm' : tmpdir();

/** Opens or creates, the file kind with a journal so short that it is emptied all the time. */
export function openForTest(kind: DiskKind, folder: string, appendLog?: AppendLogOptions): Promise<Storage> {
  const create = !existsSync(join(folder, kind === 'file' ? 'storage.json' : 'store.db'));
  if (kind === 'sqlite') return sqliteKind.open({ folder, create });
  return openFileStorage({ folder, create, settleBytes: 8 * 1024, settleDelay: 2, ...(appendLog === undefined ? {} : { appendLog }) });
}

type Recovered = StorageReader & Pick<Storage, 'log'> & AsyncDisposable;

/** As {@link openForTest}, without a thread of its own for each of the many databases that a test opens. */
export async function recoverForTest(kind: DiskKind, folder: string): Promise<Recovered> {
  if (kind === 'file') return openForTest(kind, folder);
  const database = openDatabase(folder, !existsSync(join(folder, 'store.db')));
  if (!(database instanceof Database)) throw new Error(`the database is ${JSON.stringify(database)}`);
  const log = new FileAppendLog(join(folder, 'log'));
  return {
    log,
    async get(key) {
      const found = database.get(key);
      if (found?.intact === false) throw new Error('its checksum does not match');
      return found && { key, value: found.value, revision: found.revision, summary: null };
    },
    async list(prefix, { limit }) {
      const { keys } = database.page(prefix, `${prefix}\x7f`, limit);
      return { items: keys.split('\n').filter((key) => key !== '').map((key) => ({ key, revision: '', summary: null })) };
    },
    async [Symbol.asyncDispose]() {
      database.close();
      await log.close();
    },
  };
}
