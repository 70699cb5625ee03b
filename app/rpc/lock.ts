import { closeSync, openSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { fileError } from './places.ts';

const SQLITE_BUSY = 5;
const SQLITE_FULL = 13;

/**
 * Takes a lock that the operating system drops with this process, however that ends: an exclusive transaction on an empty
 * SQLite database, which is a byte-range lock of the file (Node has no `flock` of its own). Nothing is ever written in it.
 *
 * @returns the lock, held until disposed; undefined when another process has it.
 * @throws STORAGE_READ_ONLY, STORAGE_FULL
 */
export function takeLock(path: string): Disposable | undefined {
  let database: DatabaseSync | undefined;
  try {
    makePrivate(path);
    database = new DatabaseSync(path);
    // A journal on the disk would be a file more, and on a full one nobody could even read the store. OFF is ignored: Node opens databases in SQLite's defensive mode.
    database.exec('PRAGMA busy_timeout = 0; PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE');
  } catch (thrown) {
    database?.close();
    const { errcode } = thrown as { errcode?: number };
    if (errcode === SQLITE_BUSY) return undefined;
    throw fileError(path, errcode === SQLITE_FULL ? Object.assign(new Error('full', { cause: thrown }), { code: 'ENOSPC' }) : thrown);
  }
  const held = database;
  return { [Symbol.dispose]: () => { if (held.isOpen) held.close(); } };
}

/**
 * SQLite would make it readable for others, and gives its other files the permissions of this one. One that is there is not
 * opened: closing any descriptor of a file drops all locks that this process has on it (fcntl(2)).
 */
function makePrivate(path: string): void {
  try {
    closeSync(openSync(path, 'wx', 0o600));
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code !== 'EEXIST') throw thrown;
  }
}
