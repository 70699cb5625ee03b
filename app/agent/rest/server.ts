import { readFileSync } from 'node:fs';
import { createPrivateKey, X509Certificate } from 'node:crypto';
import type { AddressInfo, Socket } from 'node:net';
import { createSecureContext } from 'node:tls';
import Fastify, { type FastifyError, type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import { KeywrightError, toProblem, type Face, type Principal } from '../../contract/index.ts';
import { authority, OwnHosts, type ListenAddress } from '../address.ts';
import { NO_SCHEMAS } from '../no-schemas.ts';
import { listenOnSocket } from '../unix-socket.ts';
import type { Authenticator } from '../authentication.ts';
import { sendProblem } from './answers.ts';
import { boundConnections } from './connections.ts';
import { BodyTooLarge, readJsonBody } from './json-body.ts';

declare module 'fastify' {
  interface FastifyRequest {
    /** Whoever was authenticated; null on routes that nobody needs to be for. */
    principal: Principal | null;
  }
}

/** A key reference of 1,024 characters, each of up to four bytes, percent-encoded. */
const MAX_PARAMETER = 1024 * 4 * 3;
/** The request line with such a reference, and as much again. */
const MAX_HEADERS = 32 * 1024;
const MAX_HEADER_COUNT = 100;
const MAX_CONNECTIONS = 1024;
const IDLE_CONNECTION_MS = 72_000;

/** How long headers may come in drops: in milliseconds, and how often that is looked at. */
export interface HeadersDeadline {
  readonly within: number;
  readonly checkEvery: number;
}
const HEADERS_DEADLINE: HeadersDeadline = { within: 10_000, checkEvery: 5_000 };

export interface Tls {
  readonly certFile: string;
  readonly keyFile: string;
}

/**
 * @param route the pattern of the route that the request will reach: its path has many spellings (`/%69pc/x` and
 *        `http://host/ipc/x` reach `/ipc/x`), and whoever judges one of them has to judge all. The path itself where no route is.
 * @returns who calls, at once if that is known, or null where nobody needs to be. Rejects with what to answer.
 */
type Guard = (request: FastifyRequest, route: string) => Principal | null | Promise<Principal | null>;

export interface HttpServer {
  readonly app: FastifyInstance;
  /** `http://127.0.0.1:8420`, or `unix:` and a path, once it listens. */
  readonly origin: string;
  /** Whether a Host header is one of ours. */
  ownsHost(header: string | undefined): boolean;
  /** `http` or `https`. */
  readonly scheme: 'http' | 'https';
  listen(): Promise<void>;
  close(): Promise<void>;
}

/**
 * An HTTP server with the limits and refusals that every listener of ours has: own Host, own Origin or none, bounded
 * headers, JSON bodies, errors as problems and never as stack traces.
 *
 * @param guard judges each request whose Host and Origin are ours, before its body is read.
 * @param isPublic what is everybody's, whatever Host they say, or none (HTTP/1.0): nothing there depends on who asks, and nothing changes.
 * @throws INVALID_INPUT when the certificate or its key cannot be read.
 */
export function httpServer(address: ListenAddress, tls: Tls | undefined, face: Face, authenticator: Authenticator, guard: Guard, isPublic: (url: string) => boolean = () => false, headers: HeadersDeadline = HEADERS_DEADLINE): HttpServer {
  const credentials = tls === undefined ? undefined : readCredentials(tls);
  const scheme = credentials === undefined ? 'http' : 'https';
  const limits = { maxHeaderSize: MAX_HEADERS, headersTimeout: headers.within, requestTimeout: 0, connectionsCheckingInterval: headers.checkEvery, keepAliveTimeout: IDLE_CONNECTION_MS };
  const options = {
    logger: false as const,
    schemaController: NO_SCHEMAS,
    routerOptions: { maxParamLength: MAX_PARAMETER },
    exposeHeadRoutes: false,
    return503OnClosing: false,
    forceCloseConnections: true,
    keepAliveTimeout: IDLE_CONNECTION_MS,
    frameworkErrors: onError,
    clientErrorHandler: onClientError,
  };
  const app = (credentials === undefined ? Fastify({ ...options, http: limits }) : Fastify({ ...options, https: { ...limits, cert: credentials.cert, key: credentials.key, minVersion: 'TLSv1.2' } })) as unknown as FastifyInstance;
  app.server.maxHeadersCount = MAX_HEADER_COUNT;
  boundConnections(app.server, MAX_CONNECTIONS);

  let own = new OwnHosts(address.host, address.port);
  let origin = '';
  app.decorateRequest('principal', null);
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('application/json', (request: FastifyRequest) => readJsonBody(request.raw));

  app.addHook('onRequest', (request, reply, done) => {
    const { headers } = request;
    if (isPublic(request.url)) {
      done();
      return;
    }
    const why = namesTwoHosts(request.raw.rawHeaders) ? 'There is more than one Host header.'
      : !own.includes(headers.host) || !own.includes(authorityIn(request) ?? headers.host) ? 'The Host header names neither this machine nor the address that we listen on.'
      : headers.origin !== undefined && headers.origin !== `${scheme}://${headers.host}` ? 'A page from elsewhere may not call this agent.'
        : headers['sec-fetch-site'] === 'cross-site' && headers['sec-fetch-mode'] !== 'navigate' ? 'A page from elsewhere may not call this agent.' : undefined;
    if (why !== undefined) {
      refuse(request, reply, 'PERMISSION_DENIED', why);
      return;
    }
    const pass = (principal: Principal | null): void => {
      request.principal = principal;
      done();
    };
    const stop = (thrown: unknown): void => sendProblem(request, reply, thrown);
    const principal = guard(request, request.routeOptions.url ?? request.url);
    if (principal instanceof Promise) principal.then(pass, stop);
    else pass(principal);
  });

  app.setNotFoundHandler((request, reply) => sendProblem(request, reply, new KeywrightError('NOT_FOUND', { detail: 'There is nothing under this method and path.', remedy: 'See GET /v1/agent/openapi for what there is.' })));
  app.setErrorHandler(onError);

  function onError(thrown: FastifyError | Error, request: FastifyRequest, reply: FastifyReply): void {
    const code = 'code' in thrown ? thrown.code : undefined;
    if (thrown instanceof BodyTooLarge) refuse(request, reply, 'INVALID_INPUT', 'The body is larger than this agent takes.', 413, 'Upload large files with POST /v1/files/uploads and name the upload.');
    else if (code === 'FST_ERR_CTP_INVALID_MEDIA_TYPE') refuse(request, reply, 'INVALID_INPUT', 'The body has a content type that is not taken here.', 415, 'Send application/json, or application/octet-stream for an upload.');
    else if (thrown instanceof KeywrightError && thrown.code === 'TIMEOUT') sendProblem(request, reply, thrown, undefined, 408);
    else if (typeof code === 'string' && code.startsWith('FST_ERR_')) sendProblem(request, reply, new KeywrightError('INVALID_INPUT', { detail: 'The request is malformed.', where: '/', remedy: 'See GET /v1/agent/openapi for what is taken.' }));
    else sendProblem(request, reply, thrown);
  }

  function refuse(request: FastifyRequest, reply: FastifyReply, code: 'PERMISSION_DENIED' | 'INVALID_INPUT', reason: string, status?: number, remedy?: string): void {
    authenticator.refuse(peerOf(request), { face, code, request: requestLine(request), reason }, remedy)
      .then((error) => sendProblem(request, reply, error, undefined, error.code === 'RATE_LIMITED' ? undefined : status), (thrown: unknown) => sendProblem(request, reply, thrown));
  }

  return {
    app,
    scheme,
    get origin() {
      return origin;
    },
    ownsHost: (header) => own.includes(header),
    async listen() {
      if (address.socket !== undefined) {
        await listenOnSocket(app, address.socket);
        origin = `unix:${address.socket}`;
        return;
      }
      await app.listen({ host: address.host, port: address.port }).catch((thrown: NodeJS.ErrnoException) => {
        throw cannotListen(address, thrown);
      });
      const { port } = app.server.address() as AddressInfo;
      own = new OwnHosts(address.host, port, credentials?.certificate);
      // An address for all interfaces is none that one could open.
      const host = address.host === '0.0.0.0' || address.host === '::' ? 'localhost' : address.host;
      origin = `${scheme}://${authority(host, port)}`;
    },
    close: () => app.close(),
  };
}

/** @returns whom the guard found. @throws UNAUTHENTICATED when it asked for nobody: no route hands out anything on that. */
export function principalOf({ principal }: FastifyRequest): Principal {
  if (principal === null) throw new KeywrightError('UNAUTHENTICATED', 'No access token was given.');
  return principal;
}

/** @returns the peer's address, for counting its refusals. */
export function peerOf({ raw }: FastifyRequest): string {
  return raw.socket.remoteAddress ?? 'unknown';
}

/** @returns method and path for the audit trail: never the query, which may hold a login code. */
export function requestLine({ method, url }: FastifyRequest): string {
  return `${method} ${url.split(/[?#]/, 1)[0]?.slice(0, 150) ?? ''}`;
}

/** RFC 9112 §3.2: node:http takes the first, what stands between may have taken the second. */
function namesTwoHosts(raw: readonly string[]): boolean {
  let hosts = 0;
  for (let at = 0; at < raw.length; at += 2) {
    const name = raw[at]!;
    if (name.length === 4 && name.toLowerCase() === 'host') hosts += 1;
  }
  return hosts > 1;
}

/** @returns whom a request in absolute form (RFC 9112 §3.2.2) is for, whatever its Host header says; undefined for the usual form. */
function authorityIn({ url }: FastifyRequest): string | undefined {
  return url.startsWith('/') ? undefined : (/^https?:\/\/([^/?#]*)/i.exec(url)?.[1] ?? '');
}

/** What is not even HTTP has no request to answer: one line, and the connection ends. */
function onClientError(error: Error & { code?: string }, socket: Socket): void {
  if (socket.writable && error.code !== 'ECONNRESET') {
    const [status, reason, detail] = error.code === 'HPE_HEADER_OVERFLOW' ? [431, 'Request Header Fields Too Large', 'The headers are larger than this agent takes.']
      : error.code === 'ERR_HTTP_REQUEST_TIMEOUT' ? [408, 'Request Timeout', 'The request did not come in time.'] : [400, 'Bad Request', 'This is not an HTTP request.'];
    const body = JSON.stringify({ ...toProblem(new KeywrightError(status === 408 ? 'TIMEOUT' : 'INVALID_INPUT', detail)), status });
    socket.write(`HTTP/1.1 ${status} ${reason}\r\nContent-Type: application/problem+json\r\nContent-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`);
  }
  socket.destroySoon();
}

/** @throws INVALID_INPUT with what is wrong with which of the files. */
function readCredentials({ certFile, keyFile }: Tls): { cert: Buffer; key: Buffer; certificate: X509Certificate } {
  const wrong = (detail: string, remedy: string, cause?: unknown): KeywrightError => new KeywrightError('INVALID_INPUT', { detail, where: '/tls', remedy, cause });
  const read = (file: string): Buffer => attempt(() => readFileSync(file), (cause) => wrong(`${file} cannot be read (${(cause as NodeJS.ErrnoException).code ?? 'unknown'}).`, 'Give PEM files: a certificate chain with --tls-cert, its private key with --tls-key.', cause));
  const [cert, key] = [read(certFile), read(keyFile)];
  const certificate = attempt(() => new X509Certificate(cert), (cause) => wrong(`${certFile} holds no certificate in PEM.`, 'Give a certificate chain with --tls-cert, the certificate of this machine first.', cause));
  const privateKey = attempt(() => createPrivateKey(key), (cause) => /BEGIN ENCRYPTED PRIVATE KEY|Proc-Type: 4,ENCRYPTED/.test(key.toString('latin1'))
    ? wrong(`The private key in ${keyFile} is encrypted, and an agent has nobody to ask for its passphrase.`, 'Write it without one (`openssl pkey -in KEY -out NEW`), into a file that only the agent’s user may read.', cause)
    : wrong(`${keyFile} holds no private key in PEM.`, 'Give the private key of the certificate with --tls-key.', cause));
  if (!certificate.checkPrivateKey(privateKey)) throw wrong(`The key in ${keyFile} is not the one of the first certificate in ${certFile}.`, 'Give the key that the certificate was made for; in a chain the certificate of this machine comes first.');
  attempt(() => createSecureContext({ cert, key }), (cause) => wrong(`OpenSSL does not take the certificate or its key (${(cause as NodeJS.ErrnoException).code ?? 'unknown'}).`, 'Use another certificate: an RSA key has 2048 bits or more, an EC key is on P-256 or P-384.', cause));
  return { cert, key, certificate };
}

function attempt<T>(work: () => T, failed: (cause: unknown) => KeywrightError): T {
  try {
    return work();
  } catch (cause) {
    throw failed(cause);
  }
}

function cannotListen({ host, port }: ListenAddress, thrown: NodeJS.ErrnoException): KeywrightError {
  if (thrown.code === 'EADDRINUSE') {
    return new KeywrightError('CONFLICT', { detail: `Something listens on ${authority(host, port)} already.`, remedy: 'Choose another port, or 0 for any that is free; `keywright agent status` tells whether it is Keywright.', cause: thrown });
  }
  return new KeywrightError('INVALID_INPUT', { detail: `${authority(host, port)} cannot be listened on (${thrown.code ?? 'unknown'}).`, where: '/listen', remedy: 'Choose an address of this machine and a port above 1023.', cause: thrown });
}
