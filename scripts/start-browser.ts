import { spawn } from 'node:child_process';
import { mkdirSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { rootSwitches, type Environment } from './runtimes.ts';

/**
 * Whether a browser runs in this profile already: a second one hands its address over and ends at once. Chromium keeps a
 * link in the profile that names the process (Linux, macOS); a link that a crash left behind names none that lives.
 */
function isInUse(profile: string): boolean {
  try {
    process.kill(Number(readlinkSync(join(profile, 'SingletonLock')).split('-').at(-1)), 0);
    return true;
  } catch {
    return false;
  }
}

type BrowserOutcome = 'closed' | 'handed over' | 'failed';

/**
 * Opens an address as an app window: no tabs, no address bar, a profile of its own without the person's extensions.
 *
 * @param profile  folder for the browser's profile; made if it is not there
 * @param onStarted  called with the way to end it
 * @param showsNothingWithin  milliseconds: a browser that ends sooner has shown nothing that a person could have closed
 * @returns when the window is closed; `failed` also when the browser crashed, or ended before it could show anything
 */
export function openAppWindow(browser: string, address: string, profile: string, environment: Environment, onStarted: (end: () => void) => void, showsNothingWithin = 1000): Promise<BrowserOutcome> {
  mkdirSync(profile, { recursive: true, mode: 0o700 });
  const handsOver = isInUse(profile);
  const startedAt = Date.now();
  let isEnded = false;
  const child = spawn(browser, [
    `--app=${address}`,
    `--user-data-dir=${profile}`,
    '--no-first-run',
    '--no-default-browser-check',
    '--disable-extensions',
    '--disable-sync',
    '--disable-background-networking',
    '--password-store=basic',
    // Only our own pages are ever shown in this profile; the prompt page opens as a window of its own.
    '--disable-popup-blocking',
    '--window-size=1280,800',
    ...rootSwitches(),
  ], { env: { ...environment }, stdio: 'ignore' });
  onStarted(() => {
    isEnded = true;
    child.kill('SIGTERM');
  });
  return new Promise((resolve) => {
    child.once('error', () => resolve('failed'));
    child.once('close', (code) => {
      if (isEnded) resolve('closed');
      else if (code !== 0) resolve('failed');
      else if (handsOver) resolve('handed over');
      else resolve(Date.now() - startedAt < showsNothingWithin ? 'failed' : 'closed');
    });
  });
}
