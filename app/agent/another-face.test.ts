import { readdirSync, readFileSync } from 'node:fs';
import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ERRORS, FACES, KeywrightError, type Core, type Face } from '../contract/index.ts';
import { openTestCore, type TestCore } from '../keychain/testing/core.ts';

/**
 * A face that nobody here has heard of, as gRPC, QUIC and MCP will be: a token, then calls as lines of JSON. All that it knows is `Core` and the table
 * of errors. It stays this small as long as no logic has gone into the faces that exist, and no face into the handlers.
 */
const NAME = 'another' as Face;

async function serve(core: Core): Promise<Server> {
  const server = createServer((socket) => {
    void (async () => {
      const say = (message: object): void => { socket.write(`${JSON.stringify(message)}\n`); };
      const fail = (id: unknown, thrown: unknown): void => {
        if (!(thrown instanceof KeywrightError)) throw thrown;
        say({ id, status: ERRORS[thrown.code].grpc, code: thrown.code });
      };
      const lines = createInterface({ input: socket })[Symbol.asyncIterator]();
      try {
        const principal = await core.authenticate((await lines.next()).value as string, NAME);
        for await (const line of { [Symbol.asyncIterator]: () => lines }) {
          const { id, operation, input } = JSON.parse(line) as { id: number; operation: string; input: unknown };
          await core.call(operation, input, { principal, progress: (event) => say({ id, event }) }).then((output) => say({ id, status: 0, output }), (thrown: unknown) => fail(id, thrown));
        }
      } catch (thrown) {
        fail(null, thrown);
        socket.end();
      }
    })();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return server;
}

interface Said { readonly id: number | null; readonly status?: number; readonly code?: string; readonly output?: Record<string, unknown>; readonly event?: unknown }

describe('a face beside the others', () => {
  let core: TestCore;
  let server: Server;
  const sockets: Socket[] = [];
  const opened = (token: string): ((operation: string, input?: object) => Promise<Said[]>) => {
    const socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
    sockets.push(socket);
    const lines = createInterface({ input: socket })[Symbol.asyncIterator]();
    socket.write(`${token}\n`);
    return async (operation, input = {}) => {
      socket.write(`${JSON.stringify({ id: 1, operation, input })}\n`);
      const said: Said[] = [];
      do said.push(JSON.parse((await lines.next()).value as string) as Said); while (said.at(-1)!.status === undefined);
      return said;
    };
  };
  const granted = async (...scope: string[]) => opened((await core.call<{ token: string }>('access.grant', { name: 'another', scope })).token);

  beforeAll(async () => {
    core = await openTestCore();
    server = await serve(core.core);
  });
  afterAll(async () => {
    for (const socket of sockets) socket.destroy();
    server.close();
    await core[Symbol.asyncDispose]();
  });

  test('has keys made, used and listed, and stands in the audit trail by its name', async () => {
    const call = await granted('keys:read', 'keys:use', 'keys:write', 'audit:read');
    expect((await call('keys.generate', { algorithm: 'ed25519', label: 'Made elsewhere' })).at(-1)).toMatchObject({ status: 0, output: { label: 'Made elsewhere' } });
    const content = { message: Buffer.from('hello').toString('base64url') };
    const [signed] = await call('keys.sign', { key: 'Made elsewhere', content });
    const { signature } = signed!.output!;
    expect(await call('keys.verify', { key: 'Made elsewhere', content, signature })).toMatchObject([{ status: 0, output: { valid: true } }]);
    expect((await call('audit.list', {})).at(-1)!.output!['entries']).toContainEqual(expect.objectContaining({ operation: 'keys.sign', face: NAME, outcome: 'ok' }));
  });

  test('streams progress', async () => {
    const [first, ...rest] = await (await granted('store:admin'))('store.verify');
    expect(first).toEqual({ id: 1, event: expect.any(Object) });
    expect(rest.at(-1)).toMatchObject({ status: 0, output: { ok: true } });
  });

  test('tells what is refused in its own codes, by the one table', async () => {
    const call = await granted('keys:read');
    expect(await call('keys.generate', { algorithm: 'ed25519' })).toEqual([{ id: 1, status: ERRORS.PERMISSION_DENIED.grpc, code: 'PERMISSION_DENIED' }]);
    expect(await call('keys.show', { key: 'nobody’s' })).toEqual([{ id: 1, status: ERRORS.NOT_FOUND.grpc, code: 'NOT_FOUND' }]);
    expect(await call('keys.show', { key: 7 })).toEqual([{ id: 1, status: ERRORS.INVALID_INPUT.grpc, code: 'INVALID_INPUT' }]);
    expect(await opened('no token')('keys.list')).toEqual([{ id: null, status: ERRORS.UNAUTHENTICATED.grpc, code: 'UNAUTHENTICATED' }]);
  });
});

test('no handler asks for a face by its name: what it has to know of one stands in the contract', () => {
  const folder = join(import.meta.dirname, '..', 'keychain', 'handlers');
  const asks = new RegExp(`\\bface\\b[^\\n]{0,40}'(${FACES.join('|')})'`);
  expect(readdirSync(folder).filter((name) => name.endsWith('.ts') && asks.test(readFileSync(join(folder, name), 'utf8')))).toEqual([]);
});
