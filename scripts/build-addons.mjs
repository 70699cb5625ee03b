// node scripts/build-addons.mjs [--force]
// Builds pkcs11js where a C++ compiler is, without node-gyp and so without a download: it is an N-API addon, and the headers of N-API
// come as a package (node-api-headers). Run by npm under whatever Node the machine has: keep to what Node 18 understands.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cpSync, existsSync, mkdtempSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const say = (text) => console.log(`keywright: ${text}`);
const without = 'PKCS#11 modules cannot be used until it is built; everything else works.';

/** @returns how the compiler is called, or undefined when there is none. */
function findCompiler() {
  return [process.env.CXX, 'c++', 'g++', 'clang++'].find((name) => name !== undefined && name !== '' && spawnSync(name, ['--version']).status === 0);
}

/**
 * A PIN that is entered on keys of the token's own is NULL_PTR (PKCS#11 v3.1 §5.6.8), for which pkcs11js knows no word: an empty one stands for it.
 * @returns where the sources with that lie.
 */
function sourcesOf(folder) {
  const from = join(folder, 'build', 'sources');
  cpSync(join(folder, 'src'), from, { recursive: true });
  const file = join(from, 'pkcs11.cpp');
  const text = readFileSync(file, 'utf8').replace('char *string = string##Vector.data();', 'char *string = string##Length == 0 ? nullptr : string##Vector.data();');
  rmSync(file);
  writeFileSync(file, text);
  return from;
}

/**
 * Where node-gyp cannot get the headers of Node (a machine that reaches the package registry and nothing else), npm takes the package
 * away again, since it is optional. It is put back as the lock file has it, without its own script.
 * @returns why not, or undefined once it is there.
 */
function putBack(folder) {
  if (/\boptional\b/.test(process.env.npm_config_omit ?? '')) return 'pkcs11js was left out.';
  const { version, integrity } = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')).packages['node_modules/pkcs11js'];
  const aside = mkdtempSync(join(tmpdir(), 'keywright-addon-'));
  try {
    // A parent's own settings (a dry run, a workspace) are none of this call's.
    const packed = spawnSync('npm', ['pack', `pkcs11js@${version}`, '--ignore-scripts', '--silent', '--pack-destination', aside], { cwd: aside, encoding: 'utf8' });
    const archive = join(aside, `pkcs11js-${version}.tgz`);
    if (packed.status !== 0 || !existsSync(archive)) return 'pkcs11js is not installed, and could not be had from the registry.';
    if (`sha512-${createHash('sha512').update(readFileSync(archive)).digest('base64')}` !== integrity) return 'pkcs11js is not installed, and what the registry gave is not what the lock file names.';
    const unpacked = join(aside, 'unpacked');
    mkdirSync(unpacked);
    if (spawnSync('tar', ['-xzf', archive, '-C', unpacked, '--strip-components=1']).status !== 0) return 'pkcs11js is not installed, and could not be unpacked.';
    cpSync(unpacked, folder, { recursive: true });
    return undefined;
  } finally {
    rmSync(aside, { recursive: true, force: true });
  }
}

/** @returns why it was not built, or undefined once it is. */
function buildPkcs11js(force) {
  const folder = join(root, 'node_modules', 'pkcs11js');
  const isThere = () => existsSync(join(folder, 'binding.gyp'));
  if (!isThere() && (process.platform === 'win32' || findCompiler() === undefined)) return 'pkcs11js is not installed.';
  const missing = isThere() ? undefined : putBack(folder);
  if (missing !== undefined) return missing;
  const output = join(folder, 'build', 'Release', 'pkcs11.node');
  if (existsSync(output) && !force) return undefined;
  if (process.platform === 'win32') {
    // Visual Studio is found by node-gyp alone; it brings its headers along or fetches them.
    return spawnSync('npm', ['rebuild', 'pkcs11js', '--ignore-scripts=false'], { cwd: root, stdio: 'inherit', shell: true }).status === 0 && existsSync(output) ? undefined : 'node-gyp could not build pkcs11js.';
  }
  const headers = join(root, 'node_modules', 'node-api-headers', 'include');
  if (!existsSync(join(headers, 'node_api.h'))) return 'the headers of N-API (package node-api-headers) are not installed.';
  const compiler = findCompiler();
  if (compiler === undefined) return 'there is no C++ compiler here (Debian: g++; macOS: xcode-select --install).';
  mkdirSync(dirname(output), { recursive: true });
  const from = sourcesOf(folder);
  const sources = ['dl.cpp', 'common.cpp', 'main.cpp'].map((name) => join(from, name));
  // Beside it first: nobody loads half of it.
  const unfinished = `${output}.${process.pid}`;
  const { status, stderr } = spawnSync(compiler, [
    '-std=c++17', '-O2', '-fPIC', '-shared', '-fvisibility=hidden', '-DNAPI_DISABLE_CPP_EXCEPTIONS', '-DNODE_GYP_MODULE_NAME=pkcs11', '-DBUILDING_NODE_EXTENSION',
    '-I', join(folder, 'includes'), '-I', headers, ...(process.platform === 'darwin' ? ['-undefined', 'dynamic_lookup'] : []), '-o', unfinished, ...sources, ...(process.platform === 'linux' ? ['-ldl'] : []),
  ], { encoding: 'utf8' });
  if (status !== 0) {
    rmSync(unfinished, { force: true });
    return `the compiler could not build pkcs11js:\n${(stderr || '').split('\n').slice(0, 5).join('\n')}`;
  }
  renameSync(unfinished, output);
  say(`built pkcs11js (${readdirSync(dirname(output)).filter((name) => name.endsWith('.node')).join(', ')}).`);
  return undefined;
}

export function buildAddons(force = false) {
  const problem = buildPkcs11js(force);
  if (problem !== undefined) say(`${problem}\n  ${without} Then run "node scripts/build-addons.mjs".`);
  return problem === undefined;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) process.exit(buildAddons(process.argv.includes('--force')) ? 0 : 1);
