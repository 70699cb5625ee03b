import { spawn, type ChildProcess } from 'node:child_process';
import { hasDisplay, findCommand } from '../../scripts/runtimes.ts';

let server: ChildProcess | undefined;

/** Gives the tests a display of their own where there is none: Electron needs one. Runs once, before all of them. */
export default async function startDisplay(): Promise<() => void> {
  const xvfb = findCommand('Xvfb', process.env);
  if (process.platform !== 'linux' || hasDisplay(process.env) || xvfb === undefined) return () => undefined;
  server = spawn(xvfb, ['-displayfd', '3', '-screen', '0', '1600x1200x24', '-nolisten', 'tcp'], { stdio: ['ignore', 'ignore', 'ignore', 'pipe'] });
  const pipe = server.stdio[3];
  if (pipe === null || pipe === undefined || !('setEncoding' in pipe)) throw new Error('Xvfb gave no display.');
  const number = await new Promise<string>((resolve, reject) => {
    pipe.once('data', (text: Buffer) => resolve(text.toString().trim()));
    server?.once('exit', (code) => reject(new Error(`Xvfb ended with exit code ${code}.`)));
  });
  process.env['DISPLAY'] = `:${number}`;
  return () => void server?.kill();
}
