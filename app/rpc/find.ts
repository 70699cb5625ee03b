import { connect, type Socket } from 'node:net';
import { KeywrightError } from '../contract/errors.ts';
import { connectCore, type RemoteCore } from './client.ts';
import { greetOwner, HandshakeError } from './handshake.ts';
import { readOwnerRecord, type OwnerRecord } from './places.ts';

const CONNECT_WITHIN = 5000;

/**
 * Looks for the process that owns the store in `dataDir`. Loads next to nothing: this is the command line's short way.
 *
 * @returns its core, or undefined when nobody owns the store (what a dead owner left behind counts as nobody).
 * @throws BACKEND_UNAVAILABLE when somebody listens who does not prove to be the owner, or does not answer at all.
 */
export async function findOwner(dataDir: string): Promise<RemoteCore | undefined> {
  let record = readOwnerRecord(dataDir);
  for (;;) {
    if (record === undefined) return undefined;
    const socket = await dial(record.socket);
    if (socket === undefined) return undefined;
    try {
      const core = connectCore(await greetOwner(socket, Buffer.from(record.secret, 'base64url')));
      await core.ready;
      return core;
    } catch (thrown) {
      // An owner that ends just now, and maybe another one in its place: its record tells.
      const now = readOwnerRecord(dataDir);
      if (now?.secret === record.secret) throw notTheOwner(record, thrown);
      record = now;
    }
  }
}

/** @returns the connection; undefined when nobody listens there. */
function dial(path: string): Promise<Socket | undefined> {
  return new Promise((resolve, reject) => {
    const socket = connect(path);
    const late = setTimeout(() => socket.destroy(Object.assign(new Error('no answer'), { code: 'ETIMEDOUT' })), CONNECT_WITHIN);
    socket.once('connect', () => {
      clearTimeout(late);
      socket.off('error', onError);
      resolve(socket);
    });
    const onError = (error: NodeJS.ErrnoException): void => {
      clearTimeout(late);
      if (error.code === 'ENOENT' || error.code === 'ECONNREFUSED' || error.code === 'ENOTSOCK') resolve(undefined);
      else reject(new KeywrightError('BACKEND_UNAVAILABLE', { detail: `The process that owns the store cannot be reached at ${path}.`, remedy: 'End it, then try again.', cause: error }));
    };
    socket.on('error', onError);
  });
}

function notTheOwner({ socket, pid }: OwnerRecord, cause: unknown): KeywrightError {
  const silent = !(cause instanceof HandshakeError);
  return new KeywrightError('BACKEND_UNAVAILABLE', {
    detail: silent ? `The owner of the store (process ${pid}) ended while it was being asked.` : `Whoever listens at ${socket} did not prove to be the owner of the store (process ${pid}).`,
    remedy: silent ? 'Try again.' : `See what process ${pid} is and end it if it hangs, then try again.`,
    cause,
  });
}
