import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { HAS_OPENSSL } from '../../formats/testing/keys.ts';

/** The shell blocks of docs/custom-backends.md, word for word and one after another, as a person pastes them into bash in the sources' folder. */

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
const blocks = [...readFileSync(join(ROOT, 'docs', 'custom-backends.md'), 'utf8').matchAll(/^```sh\n(.*?)^```$/gms)].map(([, script]) => script!);

describe.skipIf(process.platform !== 'linux')('the guide to a backend of one’s own', () => {
  let home: string;
  const bash = (script: string): { code: number | null; stdout: string; stderr: string } => {
    const { status, stdout, stderr } = spawnSync('bash', ['-e', '-o', 'pipefail', '-c', script], {
      cwd: home, encoding: 'utf8', env: { HOME: home, LANG: 'C.UTF-8', PATH: `${join(ROOT, 'bin')}:${dirname(process.execPath)}:${process.env['PATH'] ?? ''}` },
    });
    return { code: status, stdout, stderr };
  };

  beforeAll(() => {
    home = mkdtempSync(join(tmpdir(), 'keywright-guide-'));
    // The blocks name the example from the sources' folder, and leave files beside.
    symlinkSync(join(ROOT, 'docs'), join(home, 'docs'));
    execFileSync(process.execPath, [join(ROOT, 'scripts', 'build.ts'), '--only', 'core', '--if-stale'], { cwd: ROOT, stdio: ['ignore', 'ignore', 'inherit'] });
    expect(bash("umask 077; printf 'correct horse battery staple 42' >pw; keywright store create --passphrase-file pw; keywright store unlock --passphrase-file pw")).toMatchObject({ code: 0 });
  });
  afterAll(() => {
    bash('keywright store lock --quiet');
    rmSync(home, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
  });

  test('the example is added, tested, and its key signs what openssl verifies', () => {
    expect(blocks).toHaveLength(2);
    const script = HAS_OPENSSL ? blocks[0]! : blocks[0]!.split('\n').filter((line) => !line.startsWith('openssl ')).join('\n');
    const { code, stdout, stderr } = bash(script);
    expect([code, stdout], stderr).toEqual([0, HAS_OPENSSL ? expect.stringContaining('Verified OK') : expect.any(String)]);
  });

  test('a program that changed is not run until it is pinned anew', () => {
    // What runs already goes on running: it is looked at when it is started.
    bash("printf '\\n// mine\\n' >> ~/provider/keys-in-a-file.mjs; keywright store lock; keywright store unlock --passphrase-file pw");
    const sign = 'echo hello | keywright keys sign "In a file" --algorithm ecdsa-sha256 --in - --out again.der';
    const refused = bash(sign);
    expect([refused.code === 0, refused.stderr]).toEqual([false, expect.stringMatching(/[0-9a-f]{64}/)]);
    expect(bash(blocks[1]!)).toMatchObject({ code: 0 });
    expect(bash(sign)).toMatchObject({ code: 0 });
  });
});
