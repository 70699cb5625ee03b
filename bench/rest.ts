import { spawn } from 'node:child_process';
import { sign as signCallback, type KeyObject } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import fastify from 'fastify';
import { startAgent } from '../app/agent/index.ts';
import { benchCore, keyInCore } from './core.ts';
import { compare, type Ratio } from './measure.ts';
import { populate } from './populate.ts';

const sign = promisify(signCallback) as (hash: string, data: Uint8Array, key: KeyObject) => Promise<Buffer>;

/** Signing over REST against a bare fastify handler that awaits `crypto.sign`; the client is a process of its own. */
export async function* restBenchmarks(): AsyncGenerator<Ratio> {
  await using core = await benchCore();
  const { id, privateKey } = await keyInCore(core, 'ec-p256');
  const { token } = await core.call<{ token: string }>('access.grant', { name: 'bench', scope: ['keys:use'] });
  const agent = await startAgent(core.core, { listen: '127.0.0.1:0' });
  const bare = fastify();
  bare.post<{ Body: { message: string } }>('/sign', async ({ body }) => ({ signature: (await sign('sha256', Buffer.from(body.message, 'base64url'), privateKey)).toString('base64url') }));
  await bare.listen({ host: '127.0.0.1', port: 0 });
  const message = Buffer.alloc(32, 7).toString('base64url');
  const bareUrl = `http://127.0.0.1:${(bare.server.address() as { port: number }).port}/sign`;
  const url = `${agent.addresses[0]}/v1/keys/${id}/sign`;
  const raw = (connections: number) => () => load(bareUrl, connections, { message });
  const ours = (connections: number) => () => load(url, connections, { content: { message } }, token);
  try {
    for (const connections of [1, 32]) yield await compare(`REST sign P-256, ${connections} connection${connections === 1 ? '' : 's'}`, 'requests/s', { least: 0.7 }, raw(connections), ours(connections));
    const before = await ours(32)();
    await populate(core, 100_000);
    yield await compare('REST sign P-256, 32 connections, with 100,000 keys stored against few', 'requests/s', { least: 0.9 }, async () => before, ours(32));
  } finally {
    await agent.close();
    await bare.close();
  }
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
