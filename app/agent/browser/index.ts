import { KeywrightError, PERMISSIONS, type Core, type Principal } from '../../contract/index.ts';
import type { ListenAddress } from '../address.ts';
import type { Authenticator } from '../authentication.ts';
import { sendJson, sendProblem } from '../rest/answers.ts';
import { download, upload } from '../rest/files.ts';
import { httpServer, principalOf, type HttpServer, type Tls } from '../rest/server.ts';
import { addBridgeRoutes, authenticateSession, isBridge } from './bridge.ts';
import { addLoginRoute } from './login.ts';
import { Sessions } from './sessions.ts';
import { addStaticRoutes, builtWindow, type BuiltWindow } from './static-files.ts';
import type { FastifyReply, FastifyRequest } from 'fastify';

const WINDOW: Principal = { id: 'browser', name: 'the browser window', face: 'ipc', permissions: new Set(PERMISSIONS.filter((permission) => permission !== 'prompts:admin')) };
const PROMPT_PAGE: Principal = { id: 'prompt-surface', name: 'the prompt page', face: 'prompt', permissions: new Set(['prompts:admin']) };

/** The window for a browser: its pages, its session, its bridge, and the prompt page on an origin of its own. */
export interface BrowserWindow {
  readonly promptServer: HttpServer;
  /** Whoever holds a session of the window. */
  authenticate(request: FastifyRequest): Promise<Principal>;
  /** @returns an address that opens the window once, within a minute. */
  loginUrl(): string;
  close(): Promise<void>;
}

/**
 * Adds the window to a server that is about to listen.
 * @param folder the built window: index.html, prompt.html and what they load.
 * @throws BACKEND_UNAVAILABLE when it was not built.
 */
export function browserWindow(core: Core, folder: string, address: ListenAddress, tls: Tls | undefined, authenticator: Authenticator): BrowserWindow & { addTo(server: HttpServer): void } {
  const window = builtWindow(folder);
  const sessions = new Sessions('keywright-window', tls !== undefined);
  const promptSessions = new Sessions('keywright-prompts', tls !== undefined);
  const promptPages = { open: 0 };
  const promptServer = promptPage(core, window, { host: address.host, port: 0 }, tls, promptSessions, authenticator, promptPages);
  let origin = (): string => '';
  return {
    promptServer,
    authenticate: (request) => authenticateSession(sessions, WINDOW, authenticator, request),
    loginUrl: () => `${origin()}/login?code=${sessions.newCode()}`,
    addTo(server) {
      const { app } = server;
      origin = () => server.origin;
      addStaticRoutes(app, window, '/index.html');
      addLoginRoute(app, sessions, 'ipc', authenticator);
      app.get('/ipc/prompt-window', (request, reply) => {
        principalOf(request);
        // `open`: a prompt page is there already, and the window need not open another, which browsers may hold back.
        // At the name by which the window was opened: on another one the browser would take the page for a stranger.
        const name = (request.headers.host ?? '').replace(/:\d+$/, '');
        sendJson(reply, 200, { url: `${server.scheme}://${name}:${new URL(promptServer.origin).port}/login?code=${promptSessions.newCode()}`, open: promptPages.open > 0 });
      });
      void app.register(async (files) => {
        files.removeAllContentTypeParsers();
        files.addContentTypeParser('application/octet-stream', (_request, _payload, done) => done(null));
        files.post('/ipc/uploads', (request, reply) => takeUpload(core, request, reply));
        files.get('/ipc/downloads/:id', (request, reply) => download(core, principalOf(request), (request.params as { id: string }).id, reply).catch((thrown: unknown) => sendProblem(request, reply, thrown)));
      });
      addBridgeRoutes(app, core, WINDOW, { tells: () => true, onConnect: () => core.attachPromptSurface() });
    },
    async close() {
      sessions.clear();
      promptSessions.clear();
      await promptServer.close();
    },
  };
}

/** The listener of the prompt page: nothing but prompts is to be had there, and only by a code that the window got for it. */
function promptPage(core: Core, window: BuiltWindow, address: ListenAddress, tls: Tls | undefined, sessions: Sessions, authenticator: Authenticator, pages: { open: number }): HttpServer {
  const server = httpServer(address, tls, 'prompt', authenticator, (request, route) => (isBridge(route) ? authenticateSession(sessions, PROMPT_PAGE, authenticator, request) : null));
  addStaticRoutes(server.app, window, '/prompt.html');
  addLoginRoute(server.app, sessions, 'prompt', authenticator);
  addBridgeRoutes(server.app, core, PROMPT_PAGE, {
    tells: ({ type }) => type === 'prompts.changed',
    onConnect() {
      pages.open += 1;
      const attached = core.attachPromptSurface();
      return {
        [Symbol.dispose]() {
          pages.open -= 1;
          attached[Symbol.dispose]();
        },
      };
    },
  });
  return server;
}

async function takeUpload(core: Core, request: FastifyRequest, reply: FastifyReply): Promise<void> {
  try {
    const { name = 'file' } = request.query as { name?: unknown };
    if (typeof name !== 'string' || name === '' || name.length > 255) throw new KeywrightError('INVALID_INPUT', { detail: 'A file’s name has 1 to 255 characters.', where: '/name' });
    sendJson(reply, 201, await upload(core, principalOf(request), name, request, reply));
  } catch (thrown) {
    sendProblem(request, reply, thrown);
  }
}
