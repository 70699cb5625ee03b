/**
 * `npm run test:full`: installs what the tests need on Debian (browser, virtual display, tools), fetches an Electron to
 * test with where the repository has a neighbour that knows how, and runs every test.
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { ROOT } from './paths.ts';
import { findCommand, findElectron } from './runtimes.ts';
import { runAllTests } from './test-run.ts';

const DEBIAN_PACKAGES = [
  'chromium', 'xvfb', 'xauth', 'libgtk-3-0', 'libnss3', 'libasound2', 'libgbm1', 'fonts-dejavu-core',
  'unzip', 'xz-utils', 'dbus', 'strace', 'openssh-client', 'openssh-server', 'openssl', 'curl', 'procps',
  'pcscd', 'vsmartcard-vpcd', 'opensc', 'opensc-pkcs11', 'yubico-piv-tool', 'ykcs11', 'softhsm2', 'gcc', 'putty-tools', 'gnutls-bin', 'openjdk-17-jdk-headless', 'maven', 'age',
  'minisign', 'signify-openbsd', 'gnupg', 'gpgsm', 'sqv', 'poppler-utils', 'xmlsec1', 'git',
];

function isInstalled(name: string): boolean {
  const { stdout } = spawnSync('dpkg-query', ['-W', '-f', '${db:Status-Status}', name], { encoding: 'utf8' });
  return stdout === 'installed';
}

function installPackages(): void {
  if (findCommand('apt-get', process.env) === undefined) return console.log('· not a Debian system: install these yourself: ' + DEBIAN_PACKAGES.join(' '));
  const missing = DEBIAN_PACKAGES.filter((name) => !isInstalled(name));
  if (missing.length === 0) return;
  console.log(`━━ installing ${missing.join(' ')}`);
  const asRoot = process.getuid?.() === 0 ? [] : ['sudo', '-n'];
  const apt = (...args: string[]) => {
    const [command = '', ...rest] = [...asRoot, 'apt-get', ...args];
    return spawnSync(command, rest, { stdio: ['ignore', 'ignore', 'inherit'], env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' } }).status === 0;
  };
  apt('update');
  // One by one if together fails: names differ between releases (libgtk-3-0t64), and the rest should not be missed.
  if (!apt('install', '-y', '--no-install-recommends', ...missing)) for (const name of missing) apt('install', '-y', '--no-install-recommends', name);
}

function fetchElectron(): void {
  if (findElectron(process.env) !== undefined) return;
  const get = join(ROOT, '..', 'shared', 'electron', 'get-electron');
  if (!existsSync(get)) return;
  const folder = join(homedir(), '.cache', 'keywright', 'electron-33');
  console.log('━━ fetching Electron to test with');
  const { status } = spawnSync(get, [folder], { stdio: ['ignore', 'ignore', 'inherit'] });
  if (status === 0) process.env['ELECTRON_OVERRIDE_DIST_PATH'] = folder;
}

/** A judge of post-quantum signatures: Debian's is older than the standards. */
const BOUNCY_CASTLE = '1.83';
const BOUNCY_CASTLE_SHA256 = {
  bcpkix: 'd3c4c6b700c74ef8164bb15e549d939721b8f14fc0ff89fe19b220243bcfcbd8',
  bcprov: '82cf3a2af766c3bc874f6d36b9f20a8b99a8f09762dc776e8a227a45d8daaafb',
  bcutil: 'ee7d0eb4e74de70a735f7fb36b604dd5c6ad35720d50b914604db042114a0185',
};

function fetchBouncyCastle(): void {
  const jars = Object.entries(BOUNCY_CASTLE_SHA256).map(([name, sha256]) => ({
    sha256, path: join(homedir(), '.m2', 'repository', 'org', 'bouncycastle', `${name}-jdk18on`, BOUNCY_CASTLE, `${name}-jdk18on-${BOUNCY_CASTLE}.jar`),
  }));
  if (!jars.every(({ path }) => existsSync(path))) {
    if (findCommand('mvn', process.env) === undefined) return;
    console.log('━━ fetching Bouncy Castle to judge post-quantum signatures');
    spawnSync('mvn', ['-q', '-B', 'dependency:get', `-Dartifact=org.bouncycastle:bcpkix-jdk18on:${BOUNCY_CASTLE}`], { stdio: 'ignore', timeout: 180_000 });
  }
  for (const { path, sha256 } of jars) {
    if (!existsSync(path) || createHash('sha256').update(readFileSync(path)).digest('hex') === sha256) continue;
    console.log(`· ${path} is not what was expected: taken away`);
    rmSync(path);
  }
}

installPackages();
fetchElectron();
fetchBouncyCastle();
// Keys that take a minute to make are made as well.
process.env['KEYWRIGHT_SLOW_TESTS'] = '1';
process.exit(await runAllTests({ environment: process.env }));
