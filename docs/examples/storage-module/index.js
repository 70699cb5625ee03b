/**
 * An example of a storage kind that lives outside of Keywright: everything in two text files, a line a change, and all
 * of it in memory while it is open. Small stores only; what it shows is the shape of a kind, and how to be durable.
 *
 * Keywright loads it by its path in the configuration (`storage.modules`) and finds the export `storageKind`. It needs nothing
 * of Keywright: an error is any `Error` with one of Keywright's codes as `code`, and `where` for a damaged record.
 */
import { createHash, randomUUID } from 'node:crypto';
import { constants } from 'node:fs';
import { access, open, readFile } from 'node:fs/promises';
import { join } from 'node:path';

const FORMAT = 1;

export const storageKind = {
  kind: 'lines',
  async open({ folder, create }) {
    const records = await LineFile.open(join(folder, 'records.lines'), create);
    try {
      return new LinesStorage(records, await LineFile.open(join(folder, 'log.lines'), create));
    } catch (error) {
      await records.close();
      throw error;
    }
  },
};

class LinesStorage {
  kind = 'lines';
  log;
  #file;
  /** key → { value, revision, summary } */
  #records = new Map();
  #turns = Promise.resolve();
  #closed = false;

  constructor(file, logFile) {
    this.#file = file;
    for (const writes of file.takeLines()) this.#apply(writes);
    this.log = new LinesLog(logFile);
  }

  async get(key) {
    this.#requireOpen();
    requireKey(key);
    return this.#read(key);
  }

  async list(prefix, { limit, cursor }) {
    this.#requireOpen();
    return listOf(this.#records, prefix, limit, cursor);
  }

  put(key, value, options) {
    return this.transaction((tx) => tx.put(key, value, options));
  }

  delete(key, options) {
    return this.transaction((tx) => tx.delete(key, options));
  }

  /** One after the other: what one reads is not changed by another before it commits. */
  transaction(work) {
    if (this.#closed) return Promise.reject(closed());
    return this.#inTurn(async () => {
      const tx = new Transaction(this.#records);
      const result = await work(tx).finally(() => tx.end());
      const writes = tx.writes();
      if (writes.length > 0) {
        // The acknowledgement: one line, written and fsynced. What is not a whole line after a crash never happened.
        await this.#file.append(writes, true);
        this.#apply(writes);
      }
      return result;
    });
  }

  async [Symbol.asyncDispose]() {
    if (this.#closed) return this.#turns;
    this.#closed = true;
    return this.#inTurn(async () => {
      await this.log.close();
      await this.#file.close();
    });
  }

  #read(key) {
    const record = this.#records.get(key);
    return record && { key, ...record, value: new Uint8Array(record.value) };
  }

  #apply(writes) {
    for (const { key, value, revision, summary } of writes) {
      if (value === null) this.#records.delete(key);
      else this.#records.set(key, { value: Buffer.from(value, 'base64'), revision, summary });
    }
  }

  #inTurn(work) {
    const turn = this.#turns.then(work);
    this.#turns = turn.catch(() => undefined);
    return turn;
  }

  #requireOpen() {
    if (this.#closed) throw closed();
  }
}

class Transaction {
  #before;
  #now;
  #touched = new Set();
  #failed;
  #ended = false;

  constructor(records) {
    this.#before = records;
    this.#now = new Map(records);
  }

  async get(key) {
    requireKey(key);
    const record = this.#now.get(key);
    return record && { key, ...record, value: new Uint8Array(record.value) };
  }

  async list(prefix, { limit, cursor }) {
    return listOf(this.#now, prefix, limit, cursor);
  }

  async put(key, value, { ifRevision, summary = null }) {
    if (value.byteLength > MAX_VALUE) throw failure('INVALID_INPUT', 'The value is too long.', '/value');
    this.#write(key, ifRevision, { value: Buffer.from(value), revision: randomUUID(), summary: structuredClone(summary) });
    return { key, ...this.#now.get(key), value };
  }

  async delete(key, { ifRevision }) {
    this.#write(key, ifRevision, undefined);
  }

  end() {
    this.#ended = true;
  }

  /** @returns what changed. A condition that did not hold fails all of it, also if it was caught. */
  writes() {
    if (this.#failed !== undefined) throw this.#failed;
    return [...this.#touched].flatMap((key) => {
      const record = this.#now.get(key);
      if (record !== undefined) return [{ key, ...record, value: record.value.toString('base64') }];
      return this.#before.has(key) ? [{ key, value: null }] : [];
    });
  }

  #write(key, ifRevision, record) {
    if (this.#ended) throw failure('INTERNAL', 'The transaction has ended.');
    requireKey(key);
    const current = this.#now.get(key)?.revision;
    const holds = ifRevision === 'any' || (ifRevision === 'absent' ? current === undefined : ifRevision === current);
    if (!holds) {
      const error = failure(ifRevision === 'absent' ? 'ALREADY_EXISTS' : 'CONFLICT', 'The record is not as it was expected.');
      this.#failed ??= error;
      throw error;
    }
    this.#touched.add(key);
    if (record === undefined) this.#now.delete(key);
    else this.#now.set(key, record);
  }
}

class LinesLog {
  #file;
  #entries;
  #turns = Promise.resolve();

  constructor(file) {
    this.#file = file;
    this.#entries = file.takeLines();
  }

  append(entry) {
    if (entry.byteLength > MAX_ENTRY) return Promise.reject(failure('INVALID_INPUT', 'The entry is too long.', '/entry'));
    const line = Buffer.from(entry).toString('base64');
    // Simpler than fsyncing in groups, and slower: every entry is durable at once.
    const turn = this.#turns.then(async () => {
      await this.#file.append(line, true);
      return this.#entries.push(line);
    });
    this.#turns = turn.catch(() => undefined);
    return turn;
  }

  async flush() {
    await this.#turns;
  }

  async read(from, limit) {
    const start = Math.max(from, 1) - 1;
    return this.#entries.slice(start, start + limit).map((line, index) => ({ number: start + index + 1, entry: new Uint8Array(Buffer.from(line, 'base64')) }));
  }

  async last() {
    return this.#entries.length;
  }

  async close() {
    await this.#turns;
    await this.#file.close();
  }
}

/** A file of lines, each a JSON value with the SHA-256 of it in front. */
class LineFile {
  #handle;
  #length;
  #lines;

  constructor(handle, length, lines) {
    this.#handle = handle;
    this.#length = length;
    this.#lines = lines;
  }

  static async open(path, create) {
    const folder = join(path, '..');
    const exists = await access(path).then(() => true, () => false);
    if (create && exists) throw failure('ALREADY_EXISTS', 'There is a storage in this folder already.');
    if (!create && !exists) throw failure('NOT_FOUND', 'There is no storage in this folder.');
    await access(folder, constants.W_OK).catch(fail);
    const handle = await open(path, create ? 'wx+' : 'r+', 0o600).catch(fail);
    try {
      if (create) {
        await handle.write(lineOf({ format: FORMAT }));
        await handle.sync();
        // The name of a new file is durable only once its folder was fsynced.
        const parent = await open(folder, 'r');
        await parent.sync();
        await parent.close();
      }
      const contents = await readFile(path);
      const { lines, length } = parse(contents, path);
      if (lines[0]?.format > FORMAT) throw failure('STORE_TOO_NEW', 'A newer version wrote this storage.');
      // A line that was cut off by a crash was not acknowledged.
      if (length < contents.length) await handle.truncate(length);
      await handle.sync();
      return new LineFile(handle, length, lines.slice(1));
    } catch (error) {
      await handle.close();
      throw error;
    }
  }

  /** @returns what was in the file when it was opened, once. */
  takeLines() {
    const lines = this.#lines;
    this.#lines = [];
    return lines;
  }

  async append(value, durably) {
    const line = lineOf(value);
    try {
      for (let done = 0; done < line.length; ) done += (await this.#handle.write(line, done, line.length - done, this.#length + done)).bytesWritten;
      if (durably) await this.#handle.sync();
      this.#length += line.length;
    } catch (error) {
      // Whoever is told that it failed must not find half of it later.
      await this.#handle.truncate(this.#length).catch(() => undefined);
      fail(error);
    }
  }

  close() {
    return this.#handle.close();
  }
}

function lineOf(value) {
  const json = JSON.stringify(value);
  return Buffer.from(`${createHash('sha256').update(json).digest('hex')} ${json}\n`);
}

function parse(contents, path) {
  const lines = [];
  let start = 0;
  for (let end = contents.indexOf(10); end !== -1; end = contents.indexOf(10, start)) {
    const line = contents.toString('utf8', start, end);
    const json = line.slice(65);
    if (createHash('sha256').update(json).digest('hex') !== line.slice(0, 64)) throw failure('CORRUPT_RECORD', `Line ${lines.length + 1} is damaged.`, path);
    lines.push(JSON.parse(json));
    start = end + 1;
  }
  return { lines, length: start };
}

function listOf(records, prefix, limit, cursor) {
  if (!Number.isInteger(limit) || limit < 1 || limit > 10_000) throw failure('INVALID_INPUT', 'A page has 1 to 10,000 records.', '/page/limit');
  const keys = [...records.keys()].filter((key) => key.startsWith(prefix) && (cursor === undefined || key > cursor)).sort();
  const items = keys.slice(0, limit).map((key) => ({ key, revision: records.get(key).revision, summary: records.get(key).summary }));
  return keys.length > limit ? { items, cursor: items.at(-1).key } : { items };
}

/** `sealed`, which encrypts what it stores, needs a little more than the 64 MiB and 1 MiB that it is given itself. */
const MAX_VALUE = 66 * 1024 * 1024;
const MAX_ENTRY = 3 * 1024 * 1024;

function requireKey(key) {
  if (!/^[\x20-\x7e]{1,512}$/.test(key)) throw failure('INVALID_INPUT', 'A key is 1 to 512 characters of printable ASCII.', '/key');
}

/** Names what the operating system said in Keywright's codes. */
function fail(error) {
  if (['ENOSPC', 'EDQUOT'].includes(error.code)) throw failure('STORAGE_FULL', 'There is no space left.');
  if (['EROFS', 'EACCES', 'EPERM'].includes(error.code)) throw failure('STORAGE_READ_ONLY', 'The folder cannot be written.');
  throw error;
}

function closed() {
  return failure('BACKEND_UNAVAILABLE', 'The storage was closed.');
}

function failure(code, message, where) {
  return Object.assign(new Error(message), { code, ...(where === undefined ? {} : { where }) });
}
