import type { Core } from '../contract/index.ts';
import { listenAddress } from './address.ts';
import { Authenticator } from './authentication.ts';
import { isBridge } from './browser/bridge.ts';
import { browserWindow } from './browser/index.ts';
import { addOcspRoutes, isOcsp, type OcspOptions, ocspServer } from './ocsp.ts';
import { addHealthRoutes } from './rest/health.ts';
import { addRestRoutes, authenticateRest, isRest } from './rest/routes.ts';
import { httpServer, type HeadersDeadline, type HttpServer, type Tls } from './rest/server.ts';

export interface AgentOptions {
  /** `HOST:PORT`, `[IPV6]:PORT` or a port; 0 takes any that is free. */
  readonly listen: string;
  /** REST also on this Unix socket: an absolute path. */
  readonly socket?: string;
  readonly tls?: Tls;
  /** Serve the window to a browser: the folder of the built renderer. */
  readonly ui?: { readonly folder: string };
  /** Answer OCSP requests, of anybody who can reach the listener. */
  readonly ocsp?: OcspOptions;
  /** Another one than the ten seconds that headers get to come. */
  readonly headersDeadline?: HeadersDeadline;
  /** Told in a line what listens. Never a secret. */
  readonly log?: (line: string) => void;
}

export interface Agent {
  /** `http://127.0.0.1:8420`, `unix:/run/user/1000/keywright.sock` */
  readonly addresses: string[];
  /** Where OCSP is answered. */
  readonly ocsp?: string;
  /** @returns an address that opens the window once, within a minute. Absent without the window. */
  loginUrl?(): string;
  close(): Promise<void>;
}

/**
 * Starts the headless faces over a core: REST, and the window for a browser if it is asked for. Later faces (gRPC, QUIC,
 * MCP) start beside REST and share its {@link Authenticator}.
 *
 * @throws INVALID_INPUT for an address that is none, cannot be listened on, or is not loopback without TLS; CONFLICT when
 *         something listens there; BACKEND_UNAVAILABLE when the window was not built. Nothing listens then.
 */
export async function startAgent(core: Core, options: AgentOptions): Promise<Agent> {
  const address = listenAddress(options.listen, options.tls !== undefined);
  const authenticator = new Authenticator(core);
  try {
    const window = options.ui === undefined ? undefined : browserWindow(core, options.ui.folder, address, options.tls, authenticator);
    const rest = httpServer(address, options.tls, 'rest', authenticator, (request, route) => {
      if (isRest(route)) return authenticateRest(authenticator, request);
      return window !== undefined && isBridge(route) ? window.authenticate(request) : null;
    }, (url) => options.ocsp !== undefined && options.ocsp.listen === undefined && isOcsp(url), options.headersDeadline);
    addHealthRoutes(rest.app, core);
    addRestRoutes(rest.app, core, authenticator);
    const { ocsp } = options;
    if (ocsp !== undefined && ocsp.listen === undefined) addOcspRoutes(rest.app, core, '/ocsp', ocsp);
    window?.addTo(rest);
    const local = options.socket === undefined ? undefined : socketServer(core, options.socket, authenticator);
    const servers = [rest, ...(window === undefined ? [] : [window.promptServer]), ...(local === undefined ? [] : [local])];
    let responder: Awaited<ReturnType<typeof ocspServer>> | undefined;
    const closeAll = async (): Promise<void> => {
      await Promise.all([rest.close(), window?.close(), local?.close(), responder?.close()]);
      authenticator.close();
    };
    try {
      for (const server of servers) await server.listen();
      if (ocsp?.listen !== undefined) responder = await ocspServer(core, { ...ocsp, listen: ocsp.listen });
    } catch (thrown) {
      await closeAll();
      throw thrown;
    }
    const addresses = [rest.origin, ...(local === undefined ? [] : [local.origin])];
    const forget = announce(core, addresses);
    for (const at of addresses) options.log?.(`REST listens on ${at}`);
    const answers = ocsp === undefined ? undefined : (responder?.address ?? `${rest.origin}/ocsp`);
    if (answers !== undefined) options.log?.(`OCSP is answered at ${answers}`);
    return {
      addresses,
      ...(answers === undefined ? {} : { ocsp: answers }),
      ...(window === undefined ? {} : { loginUrl: () => window.loginUrl() }),
      async close() {
        forget();
        await closeAll();
      },
    };
  } catch (thrown) {
    authenticator.close();
    throw thrown;
  }
}

/** REST alone, for programs of this user that would rather not open a port. The path is its protection, and tokens as everywhere. */
function socketServer(core: Core, socket: string, authenticator: Authenticator): HttpServer {
  const server = httpServer({ host: 'localhost', port: 80, socket }, undefined, 'rest', authenticator, (request, route) => (isRest(route) ? authenticateRest(authenticator, request) : null));
  addHealthRoutes(server.app, core);
  addRestRoutes(server.app, core, authenticator);
  return server;
}

/** A core in this process tells in `agent.status` where it is to be found. */
function announce(core: Core, addresses: readonly string[]): () => void {
  const { listening } = core as Core & { listening?: string[] };
  if (listening === undefined) return () => undefined;
  listening.push(...addresses);
  return () => {
    for (const address of addresses) {
      const index = listening.indexOf(address);
      if (index !== -1) listening.splice(index, 1);
    }
  };
}
