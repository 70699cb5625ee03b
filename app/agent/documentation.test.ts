import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

/** The shell blocks of docs/agent.md, word for word but for the port, one after another. */

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const blocks = [...readFileSync(join(ROOT, 'docs', 'agent.md'), 'utf8').matchAll(/^```sh\n(.*?)^```$/gms)].map(([, script]) => script!);
const missing = process.platform !== 'linux' ? 'not on Linux' : ['curl', 'basenc'].find((tool) => {
  try {
    execFileSync(tool, ['--version'], { stdio: 'ignore' });
    return false;
  } catch {
    return true;
  }
});

describe.skipIf(missing !== undefined)(`the guide to the agent${missing === undefined ? '' : ` (skipped: ${missing})`}`, () => {
  let home: string;
  let agent: ChildProcess;
  let port: string;
  const environment = (): NodeJS.ProcessEnv => ({ HOME: home, XDG_RUNTIME_DIR: home, LANG: 'C.UTF-8', PATH: `${join(ROOT, 'bin')}:${dirname(process.execPath)}:${process.env['PATH'] ?? ''}` });
  const bash = (script: string): string => execFileSync('bash', ['-e', '-o', 'pipefail', '-c', script.replaceAll('127.0.0.1:8420', `127.0.0.1:${port}`)], { cwd: home, encoding: 'utf8', env: environment(), stdio: ['ignore', 'pipe', 'pipe'] });

  beforeAll(async () => {
    home = mkdtempSync(join(tmpdir(), 'keywright-guide-'));
    execFileSync(process.execPath, [join(ROOT, 'scripts', 'build.ts'), '--only', 'core', '--if-stale'], { cwd: ROOT, stdio: ['ignore', 'ignore', 'inherit'] });
    bash("umask 077; printf 'correct horse battery staple 42' >pw; keywright store create --passphrase-file pw");
    agent = spawn('bash', ['-c', `exec ${blocks[0]!.trim().replace(':8420', ':0')} --passphrase-file pw`], { cwd: home, env: environment(), stdio: ['ignore', 'pipe', 'inherit'] });
    for await (const line of createInterface({ input: agent.stdout! })) {
      port = /127\.0\.0\.1:(\d+)/.exec(line)?.[1] ?? '';
      if (port !== '') break;
    }
  }, 180_000);
  afterAll(async () => {
    const ended = once(agent, 'close');
    agent.kill();
    await ended;
    rmSync(home, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
  });

  test('a token lists keys, and the answer to a prompt in a header makes a signature that is refused without it', { timeout: 60_000 }, () => {
    expect(blocks).toHaveLength(3);
    expect(JSON.parse(bash(blocks[1]!))).toMatchObject({ keys: [] });
    expect(bash(blocks[2]!)).toMatch(/\{"signature":"[\w-]{86}"/);
    const without = blocks[2]!.split('\n').slice(4).join('\n').replace('--header @answers.header', '').replace('--fail', '');
    expect(JSON.parse(bash(without))).toMatchObject({ code: 'PIN_REQUIRED' });
  });
});
