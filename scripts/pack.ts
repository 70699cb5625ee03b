/**
 * `npm run pack`: an unpacked program in `out/`, by electron-builder. With `ELECTRON_OVERRIDE_DIST_PATH` it is made from
 * that runtime and needs no network; else electron-builder downloads the version in package.json.
 */
import { spawnSync } from 'node:child_process';
import { copyFileSync, cpSync, existsSync, globSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { build } from './build.ts';
import { builtCore, PARTS } from './freshness.ts';
import { shippedPackages, thirdPartyText } from './licences.ts';
import { DIST, ROOT } from './paths.ts';

const PLATFORM_SWITCH: Readonly<Record<string, string>> = { linux: '--linux', win32: '--win', darwin: '--mac' };

function runtimeSettings(): string[] {
  const folder = process.env['ELECTRON_OVERRIDE_DIST_PATH'] ?? join(ROOT, 'node_modules', 'electron', 'dist');
  const versionFile = join(folder, 'version');
  if (!existsSync(versionFile)) return [];
  return [`-c.electronDist=${folder}`, `-c.electronVersion=${readFileSync(versionFile, 'utf8').trim().replace(/^v/, '')}`];
}

/**
 * Sets aside what lies outside of the archive: the core's own files, the window that it serves to a browser, the file with
 * its version, and the licences of what goes out with it. What electron-builder takes from a place goes to one place alone, hence the copies.
 */
function stageCore(): void {
  const stage = join(ROOT, 'out', 'core');
  rmSync(stage, { recursive: true, force: true });
  mkdirSync(stage, { recursive: true });
  for (const file of builtCore()) copyFileSync(join(DIST, file), join(stage, file));
  cpSync(join(DIST, 'renderer'), join(stage, 'renderer'), { recursive: true });
  copyFileSync(join(ROOT, 'package.json'), join(ROOT, 'out', 'package.json'));
  writeFileSync(join(ROOT, 'out', 'LICENSES.third-party.txt'), thirdPartyText(shippedPackages()));
}

await build(['core'], { onlyStale: false });
await build(PARTS, { onlyStale: true });
stageCore();
const builder = join(ROOT, 'node_modules', 'electron-builder', 'cli.js');
const { status } = spawnSync(process.execPath, [
  builder, '--config', join(ROOT, 'electron-builder.yml'), PLATFORM_SWITCH[process.platform] ?? '--linux', 'dir', '--publish', 'never', ...runtimeSettings(), ...process.argv.slice(2),
], { cwd: ROOT, stdio: 'inherit' });
// A runtime that is given brings Electron's own greeting along; nothing may be loadable but our archive.
for (const file of globSync('out/*-unpacked/resources/default_app.asar', { cwd: ROOT })) rmSync(join(ROOT, file));
process.exit(status ?? 1);
