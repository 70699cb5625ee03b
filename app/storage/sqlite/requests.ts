import type { Fault } from '../faults.ts';
import { Database, openDatabase } from './database.ts';
import type { Answers, Request } from './messages.ts';

/** Answers requests about one database, in whichever thread it lives. Imports nothing of the contract but types: a thread is started for it. */
export class Requests {
  #database: Database | undefined;

  /** @throws Node's and SQLite's errors as they are; {@link faultOf} makes them fit for a message. */
  answer(request: Request): Answers[keyof Answers] {
    if (request.op === 'open') {
      const opened = openDatabase(request.folder, request.create);
      if (!(opened instanceof Database)) return opened;
      this.#database = opened;
      return { state: 'open' };
    }
    if (request.op === 'close') {
      this.#database?.close();
      this.#database = undefined;
      return undefined;
    }
    if (this.#database === undefined) throw new Error('The database is not open.');
    switch (request.op) {
      case 'get':
        return this.#database.get(request.key);
      case 'page':
        return this.#database.page(request.from, request.below, request.limit);
      case 'commit':
        return this.#database.commit(request.writes);
      case 'check':
        return this.#database.check();
    }
  }
}

export function faultOf(thrown: unknown): Fault {
  const { message, code, errcode } = thrown as { message: string; code?: string; errcode?: number };
  return { message, code, sqlite: errcode };
}
