import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { chromium, expect, type Browser, type Page } from '@playwright/test';
import { ROOT } from '../../scripts/paths.ts';
import { rootSwitches } from '../../scripts/runtimes.ts';
import { freePort } from '../devices/tools.ts';
import { environment } from './electron.ts';
import type { Program } from './program.ts';

export const PACKED = join(ROOT, 'out', 'linux-unpacked', 'keywright');

/** Packs the program from the Electron runtime at hand. @throws with what electron-builder said. */
export function packProgram(): void {
  const { status, stdout, stderr } = spawnSync(process.execPath, [join(ROOT, 'scripts', 'pack.ts')], { encoding: 'utf8', env: environment() });
  if (status !== 0 || !existsSync(PACKED)) throw new Error(`npm run pack failed:\n${stdout.slice(-3000)}${stderr.slice(-3000)}`);
}

/** @returns the first page of a program that shows one, through its debugging port. */
export async function pageAt(port: number): Promise<{ browser: Browser; page: Page }> {
  // Whoever connects while the first page is being made may wait for it for ever.
  const shown = async () => ((await (await fetch(`http://127.0.0.1:${port}/json/list`)).json()) as { type: string; title: string }[]).some(({ type, title }) => type === 'page' && title === 'Keywright');
  await expect.poll(() => shown().catch(() => false), { timeout: 60_000 }).toBe(true);
  const browser = await chromium.connectOverCDP(`http://127.0.0.1:${port}`);
  await expect.poll(() => browser.contexts()[0]?.pages().length ?? 0).toBeGreaterThan(0);
  const page = browser.contexts()[0]?.pages()[0];
  if (page === undefined) throw new Error('No page.');
  return { browser, page };
}

/**
 * Starts the packed program, all fuses as they are shipped: nothing but its pages can be looked at, as anybody's could who
 * starts it with that switch.
 *
 * @param user  who runs it; left out: whoever runs the tests
 */
export async function startPacked(dataFolder: string, user?: { uid: number; gid: number; home: string }): Promise<Program & { readonly child: ChildProcess }> {
  const port = await freePort();
  const switches = user === undefined ? rootSwitches() : [];
  const child = spawn(PACKED, [...switches, '--disable-gpu', '--lang=en-US', `--remote-debugging-port=${port}`, '--data-dir', dataFolder], {
    env: environment(user === undefined ? {} : { HOME: user.home, XDG_RUNTIME_DIR: user.home }),
    cwd: '/',
    stdio: ['ignore', 'pipe', 'pipe'],
    ...(user === undefined ? {} : { uid: user.uid, gid: user.gid }),
  });
  const said: string[] = [];
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (piece: Buffer) => said.push(piece.toString()));
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()));
  const { browser, page } = await pageAt(port).catch((error: unknown) => {
    child.kill('SIGKILL');
    throw new Error(`The packed program shows nothing:\n${said.join('').slice(-2000)}`, { cause: error });
  });
  const promptOf = () => browser.contexts().flatMap((context) => context.pages()).find((one) => one.url().startsWith('keywright://prompt/'));
  const outOfReach = () => Promise.reject(new Error('The system’s dialogs cannot be answered in the packed program.'));
  return {
    kind: 'electron',
    child,
    page,
    async prompt() {
      await expect.poll(() => promptOf() !== undefined, { message: 'the prompt window opens' }).toBe(true);
      const prompt = promptOf();
      if (prompt === undefined) throw new Error('The prompt window closed again.');
      return prompt;
    },
    choosing: outOfReach,
    saving: outOfReach,
    said: () => said.join(''),
    async close() {
      await browser.close();
      child.kill('SIGTERM');
      await ended;
    },
  };
}
