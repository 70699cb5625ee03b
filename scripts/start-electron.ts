import { spawn } from 'node:child_process';
import { ROOT } from './paths.ts';
import { rootSwitches, type Environment } from './runtimes.ts';

/** The line by which Electron's main process says that the window has something to show. */
const READY = 'keywright: window ready';

export type ElectronOutcome = { readonly opened: true; readonly exitCode: number } | { readonly opened: false; readonly reason: string };

/**
 * Runs the desktop program until it is closed.
 *
 * @returns its exit code, or why it could not open its window: a runtime may be there and still not run (libraries
 *          missing, a sandbox that the system forbids).
 */
export function runElectron(executable: string, args: readonly string[], environment: Environment): Promise<ElectronOutcome> {
  const child = spawn(executable, [...rootSwitches(), ROOT, ...args], { cwd: process.cwd(), env: { ...environment }, stdio: ['inherit', 'pipe', 'pipe'] });
  let opened = false;
  let early = '';
  child.stdout.on('data', (chunk: Buffer) => {
    const text = chunk.toString();
    if (text.includes(READY)) opened = true;
    process.stdout.write(text.replace(`${READY}\n`, ''));
  });
  child.stderr.on('data', (chunk: Buffer) => {
    if (opened) process.stderr.write(chunk);
    else early = (early + chunk.toString()).slice(-4000);
  });
  const pass = (signal: NodeJS.Signals) => () => void child.kill(signal);
  const handlers = (['SIGINT', 'SIGTERM', 'SIGHUP'] as const).map((signal) => [signal, pass(signal)] as const);
  for (const [signal, handler] of handlers) process.on(signal, handler);
  return new Promise((resolve) => {
    child.once('error', (error) => resolve({ opened: false, reason: error.message }));
    child.once('close', (code, signal) => {
      for (const [name, handler] of handlers) process.off(name, handler);
      // Closed by hand, or handed over to the instance that runs already: nothing went wrong.
      if (opened || code === 0 || signal === 'SIGINT' || signal === 'SIGTERM') resolve({ opened: true, exitCode: code ?? 0 });
      else resolve({ opened: false, reason: reasonIn(early) ?? `it ended with ${signal ?? `exit code ${code}`}` });
    });
  });
}

function reasonIn(text: string): string | undefined {
  const line = /error while loading shared libraries[^\n]*|[^\n]*sandbox[^\n]*|Missing X server[^\n]*|[^\n]*FATAL[^\n]*/i.exec(text)?.[0];
  return line?.trim().slice(0, 200);
}
