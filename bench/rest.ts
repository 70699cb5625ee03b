import { spawn } from 'node:child_process';
import { sign as signCallback, type KeyObject } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import fastify from 'fastify';
import { startAgent } from '../app/agent/index.ts';
import { coreWith, keyInCore } from './core.ts';
import { compare, type Ratio } from './measure.ts';

const sign = promisify(signCallback) as (hash: string, data: Uint8Array, key: KeyObject) => Promise<Buffer>;

const MANY_KEYS = 100_000;

/** Signing over REST against a bare fastify handler that awaits `crypto.sign`; the client is a process of its own. */
export async function* restBenchmarks(): AsyncGenerator<Ratio> {
  await using few = await signingAgent(0);
  await using many = await signingAgent(MANY_KEYS);
  const bare = fastify();
  bare.post<{ Body: { message: string } }>('/sign', async ({ body }) => ({ signature: (await sign('sha256', Buffer.from(body.message, 'base64url'), few.privateKey)).toString('base64url') }));
  await bare.listen({ host: '127.0.0.1', port: 0 });
  const bareUrl = `http://127.0.0.1:${(bare.server.address() as { port: number }).port}/sign`;
  const raw = (connections: number) => () => load(bareUrl, connections, { message: MESSAGE });
  try {
    for (const connections of [1, 32]) {
      yield await compare(`REST sign P-256, ${connections} connection${connections === 1 ? '' : 's'}`, 'requests/s', { least: 0.7 }, raw(connections), few.load(connections));
      yield await compare(`REST sign P-256 with ${MANY_KEYS} keys stored against one, ${connections} connection${connections === 1 ? '' : 's'}`, 'requests/s', { least: 0.9 }, few.load(connections), many.load(connections));
    }
  } finally {
    await bare.close();
  }
}

const MESSAGE = Buffer.alloc(32, 7).toString('base64url');

/** An agent over a store with as many keys, and one more to sign with. */
async function signingAgent(keys: number): Promise<{ privateKey: KeyObject; load(connections: number): () => Promise<number> } & AsyncDisposable> {
  const core = await coreWith(keys);
  const { id, privateKey } = await keyInCore(core, 'ec-p256');
  const { token } = await core.call<{ token: string }>('access.grant', { name: 'bench', scope: ['keys:use'] });
  const agent = await startAgent(core.core, { listen: '127.0.0.1:0' });
  return {
    privateKey,
    load: (connections) => () => load(`${agent.addresses[0]}/v1/keys/${id}/sign`, connections, { content: { message: MESSAGE } }, token),
    async [Symbol.asyncDispose]() {
      await agent.close();
      await core[Symbol.asyncDispose]();
    },
  };
}

/** @returns requests per second that a client process got answered with 200. */
async function load(url: string, connections: number, body: unknown, token = ''): Promise<number> {
  const child = spawn(process.execPath, [fileURLToPath(new URL('./http-load.ts', import.meta.url)), url, String(connections), JSON.stringify(body)], { stdio: ['ignore', 'pipe', 'inherit'], env: { ...process.env, BENCH_TOKEN: token } });
  let output = '';
  for await (const chunk of child.stdout) output += String(chunk);
  const rate = Number(output);
  if (!(rate > 0)) throw new Error(`the client measured “${output}”`);
  return rate;
}
