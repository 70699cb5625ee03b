import { existsSync, linkSync, mkdtempSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { startAgent, type Agent } from './index.ts';
import { fakeCore, TOKEN } from './testing/fake-core.ts';

describe.skipIf(process.platform === 'win32')('REST on a Unix socket', () => {
  let folder: string;
  let path: string;
  let agent: Agent | undefined;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'keywright-socket-'));
    path = join(folder, 'rest.sock');
  });
  afterEach(async () => {
    await agent?.close();
    agent = undefined;
    rmSync(folder, { recursive: true, force: true });
  });

  const start = async (socket = path): Promise<void> => void (agent = await startAgent(fakeCore(), { listen: '127.0.0.1:0', socket }));
  const statusOf = (headers: Readonly<Record<string, string>>, url = '/v1/keys'): Promise<number | undefined> => new Promise((resolve, reject) => {
    request({ socketPath: path, path: url, headers, agent: false }, (incoming) => {
      incoming.resume();
      resolve(incoming.statusCode);
    }).on('error', reject).end();
  });

  test('answers whoever has a token, and nobody else', async () => {
    await start();
    expect(agent?.addresses).toContain(`unix:${path}`);
    expect(await statusOf({ Host: 'localhost', Authorization: `Bearer ${TOKEN}` })).toBe(200);
    expect(await statusOf({ Host: 'localhost' })).toBe(401);
    expect(await statusOf({ Host: 'evil.example', Authorization: `Bearer ${TOKEN}` })).toBe(403);
    expect(await statusOf({ Host: 'localhost' }, '/healthz/live')).toBe(200);
    expect(await statusOf({ Host: 'localhost', 'X-Keywright': '1' }, '/ipc/keys.list')).toBe(404);
  });

  test('is for its user alone, and gone when the agent is', async () => {
    await start();
    expect(statSync(path).mode & 0o777).toBe(0o600);
    await agent?.close();
    expect(existsSync(path)).toBe(false);
  });

  test('takes the place of one that nobody listens on', async () => {
    const dead = createServer();
    await new Promise<void>((resolve) => void dead.listen(path, resolve));
    // A hard link outlives the server that takes its own path away.
    linkSync(path, `${path}.kept`);
    await new Promise((resolve) => void dead.close(resolve));
    renameSync(`${path}.kept`, path);
    await start();
    expect(await statusOf({ Host: 'localhost' })).toBe(401);
  });

  test('is refused where something listens, or is no socket, and nothing else listens then', async () => {
    await start();
    await expect(startAgent(fakeCore(), { listen: '127.0.0.1:0', socket: path })).rejects.toMatchObject({ code: 'CONFLICT' });
    const file = join(folder, 'a file');
    writeFileSync(file, 'mine');
    await expect(startAgent(fakeCore(), { listen: '127.0.0.1:0', socket: file })).rejects.toMatchObject({ code: 'CONFLICT' });
    for (const impossible of ['relative', join(folder, 'x'.repeat(120)), join(folder, 'not there', 's')]) {
      await expect(startAgent(fakeCore(), { listen: '127.0.0.1:0', socket: impossible })).rejects.toMatchObject({ code: 'INVALID_INPUT', facts: { where: '/socket' } });
    }
  });
});
