import type { FastifyInstance } from 'fastify';
import type { Core, Principal } from '../../contract/index.ts';
import { sendJson } from './answers.ts';

const PROBE: Principal = { id: 'agent', name: 'health probe', face: 'rest', permissions: new Set(['agent:read']) };

/** For who starts and watches the agent. Open to all, and so they tell nothing but yes or no. */
export function addHealthRoutes(app: FastifyInstance, core: Core): void {
  app.get('/healthz/live', (_request, reply) => sendJson(reply, 200, { live: true }));
  app.get('/healthz/ready', async (_request, reply) => {
    const ready = await core.call('agent.health', {}, { principal: PROBE }).then((health) => (health as { ready: boolean }).ready, () => false);
    sendJson(reply, ready ? 200 : 503, { ready });
  });
}
