import { existsSync, watch, type FSWatcher } from 'node:fs';
import { basename, dirname } from 'node:path';

/** Where pcscd's socket is, by the rules of its client library. */
const socketPath = (): string => process.env['PCSCLITE_CSOCK_NAME'] ?? '/run/pcscd/pcscd.comm';

/**
 * Whether there can be a smart-card service: on Linux, whether its socket is there, without which nothing can be reached. Told
 * without loading what talks to it.
 */
export function maybeService(socket = socketPath()): boolean {
  return process.platform !== 'linux' || existsSync(socket);
}

/** In case nothing is told: a service that systemd starts on demand has its socket there all the time. */
const LOOK_AGAIN_MS = process.platform === 'linux' ? 15_000 : 5_000;
/** The socket is there a moment before somebody listens on it. */
const AFTER_CHANGE_MS = [20, 200, 1_000];

/**
 * Calls `look` when the smart-card service may have come, until disposed. On Linux its socket's folder tells; elsewhere, and as a second
 * line, it is looked at now and then.
 */
export function awaitService(look: () => void, socket = socketPath()): Disposable {
  const timers = new Set<NodeJS.Timeout>();
  const watchers: FSWatcher[] = [];
  const soon = (): void => {
    for (const delay of AFTER_CHANGE_MS) {
      const timer = setTimeout(() => {
        timers.delete(timer);
        look();
      }, delay).unref();
      timers.add(timer);
    }
  };
  const regular = setInterval(look, LOOK_AGAIN_MS).unref();
  const follow = (path: string): boolean => {
    try {
      const watcher = watch(dirname(path), { persistent: false }, (_event, name) => {
        if (name !== basename(path)) return;
        // The folder itself may have come just now.
        if (path !== socket && watchers.length === 1) follow(socket);
        soon();
      });
      watcher.on('error', () => watcher.close());
      watchers.push(watcher);
      return true;
    } catch {
      return false;
    }
  };
  if (process.platform === 'linux' && !follow(socket)) follow(dirname(socket));
  return {
    [Symbol.dispose]() {
      clearInterval(regular);
      for (const timer of timers) clearTimeout(timer);
      for (const watcher of watchers) watcher.close();
    },
  };
}
