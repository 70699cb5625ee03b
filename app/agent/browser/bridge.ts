import type { FastifyInstance, FastifyRequest } from 'fastify';
import { KeywrightError, OPERATIONS_BY_ID, type Core, type CoreEvent, type Principal } from '../../contract/index.ts';
import type { Authenticator } from '../authentication.ts';
import { operationsOn } from '../faces.ts';
import { answerCall } from '../rest/call.ts';
import { EventStream } from '../rest/event-stream.ts';
import { bodyObject } from '../rest/input.ts';
import { peerOf, principalOf, requestLine } from '../rest/server.ts';
import type { Sessions } from './sessions.ts';

/** A form of a page elsewhere cannot send it, and a script of one would need our leave, which nobody gets. */
const OURS = 'x-keywright';

/** Whether a route is one of the bridge, and so a session is needed. */
export function isBridge(route: string): boolean {
  return route === '/ipc' || route.startsWith('/ipc/');
}

/**
 * Whoever holds a session of this origin. Needs our header, but for downloads, which a link cannot give one: for them
 * the browser must say that our own page asks (Fetch metadata).
 */
export async function authenticateSession(sessions: Sessions, principal: Principal, authenticator: Authenticator, request: FastifyRequest): Promise<Principal> {
  const { headers, method, url } = request;
  const byLink = method === 'GET' && url.startsWith('/ipc/downloads/') && (headers['sec-fetch-site'] === 'same-origin' || headers['sec-fetch-site'] === 'none');
  const reason = headers[OURS] !== '1' && !byLink ? 'The request does not come from our own page.' : !sessions.holds(headers.cookie) ? 'There is no session, or it has ended.' : undefined;
  if (reason === undefined) return principal;
  const code = headers[OURS] !== '1' && !byLink ? 'PERMISSION_DENIED' : 'UNAUTHENTICATED';
  throw await authenticator.refuse(peerOf(request), { face: principal.face, code, request: requestLine(request), reason }, 'Open Keywright again from where it was started.');
}

/** The bridge over HTTP: `POST /ipc/{operation id}` with the input record, and `GET /ipc/events`. */
export function addBridgeRoutes(app: FastifyInstance, core: Core, { face }: Principal, options: { tells: (event: CoreEvent) => boolean; onConnect: () => Disposable }): void {
  for (const operation of operationsOn(face)) {
    app.post(`/ipc/${operation.id}`, (request, reply) => answerCall(core, operation, () => bodyObject(request.body), principalOf(request), request, reply));
  }
  app.get('/ipc/events', (request, reply) => {
    principalOf(request);
    const stream = new EventStream(reply);
    const attached = options.onConnect();
    const unsubscribe = core.subscribe((event) => {
      if (options.tells(event)) stream.send(event.type, event);
    });
    stream.onClose(() => {
      unsubscribe();
      attached[Symbol.dispose]();
    });
  });
  app.all('/ipc/*', (request) => {
    const id = (request.params as { '*': string })['*'];
    const reason = OPERATIONS_BY_ID.get(id)?.notOn?.[face];
    throw new KeywrightError('NOT_FOUND', { detail: reason === undefined ? 'There is no such operation on this page.' : `${id} is not to be had on this page. ${reason}` });
  });
}
