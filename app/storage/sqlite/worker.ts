/**
 * SQLite's thread: one connection, so that no fsync and no long read blocks the core's event loop. Imports nothing of the
 * contract but types, since it is loaded whenever a store is opened.
 */
import { parentPort } from 'node:worker_threads';
import type { Answers, Reply, Request } from './messages.ts';
import { faultOf, Requests } from './requests.ts';

const port = parentPort!;
const requests = new Requests();

port.on('message', ({ id, request }: { id: number; request: Request }) => {
  let reply: Reply;
  let transfer: ArrayBuffer[] = [];
  try {
    const answer = requests.answer(request);
    if (request.op === 'get' && answer !== undefined) transfer = [(answer as NonNullable<Answers['get']>).value.buffer as ArrayBuffer];
    reply = { id, answer };
  } catch (thrown) {
    reply = { id, fault: faultOf(thrown) };
  }
  port.postMessage(reply, transfer);
  if (request.op === 'close') port.close();
});
