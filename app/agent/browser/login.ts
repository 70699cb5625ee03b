import type { FastifyInstance } from 'fastify';
import type { Face } from '../../contract/index.ts';
import type { Authenticator } from '../authentication.ts';
import { sendProblem } from '../rest/answers.ts';
import { peerOf } from '../rest/server.ts';
import { sendCodeRefused } from './pages.ts';
import type { Sessions } from './sessions.ts';

/** `GET /login?code=…`: a code that works once becomes a session, and its address leaves the history. */
export function addLoginRoute(app: FastifyInstance, sessions: Sessions, face: Face, authenticator: Authenticator): void {
  app.get('/login', async (request, reply) => {
    const { code } = request.query as { code?: unknown };
    const cookie = typeof code === 'string' ? sessions.begin(code) : undefined;
    if (cookie !== undefined) {
      void reply.code(303).headers({ 'Set-Cookie': cookie, Location: '/', 'Cache-Control': 'no-store', 'Referrer-Policy': 'no-referrer' }).send('');
      return reply;
    }
    const error = await authenticator.refuse(peerOf(request), { face, code: 'UNAUTHENTICATED', request: 'GET /login', reason: 'A login code was used before, is too old, or was never made.' });
    if (error.code === 'RATE_LIMITED') sendProblem(request, reply, error);
    else sendCodeRefused(request, reply);
    return reply;
  });
}
