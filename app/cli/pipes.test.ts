import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { closeSync, mkdirSync, mkdtempSync, openSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { ran, type Ran } from './testing/around.ts';

/** Files through standard input and output, as a shell's pipes have them. */

let folder: string;
const at = (name: string): string => join(folder, name);
const content = randomBytes(100_000);
const keywright = (argv: readonly string[], stdin: string | Buffer = ''): Promise<Ran> => ran(argv, { stdin, env: { KEYWRIGHT_DATA_DIR: at('data'), KEYWRIGHT_PASSPHRASE_FILE: at('pw') } });
const done = async (argv: readonly string[], stdin: string | Buffer = ''): Promise<Buffer> => {
  const { code, stdout, stderr } = await keywright(argv, stdin);
  expect([argv, code, stderr]).toEqual([argv, 0, '']);
  return stdout;
};
/** What commands left in the folder for temporary files, which is ours alone: other tests use pipes at the same time. */
const leftovers = (): string[] => readdirSync(at('tmp'));

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'keywright-cli-'));
  mkdirSync(at('tmp'));
  vi.stubEnv('TMPDIR', at('tmp'));
  writeFileSync(at('pw'), 'seven quiet canaries sing 71', { mode: 0o600 });
  writeFileSync(at('pw2'), 'another pass phrase 99', { mode: 0o600 });
  await keywright(['store', 'create', '--kind', 'file', '--passphrase-file', at('pw')]);
  for (const [algorithm, label] of [['ec-p256', 'Signing'], ['x25519', 'Files']] as const) await done(['keys', 'generate', '--algorithm', algorithm, '--label', label, '--quiet', '--json']);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test('what comes from a pipe is signed to a pipe, and a pipe is verified: 0 when it holds, 3 when it does not', async () => {
  for (const format of ['raw', 'jws']) {
    const signature = await done(['files', 'sign', '-', '--key', 'Signing', '--format', format], content);
    writeFileSync(at('sig'), signature);
    expect((await keywright(['files', 'verify', '-', '--signature', at('sig')], content)).code).toBe(0);
    expect((await keywright(['files', 'verify', '-', '--signature', at('sig')], Buffer.concat([content, Buffer.of(0)]))).code).toBe(3);
    writeFileSync(at('file'), content);
    expect((await keywright(['files', 'verify', at('file'), '--signature', '-'], signature)).code).toBe(0);
  }
  // Nobody is told of the file that stands for the pipe.
  const told = await keywright(['files', 'verify', '-', '--signature', at('sig')], content);
  expect(told.stdout.toString()).toContain('✓ standard input\n');
  const failed = await keywright(['files', 'decrypt', '-'], content);
  expect(told.stdout.toString() + failed.stderr).not.toContain('standard-input');
  const { json, code } = await keywright(['files', 'sign', '-', '--key', 'Signing', '--json'], '');
  expect([code, json]).toMatchObject([0, { files: [{ bytes: 0, signature: expect.stringMatching(/^[\w-]+$/) }] }]);
});

test.each(['age', 'cms', 'jwe', 'openpgp'])('%s goes through pipes both ways', async (format) => {
  for (const to of [['--recipient', 'Files'], ...(format === 'openpgp' ? [['--recipient-passphrase-file', at('pw2')]] : [])]) {
    const made = await done(['files', 'encrypt', '-', ...to, '--format', format], content);
    expect(made.includes(content.subarray(0, 32))).toBe(false);
    expect((await done(['files', 'decrypt', '-', ...(to[0] === '--recipient' ? [] : to)], made)).equals(content)).toBe(true);
    const changed = Buffer.from(made);
    changed[changed.length - 50] = changed[changed.length - 50] === 0x41 ? 0x42 : 0x41;
    const refused = await keywright(['files', 'decrypt', '-', ...(to[0] === '--recipient' ? [] : to)], changed);
    expect([refused.code, refused.stdout.length]).toEqual([2, 0]);
  }
});

test('a folder is signed with a manifest, and verified with a line a file: exit 3 as soon as one does not hold', async () => {
  mkdirSync(at('dist'));
  for (const name of ['one', 'two']) writeFileSync(at(`dist/${name}`), name);
  await keywright(['files', 'sign', at('dist'), '--key', 'Signing', '--manifest', at('dist/manifest.json')]);
  for (const argv of [[at('dist')], ['--manifest', at('dist/manifest.json')], [at('dist/*.sig')], [at('dist/one'), at('dist/two')]]) expect((await keywright(['files', 'verify', ...argv])).code, argv.join(' ')).toBe(0);
  writeFileSync(at('dist/two'), 'changed');
  const { code, stdout } = await keywright(['files', 'verify', at('dist')]);
  const lines = stdout.toString().split('\n');
  expect([code, lines.find((line) => line.includes('dist/one ')), lines.find((line) => line.includes('dist/two ')), lines.find((line) => line.startsWith('verdict'))]).toEqual([3, expect.stringMatching(/^trusted /), expect.stringMatching(/^invalid /), 'verdict: 3 files: 2 as signed by whom you trust, 1 not as signed.']);
  const { code: again, json } = await keywright(['files', 'verify', '--manifest', at('dist/manifest.json'), '--json']);
  expect([again, json]).toMatchObject([3, { trusted: false, manifest: { state: 'trusted' }, counts: { trusted: 1, invalid: 1 } }]);
  expect((await keywright(['files', 'verify'])).code).toBe(2);
  expect((await keywright(['files', 'verify', at('dist/none')])).code).toBe(4);
});

test('a file goes to standard output, a pipe to a file, two readers of one pipe are refused, and nothing is left behind', async () => {
  writeFileSync(at('plain'), content);
  const made = await done(['files', 'encrypt', at('plain'), '--recipient', 'Files', '--out', '-']);
  await keywright(['files', 'decrypt', '-', '--out', at('back')], made);
  expect((await keywright(['files', 'verify', at('plain'), '--signature', at('back')])).code).not.toBe(0);
  const both = await keywright(['files', 'encrypt', '-', '--recipient-passphrase-file', '-'], content);
  expect([both.code, both.stderr]).toEqual([2, expect.stringContaining('standard input')]);
  expect((await keywright(['files', 'encrypt', '-', '-', '--recipient', 'Files'], content)).code).toBe(2);
  expect(leftovers()).toEqual([]);
});

test.skipIf(process.platform === 'win32')('a named pipe is read as its writer fills it, however late', async () => {
  execFileSync('mkfifo', [at('fifo')]);
  const inspected = keywright(['files', 'inspect', at('fifo'), '--json']);
  await writeFile(at('fifo'), 'late');
  expect(JSON.parse((await inspected).stdout.toString())).toMatchObject({ bytes: 4 });
});

test.skipIf(process.platform === 'win32')('Ctrl+C ends a command that waits for whoever writes into its pipe, and nothing is left of it', async () => {
  const pipe = at('pipe');
  execFileSync('mkfifo', ['-m', '600', pipe]);
  // Somebody has it open and writes nothing.
  const writer = openSync(pipe, 'r+');
  try {
    const waiting: readonly (readonly string[])[] = [
      ['keys', 'sign', 'Signing', '--in', '-'], ['keys', 'sign', 'Signing', '--in', pipe], ['files', 'sign', '-', '--key', 'Signing'],
      ['keys', 'list', '--passphrase-file', '-'], ['keys', 'list', '--passphrase-file', pipe],
    ];
    for (const argv of waiting) {
      const interrupted = new AbortController();
      const stdin = new Readable({ read() {} });
      const command = ran(argv, { stdin, signal: interrupted.signal, env: { KEYWRIGHT_DATA_DIR: at('data'), KEYWRIGHT_PASSPHRASE_FILE: at('pw') } });
      setTimeout(() => interrupted.abort(), 300);
      const { code, stdout, stderr } = await command;
      expect([argv, code, stdout.length, stderr]).toEqual([argv, 9, 0, 'keywright: The call was cancelled.\n']);
    }
    expect(leftovers()).toEqual([]);
  } finally {
    closeSync(writer);
    rmSync(pipe);
  }
});
