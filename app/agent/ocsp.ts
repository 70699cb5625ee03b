import Fastify, { type FastifyInstance, type FastifyReply } from 'fastify';
import type { AddressInfo } from 'node:net';
import { asKeywrightError, encodeBytes, KeywrightError, type Core, type Principal } from '../contract/index.ts';
import { authority, publicAddress } from './address.ts';
import { NO_SCHEMAS } from './no-schemas.ts';
import { boundConnections } from './rest/connections.ts';

/**
 * OCSP over plain HTTP (RFC 6960 appendix A.1), without authentication, as certificates name it: an answer is signed, and public. All that is decided is decided by
 * the operation; here a request becomes its input, and an error one of the statuses that clients know.
 */
export interface OcspOptions {
  /** A listener of its own; else the answers stand below `/ocsp` on the agent's. */
  readonly listen?: string;
  readonly hours: number;
}

const MAX_CONNECTIONS = 256;
const MAX_REQUEST = 64 * 1024;
/** Who asks is nobody in particular, and may have answers and nothing else. */
const ANYBODY: Principal = { id: 'ocsp', name: 'OCSP client', face: 'rest', permissions: new Set(['certificates:use']) };
/** OCSPResponse with a status alone (RFC 6960 §4.2.1). */
const failure = (status: 1 | 2 | 3): Buffer => Buffer.from([0x30, 3, 0x0a, 1, status]);
const [MALFORMED, INTERNAL, TRY_LATER] = [1, 2, 3] as const;

/** Whether a request on the agent's own listener is for OCSP. */
export const isOcsp = (url: string): boolean => url === '/ocsp' || url.startsWith('/ocsp/');

/** @param path where the answers stand: `/ocsp`, or the root. */
export function addOcspRoutes(app: FastifyInstance, core: Core, path: '' | '/ocsp', { hours }: OcspOptions): void {
  app.addContentTypeParser('application/ocsp-request', { parseAs: 'buffer', bodyLimit: MAX_REQUEST }, (_request, body, done) => done(null, body));
  const answer = async (request: Uint8Array | undefined, reply: FastifyReply, isGet: boolean): Promise<void> => {
    const { response, seconds } = request === undefined || request.length === 0 || request.length > MAX_REQUEST ? { response: failure(MALFORMED), seconds: 0 } : await answerOf(core, request, hours);
    reply.header('Content-Type', 'application/ocsp-response');
    // RFC 9111: what has a nonce, or says that nothing can be said, is nobody else's answer.
    reply.header('Cache-Control', isGet && seconds > 0 ? `public, no-transform, must-revalidate, max-age=${seconds}` : 'no-store');
    await reply.send(response);
  };
  app.post(path === '' ? '/' : path, (request, reply) => answer(Buffer.isBuffer(request.body) ? request.body : undefined, reply, false));
  app.get(`${path}/*`, (request, reply) => answer(fromPath(request.url.slice(path.length + 1).split('?', 1)[0] ?? ''), reply, true));
}

async function answerOf(core: Core, request: Uint8Array, hours: number): Promise<{ response: Buffer; seconds: number }> {
  try {
    const { response, seconds } = (await core.call('certificates.ocsp.answer', { request: encodeBytes(request), hours }, { principal: ANYBODY })) as { response: string; seconds: number };
    return { response: Buffer.from(response, 'base64url'), seconds };
  } catch (thrown) {
    // A locked store, a token that is out or wants its PIN: another time it may answer.
    return { response: failure(asKeywrightError(thrown).code === 'INTERNAL' ? INTERNAL : TRY_LATER), seconds: 0 };
  }
}

/** The request in base64, percent-encoded (appendix A.1); some clients leave slashes and plus signs as they are. */
function fromPath(text: string): Buffer | undefined {
  try {
    const base64 = decodeURIComponent(text).replaceAll(' ', '+');
    return /^[A-Za-z0-9+/]+={0,2}$/.test(base64) ? Buffer.from(base64, 'base64') : undefined;
  } catch {
    return undefined;
  }
}

/** A listener for OCSP alone. Any Host header will do: what it answers is for everybody. @throws INVALID_INPUT, CONFLICT */
export async function ocspServer(core: Core, options: OcspOptions & { readonly listen: string }): Promise<{ address: string; close(): Promise<void> }> {
  const { host, port } = publicAddress(options.listen, '/ocsp.listen');
  const app = Fastify({ logger: false, schemaController: NO_SCHEMAS, bodyLimit: MAX_REQUEST, forceCloseConnections: true, requestTimeout: 10_000, connectionTimeout: 30_000, keepAliveTimeout: 10_000, exposeHeadRoutes: false, routerOptions: { maxParamLength: 2 * MAX_REQUEST }, http: { maxHeaderSize: 32 * 1024 } });
  boundConnections(app.server, MAX_CONNECTIONS);
  app.removeAllContentTypeParsers();
  addOcspRoutes(app, core, '', options);
  app.setNotFoundHandler((_request, reply) => reply.code(404).send());
  app.setErrorHandler((_error, _request, reply) => reply.code(400).header('Content-Type', 'application/ocsp-response').send(failure(MALFORMED)));
  try {
    await app.listen({ host, port });
  } catch (thrown) {
    throw new KeywrightError((thrown as NodeJS.ErrnoException).code === 'EADDRINUSE' ? 'CONFLICT' : 'INVALID_INPUT', { detail: `OCSP cannot listen on ${authority(host, port)}.`, where: '/ocsp.listen', remedy: 'Choose another address (`keywright config set ocsp.listen 127.0.0.1:8421`).', cause: thrown });
  }
  return { address: `http://${authority(host, (app.server.address() as AddressInfo).port)}`, close: () => app.close() };
}
