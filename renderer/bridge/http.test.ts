import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, test, vi } from 'vitest';
import type { BridgeState } from './bridge.ts';
import { httpBridge } from './http.ts';
import { asProblem } from './problem.ts';

const stops: (() => void)[] = [];
afterEach(() => {
  vi.unstubAllGlobals();
  for (const stop of stops.splice(0)) stop();
});

/** An agent of our own, and `fetch` as in a page that it serves. */
async function agent(answer: (request: IncomingMessage, response: ServerResponse, body: string) => void): Promise<void> {
  const server = createServer((request, response) => {
    let body = '';
    request.on('data', (piece) => (body += String(piece)));
    request.on('end', () => answer(request, response, body));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const real = globalThis.fetch;
  vi.stubGlobal('fetch', (path: string, init: RequestInit) => real(`http://127.0.0.1:${port}${path}`, init));
  stops.push(() => (server.closeAllConnections(), server.close()));
}

test('a call names its operation, carries our header, and answers with the output', async () => {
  await agent((request, response, body) => response.end(JSON.stringify({ url: request.url, method: request.method, ours: request.headers['x-keywright'], body })));
  expect(await httpBridge().call('keys.show', { key: 'a' })).toEqual({ url: '/ipc/keys.show', method: 'POST', ours: '1', body: '{"key":"a"}' });
});

test('progress is told as it comes, then the result', async () => {
  await agent((_request, response) => response.writeHead(200, { 'Content-Type': 'text/event-stream' }).end('event: progress\ndata: {"done":1,"total":2}\n\nevent: result\ndata: {"ok":true}\n\n'));
  const progress: unknown[] = [];
  expect(await httpBridge().call('store.verify', {}, { onProgress: (event) => progress.push(event) })).toEqual({ ok: true });
  expect(progress).toEqual([{ done: 1, total: 2 }]);
});

test('an error in the midst of a stream is the error of the call', async () => {
  await agent((_request, response) => response.end('event: error\ndata: {"code":"STORE_LOCKED","detail":"Locked."}\n\n'));
  const thrown = await httpBridge().call('store.verify', {}, { onProgress: () => undefined }).catch((error: unknown) => error);
  expect(asProblem(thrown)).toMatchObject({ code: 'STORE_LOCKED', detail: 'Locked.' });
});

test('a stream that breaks off is an error, never a result', async () => {
  await agent((_request, response) => response.end('event: progress\ndata: {"done":1,"total":2}\n\n'));
  const thrown = await httpBridge().call('store.verify', {}, { onProgress: () => undefined }).catch((error: unknown) => error);
  expect(asProblem(thrown).code).toBe('BACKEND_UNAVAILABLE');
});

test('an ended session and an agent that is gone are told as states', async () => {
  await agent((_request, response) => response.writeHead(401).end(JSON.stringify({ code: 'UNAUTHENTICATED', detail: 'There is no session.' })));
  const bridge = httpBridge();
  const states: BridgeState[] = [];
  bridge.onState((state) => states.push(state));
  await bridge.call('store.status', {}).catch(() => undefined);
  stops.splice(0).forEach((stop) => stop());
  const thrown = await bridge.call('store.status', {}).catch((error: unknown) => error);
  expect(asProblem(thrown).code).toBe('BACKEND_UNAVAILABLE');
  expect(states).toEqual(['connected', 'signed-out', 'interrupted']);
});

test('an answer that is no problem of ours does not leak into one', async () => {
  await agent((_request, response) => response.writeHead(502).end('<html>proxy</html>'));
  const thrown = await httpBridge().call('store.status', {}).catch((error: unknown) => error);
  expect(asProblem(thrown)).toMatchObject({ code: 'INTERNAL', detail: 'The agent answered with status 502.' });
});
