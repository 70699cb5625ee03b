import { spawn, type ChildProcess } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { DIST, platformNode } from './paths.ts';
import type { Environment } from './runtimes.ts';

export interface PrivateAgent {
  /** Opens the window once, within a minute. */
  readonly address: string;
  /** Ends with the agent; its exit code. */
  readonly ended: Promise<number>;
  /** The lines that it printed. */
  readonly said: readonly string[];
  stop(): Promise<void>;
}

/** How long the agent may take to listen (ms). */
const LISTENS_WITHIN = 30_000;

/**
 * Starts `keywright serve --ui` on a free port of this machine.
 *
 * @param args  further options of `keywright serve`, such as `--data-dir`
 * @throws Error with what the agent said, if it does not come to listen
 */
export async function startPrivateAgent(args: readonly string[], environment: Environment): Promise<PrivateAgent> {
  const child = spawn(platformNode(), [join(DIST, 'keywright.js'), 'serve', '--ui', '--listen', '127.0.0.1:0', ...args], { env: { ...environment }, stdio: ['ignore', 'pipe', 'pipe'] });
  const ended = new Promise<number>((resolve) => {
    child.once('error', () => resolve(1));
    child.once('close', (code) => resolve(code ?? 0));
  });
  const said: string[] = [];
  const address = await loginAddress(child, ended, said);
  return { address, ended, said, stop: () => stop(child, ended) };
}

function loginAddress(child: ChildProcess, ended: Promise<number>, said: string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    const fail = (why: string) => reject(new Error([why, ...said.slice(-8)].join('\n  ')));
    const late = setTimeout(() => {
      child.kill();
      fail('The agent did not come to listen.');
    }, LISTENS_WITHIN);
    for (const stream of [child.stdout, child.stderr]) {
      if (stream === null) continue;
      createInterface({ input: stream }).on('line', (line) => {
        said.push(line);
        const address = /https?:\/\/\S+\/login\?code=\S+/.exec(line)?.[0];
        if (address === undefined) return;
        clearTimeout(late);
        resolve(address);
      });
    }
    void ended.then((code) => {
      clearTimeout(late);
      fail(`The agent ended with exit code ${code}.`);
    });
  });
}

async function stop(child: ChildProcess, ended: Promise<number>): Promise<void> {
  child.kill('SIGTERM');
  const late = setTimeout(() => child.kill('SIGKILL'), 5000);
  await ended;
  clearTimeout(late);
}
