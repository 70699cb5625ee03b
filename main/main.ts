/** Electron's main process: sees that it is the only one, locks everything down, and starts the desktop program. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { app, dialog } from 'electron';
import { Desktop } from './desktop.ts';
import { filesIn } from './opened-files.ts';
import { dataFolder, places } from './places.ts';
import { lockEveryPage } from './security/lockdown.ts';
import { declareScheme } from './security/scheme.ts';
import { wordsFor } from './texts.ts';

const folder = dataFolder(process.argv, process.env);
// Each data folder has a program of its own, with its own window state and its own single instance.
if (folder !== undefined) app.setPath('userData', join(folder, 'desktop'));

// The system refuses a sandbox to root, who must say so; every window asks for its own in any case.
if (!app.commandLine.hasSwitch('no-sandbox')) app.enableSandbox();
declareScheme();
lockEveryPage();

const early: string[] = [];
let opening = (paths: readonly string[]): void => void early.push(...paths);
app.on('open-file', (event, path) => {
  event.preventDefault();
  opening([path]);
});

function start(): void {
  const where = places();
  const missing = [where.coreHost, join(where.renderer, 'index.html'), where.preload('window')].find((path) => !existsSync(path));
  if (missing !== undefined) {
    const words = wordsFor(app.getLocale());
    dialog.showErrorBox(words.cannotStart, words.damaged.replace('{what}', missing));
    app.exit(1);
    return;
  }
  const desktop = new Desktop(where, folder);
  // Told before the program is ready, too, on macOS; elsewhere files stand on the command line.
  opening = (paths) => desktop.openFiles(paths);
  desktop.start();
  desktop.openFiles([...early, ...filesIn(process.argv, process.cwd())]);
  app.on('second-instance', (_event, words, from) => desktop.openFiles(filesIn(words, from)));
  app.on('activate', () => desktop.show());
  app.on('window-all-closed', () => {
    if (process.platform !== 'darwin') desktop.quitAfterJobs();
  });
  let stopped = false;
  app.on('will-quit', (event) => {
    if (stopped) return;
    event.preventDefault();
    void desktop.stop().finally(() => {
      stopped = true;
      app.quit();
    });
  });
}

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => app.quit());

if (app.requestSingleInstanceLock()) {
  void app.whenReady().then(start).catch((error: unknown) => {
    console.error(error);
    app.exit(1);
  });
} else {
  app.quit();
}
