import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { loadConfig } from '../config/index.ts';
import { openCore } from '../index.ts';
import { becomeOwner, type Owner } from '../rpc/owner.ts';
import { COMMANDS } from './commands.ts';
import { OWNER } from './surroundings.ts';
import { ran } from './testing/around.ts';

const LABELS = ['Release signing', 'Ada\'s "best" key', 'hostile $(touch here)', 'hostile `touch here`'];
const has = (shell: string): boolean => spawnSync(shell, ['-c', 'true']).status === 0;
const missing = (shell: string): string => (has(shell) ? '' : ` (skipped without ${shell})`);

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'keywright-completion-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const scriptFor = async (shell: string): Promise<string> => (await ran(['completion', shell])).stdout.toString();

/** What a shell offers at the end of each line, with an agent of ours that has these labels and no other program. */
const SHELLS: Readonly<Record<string, (script: string, line: string) => string>> = {
  bash: (script, line) => {
    const words = line.split(' ');
    return `keywright() { cat "$LABELS"; }\n${script}\nCOMP_WORDS=(${words.map((word) => `'${word}'`).join(' ')}); COMP_CWORD=${words.length - 1}; _keywright; printf '%s\\n' "\${COMPREPLY[@]}"`;
  },
  fish: (script, line) => `function keywright; cat $LABELS; end\n${script}\ncomplete -C '${line}'`,
};

function offered(shell: string, script: string, line: string): string[] {
  writeFileSync(join(folder, 'labels'), LABELS.map((label) => `${label}\n`).join(''));
  const { stdout, stderr } = spawnSync(shell, ['-c', SHELLS[shell]!(script, line)], { cwd: folder, encoding: 'utf8', env: { PATH: process.env['PATH'] ?? '', HOME: folder, LABELS: join(folder, 'labels'), TERM: 'dumb', LANG: 'C.UTF-8' } });
  expect(stderr).toBe('');
  return stdout.split('\n').map((one) => one.split('\t')[0]!).filter((one) => one !== '');
}

describe.each(Object.keys(SHELLS))('%s', (shell) => {
  test.skipIf(!has(shell)).each([
    ['keywright ke', ['keys']],
    ['keywright store slots ad', ['add']],
    ['keywright --json keys gener', ['generate']],
    ['keywright keys generate --algorithm ec-p2', ['ec-p256']],
    ['keywright keys generate --label --own-p', []],
    ['keywright keys generate --json --own-p', ['--own-passphrase']],
    ['keywright --data-dir keys gener', []],
    ['keywright store slots add rec', ['recovery-code']],
    ['keywright completion fi', ['fish']],
    ['keywright serve --tls-k', ['--tls-key']],
    ['keywright help certif', ['certificates']],
    ['keywright keys show Rel', ['Release signing']],
    ['keywright files sign a.txt --key Ada', ['Ada\'s "best" key']],
  ])(`offers what may follow: %s${missing(shell)}`, async (line, expected) => {
    expect(offered(shell, await scriptFor(shell), line)).toEqual(expected);
  });
});

test.skipIf(!has('bash'))('a label that bash would run is not offered to it', async () => {
  expect(offered('bash', await scriptFor('bash'), 'keywright keys show hostile')).toEqual([]);
});

test.skipIf(!has('zsh'))(`the script for zsh is one${missing('zsh')}`, async () => {
  const { status, stderr } = spawnSync('zsh', ['-f', '-c', `${await scriptFor('zsh')}\n_keywright_values 'keys generate --algorithm'; [[ $REPLY == *ec-p256* ]]`], { encoding: 'utf8', env: { PATH: process.env['PATH'] ?? '', HOME: folder, TERM: 'dumb' } });
  expect([status, stderr]).toEqual([0, '']);
});

test.each(['bash', 'zsh', 'fish'])('completion for %s knows every command', async (shell) => {
  const script = await scriptFor(shell);
  for (const { words } of COMMANDS) expect(script).toContain(`'${words.join(' ')}'`);
  expect(script).toContain('signature-encoding');
});

test('completion for anything else is a usage error', async () => {
  for (const shell of ['tcsh', 'constructor', 'names', '']) expect((await ran(['completion', shell])).code).toBe(2);
});

describe('names', () => {
  let owner: Owner | undefined;
  afterAll(() => owner?.close({ patience: 0 }));

  test('come from who holds the open store, each that is no other’s; nobody is asked for anything', async () => {
    const dataDir = join(folder, 'data');
    const names = async () => (await ran(['completion', 'names', 'keys', '--data-dir', dataDir])).stdout.toString();
    expect(await names()).toBe('');
    owner = await becomeOwner({ dataDir, kind: 'background', version: '1.2.3', open: (claim) => openCore({ dataDir, config: loadConfig({ file: join(dataDir, 'config.json'), named: false, env: {} }), kind: 'background', silent: true, claim }) });
    const call = (operation: string, input: object) => owner!.core.call(operation, input, { principal: OWNER, prompt: { interactive: false, ask: async () => ({ kind: 'secret', secret: 'seven quiet canaries sing 71' }) } });
    await call('store.create', {});
    for (const label of ['Release signing', 'Twice', 'Twice', 'two\nlines']) await call('keys.generate', { algorithm: 'ed25519', label }).catch(() => undefined);
    expect(await names()).toBe('Release signing\n');
    expect((await ran(['completion', 'names', 'backends', '--data-dir', dataDir])).stdout.toString()).toContain('software\n');
    await call('store.lock', {});
    expect(await names()).toBe('');
  });
});
