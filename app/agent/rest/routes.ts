import type { FastifyInstance, FastifyRequest } from 'fastify';
import { KeywrightError, OPERATIONS, type Core, type CoreEvent, type Operation, type Permission, type Principal } from '../../contract/index.ts';
import type { Authenticator } from '../authentication.ts';
import { sendProblem } from './answers.ts';
import { answerCall } from './call.ts';
import { EventStream } from './event-stream.ts';
import { answerFile } from './files.ts';
import { inputReader } from './input.ts';
import { peerOf, principalOf, requestLine } from './server.ts';

/** Who may be told of which event: who may read what it says is stale. */
const EVENT_PERMISSION: Readonly<Record<CoreEvent['type'], Permission | undefined>> = {
  'keys.changed': 'keys:read', 'store.changed': 'store:read', 'backends.changed': 'backends:read', 'tokens.changed': 'tokens:read', 'certificates.changed': 'certificates:read', 'certificates.expiring': 'certificates:read', 'jobs.changed': 'jobs:read', 'audit.changed': 'audit:read',
  'access.changed': 'access:read', 'config.changed': 'config:read', 'health.changed': 'health:read', 'prompts.changed': 'prompts:admin', 'core.restarted': undefined, 'core.failing': undefined,
};

/** Whether a route is one of REST, and so a token is needed: also on paths below it that do not exist. */
export function isRest(url: string): boolean {
  return url.startsWith('/v1/') || url === '/v1' || url.startsWith('/v1?');
}

/** @returns the principal: at once for a token that was verified lately. */
export function authenticateRest(authenticator: Authenticator, request: FastifyRequest): Principal | Promise<Principal> {
  const { authorization } = request.headers;
  return authenticator.known(authorization, 'rest') ?? authenticator.authenticate(authorization, 'rest', peerOf(request), requestLine(request));
}

/** REST: a route for each operation, wholly from its record. */
export function addRestRoutes(app: FastifyInstance, core: Core, authenticator: Authenticator): void {
  const streamed = OPERATIONS.filter(({ stream, notOn }) => stream !== undefined && notOn?.rest === undefined);
  for (const operation of OPERATIONS) if (!streamed.includes(operation)) addRoute(app, core, operation);
  void app.register(async (files) => {
    files.removeAllContentTypeParsers();
    files.addContentTypeParser('application/octet-stream', (_request, _payload, done) => done(null));
    for (const operation of streamed) addRoute(files, core, operation);
  });
  app.get('/v1/events', (request, reply) => followEvents(core, authenticator, principalOf(request), new EventStream(reply)));
}

function addRoute(app: FastifyInstance, core: Core, operation: Operation): void {
  const url = operation.http.path.replaceAll(/\{(\w+)\}/g, ':$1');
  const { method } = operation.http;
  const reason = operation.notOn?.rest;
  if (reason !== undefined) {
    app.route({ method, url, handler: (request, reply) => sendProblem(request, reply, new KeywrightError('NOT_FOUND', { detail: `${operation.id} is not to be had over REST. ${reason}` })) });
    return;
  }
  const read = inputReader(operation);
  const answer = operation.stream === undefined ? answerCall : answerFile;
  app.route({
    method, url,
    handler: (request, reply) => answer(core, operation, () => read(request.params as Record<string, string>, request.query as Record<string, unknown>, request.body), principalOf(request), request, reply),
  });
}

/** Events as they happen, those that the principal may know of, until its token expires or may have become void. */
function followEvents(core: Core, authenticator: Authenticator, principal: Principal, stream: EventStream): void {
  const unsubscribe = core.subscribe((event) => {
    const needed = EVENT_PERMISSION[event.type];
    if (needed === undefined || principal.permissions.has(needed)) stream.send(event.type, event);
  });
  const unwatch = authenticator.onVoid(principal, () => stream.end());
  stream.onClose(() => {
    unsubscribe();
    unwatch();
  });
}
