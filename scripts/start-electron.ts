import { spawn } from 'node:child_process';
import { ROOT } from './paths.ts';
import { rootSwitches, type Environment } from './runtimes.ts';

/** The line by which Electron's main process says that the window has something to show. */
const READY = 'keywright: window ready';
/** Milliseconds after which an Electron without a window is given up: on a slow machine the first start takes a while. */
const OPENS_WITHIN = 90_000;

type ElectronOutcome =
  | { readonly opened: true; readonly exitCode: number }
  /** A program that runs already has brought its window to the front. */
  | { readonly opened: 'elsewhere' }
  | { readonly opened: false; readonly reason: string };

/**
 * Runs the desktop program until it is closed.
 *
 * @returns its exit code, or why it could not open its window: a runtime may be there and still not run (libraries
 *          missing, a sandbox that the system forbids), or run and show nothing.
 * @param opensWithin  milliseconds after which it is ended if it has not shown its window
 */
export function runElectron(executable: string, args: readonly string[], environment: Environment, opensWithin = OPENS_WITHIN): Promise<ElectronOutcome> {
  const child = spawn(executable, [...rootSwitches(), ROOT, ...args], { cwd: process.cwd(), env: { ...environment }, stdio: ['inherit', 'pipe', 'pipe'] });
  let opened = false;
  let early = '';
  let isLate = false;
  const late = setTimeout(() => {
    isLate = true;
    child.kill('SIGKILL');
    // Processes of its own may hold these open for as long as they like.
    child.stdout.destroy();
    child.stderr.destroy();
  }, opensWithin);
  child.stdout.on('data', (chunk: Buffer) => {
    const text = chunk.toString();
    if (text.includes(READY)) {
      opened = true;
      clearTimeout(late);
    }
    process.stdout.write(text.replace(`${READY}\n`, ''));
  });
  child.stderr.on('data', (chunk: Buffer) => {
    if (opened) process.stderr.write(chunk);
    else early = (early + chunk.toString()).slice(-4000);
  });
  let stopped = false;
  const pass = (signal: NodeJS.Signals) => () => {
    stopped = true;
    child.kill(signal);
  };
  const handlers = (['SIGINT', 'SIGTERM', 'SIGHUP'] as const).map((signal) => [signal, pass(signal)] as const);
  for (const [signal, handler] of handlers) process.on(signal, handler);
  return new Promise((resolve) => {
    child.once('error', (error) => {
      clearTimeout(late);
      resolve({ opened: false, reason: error.message });
    });
    child.once('close', (code, signal) => {
      clearTimeout(late);
      for (const [name, handler] of handlers) process.off(name, handler);
      if (opened || stopped || signal === 'SIGINT' || signal === 'SIGTERM') resolve({ opened: true, exitCode: code ?? 0 });
      else if (isLate) resolve({ opened: false, reason: `no window within ${Math.round(opensWithin / 1000)} s` });
      // Nothing went wrong, and nothing was shown: it was handed over to the instance that runs already.
      else if (code === 0) resolve({ opened: 'elsewhere' });
      else resolve({ opened: false, reason: reasonIn(early) ?? `it ended with ${signal ?? `exit code ${code}`}` });
    });
  });
}

function reasonIn(text: string): string | undefined {
  const line = /error while loading shared libraries[^\n]*|[^\n]*sandbox[^\n]*|Missing X server[^\n]*|[^\n]*FATAL[^\n]*/i.exec(text)?.[0];
  return line?.trim().slice(0, 200);
}
