import { spawn, type ChildProcess } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from '../scripts/paths.ts';
import { findBrowser } from '../scripts/runtimes.ts';
import { browserMissing } from './support/browser.ts';
import { electronMissing, environment } from './support/electron.ts';
import { expect, test } from './support/fixture.ts';
import { freePort } from './devices/tools.ts';
import { pageAt } from './support/packed.ts';
import { childrenOf, lives } from './support/processes.ts';
import { text } from './support/texts.ts';

/** An Electron that is not there, and a download that fails at once. */
const NO_ELECTRON = { ELECTRON_OVERRIDE_DIST_PATH: '/nonexistent', ELECTRON_MIRROR: 'http://127.0.0.1:9/' };
const NO_DISPLAY = { DISPLAY: '', WAYLAND_DISPLAY: '' };

interface Started {
  readonly child: ChildProcess;
  /** Everything that it printed so far. */
  readonly said: () => string;
  readonly ended: Promise<number | null>;
}

/** `npm start -- args`, as npm would run it. */
function start(args: readonly string[], env: Record<string, string>): Started {
  const child = spawn(process.execPath, [join(ROOT, 'scripts', 'start.ts'), ...args], { env: environment(env), stdio: ['ignore', 'pipe', 'pipe'] });
  let said = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (piece: Buffer) => (said += piece.toString()));
  return { child, said: () => said, ended: new Promise((resolve) => child.once('close', resolve)) };
}

/** Closes the one window as its own button does. Who looks on keeps the browser alive, so nobody may be connected. */
async function closesWindow(port: number): Promise<void> {
  const targets = (await (await fetch(`http://127.0.0.1:${port}/json/list`)).json()) as { id: string; type: string }[];
  const [window] = targets.filter(({ type }) => type === 'page');
  await fetch(`http://127.0.0.1:${port}/json/close/${window?.id}`);
}

async function stops({ child, ended }: Started): Promise<void> {
  child.kill('SIGTERM');
  expect(await ended).toBe(0);
}

test('with an Electron runtime, the desktop window opens; when it ends, nothing is left', async ({ folder }) => {
  const missing = electronMissing();
  test.skip(missing !== undefined, missing ?? '');
  const port = await freePort();
  const started = start(['--data-dir', join(folder, 'data'), `--remote-debugging-port=${port}`, '--disable-gpu'], {});
  const { browser, page } = await pageAt(port);
  await expect(page.getByRole('heading', { name: text('store.welcome') })).toBeVisible();
  expect(page.url()).toMatch(/^keywright:\/\/window\/index\.html(#|$)/);
  const [electron] = childrenOf(started.child.pid ?? 0, 'data-dir');
  const [core] = childrenOf(electron ?? 0, 'core-host.js');
  await browser.close();
  await stops(started);
  await expect.poll(() => [electron, core].some((pid) => pid === undefined || lives(pid))).toBe(false);
});

test('without Electron, the same window opens in a browser; closing it ends the agent', async ({ folder }) => {
  const missing = browserMissing() ?? electronMissing()?.replace(/^no Electron.*/, '');
  test.skip(missing !== undefined && missing !== '', missing ?? '');
  const port = await freePort();
  const wrapper = join(folder, 'browser');
  writeFileSync(wrapper, `#!/bin/sh\nprintf '%s\\n' "$@" >"${folder}/arguments"\nexec "${findBrowser(process.env) ?? ''}" --remote-debugging-port=${port} --disable-gpu "$@"\n`);
  chmodSync(wrapper, 0o755);
  const started = start(['--data-dir', join(folder, 'data')], { ...NO_ELECTRON, KEYWRIGHT_BROWSER: wrapper });
  const { browser, page } = await pageAt(port);
  await expect(page.getByRole('heading', { name: text('store.welcome') })).toBeVisible();
  expect(started.said()).toContain('could not be downloaded');
  const given = readFileSync(join(folder, 'arguments'), 'utf8');
  expect(given).toMatch(/^--app=http:\/\/127\.0\.0\.1:\d+\/login\?code=/m);
  expect(given).toContain(`--user-data-dir=${join(folder, 'data', 'browser')}`);
  const [agent] = childrenOf(started.child.pid ?? 0, 'serve');
  await browser.close();
  await closesWindow(port);
  expect(await started.ended).toBe(0);
  expect(agent === undefined || lives(agent)).toBe(false);
});

test('without a display it serves, and prints one address, which works once', async ({ folder }) => {
  const started = start(['--data-dir', join(folder, 'data')], NO_DISPLAY);
  await expect.poll(started.said, { timeout: 60_000 }).toContain('/login?code=');
  await expect.poll(started.said).toContain('no display');
  const addresses = started.said().match(/https?:\/\/\S+/g) ?? [];
  expect(addresses).toHaveLength(1);
  const first = await fetch(addresses[0] ?? '', { redirect: 'manual' });
  expect(first.status).toBe(303);
  expect(first.headers.get('set-cookie')).toMatch(/HttpOnly.*SameSite=Strict/i);
  const second = await fetch(addresses[0] ?? '', { redirect: 'manual' });
  expect(second.status).toBeGreaterThanOrEqual(400);
  expect(second.headers.get('set-cookie')).toBeNull();
  await stops(started);
});

test('with a display, but neither Electron nor a browser, it serves and says how to get the desktop', async ({ folder }) => {
  const started = start(['--data-dir', join(folder, 'data')], { ...NO_ELECTRON, PATH: '/nonexistent', DISPLAY: ':99' });
  await expect.poll(started.said, { timeout: 60_000 }).toContain('/login?code=');
  await expect.poll(started.said).toMatch(/For the desktop window: .*download Electron.*browser/);
  await stops(started);
});

test('an Electron that cannot start does not keep the window away', async ({ folder }) => {
  const broken = join(folder, 'electron');
  mkdirSync(broken);
  writeFileSync(join(broken, 'electron'), '#!/bin/sh\necho "error while loading shared libraries: libgtk-3.so.0" >&2\nexit 127\n');
  chmodSync(join(broken, 'electron'), 0o755);
  const started = start(['--data-dir', join(folder, 'data')], { ELECTRON_OVERRIDE_DIST_PATH: broken, PATH: '/nonexistent', DISPLAY: ':99' });
  await expect.poll(started.said, { timeout: 60_000 }).toContain('/login?code=');
  expect(started.said()).toContain('libgtk-3.so.0');
  await stops(started);
});

test('an agent that cannot start is told with its reason, and ends', async ({ folder }) => {
  const file = join(folder, 'a-file');
  writeFileSync(file, '');
  const started = start(['--data-dir', file], { ...NO_DISPLAY });
  expect(await started.ended).not.toBe(0);
  expect(started.said()).toContain(file);
  expect(existsSync(file)).toBe(true);
});
