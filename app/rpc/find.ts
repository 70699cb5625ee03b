import { connect, type Socket } from 'node:net';
import { KeywrightError } from '../contract/errors.ts';
import { connectCore, type RemoteCore } from './client.ts';
import { ConnectionEnded, greetOwner, HandshakeError } from './handshake.ts';
import { readOwnerRecord, type OwnerRecord } from './places.ts';

const CONNECT_WITHIN = 5000;
/** Attempts at an owner whose queue is full or that resets the connection. */
const TRIES = 20;

/**
 * Looks for the process that owns the store in `dataDir`. Loads next to nothing: this is the command line's short way.
 *
 * @returns its core, or undefined when nobody owns the store (what a dead owner left behind counts as nobody).
 * @throws BACKEND_UNAVAILABLE when somebody listens who does not prove to be the owner, or does not answer at all.
 */
export async function findOwner(dataDir: string): Promise<RemoteCore | undefined> {
  let record = readOwnerRecord(dataDir);
  for (let tries = TRIES; record !== undefined; tries -= 1) {
    try {
      const socket = await dial(record.socket);
      if (socket === undefined) return undefined;
      const core = connectCore(await greetOwner(socket, Buffer.from(record.secret, 'base64url')));
      await core.ready;
      return core;
    } catch (thrown) {
      // An owner that ends just now, and maybe another one in its place: its record tells.
      const now = readOwnerRecord(dataDir);
      if (now?.secret === record.secret) {
        if (tries <= 1 || isStranger(thrown)) throw notTheOwner(record, thrown);
        await new Promise((resolve) => setTimeout(resolve, 25));
      }
      record = now;
    }
  }
  return undefined;
}

/** @returns the connection; undefined when nobody listens there. */
function dial(path: string): Promise<Socket | undefined> {
  return new Promise((resolve, reject) => {
    const socket = connect(path);
    const late = setTimeout(() => socket.destroy(Object.assign(new Error('no answer'), { code: 'ETIMEDOUT' })), CONNECT_WITHIN);
    const onError = (error: NodeJS.ErrnoException): void => {
      clearTimeout(late);
      if (error.code === 'ENOENT' || error.code === 'ECONNREFUSED' || error.code === 'ENOTSOCK') resolve(undefined);
      else reject(error);
    };
    socket.once('connect', () => {
      clearTimeout(late);
      socket.off('error', onError);
      resolve(socket);
    });
    socket.on('error', onError);
  });
}

/** Who ends the connection is an owner that ends, and leaves its record behind when it was killed. */
function isStranger(cause: unknown): cause is HandshakeError {
  return cause instanceof HandshakeError && !(cause instanceof ConnectionEnded);
}

function notTheOwner({ socket, pid }: OwnerRecord, cause: unknown): KeywrightError {
  return new KeywrightError('BACKEND_UNAVAILABLE', {
    detail: isStranger(cause)
      ? `Whoever listens at ${socket} did not prove to be the owner of the store (process ${pid}): ${cause.message}.`
      : `The process that owns the store (process ${pid}) cannot be reached at ${socket}.`,
    remedy: `See what process ${pid} is and end it if it hangs, then try again.`,
    cause,
  });
}
