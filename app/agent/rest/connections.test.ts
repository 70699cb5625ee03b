import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type RequestListener, type Server } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import { connect, type AddressInfo, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect as connectSecurely } from 'node:tls';
import { afterEach, describe, expect, test } from 'vitest';
import { HAS_OPENSSL } from '../../formats/testing/keys.ts';
import { boundConnections } from './connections.ts';

const REQUEST = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n';
/** Headers that never end. */
const SLOW = 'GET / HTTP/1.1\r\nHost: a\r\n';
const MOST = 3;

function selfSigned(): { cert: Buffer; key: Buffer } {
  const folder = mkdtempSync(join(tmpdir(), 'keywright-tls-'));
  const [cert, key] = [join(folder, 'cert.pem'), join(folder, 'key.pem')];
  execFileSync('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', key, '-out', cert, '-subj', '/CN=a', '-days', '1'], { stdio: 'ignore' });
  const made = { cert: readFileSync(cert), key: readFileSync(key) };
  rmSync(folder, { recursive: true });
  return made;
}

describe.each([['HTTP', false], ['HTTPS (skipped without openssl)', true]])('a server of %s with all its connections taken', (_what, tls) => {
  let server: Server;
  let answerLater: (() => void)[];
  const sockets: Socket[] = [];
  afterEach(() => {
    for (const socket of sockets.splice(0)) socket.destroy();
    server.close();
  });

  async function listening(): Promise<void> {
    answerLater = [];
    const handler: RequestListener = ({ url }, response) => {
      if (url === '/later') answerLater.push(() => response.end('late'));
      else response.end('now');
    };
    server = tls ? (createSecureServer(selfSigned(), handler) as unknown as Server) : createServer(handler);
    server.on('tlsClientError', () => undefined);
    boundConnections(server, MOST);
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
  }
  /** @returns a connection, with the first bytes sent. */
  async function opened(bytes: string): Promise<Socket> {
    const { port } = server.address() as AddressInfo;
    const socket = tls ? connectSecurely({ port, host: '127.0.0.1', rejectUnauthorized: false }) : connect(port, '127.0.0.1');
    sockets.push(socket);
    socket.on('error', () => undefined);
    await Promise.race([once(socket, tls ? 'secureConnect' : 'connect').catch(() => undefined), once(socket, 'close').catch(() => undefined)]);
    socket.write(bytes);
    return socket;
  }
  const answerOn = async (socket: Socket): Promise<string> => String((await once(socket, 'data'))[0]).split('\r\n\r\n')[1] ?? '';
  const ended = (socket: Socket): Promise<unknown> => (socket.closed ? Promise.resolve() : once(socket, 'close'));
  async function allBusy(many: number): Promise<Socket[]> {
    const busy: Socket[] = [];
    while (busy.length < many) {
      busy.push(await opened(REQUEST.replace('/ ', '/later ')));
      while (answerLater.length < busy.length) await new Promise((resolve) => setTimeout(resolve, 5));
    }
    return busy;
  }

  test.skipIf(tls && !HAS_OPENSSL)('answers the next one, and cuts off the one that has kept it waiting for longest', async () => {
    await listening();
    const [first, second, third] = [await opened(SLOW), await opened(''), await opened(SLOW)];
    expect(await answerOn(await opened(REQUEST))).toBe('now');
    await ended(first);
    expect([second, third].map(({ closed }) => closed)).toEqual([false, false]);
  });

  test.skipIf(tls && !HAS_OPENSSL)('cuts off none on which a request is under way, and takes nobody in when there is one on each', async () => {
    await listening();
    const busy = await allBusy(MOST);
    await ended(await opened(REQUEST));
    const answers = busy.map(answerOn);
    for (const answer of answerLater) answer();
    expect(await Promise.all(answers)).toEqual(['late', 'late', 'late']);
    // Answered, it waits again like the others: in the order of the answers.
    expect(await answerOn(await opened(REQUEST))).toBe('now');
    await ended(busy[0]!);
    expect(busy.slice(1).map(({ closed }) => closed)).toEqual([false, false]);
  });
});
