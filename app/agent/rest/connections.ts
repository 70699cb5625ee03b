import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

/**
 * Bounds how many connections a server has, so that who holds them all shuts out nobody: beyond `most`, the one on which no request
 * has been under way for longest is cut off in favour of the new one. Only when there is a request on each is the new one refused.
 */
export function boundConnections(server: Server, most: number): void {
  /** Those on which no whole head of a request has come since the last answer, the longest first. */
  const waiting = new Set<Socket>();
  /** Of TLS, by the other side's address: requests come on another object than the connection. */
  const beneath = new Map<string, Socket>();
  const isTls = 'setSecureContext' in server;
  let open = 0;
  server.on('connection', (socket: Socket) => {
    const address = isTls ? addressOf(socket) : '';
    open += 1;
    waiting.add(socket);
    if (isTls) beneath.set(address, socket);
    socket.once('close', () => {
      open -= 1;
      waiting.delete(socket);
      if (beneath.get(address) === socket) beneath.delete(address);
    });
    if (open <= most) return;
    for (const longest of waiting) {
      waiting.delete(longest);
      longest.destroy();
      break;
    }
  });
  server.on('request', ({ socket }: IncomingMessage, response: ServerResponse) => {
    const connection = isTls ? (beneath.get(addressOf(socket)) ?? socket) : socket;
    waiting.delete(connection);
    response.once('close', () => {
      if (!connection.destroyed) waiting.add(connection);
    });
  });
}

function addressOf({ remoteAddress, remotePort }: Socket): string {
  return `${remoteAddress ?? ''} ${remotePort ?? ''}`;
}
