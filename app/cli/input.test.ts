import { mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { Readable } from 'node:stream';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { OPERATIONS_BY_ID, type KeywrightError } from '../contract/index.ts';
import { commandNamed, isCommandPrefix } from './commands.ts';
import { readFileOf } from './files.ts';
import { inputOf } from './input.ts';
import { parseCommand } from './parse.ts';
import { StandardInput } from './standard-input.ts';
import { splitWords } from './words.ts';

let folder: string;
let file: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'keywright-input-'));
  file = join(folder, 'file');
  writeFileSync(file, 'hello');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const HELLO = Buffer.from('hello').toString('base64url');

/** The input that a command line makes; `FILE` stands for a file with `hello` in it. */
async function inputFor(argv: readonly string[], stdin = 'from stdin'): Promise<Record<string, unknown>> {
  const { words, rest } = splitWords(argv, isCommandPrefix);
  const spec = commandNamed(words)!;
  const standard = new StandardInput(() => Readable.from([Buffer.from(stdin)]), new AbortController().signal);
  const parsed = parseCommand(spec, rest.map((word) => (word === 'FILE' ? file : word)));
  const input = await inputOf(spec, parsed, (path, most, option) => (path === '-' ? standard.read(most, option) : readFileOf(path, most, option, new AbortController().signal)), async () => '/from/the/pipe');
  const judged = OPERATIONS_BY_ID.get(spec.id)!.input.safeParse(input);
  if (!judged.success) throw new Error(JSON.stringify(judged.error.issues));
  return input;
}

async function refused(argv: readonly string[]): Promise<KeywrightError> {
  return (await inputFor(argv).catch((thrown: unknown) => thrown)) as KeywrightError;
}

describe('words become the operation’s input', () => {
  test.each<[string, string[], Record<string, unknown>]>([
    ['nothing but defaults', ['keys', 'list'], {}],
    ['a position', ['keys', 'show', 'Release signing'], { key: 'Release signing' }],
    ['a key URI', ['keys', 'show', 'yubikey:serial=1;slot=9c'], { key: 'yubikey:serial=1;slot=9c' }],
    ['several positions', ['keys', 'copy', 'a', 'b', '--to', 'archive', '--dry-run'], { keys: ['a', 'b'], to: 'archive', dryRun: true }],
    ['names of their own, repeated or in one word', ['keys', 'generate', '--algorithm', 'ec-p256', '--label', 'x', '--tag', 'a', '--tag', 'b', '--usage', 'sign,verify'], { algorithm: 'ec-p256', label: 'x', tags: ['a', 'b'], usages: ['sign', 'verify'] }],
    ['a flag, and its opposite', ['keys', 'generate', '--algorithm', 'ed25519', '--label', 'x', '--no-extractable', '--own-passphrase'], { algorithm: 'ed25519', label: 'x', extractable: false, ownPassphrase: true }],
    ['a number', ['keys', 'random', '--bytes', '16'], { bytes: 16 }],
    ['a day', ['keys', 'update', 'k', '--not-after', '2030-12-31'], { key: 'k', notAfter: '2030-12-31T00:00:00.000Z' }],
    ['none', ['keys', 'update', 'k', '--not-after', 'none'], { key: 'k', notAfter: null }],
    ['an empty list', ['keys', 'update', 'k', '--tag', ''], { key: 'k', tags: [] }],
    ['a file’s bytes', ['keys', 'sign', 'k', '--in', 'FILE'], { key: 'k', content: { message: HELLO } }],
    ['standard input', ['keys', 'sign', 'k', '--in', '-'], { key: 'k', content: { message: Buffer.from('from stdin').toString('base64url') } }],
    ['a digest in its place', ['keys', 'sign', 'k', '--in', 'FILE', '--digest'], { key: 'k', content: { digest: HELLO } }],
    ['two files', ['keys', 'verify', 'k', '--in', '-', '--signature', 'FILE'], { key: 'k', content: { message: Buffer.from('from stdin').toString('base64url') }, signature: HELLO }],
    ['a file by position or by option', ['keys', 'import', 'FILE'], { content: HELLO }],
    ['the same by option', ['keys', 'import', '--in', 'FILE'], { content: HELLO }],
    ['a record within', ['keys', 'agree', 'k', '--in', 'FILE', '--hkdf.hash', 'sha256', '--hkdf.length', '32', '--hkdf.salt', 'FILE'], { key: 'k', peer: HELLO, hkdf: { hash: 'sha256', length: 32, salt: HELLO } }],
    ['paths, made absolute', ['files', 'sign', 'a.txt', '/b.txt', '--key', 'k'], { files: [{ path: resolve('a.txt') }, { path: '/b.txt' }], key: 'k' }],
    ['standard input among files', ['files', 'sign', 'a', '-', '--key', 'k'], { files: [{ path: resolve('a') }, { path: '/from/the/pipe' }], key: 'k' }],
    ['an output path', ['files', 'sign', 'a', '--key', 'k', '--out', 'a.sig', '--force'], { files: [{ path: resolve('a') }], key: 'k', out: { path: resolve('a.sig'), overwrite: true } }],
    ['the mark that goes without saying', ['files', 'sign', 'a', '--key', 'k', '--force'], { files: [{ path: resolve('a') }], key: 'k', out: { beside: true, overwrite: true } }],
    ['standard output', ['files', 'sign', 'a', '--key', 'k', '--out', '-'], { files: [{ path: resolve('a') }], key: 'k', out: { inline: true } }],
    ['a signature’s path', ['files', 'verify', 'a', '--signature', 'a.sig', '--public-key', 'FILE'], { files: [{ path: resolve('a') }], signature: { path: resolve('a.sig') }, publicKey: HELLO }],
    ['settings', ['backends', 'add', 'pkcs8', '--name', 'archive', '--set', 'a=b=c', '--set', 'n=5', '--set', 'on=true'], { type: 'pkcs8', name: 'archive', settings: { a: 'b=c', n: 5, on: true } }],
    ['a number as a value', ['config', 'set', 'trash.days', '7'], { key: 'trash.days', value: 7 }],
    ['a text as a value', ['config', 'set', 'window.theme', 'dark'], { key: 'window.theme', value: 'dark' }],
    ['what begins with a dash, behind --', ['keys', 'show', '--', '--odd'], { key: '--odd' }],
    ['a noun of a noun', ['store', 'slots', 'add', 'passphrase', '--label', 'spare'], { kind: 'passphrase', label: 'spare' }],
  ])('%s', async (_what, argv, input) => {
    expect(await inputFor(argv)).toEqual(input);
  });
});

describe('what cannot be meant is refused', () => {
  test.each<[string, string[], RegExp]>([
    ['a missing option', ['keys', 'generate', '--label', 'x'], /--algorithm VALUE is needed/],
    ['a missing file', ['keys', 'sign', 'k'], /--in FILE is needed/],
    ['a missing position', ['keys', 'show'], /Missing required argument 'key'/],
    ['one position too many', ['keys', 'list', 'extra'], /Too many arguments/],
    ['an option without its value', ['keys', 'list', '--limit'], /argument missing/],
    ['an unknown name', ['keys', 'generate', '--algorithm', 'foo', '--label', 'x'], /--algorithm cannot be “foo”\./],
    ['letters for a number', ['keys', 'list', '--limit', 'ten'], /“ten” is not a number/],
    ['a day that does not exist', ['keys', 'update', 'k', '--not-after', '2030-02-30'], /is not a time/],
    ['tomorrow', ['keys', 'update', 'k', '--not-after', 'tomorrow'], /is not a time/],
    ['a setting without a value', ['backends', 'add', 'pkcs8', '--name', 'x', '--set', 'a'], /is not KEY=VALUE/],
    ['two readers of standard input', ['keys', 'verify', 'k', '--in', '-', '--signature', '-'], /both .* read standard input/i],
    ['standard input where something is written', ['files', 'sign', 'a', '--key', 'k', '--manifest', '-'], /A file is needed here/],
    ['a backup to standard output', ['store', 'backup', '--out', '-'], /not to standard output/],
  ])('%s', async (_what, argv, detail) => {
    expect(await refused(argv)).toMatchObject({ code: 'INVALID_INPUT', facts: { detail: expect.stringMatching(detail) } });
  });

  test('a mistyped algorithm, with the one that was meant', async () => {
    expect(await refused(['keys', 'generate', '--algorithm', 'ec-p265', '--label', 'x'])).toMatchObject({ code: 'INVALID_INPUT', facts: { remedy: 'Did you mean ec-p256?', where: '--algorithm' } });
  });

  test('a file that is not there, and a folder', async () => {
    expect(await refused(['keys', 'import', join(folder, 'none')])).toMatchObject({ code: 'NOT_FOUND' });
    expect(await refused(['keys', 'import', folder])).toMatchObject({ code: 'INVALID_INPUT' });
  });

  test('a file of many gigabytes, without reading it', async () => {
    truncateSync(file, 50 * 1024 ** 3);
    expect(await refused(['keys', 'import', 'FILE'])).toMatchObject({ code: 'INVALID_INPUT', facts: { detail: expect.stringContaining('longer than') } });
  });

  test('an endless device, in bounded memory', async () => {
    expect(await refused(['keys', 'import', '/dev/zero'])).toMatchObject({ code: 'INVALID_INPUT' });
  });
});
