import { accessSync, constants, existsSync, readFileSync, statSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { ROOT } from './paths.ts';

/** What can show the window on this machine. Everything is read from the given environment, so that tests can give another. */
export type Environment = Readonly<Record<string, string | undefined>>;

const ELECTRON_PACKAGE = join(ROOT, 'node_modules', 'electron');

const ELECTRON_BINARY: Readonly<Record<string, string>> = {
  linux: 'electron',
  win32: 'electron.exe',
  darwin: 'Electron.app/Contents/MacOS/Electron',
};

/** Browsers that have an app window (`--app=`), the likeliest first. */
const BROWSER_COMMANDS: Readonly<Record<string, readonly string[]>> = {
  linux: ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable', 'microsoft-edge', 'microsoft-edge-stable', 'brave-browser', 'brave'],
  win32: ['chrome.exe', 'msedge.exe', 'brave.exe'],
  darwin: [],
};

function browserPlaces(environment: Environment): string[] {
  if (process.platform === 'darwin') {
    return ['Google Chrome', 'Chromium', 'Microsoft Edge', 'Brave Browser'].map((name) => `/Applications/${name}.app/Contents/MacOS/${name}`);
  }
  if (process.platform !== 'win32') return [];
  return ['PROGRAMFILES', 'PROGRAMFILES(X86)', 'LOCALAPPDATA'].flatMap((folder) => {
    const base = environment[folder];
    if (base === undefined) return [];
    return [join(base, 'Google/Chrome/Application/chrome.exe'), join(base, 'Microsoft/Edge/Application/msedge.exe'), join(base, 'BraveSoftware/Brave-Browser/Application/brave.exe')];
  });
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}

/** @returns the command's absolute path by `PATH`, or undefined. */
export function findCommand(name: string, environment: Environment): string | undefined {
  return (environment['PATH'] ?? '').split(delimiter).filter((folder) => folder !== '').map((folder) => join(folder, name)).find(isExecutable);
}

/** @returns a Chromium-based browser's executable, or undefined. `KEYWRIGHT_BROWSER` names one outright. */
export function findBrowser(environment: Environment): string | undefined {
  const told = environment['KEYWRIGHT_BROWSER'];
  if (told !== undefined && told !== '') return isExecutable(told) ? told : findCommand(told, environment);
  for (const name of BROWSER_COMMANDS[process.platform] ?? []) {
    const path = findCommand(name, environment);
    if (path !== undefined) return path;
  }
  return browserPlaces(environment).find(isExecutable);
}

/** @returns Electron's executable if a runtime is already here, or undefined. Downloads nothing. */
export function findElectron(environment: Environment): string | undefined {
  const binary = ELECTRON_BINARY[process.platform] ?? 'electron';
  const told = environment['ELECTRON_OVERRIDE_DIST_PATH'];
  if (told !== undefined && told !== '') {
    const path = join(told, binary);
    return isExecutable(path) ? path : undefined;
  }
  const path = join(ELECTRON_PACKAGE, 'dist', binary);
  // An extraction that broke off leaves a `dist` of the right name: the version is written last.
  return existsSync(join(ELECTRON_PACKAGE, 'dist', 'version')) && isExecutable(path) ? path : undefined;
}

/** @returns the script that downloads Electron's runtime, or undefined when the package is not installed. */
export function electronInstaller(): string | undefined {
  const script = join(ELECTRON_PACKAGE, 'install.js');
  return existsSync(script) ? script : undefined;
}

/** @returns the version of Electron that Keywright is made for. */
export function electronVersion(): string {
  return (JSON.parse(readFileSync(join(ELECTRON_PACKAGE, 'package.json'), 'utf8')) as { version: string }).version;
}

/** Whether a window can be shown at all. */
export function hasDisplay(environment: Environment): boolean {
  if (process.platform === 'win32' || process.platform === 'darwin') return true;
  return (environment['DISPLAY'] ?? '') !== '' || (environment['WAYLAND_DISPLAY'] ?? '') !== '';
}

/** Chromium refuses its sandbox to root; without this switch neither it nor Electron starts there. */
export function rootSwitches(): string[] {
  return process.platform === 'linux' && process.getuid?.() === 0 ? ['--no-sandbox'] : [];
}
