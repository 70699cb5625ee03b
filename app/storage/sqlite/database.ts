import { accessSync, closeSync, constants, existsSync, fsyncSync, openSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync, type StatementSync } from 'node:sqlite';
import { crc32 } from 'node:zlib';
import { syncFolder } from '../disk.ts';
import { inspectDatabase } from './inspect.ts';
import type { Answers, Opened, Row } from './messages.ts';
import { APPLICATION_ID, DATABASE, MIGRATIONS } from './schema.ts';

/**
 * EXCLUSIVE: a store has one owner, and without sharing, SQLite takes no lock a statement and needs no shared memory file.
 * The two of fullfsync matter on macOS alone, where an fsync leaves the bytes in the drive's cache.
 */
const SETTINGS = `
  PRAGMA locking_mode = EXCLUSIVE;
  PRAGMA journal_mode = WAL;
  PRAGMA synchronous = FULL;
  PRAGMA fullfsync = ON;
  PRAGMA checkpoint_fullfsync = ON;
  PRAGMA cache_size = -1024;
  PRAGMA journal_size_limit = 8388608;
  PRAGMA temp_store = MEMORY;
  PRAGMA trusted_schema = OFF;
  PRAGMA cell_size_check = ON;`;

/** @returns the open database, or why there is none. @throws Node's and SQLite's errors as they are. */
export function openDatabase(folder: string, create: boolean): Database | Opened {
  const path = join(folder, DATABASE);
  if (existsSync(path) ? create : !create) return { state: create ? 'present' : 'absent' };
  accessSync(folder, constants.W_OK);
  if (create) createDatabase(folder, path);
  const refused = inspect(path);
  if (refused !== undefined) return refused;
  const connection = new DatabaseSync(path);
  try {
    connection.exec(SETTINGS);
    migrate(connection);
    return new Database(connection);
  } catch (thrown) {
    connection.close();
    throw thrown;
  }
}

/** Made aside and renamed, so that a crash leaves a whole database or none. */
function createDatabase(folder: string, path: string): void {
  const aside = `${path}.new`;
  for (const suffix of ['', '-wal', '-journal']) rmSync(`${aside}${suffix}`, { force: true });
  // SQLite gives its other files the permissions of this one.
  closeSync(openSync(aside, 'wx', 0o600));
  const connection = new DatabaseSync(aside);
  try {
    connection.exec(`${SETTINGS} PRAGMA application_id = ${APPLICATION_ID};`);
    migrate(connection);
  } finally {
    connection.close();
  }
  const file = openSync(aside, 'r+');
  try {
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
  renameSync(aside, path);
  syncFolder(folder);
}

/** Looks before SQLite may write: read-only, so that not even closing changes a damaged file or one of a newer version. */
function inspect(path: string): Opened | undefined {
  const wrong = inspectDatabase(path);
  if (wrong !== undefined) return { state: 'damaged', why: wrong };
  // Reading a write-ahead log takes helping files, and a read-only connection leaves them behind.
  const helpers = ['-wal', '-shm'].map((suffix) => `${path}${suffix}`).filter((file) => !existsSync(file));
  const connection = new DatabaseSync(path, { readOnly: true });
  try {
    connection.exec('PRAGMA cache_size = -1024');
    const version = numberOf(connection, 'user_version');
    if (version > MIGRATIONS.length) return { state: 'too new', found: version, known: MIGRATIONS.length };
    // 100,000 records take about 35 ms.
    const { quick_check: found } = connection.prepare('PRAGMA quick_check(1)').get() as { quick_check: string };
    return found === 'ok' ? undefined : { state: 'damaged', why: checkSays(found) };
  } catch (thrown) {
    const code = (thrown as { errcode?: number }).errcode ?? 0;
    if (SHARED_MEMORY_FAULTS.has(code)) return undefined;
    if (DAMAGE.has(code & 0xff)) return { state: 'damaged', why: `SQLite says: ${(thrown as Error).message}.` };
    throw thrown;
  } finally {
    connection.close();
    for (const file of helpers) rmSync(file, { force: true });
  }
}

/** Primary result codes (https://sqlite.org/rescode.html): CORRUPT, NOTADB. */
const DAMAGE = new Set([11, 26]);

/** IOERR_SHMOPEN, IOERR_SHMSIZE, IOERR_SHMMAP: on a full disk a log can be read by its owner alone, who needs no file for it. */
const SHARED_MEMORY_FAULTS = new Set([4618, 4874, 5386]);

function migrate(connection: DatabaseSync): void {
  for (let version = numberOf(connection, 'user_version'); version < MIGRATIONS.length; version++) {
    connection.exec('BEGIN IMMEDIATE');
    try {
      connection.exec(`${MIGRATIONS[version]!} PRAGMA user_version = ${version + 1}; COMMIT`);
    } catch (thrown) {
      if (connection.isTransaction) connection.exec('ROLLBACK');
      throw thrown;
    }
  }
}

function numberOf(connection: DatabaseSync, pragma: 'user_version'): number {
  return (connection.prepare(`PRAGMA ${pragma}`).get() as Record<typeof pragma, number>)[pragma];
}

interface Content {
  readonly revision: string;
  readonly summary: string | null;
  readonly content: number;
  readonly checksum: number | null;
  readonly value: Uint8Array | null;
}

/** The database, in whichever thread it is: statements, transactions, and what SQLite’s failures mean. Every method is synchronous. */
export class Database {
  readonly #connection: DatabaseSync;
  readonly #statements: Record<'get' | 'page' | 'current' | 'addContent' | 'changeContent' | 'removeContent' | 'put' | 'remove' | 'begin' | 'commit', StatementSync>;

  constructor(connection: DatabaseSync) {
    this.#connection = connection;
    const prepare = (sql: string) => connection.prepare(sql);
    this.#statements = {
      get: prepare('SELECT revision, summary, content, checksum, value FROM records LEFT JOIN contents ON id = content WHERE key = ?'),
      page: prepare('SELECT key, revision, summary FROM records WHERE key >= ? AND key < ? ORDER BY key LIMIT ?'),
      current: prepare('SELECT revision, content FROM records WHERE key = ?'),
      addContent: prepare('INSERT INTO contents (checksum, value) VALUES (?, ?)'),
      changeContent: prepare('UPDATE contents SET checksum = ?, value = ? WHERE id = ?'),
      removeContent: prepare('DELETE FROM contents WHERE id = ?'),
      put: prepare('INSERT INTO records (key, revision, summary, content) VALUES (?, ?, ?, ?) ON CONFLICT (key) DO UPDATE SET revision = excluded.revision, summary = excluded.summary'),
      remove: prepare('DELETE FROM records WHERE key = ?'),
      begin: prepare('BEGIN IMMEDIATE'),
      commit: prepare('COMMIT'),
    };
    this.#statements.page.setReturnArrays(true);
  }

  get(key: string): Answers['get'] {
    const row = this.#statements.get.get(key) as Content | undefined;
    if (row === undefined) return undefined;
    const { revision, summary } = row;
    const value = row.value ?? new Uint8Array(0);
    return { value, revision, summary, intact: row.value !== null && row.checksum === checksum(key, revision, summary, value) };
  }

  page(from: string, below: string, limit: number): Answers['page'] {
    const rows = this.#statements.page.all(from, below, limit + 1) as unknown as [string, string, string | null][];
    const more = rows.length > limit;
    if (more) rows.pop();
    return {
      keys: rows.map(([key]) => key).join('\n'),
      revisions: rows.map(([, revision]) => revision).join('\n'),
      summaries: rows.every(([, , summary]) => summary === null) ? '' : rows.map(([, , summary]) => summary ?? '').join('\n'),
      more,
    };
  }

  commit(writes: readonly Row[]): Answers['commit'] {
    const { begin, commit } = this.#statements;
    begin.run();
    try {
      for (const [index, write] of writes.entries()) {
        const current = this.#write(write);
        if (current === true) continue;
        this.#connection.exec('ROLLBACK');
        return { write: index, current };
      }
      commit.run();
      return undefined;
    } catch (thrown) {
      // Some errors end the transaction by themselves (https://sqlite.org/lang_transaction.html §3.1).
      if (this.#connection.isTransaction) this.#connection.exec('ROLLBACK');
      throw thrown;
    }
  }

  /** Reads everything. @returns what cannot be read. */
  check(): Answers['check'] {
    const wrong: { where: string; why: string }[] = [];
    for (const row of this.#connection.prepare('PRAGMA integrity_check(20)').all() as unknown as { integrity_check: string }[]) {
      if (row.integrity_check !== 'ok') wrong.push({ where: DATABASE, why: checkSays(row.integrity_check) });
    }
    const keys = this.#connection.prepare('SELECT key FROM records ORDER BY key');
    for (const { key } of keys.all() as unknown as { key: string }[]) {
      try {
        if (this.get(key)?.intact !== true) wrong.push({ where: key, why: 'Its checksum does not match.' });
      } catch (thrown) {
        wrong.push({ where: key, why: `SQLite says: ${(thrown as Error).message}.` });
      }
    }
    return wrong;
  }

  close(): void {
    this.#connection.close();
  }

  /** @returns true, or the revision that stands against the write's condition. */
  #write({ key, ifRevision, value, revision, summary }: Row): true | string | undefined {
    const { current, addContent, changeContent, removeContent, put, remove } = this.#statements;
    const there = current.get(key) as { revision: string; content: number } | undefined;
    const holds = ifRevision === 'any' || (ifRevision === 'absent' ? there === undefined : there?.revision === ifRevision);
    if (!holds) return there?.revision;
    if (value === undefined) {
      if (there === undefined) return true;
      remove.run(key);
      removeContent.run(there.content);
      return true;
    }
    const sum = checksum(key, revision, summary, value);
    let content: number | bigint | undefined = there?.content;
    if (content === undefined || changeContent.run(sum, value, content).changes === 0) {
      content = addContent.run(sum, value).lastInsertRowid;
      if (there !== undefined) remove.run(key);
    }
    put.run(key, revision, summary, content);
    return true;
  }
}

/** CRC-32 of all that a record is: SQLite has no checksums of its own, and a flipped bit in a value goes unnoticed by it. */
function checksum(key: string, revision: string, summary: string | null, value: Uint8Array): number {
  return crc32(value, crc32(`${key}\n${revision}\n${summary ?? ''}`));
}

/** SQLite heads its findings with a line of its own. */
function checkSays(found: string): string {
  return `SQLite's check says: ${found.replace(/^\*\*\* in database \w+ \*\*\*\s*/, '').replaceAll(/\s*\n\s*/g, '; ')}.`;
}
