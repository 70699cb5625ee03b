import { homedir } from 'node:os';
import { join, resolve } from 'node:path';

type Environment = Readonly<Record<string, string | undefined>>;

/** @returns the value if there is one: an empty variable counts as none (XDG Base Directory Specification §3). */
function told(environment: Environment, name: string): string | undefined {
  const value = environment[name];
  return value === undefined || value === '' ? undefined : value;
}

/** @returns where the store and its configuration are unless told otherwise: the platform's folder for an application's data. */
export function defaultDataDir(environment: Environment = process.env, platform: NodeJS.Platform = process.platform): string {
  const home = told(environment, 'HOME') ?? homedir();
  if (platform === 'darwin') return join(home, 'Library', 'Application Support', 'Keywright');
  if (platform === 'win32') return join(told(environment, 'APPDATA') ?? join(home, 'AppData', 'Roaming'), 'Keywright');
  const base = told(environment, 'XDG_DATA_HOME');
  return join(base?.startsWith('/') === true ? base : join(home, '.local', 'share'), 'keywright');
}

/** `--data-dir` over `KEYWRIGHT_DATA_DIR` over the platform's folder; absolute. */
export function dataDirOf(flag: string | undefined, environment: Environment = process.env): string {
  return resolve(flag ?? told(environment, 'KEYWRIGHT_DATA_DIR') ?? defaultDataDir(environment));
}

/** `--config` over `KEYWRIGHT_CONFIG` over `config.json` beside the store; absolute. `named`: it must exist. */
export function configFileOf(flag: string | undefined, dataDir: string, environment: Environment = process.env): { path: string; named: boolean } {
  const path = flag ?? told(environment, 'KEYWRIGHT_CONFIG');
  return path === undefined ? { path: join(dataDir, 'config.json'), named: false } : { path: resolve(path), named: true };
}
