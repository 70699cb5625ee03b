import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createServer } from 'node:net';
import { findCommand } from '../../scripts/runtimes.ts';

/** What a tool answered. */
export interface Outcome {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

interface RunOptions {
  /** Added to this process's environment. */
  readonly environment?: Readonly<Record<string, string>>;
  readonly input?: string | Uint8Array;
  /** Milliseconds after which the tool is killed; bounds a hang. */
  readonly deadline?: number;
}

/**
 * Runs a tool to its end. Asynchronous, for a reason: a virtual card lives in this process, and a tool that is waited for
 * with spawnSync would wait for the card for ever.
 */
export async function run(command: string, args: readonly string[], options: RunOptions = {}): Promise<Outcome> {
  const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'pipe'], env: { ...process.env, ...options.environment } });
  const { promise, resolve, reject } = Promise.withResolvers<Outcome>();
  let stdout = '';
  let stderr = '';
  const timer = setTimeout(() => child.kill('SIGKILL'), options.deadline ?? 50_000);
  child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString('latin1')));
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString('latin1')));
  child.on('error', reject);
  child.stdin.on('error', () => undefined);
  child.on('close', (code, signal) => {
    clearTimeout(timer);
    resolve({ status: code ?? -1, stdout, stderr: signal === null ? stderr : `${stderr}\nended by ${signal}` });
  });
  child.stdin.end(options.input ?? '');
  return promise;
}

/** @returns what the tool printed. @throws Error with what it complained of, when it failed. */
export async function mustRun(command: string, args: readonly string[], options: RunOptions = {}): Promise<string> {
  const { status, stdout, stderr } = await run(command, args, options);
  if (status !== 0) throw new Error(`${command} ${args.join(' ')}: status ${status}\n${stdout}\n${stderr}`);
  return stdout;
}

/** @returns the reason to skip what needs these commands, or undefined when all are here. Keys are commands, values the Debian packages that hold them. */
export function missingTools(packages: Readonly<Record<string, string>>): string | undefined {
  const missing = Object.entries(packages).filter(([command]) => findCommand(command, process.env) === undefined);
  return missing.length === 0 ? undefined : missing.map(([command, name]) => `no ${command} (Debian package ${name})`).join(', ');
}

/** @returns the path of a shared library where Debian puts it for this machine's architecture, or undefined. */
export function findLibrary(name: string): string | undefined {
  const triplet = process.arch === 'arm64' ? 'aarch64-linux-gnu' : 'x86_64-linux-gnu';
  return [`/usr/lib/${triplet}/${name}`, `/usr/lib/${triplet}/pkcs11/${name}`, `/usr/lib/${name}`].find((path) => existsSync(path));
}

/** @returns a port of the loopback address that nobody listens on now. */
export async function freePort(): Promise<number> {
  const probe = createServer();
  await new Promise<void>((resolve) => void probe.listen(0, '127.0.0.1', resolve));
  const { port } = probe.address() as { port: number };
  await new Promise((resolve) => void probe.close(resolve));
  return port;
}
