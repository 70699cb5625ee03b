import { chmodSync, lstatSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { isAbsolute } from 'node:path';
import type { FastifyInstance } from 'fastify';
import { KeywrightError } from '../contract/index.ts';

/** What the kernel has room for (`sockaddr_un`), its last NUL aside, on the narrowest system. */
const LONGEST_PATH = 103;

/**
 * Listens on a Unix socket that this user alone can open (0600). Whoever calls still needs a token. One that nobody listens
 * on any more is replaced; closing the server takes it away.
 *
 * @param path absolute, at most 103 bytes.
 * @throws INVALID_INPUT for a path that cannot be one, CONFLICT when something listens there or is no socket.
 */
export async function listenOnSocket(app: FastifyInstance, path: string): Promise<void> {
  if (process.platform === 'win32' || !isAbsolute(path) || Buffer.byteLength(path) > LONGEST_PATH) {
    throw new KeywrightError('INVALID_INPUT', { detail: `“${path.slice(0, 200)}” cannot be the path of a Unix socket.`, where: '/socket', remedy: `Give an absolute path of at most ${LONGEST_PATH} bytes, on a system that has Unix sockets.` });
  }
  const there = lstatSync(path, { throwIfNoEntry: false });
  if (there !== undefined) {
    if (!there.isSocket()) throw new KeywrightError('CONFLICT', { detail: `${path} is there already and is no socket.`, remedy: 'Choose another path.' });
    if (await answers(path)) throw new KeywrightError('CONFLICT', { detail: `Something listens on ${path} already.`, remedy: 'Choose another path, or end what listens there.' });
    rmSync(path);
  }
  try {
    await app.listen({ path });
    chmodSync(path, 0o600);
  } catch (thrown) {
    throw new KeywrightError('INVALID_INPUT', { detail: `${path} cannot be listened on (${(thrown as NodeJS.ErrnoException).code ?? 'unknown'}).`, where: '/socket', remedy: 'Choose a path in a folder that is there and that you may write.', cause: thrown });
  }
}

function answers(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path);
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}
