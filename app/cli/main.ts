/** The command line's entry: `bin/keywright` starts it with the Node that came with the packages. */
import { lstatSync, mkdirSync, writeSync } from 'node:fs';
import { enableCompileCache } from 'node:module';
import { homedir } from 'node:os';
import { join } from 'node:path';

/**
 * Compiled code is kept in this user's own cache folder, never in one that others may write: whoever can write there
 * decides what runs.
 */
function cacheFolder(): string | undefined {
  const { XDG_CACHE_HOME: told, LOCALAPPDATA: local, HOME: home } = process.env;
  if (process.platform === 'win32') return local === undefined ? undefined : join(local, 'keywright', 'code');
  if (told?.startsWith('/') === true) return join(told, 'keywright', 'code');
  return home?.startsWith('/') === true ? join(home, '.cache', 'keywright', 'code') : join(homedir(), '.cache', 'keywright', 'code');
}

/** A folder of somebody else's (HOME kept by sudo) or one that others may write is left alone: this runs without a cache then. */
function isOursAlone(folder: string): boolean {
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    const { uid, mode } = lstatSync(folder);
    return process.getuid === undefined || (uid === process.getuid() && (mode & 0o022) === 0);
  } catch {
    return false;
  }
}

const cache = cacheFolder();
if (cache !== undefined && isOursAlone(cache)) enableCompileCache(cache);

const { run } = await import('./run.ts');
const interrupted = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.on(signal, () => {
    // The second time is meant.
    if (interrupted.signal.aborted) process.exit(130);
    interrupted.abort();
  });
}
// Whoever reads our output may have had enough (`| head`): that is no fault of ours. An output that could not be written whole is (a full disk).
let lost: NodeJS.ErrnoException | undefined;
const endUnheard = (): never => {
  if (lost?.code === 'EPIPE') process.exit(0);
  try {
    writeSync(2, `keywright: Standard output could not be written whole (${lost?.code ?? 'unknown'}).\n`);
  } catch {
    // nobody is there to be told
  }
  process.exit(1);
};
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  lost ??= error;
  endUnheard();
});
process.stderr.on('error', () => undefined);

const code = await run(process.argv.slice(2), { stdin: () => process.stdin, stdout: process.stdout, stderr: process.stderr, env: process.env, signal: interrupted.signal });
process.stdout.write('', (error) => {
  // The reason comes with the event, right behind this.
  if (error) setImmediate(endUnheard);
  else process.exit(code);
});
