import { execFileSync, spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { HAS_OPENSSL, HAS_SSH_KEYGEN } from '../formats/testing/keys.ts';

/** The program as a person runs it: `bin/keywright` in bash, word for word as the list of operations has it. */

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const PASSPHRASE = 'correct horse battery staple 42';
const SECOND = 'another pass phrase 99';
const onLinux = process.platform === 'linux';

let folder: string;
let environment: NodeJS.ProcessEnv;

function inBash(script: string, directory = folder): { code: number; stdout: string; stderr: string } {
  const { status, stdout, stderr } = spawnSync('bash', ['-c', script], { cwd: directory, env: environment, encoding: 'utf8', maxBuffer: 64 * 1024 * 1024 });
  return { code: status ?? -1, stdout, stderr };
}

/** Runs lines that must all succeed; those of a judge that is not here are left out. @returns their standard output. */
function bash(script: string): string {
  const lines = script.split('\n').filter((line) => (HAS_OPENSSL || !line.startsWith('openssl ')) && (HAS_SSH_KEYGEN || !line.startsWith('ssh-keygen ')));
  const { code, stdout, stderr } = inBash(`set -euo pipefail\n${lines.join('\n')}`);
  if (code !== 0) throw new Error(`exit ${code}: ${script}\n${stdout}\n${stderr}`);
  return stdout;
}

/** Command lines and environments of all processes, and everything under the folder that is not the password files. */
function whatOthersSee(): string {
  const processes = readdirSync('/proc').filter((name) => /^\d+$/.test(name)).flatMap((pid) => ['cmdline', 'environ'].map((file) => {
    try {
      return readFileSync(`/proc/${pid}/${file}`, 'latin1');
    } catch {
      return '';
    }
  }));
  return processes.join('\n');
}

function filesBelow(path: string): string[] {
  return readdirSync(path, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
}

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'keywright-examples-'));
  environment = { PATH: `${join(ROOT, 'bin')}:${process.env['PATH'] ?? ''}`, HOME: folder, LANG: 'C.UTF-8' };
  execFileSync(process.execPath, [join(ROOT, 'scripts', 'build.ts'), '--only', 'core', '--if-stale'], { cwd: ROOT, stdio: ['ignore', 'ignore', 'inherit'] });
});

afterAll(() => {
  inBash('keywright store lock --quiet');
  rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
});

describe.skipIf(!onLinux)('the examples of the list of operations', () => {
  test('a store is created and unlocked, and an owner stays in the background', () => {
    bash(`umask 077; printf %s '${PASSPHRASE}' >pw; printf %s '${SECOND}' >pw2
keywright store create --passphrase-file pw
keywright store unlock --passphrase-file pw`);
    expect(JSON.parse(bash('keywright store status --json'))).toMatchObject({ state: 'unlocked', owner: { kind: 'background' } });
    expect(existsSync(join(folder, '.local', 'share', 'keywright', 'store.json'))).toBe(true);
  });

  test('a key is generated and listed as JSON', () => {
    const key = JSON.parse(bash('keywright keys generate --backend software --algorithm ec-p256 --label "Release signing" --json')) as Record<string, unknown>;
    expect(key).toMatchObject({ label: 'Release signing', algorithm: 'ec-p256', backend: 'software', extractable: true });
    expect(JSON.parse(bash('keywright keys list --json'))).toMatchObject({ keys: [key], total: 1 });
  });

  test('openssl verifies what it signed', () => {
    const said = bash(`echo hello | keywright keys sign "Release signing" --algorithm ecdsa-sha256 --in - --out sig.der
openssl dgst -sha256 -verify <(keywright keys public "Release signing" --format pem) -signature sig.der <(echo hello)`);
    if (HAS_OPENSSL) expect(said).toContain('Verified OK');
  });

  test('a self-signed certificate is made, which openssl verifies', () => {
    bash('keywright certificates self-sign "Release signing" --subject "CN=Ada Example,O=Example" --days 365');
    expect(JSON.parse(bash('keywright certificates list --json'))).toMatchObject({ total: 1, certificates: [{ label: 'Ada Example', trusted: true }] });
    const said = bash('keywright certificates export "Ada Example" --out ada.pem\nopenssl verify -CAfile ada.pem ada.pem');
    if (HAS_OPENSSL) expect(said).toContain('ada.pem: OK');
    expect(bash('keywright certificates verify ada.pem --roots ada.pem')).toContain('Trusted');
    expect(inBash('keywright certificates verify ada.pem --roots ada.pem --host example.org').code).toBe(3);
  });

  test('openssl opens what it exported, and it imports that again', () => {
    bash('keywright keys export "Release signing" --format pkcs8 --export-passphrase-file pw2 --out key.pem');
    if (HAS_OPENSSL) expect(bash('openssl pkey -in key.pem -passin file:pw2 -noout -text')).toContain('Private-Key: (256 bit)');
    expect(bash('keywright keys import key.pem --import-passphrase-file pw2 --label "Copy"')).toMatch(/Copy[^]*already held: pkcs8:/);
  });

  test('a rotated key verifies what its old version signed', () => {
    bash('keywright keys rotate "Release signing"');
    expect(JSON.parse(bash('echo hello | keywright keys verify "Release signing" --in - --signature sig.der --json'))).toMatchObject({ valid: true, version: 1 });
  });

  test('files are signed and verified; a changed one is exit 3', () => {
    bash(`echo 'what we release' >report.pdf
keywright files sign report.pdf --key "Release signing" --format raw --out report.pdf.sig
keywright files verify report.pdf --signature report.pdf.sig
keywright keys public "Release signing" --format pem --out public.pem
openssl dgst -sha256 -verify public.pem -signature report.pdf.sig report.pdf
printf 1 >a.txt; printf 2 >b.txt; printf 3 >c.txt
keywright files sign a.txt b.txt c.txt --key "Release signing"
openssl dgst -sha256 -verify public.pem -signature b.txt.sig b.txt`);
    expect(inBash('echo changed >>report.pdf; keywright files verify report.pdf --signature report.pdf.sig').code).toBe(3);
  });

  test('a file is signed as CMS with the key’s certificate: openssl verifies it, and without trust it is intact and exit 3', () => {
    // Of the version that came with the rotation.
    bash(`keywright certificates self-sign "Release signing" --subject "CN=Ada Example,O=Example" --days 365 --label "Ada, version 2"
echo 'what we release' >report.pdf
keywright files sign report.pdf --key "Release signing" --format cms --out report.pdf.p7s
keywright files verify report.pdf --signature report.pdf.p7s
keywright certificates export "Ada, version 2" --format pem --out ada2.pem
openssl cms -verify -binary -inform DER -in report.pdf.p7s -content report.pdf -CAfile ada2.pem -out /dev/null
keywright certificates self-sign Copy --subject CN=Other
keywright certificates export Other --format pem --out other.pem`);
    const { code, stdout } = inBash('keywright files verify report.pdf --signature report.pdf.p7s --roots other.pem --json');
    expect([code, JSON.parse(stdout)]).toMatchObject([3, { intact: true, trusted: false }]);
    expect(inBash('echo changed >>report.pdf; keywright files verify report.pdf --signature report.pdf.p7s').code).toBe(3);
  });

  test('three files are signed as SSHSIG, which ssh-keygen and a list of allowed signers verify', () => {
    bash(`rm -f a.txt.sig b.txt.sig c.txt.sig
keywright files sign a.txt b.txt c.txt --key 'Release signing' --format sshsig
(printf 'ada@example.com '; keywright keys public "Release signing" --format openssh) >allowed
ssh-keygen -Y verify -f allowed -I ada@example.com -n file -s b.txt.sig <b.txt
keywright files verify c.txt --signature c.txt.sig --allowed-signers allowed`);
    expect(JSON.parse(bash('keywright files formats --key "Release signing" --json'))).toMatchObject({ rows: expect.arrayContaining([expect.objectContaining({ format: 'minisign', available: false, reason: expect.stringContaining('Ed25519') })]) });
  });

  test('a token is granted, and `keywright serve` answers who has it', async () => {
    bash('umask 077; keywright access grant --name ci --scope keys:read --json | sed \'s/.*"token":"\\([^"]*\\)".*/\\1/\' >token');
    await serving(['--listen', '127.0.0.1:0'], async (_child, address) => {
      const listed = bash(`KEYWRIGHT_TOKEN_FILE=token keywright keys list --json --agent ${address}`);
      expect(JSON.parse(listed)).toMatchObject({ total: 2 });
      expect(inBash(`KEYWRIGHT_TOKEN_FILE=token keywright keys rotate Copy --agent ${address}`).code).toBe(5);
    });
  });

  test('no passphrase is in any command line, environment, log or file', () => {
    const seen = whatOthersSee();
    for (const secret of [PASSPHRASE, SECOND]) expect(seen).not.toContain(secret);
    const files = filesBelow(folder).filter((path) => !/\/pw2?$/.test(path));
    expect(files.length).toBeGreaterThan(5);
    for (const path of files) for (const secret of [PASSPHRASE, SECOND]) expect(readFileSync(path).includes(secret), path).toBe(false);
  });

  test('the owner ends with the lock', () => {
    bash(`keywright store lock
keywright keys list --passphrase-file pw`);
    expect(JSON.parse(bash('keywright store status --json'))).toMatchObject({ state: 'locked', owner: { kind: 'cli' } });
    expect(inBash('keywright keys list </dev/null').code).toBe(6);
  });
});

test.skipIf(!existsSync('/dev/full'))('an answer that could not be written whole is a failure; a reader that has had enough is none', () => {
  for (const command of ['keywright --help', 'keywright store status', 'keywright store status --json']) {
    const { code, stderr } = inBash(`${command} >/dev/full`);
    expect([command, code, stderr]).toEqual([command, 1, 'keywright: Standard output could not be written whole (ENOSPC).\n']);
  }
  expect(inBash('set -o pipefail; keywright completion bash | head -c 1 >/dev/null').code).toBe(0);
  expect(inBash('keywright nonsense 2>/dev/full').code).toBe(2);
});

/** Runs `keywright serve`, works with its address, and ends it by SIGTERM. @returns its exit code. */
async function serving(argv: readonly string[], work: (child: ChildProcess, address: string) => Promise<void>, env: NodeJS.ProcessEnv = environment): Promise<number | null> {
  const child = spawn('keywright', ['serve', ...argv], { cwd: folder, env, stdio: ['ignore', 'pipe', 'inherit'] });
  const ended = new Promise<number | null>((resolve) => child.once('exit', (code) => resolve(code)));
  try {
    let address: string | undefined;
    for await (const line of createInterface({ input: child.stdout! })) {
      address = /listens on (\S+)/.exec(line)?.[1];
      if (address !== undefined) break;
    }
    if (address === undefined) throw new Error(`serve ended with ${await ended}`);
    await work(child, address);
  } finally {
    child.kill('SIGTERM');
  }
  return ended;
}

describe.skipIf(!onLinux)('keywright serve', () => {
  test('starts locked, is unlocked from the command line, and ends cleanly at SIGTERM', async () => {
    const code = await serving(['--listen', '127.0.0.1:0'], async () => {
      expect(JSON.parse(bash('keywright store status --json'))).toMatchObject({ state: 'locked', owner: { kind: 'serve' } });
      bash('keywright store unlock --passphrase-file pw');
      expect(bash('keywright keys list')).toContain('Copy');
    });
    expect(code).toBe(0);
    expect(existsSync(join(folder, '.local/share/keywright/owner/owner.json'))).toBe(false);
  });

  test('unlocks by a passphrase file, and by a service credential', async () => {
    await serving(['--listen', '127.0.0.1:0', '--passphrase-file', 'pw'], async () => {
      expect(JSON.parse(bash('keywright store status --json'))).toMatchObject({ state: 'unlocked' });
    });
    const credentials = join(folder, 'credentials');
    mkdirSync(credentials, { mode: 0o500 });
    chmodSync(credentials, 0o700);
    writeFileSync(join(credentials, 'keywright-passphrase'), PASSPHRASE, { mode: 0o400 });
    await serving(['--listen', '127.0.0.1:0'], async () => {
      expect(JSON.parse(bash('keywright store status --json'))).toMatchObject({ state: 'unlocked' });
    }, { ...environment, CREDENTIALS_DIRECTORY: credentials });
    rmSync(credentials, { recursive: true });
  });

  test('refuses an address that others can reach, and a wrong passphrase', () => {
    expect(inBash('keywright serve --listen 0.0.0.0:0').code).toBe(2);
    expect(inBash('keywright serve --listen 127.0.0.1:0 --passphrase-file pw2').code).toBe(6);
    expect(inBash('keywright serve --tls-cert x').code).toBe(2);
    expect(inBash('keywright serve --help').stdout).toContain('--ui');
  });
});

const hasScript = onLinux && spawnSync('script', ['--version']).status === 0;

describe.skipIf(!hasScript)('on a real terminal (needs `script`)', () => {
  /** Runs a command with a terminal of its own, typing each answer once its question is shown. */
  function onTerminal(command: string, answers: readonly (readonly [RegExp, string])[]): Promise<{ code: number | null; seen: string }> {
    return new Promise((resolve) => {
      const child = spawn('script', ['-qefc', command, '/dev/null'], { cwd: folder, env: environment, stdio: ['pipe', 'pipe', 'inherit'] });
      let seen = '';
      let from = 0;
      let next = 0;
      child.stdout.on('data', (piece: Buffer) => {
        seen += piece.toString('utf8');
        const question = answers[next];
        const found = question?.[0].exec(seen.slice(from));
        if (question === undefined || found === null || found === undefined) return;
        from += found.index + found[0].length;
        next += 1;
        child.stdin.write(`${question[1]}\r`);
      });
      child.on('close', (code) => resolve({ code, seen }));
    });
  }

  test('a passphrase is asked for there, whatever standard input is, and not shown', async () => {
    const { code, seen } = await onTerminal('keywright keys list </dev/null', [[/Passphrase: /, PASSPHRASE]]);
    expect(code).toBe(0);
    expect(seen).toContain('Release signing');
    expect(seen).not.toContain(PASSPHRASE);
  });

  test('a new store is made with a passphrase typed twice and a recovery code that is shown once', async () => {
    const data = join(folder, 'second');
    const { code, seen } = await onTerminal(`keywright store create --recovery-code --data-dir ${data}`, [[/characters\): /, 'a new passphrase'], [/Again: /, 'a new passphrase'], [/kept it\. /, '']]);
    expect(code).toBe(0);
    expect(seen).not.toContain('a new passphrase');
    const recoveryCode = /\n {4}(\S[^\r\n]+)\r?\n/.exec(seen)![1]!;
    writeFileSync(join(folder, 'code'), recoveryCode, { mode: 0o600 });
    expect(JSON.parse(bash(`keywright keys list --json --data-dir ${data} --recovery-code-file code`))).toMatchObject({ total: 0 });
    writeFileSync(join(folder, 'chosen'), 'a third passphrase', { mode: 0o600 });
    bash(`keywright store unlock --data-dir ${data} --recovery-code-file code
keywright store slots add passphrase --data-dir ${data} --new-passphrase-file chosen
keywright store slots remove "$(keywright store slots list --data-dir ${data} | awk '$2 == "passphrase" { print $1; exit }')" --yes --data-dir ${data} | grep -qE '^[0-9a-f]{16} +passphrase '
keywright store lock --data-dir ${data}`);
    expect(JSON.parse(bash(`keywright keys list --json --data-dir ${data} --passphrase-file chosen`))).toMatchObject({ total: 0 });
  });

  test('Ctrl+C at the question cancels: exit 9, and the terminal shows again what is typed', async () => {
    const { code, seen } = await onTerminal('keywright keys list; echo "exit $?"; stty -a', [[/Passphrase: /, '\x03']]);
    expect(code).toBe(0);
    expect(seen).toContain('exit 9');
    expect(seen).toMatch(/[^-]echo /);
  });
});

describe.skipIf(!onLinux)('bin/keywright', () => {
  test('works through links, from anywhere, with what needs quoting', () => {
    bash(`mkdir -p "link folder" && ln -sf ${join(ROOT, 'bin', 'keywright')} "link folder/kw" && ln -sf "link folder/kw" kw2
[ "$(./kw2 version)" = "$("link folder/kw" version)" ]
cd / && keywright version`);
    expect(inBash(`keywright keys show "a 'b' \\$c"</dev/null --json`).code).toBe(6);
  });

  test('leaves alone a reader that has had enough', () => {
    expect(inBash('set -o pipefail; keywright --help | head -1').stderr).toBe('');
  });

  test('keeps compiled code in the user’s own cache', () => {
    bash('keywright version');
    expect(statSync(join(folder, '.cache', 'keywright', 'code')).isDirectory()).toBe(true);
  });
});
