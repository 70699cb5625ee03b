/**
 * SQLite's thread: one connection, so that no fsync and no long read blocks the core's event loop. Imports nothing of the
 * contract but types, since it is loaded whenever a store is opened.
 */
import { parentPort } from 'node:worker_threads';
import type { Fault } from '../faults.ts';
import { Database, openDatabase } from './database.ts';
import type { Answers, Reply, Request } from './messages.ts';

const port = parentPort!;
let database: Database | undefined;

port.on('message', ({ id, request }: { id: number; request: Request }) => {
  let reply: Reply;
  let transfer: ArrayBuffer[] = [];
  try {
    const answer = handle(request);
    if (request.op === 'get' && answer !== undefined) transfer = [(answer as NonNullable<Answers['get']>).value.buffer as ArrayBuffer];
    reply = { id, answer };
  } catch (thrown) {
    reply = { id, fault: faultOf(thrown) };
  }
  port.postMessage(reply, transfer);
  if (request.op === 'close') port.close();
});

function handle(request: Request): Answers[keyof Answers] {
  if (request.op === 'open') {
    const opened = openDatabase(request.folder, request.create);
    if (!(opened instanceof Database)) return opened;
    database = opened;
    return { state: 'open' };
  }
  if (request.op === 'close') {
    database?.close();
    database = undefined;
    return undefined;
  }
  if (database === undefined) throw new Error('The database is not open.');
  switch (request.op) {
    case 'get':
      return database.get(request.key);
    case 'page':
      return database.page(request.from, request.below, request.limit);
    case 'commit':
      return database.commit(request.writes);
    case 'check':
      return database.check();
  }
}

function faultOf(thrown: unknown): Fault {
  const { message, code, errcode } = thrown as { message: string; code?: string; errcode?: number };
  return { message, code, sqlite: errcode };
}
