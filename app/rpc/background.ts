import { spawn } from 'node:child_process';
import { closeSync, fstatSync, openSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { fromProblem, KeywrightError, type Problem } from '../contract/errors.ts';
import { fieldsOf } from './messages.ts';
import { fileError, makePrivateFolder, ownerFolder } from './places.ts';

const MOST_LOG = 1024 * 1024;

interface BackgroundOptions {
  readonly dataDir: string;
  /** The configuration file, when one was named. */
  readonly configFile?: string | undefined;
}

/**
 * Starts the owner that stays when its starter ends. It takes no secret: whoever started it unlocks the store by a call.
 * @returns once it listens (or found another owner). @throws what kept it from starting.
 */
export async function startBackgroundOwner({ dataDir, configFile }: BackgroundOptions): Promise<void> {
  makePrivateFolder(ownerFolder(dataDir));
  const log = openLog(join(ownerFolder(dataDir), 'log'));
  const host = fileURLToPath(new URL('./host.ts', import.meta.url));
  const child = spawn(process.execPath, [host, '--background', '--data-dir', dataDir, ...(configFile === undefined ? [] : ['--config', configFile])], {
    detached: true,
    cwd: dataDir,
    stdio: ['ignore', 'ignore', log, 'ipc'],
    windowsHide: true,
  });
  closeSync(log);
  try {
    await new Promise<void>((resolve, reject) => {
      child.once('message', (message) => {
        const problem = fieldsOf(fieldsOf(message)?.['problem']);
        if (problem === undefined) resolve();
        else reject(fromProblem(problem as unknown as Problem));
      });
      const ended = (cause?: unknown): void => reject(new KeywrightError('BACKEND_UNAVAILABLE', { detail: 'The owner in the background ended as it started.', remedy: `See ${join(ownerFolder(dataDir), 'log')}.`, cause }));
      child.once('error', ended);
      // What it said last may still be on its way.
      child.once('exit', () => setTimeout(ended, 200));
    });
  } finally {
    if (child.connected) child.disconnect();
    child.unref();
  }
}

/** Appends; what is old goes aside once it has grown. */
function openLog(path: string): number {
  try {
    const file = openSync(path, 'a', 0o600);
    if (fstatSync(file).size < MOST_LOG) return file;
    closeSync(file);
    renameSync(path, `${path}.old`);
    return openSync(path, 'a', 0o600);
  } catch (thrown) {
    throw fileError(path, thrown);
  }
}
