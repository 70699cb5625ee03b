import { existsSync } from 'node:fs';
import { expect, _electron as electron, type ElectronApplication, type FileChooser, type Page } from '@playwright/test';
import { ROOT } from '../../scripts/paths.ts';
import { findElectron, rootSwitches } from '../../scripts/runtimes.ts';
import type { Program } from './program.ts';

/** What `process.env` holds, without what is not set. */
export function environment(more: Readonly<Record<string, string>> = {}): Record<string, string> {
  const own = Object.entries(process.env).filter((entry): entry is [string, string] => entry[1] !== undefined);
  return { ...Object.fromEntries(own), LANG: 'C.UTF-8', ...more };
}

/** Why Electron cannot be tried here, or undefined. */
export function electronMissing(): string | undefined {
  if (findElectron(process.env) === undefined) return 'no Electron runtime here (ELECTRON_OVERRIDE_DIST_PATH, or node_modules/electron/dist)';
  if (process.platform === 'linux' && (process.env['DISPLAY'] ?? '') === '') return 'no display here, and no Xvfb to make one';
  return undefined;
}

/** Starts the desktop program from the sources' folder. */
async function launchElectron(dataFolder: string, args: readonly string[] = [], surroundings: Readonly<Record<string, string>> = {}): Promise<ElectronApplication> {
  if (electronMissing() !== undefined) throw new Error(electronMissing());
  // Without a path of ours, Playwright takes the electron package's and holds the program back until it has attached.
  return electron.launch({ args: [...rootSwitches(), '--disable-gpu', '--lang=en-US', ROOT, '--data-dir', dataFolder, ...args], env: environment(surroundings), timeout: 60_000 });
}

export async function startElectron(dataFolder: string, surroundings: Readonly<Record<string, string>> = {}): Promise<Program & { readonly app: ElectronApplication }> {
  const app = await launchElectron(dataFolder, [], surroundings);
  const said: string[] = [];
  app.process().stderr?.on('data', (piece: Buffer) => said.push(piece.toString()));
  const page = await app.firstWindow();
  await page.waitForLoadState('domcontentloaded');
  return {
    kind: 'electron',
    app,
    page,
    prompt: () => promptPage(app),
    async choosing(paths, click) {
      // Dialogs of the system are out of a test's reach: the main process answers as if a person had chosen, and the page's own chooser is answered here.
      await app.evaluate(({ dialog }, chosen) => {
        const heard = globalThis as { wasAskedForFiles?: boolean };
        heard.wasAskedForFiles = false;
        dialog.showOpenDialog = () => {
          heard.wasAskedForFiles = true;
          return Promise.resolve({ canceled: false, filePaths: chosen });
        };
      }, [...paths]);
      let given = false;
      const give = (chooser: FileChooser): void => void chooser.setFiles([...paths]).then(() => (given = true));
      page.on('filechooser', give);
      try {
        await click();
        await expect.poll(async () => given || (await app.evaluate(() => (globalThis as { wasAskedForFiles?: boolean }).wasAskedForFiles))).toBe(true);
      } finally {
        page.off('filechooser', give);
      }
    },
    async saving(path, click) {
      await app.evaluate(({ dialog }, chosen) => {
        dialog.showSaveDialog = () => Promise.resolve({ canceled: false, filePath: chosen });
      }, path);
      await click();
      await expect.poll(() => existsSync(path)).toBe(true);
    },
    said: () => said.join('').split('\n').filter((line) => line.startsWith('{') || line.startsWith('keywright:')).join('\n'),
    close: () => app.close(),
  };
}

async function promptPage(app: ElectronApplication): Promise<Page> {
  const find = () => app.windows().find((window) => window.url().startsWith('keywright://prompt/'));
  await expect.poll(() => find() !== undefined, { message: 'the prompt window opens' }).toBe(true);
  const page = find();
  if (page === undefined) throw new Error('The prompt window closed again.');
  return page;
}
