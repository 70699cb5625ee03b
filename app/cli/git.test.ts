import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';

/** Git calls `bin/keywright` to sign commits and tags; git itself, with gpg and ssh-keygen, judges them. */

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const has = (tool: string): boolean => spawnSync(tool, ['--version']).error === undefined;
const missing = process.platform !== 'linux' ? 'this is not Linux' : ['git', 'gpg'].find((tool) => !has(tool));
let folder: string;
let environment: NodeJS.ProcessEnv;

function bash(script: string): string {
  const { status, stdout, stderr } = spawnSync('bash', ['-ec', script], { cwd: folder, env: environment, encoding: 'utf8' });
  if (status !== 0) throw new Error(`exit ${status}: ${script}\n${stdout}\n${stderr}`);
  return stdout + stderr;
}

beforeAll(() => {
  if (missing !== undefined) return;
  folder = mkdtempSync(join(tmpdir(), 'keywright-git-test-'));
  environment = { PATH: `${join(ROOT, 'bin')}:${process.env['PATH'] ?? ''}`, HOME: folder, LANG: 'C.UTF-8', GNUPGHOME: join(folder, 'gnupg') };
  execFileSync(process.execPath, [join(ROOT, 'scripts', 'build.ts'), '--only', 'core', '--if-stale'], { cwd: ROOT, stdio: ['ignore', 'ignore', 'inherit'] });
  mkdirSync(join(folder, 'gnupg'), { mode: 0o700 });
  writeFileSync(join(folder, 'pw'), 'correct horse battery staple 42', { mode: 0o600 });
  bash(`keywright store create --passphrase-file pw; keywright store unlock --passphrase-file pw
keywright keys generate --algorithm ed25519 --label "Commits"
git init -q repo; cd repo; git config user.name Ada; git config user.email ada@example.com`);
});

afterAll(() => {
  if (missing !== undefined) return;
  spawnSync('bash', ['-c', 'keywright store lock --quiet; gpgconf --kill all'], { cwd: folder, env: environment });
  rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
});

test.skipIf(missing !== undefined)('as gpg.program: gpg verifies the commit and the tag, and so do we; a changed one is not verified', () => {
  bash(`keywright keys public Commits --format openpgp --user-id 'Ada <ada@example.com>' --out key.asc; gpg --batch --quiet --import key.asc
cd repo; git config gpg.program keywright; git config user.signingKey Commits; echo one >a; git add a; git commit -q -S -m 'Signed'; git tag -s -m 'Tag' v1`);
  expect(bash('cd repo; git -c gpg.program=gpg verify-commit --raw HEAD')).toContain('GOODSIG');
  expect(bash('cd repo; git -c gpg.program=gpg verify-tag --raw v1')).toContain('GOODSIG');
  expect(bash('cd repo; git verify-commit --raw HEAD; git log -1 --format=%G?')).toMatch(/^G\n.*GOODSIG.*TRUST_FULLY/s);
  bash(`cd repo; git cat-file commit HEAD | sed 's/^Signed/Forged/' >../forged; git update-ref refs/heads/forged $(git hash-object -t commit -w ../forged)`);
  expect(spawnSync('git', ['verify-commit', 'forged'], { cwd: join(folder, 'repo'), env: environment }).status).not.toBe(0);
});

test.skipIf(missing !== undefined)('a commit that somebody else signed by gpg is not verified by us: the key is not here', () => {
  bash(`gpg --batch --quiet --passphrase '' --quick-gen-key 'Bob <bob@example.com>' ed25519 sign never
cd repo; echo bob >a; git -c gpg.program=gpg -c user.signingKey=bob@example.com commit -q -S -am 'By Bob'; git -c gpg.program=gpg verify-commit HEAD`);
  const { status, stderr } = spawnSync('git', ['verify-commit', '--raw', 'HEAD'], { cwd: join(folder, 'repo'), env: environment, encoding: 'utf8' });
  expect([status, stderr]).toEqual([1, expect.stringContaining('ERRSIG')]);
});

test.skipIf(missing !== undefined)('as gpg.ssh.program: ssh-keygen verifies the commit, also through us', () => {
  bash(`keywright keys public Commits --format openssh --out key.pub; (printf 'ada@example.com '; cat key.pub) >allowed
cd repo; git config gpg.format ssh; git config gpg.ssh.program keywright; git config user.signingKey "key::$(cat ../key.pub)"; git config gpg.ssh.allowedSignersFile ../allowed
echo two >a; git commit -q -S -am 'Signed too'`);
  expect(bash('cd repo; git -c gpg.ssh.program=ssh-keygen verify-commit HEAD')).toContain('Good "git" signature for ada@example.com');
  expect(bash('cd repo; git verify-commit HEAD')).toContain('Good "git" signature for ada@example.com');
});
