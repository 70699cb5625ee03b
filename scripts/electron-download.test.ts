import { createServer, type Server } from 'node:http';
import { afterEach, expect, test } from 'vitest';
import { downloadElectron } from './electron-download.ts';

let server: Server | undefined;
afterEach(() => {
  server?.closeAllConnections();
  server?.close();
});

/** A place to download from, on this machine. @returns its address. */
function serve(listener: Parameters<typeof createServer>[1]): Promise<string> {
  return new Promise((resolve) => {
    server = createServer(listener as Parameters<typeof createServer>[0]).listen(0, '127.0.0.1', () => {
      const address = server?.address();
      resolve(`http://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}/`);
    });
  });
}

async function download(mirror: string, signal: AbortSignal = new AbortController().signal): Promise<{ executable: string | undefined; said: string }> {
  const said: string[] = [];
  const environment = { ...process.env, ELECTRON_MIRROR: mirror, electron_config_cache: '/nonexistent', ELECTRON_OVERRIDE_DIST_PATH: '' };
  const executable = await downloadElectron({ environment, log: (line) => said.push(line), signal, patience: 1500, deadline: 10_000 });
  return { executable, said: said.join('\n') };
}

test('a server that never answers is given up after the deadline, and says so', async () => {
  const { executable, said } = await download(await serve(() => undefined));
  expect(executable).toBeUndefined();
  expect(said).toContain('nothing arrived');
});

test('a place that cannot be reached is told at once', async () => {
  const { executable, said } = await download('http://127.0.0.1:9/');
  expect(executable).toBeUndefined();
  expect(said).toContain('could not be downloaded');
});

test('a file that is not the one that was published is refused', async () => {
  const { executable, said } = await download(await serve((_request, answer) => void answer.end('not an archive')));
  expect(executable).toBeUndefined();
  expect(said).toContain('could not be downloaded');
});

test('whoever waits can skip it', async () => {
  const controller = new AbortController();
  const result = download(await serve(() => undefined), controller.signal);
  controller.abort();
  const { executable, said } = await result;
  expect(executable).toBeUndefined();
  expect(said).toContain('skipped');
});
