import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import type { Duplex } from 'node:stream';
import { fileURLToPath } from 'node:url';
import type { ProviderProcess } from '../worker/provider.ts';
import { isInSoftware } from './known-modules.ts';

/** So many calls into a module may run at once, since most of them wait for a card or a network; more than it has threads for wait. */
const THREADS = 16;

/**
 * The worker's code: in a bundle it lies beside it as `pkcs11-worker.js` (entry `app/backends/pkcs11/module/worker.ts`); unbundled, the
 * source runs as it is.
 */
function workerFile(): string {
  const bundled = new URL('./pkcs11-worker.js', import.meta.url);
  return fileURLToPath(existsSync(bundled) ? bundled : new URL('./module/worker.ts', import.meta.url));
}

/**
 * Starts the process of one module.
 * @param module its path. @param environment what the module's own configuration needs, beside what this process has.
 */
export async function startWorker(module: string, environment: Readonly<Record<string, string>>): Promise<ProviderProcess> {
  const inherited = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('KEYWRIGHT_')));
  // Threads beyond the processors would keep the one that feeds them from its turn.
  const threads = isInSoftware(module) ? Math.max(2, availableParallelism()) : THREADS;
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', workerFile()], {
    stdio: ['ignore', 'ignore', 'pipe', 'pipe'], env: { UV_THREADPOOL_SIZE: String(threads), ...inherited, ...environment }, windowsHide: true,
  });
  const channel = child.stdio[3] as Duplex;
  return { process: child, input: channel, output: channel };
}
