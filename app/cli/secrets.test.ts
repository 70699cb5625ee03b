import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { KeywrightError, PromptRequest } from '../contract/index.ts';
import { CommandPrompter, readSecretFile, type SecretSources } from './secrets.ts';
import { StandardInput } from './standard-input.ts';
import { converse, LineEditor, type Line } from './terminal.ts';

let folder: string;
let file: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'keywright-secrets-'));
  file = join(folder, 'pw');
  writeFileSync(file, 'geheim ✓\n', { mode: 0o600 });
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const signal = new AbortController().signal;
const SECRET: PromptRequest = { kind: 'secret', purpose: 'store-passphrase', title: 'Unlock “Keys”' };

function prompter(given: Partial<SecretSources> = {}): CommandPrompter {
  return new CommandPrompter({
    files: {}, also: {}, yes: false, stdin: new StandardInput(() => Readable.from([Buffer.from('typed in\n')]), new AbortController().signal), signal: new AbortController().signal, terminal: async () => undefined, hasTerminal: false, ...given,
  });
}

function thrownBy(work: () => unknown): KeywrightError {
  try {
    work();
  } catch (thrown) {
    return thrown as KeywrightError;
  }
  throw new Error('nothing was thrown');
}

describe('a file with a secret', () => {
  test.each([['a\n', 'a'], ['a', 'a'], ['a\r\n', 'a'], ['a\n\n', 'a\n'], [' a ', ' a ']])('%j holds %j', (text, secret) => {
    writeFileSync(file, text);
    expect(readSecretFile(file, '--pin-file')).toBe(secret);
  });

  test.skipIf(process.platform === 'win32').each([0o640, 0o604, 0o660, 0o644])('that others may read (%o) is refused', (mode) => {
    chmodSync(file, mode);
    const error = thrownBy(() => readSecretFile(file, '--passphrase-file'));
    expect(error).toMatchObject({ code: 'PERMISSION_DENIED', facts: { where: '--passphrase-file', remedy: expect.stringContaining('chmod 600') } });
    expect(JSON.stringify(error.facts)).not.toContain('geheim');
  });

  test('of a service may be readable by its group, never by all', () => {
    chmodSync(file, 0o440);
    expect(readSecretFile(file, 'CREDENTIALS_DIRECTORY', true)).toBe('geheim ✓');
    chmodSync(file, 0o444);
    expect(thrownBy(() => readSecretFile(file, 'CREDENTIALS_DIRECTORY', true)).code).toBe('PERMISSION_DENIED');
  });

  test('that is missing, empty, no text or far too long is refused, without a word of it', () => {
    expect(thrownBy(() => readSecretFile(join(folder, 'none'), '--pin-file')).code).toBe('NOT_FOUND');
    for (const content of ['', '\n', Buffer.from([0xff, 0xfe, 0x41]), 'geheim'.repeat(10_000)]) {
      writeFileSync(file, content);
      const error = thrownBy(() => readSecretFile(file, '--pin-file'));
      expect(error.code).toBe('INVALID_INPUT');
      expect(JSON.stringify([error.facts, error.message])).not.toContain('geheim');
    }
  });
});

describe('answers', () => {
  test('come from the file for the purpose, whatever the wording', async () => {
    const files = { 'passphrase-file': file };
    expect(await prompter({ files }).ask({ ...SECRET, title: 'Anything' }, signal)).toEqual({ kind: 'secret', secret: 'geheim ✓' });
    await expect(prompter({ files }).ask({ ...SECRET, purpose: 'export-passphrase' }, signal)).rejects.toMatchObject({ code: 'PIN_REQUIRED', facts: { remedy: expect.stringContaining('--export-passphrase-file') } });
  });

  test('to a new passphrase never come from the file of the old one, unless the command says so', async () => {
    const request: PromptRequest = { kind: 'new-secret', purpose: 'new-store-passphrase', title: 'Choose' };
    const files = { 'passphrase-file': file };
    await expect(prompter({ files }).ask(request, signal)).rejects.toMatchObject({ code: 'PIN_REQUIRED', facts: { remedy: expect.stringContaining('--new-passphrase-file') } });
    expect(await prompter({ files, also: { 'new-store-passphrase': 'passphrase-file' } }).ask(request, signal)).toEqual({ kind: 'secret', secret: 'geheim ✓' });
  });

  test('are not given twice to the same question: the first was wrong', async () => {
    const one = prompter({ files: { 'passphrase-file': file } });
    await one.ask(SECRET, signal);
    await expect(one.ask(SECRET, signal)).rejects.toMatchObject({ code: 'PIN_INCORRECT' });
    expect(await one.ask({ ...SECRET, title: 'Another question' }, signal)).toMatchObject({ kind: 'secret' });
  });

  test('come from standard input once, for all questions of that option', async () => {
    const one = prompter({ files: { 'key-passphrase-file': '-', 'pin-file': '-' } });
    expect(await one.ask({ ...SECRET, purpose: 'key-passphrase' }, signal)).toEqual({ kind: 'secret', secret: 'typed in' });
    expect(await one.ask({ kind: 'new-secret', purpose: 'new-key-passphrase', title: 'x' }, signal)).toEqual({ kind: 'secret', secret: 'typed in' });
    await expect(one.ask({ ...SECRET, purpose: 'pin' }, signal)).rejects.toMatchObject({ code: 'INVALID_INPUT' });
  });

  test('to a plain confirmation come from --yes; to one that must be typed they never do', async () => {
    const confirm: PromptRequest = { kind: 'confirm', purpose: 'confirm', title: 'Export without encryption', action: 'Export' };
    expect(await prompter({ yes: true }).ask(confirm, signal)).toEqual({ kind: 'confirmed' });
    await expect(prompter().ask(confirm, signal)).rejects.toMatchObject({ code: 'PIN_REQUIRED', facts: { remedy: 'Confirm with --yes.' } });
    await expect(prompter({ yes: true }).ask({ ...confirm, typed: 'replace' }, signal)).rejects.toMatchObject({ code: 'PIN_REQUIRED' });
  });

  test('--yes does not have a key written in clear for which a passphrase was given', async () => {
    const given = { yes: true, files: { 'export-passphrase-file': file } };
    const confirm = { kind: 'confirm', purpose: 'confirm', title: 'Export “a” without encryption', action: 'Export', destructive: false } as const;
    await expect(prompter(given).ask(confirm, signal)).rejects.toMatchObject({ code: 'INVALID_INPUT', facts: { where: '--export-passphrase-file' } });
    expect(await prompter(given).fromFiles()).toEqual({ 'export-passphrase': 'geheim ✓' });
    const asked = prompter(given);
    await asked.ask({ kind: 'new-secret', purpose: 'export-passphrase', title: 'Passphrase of the export', minLength: 8, form: 'text' }, signal);
    expect(await asked.ask(confirm, signal)).toEqual({ kind: 'confirmed' });
  });

  test('a recovery code is shown to a person or to nobody', async () => {
    const show: PromptRequest = { kind: 'show-secret', purpose: 'show-recovery-code', title: 'Keep it', secret: 'geheim' };
    const error = (await prompter({ yes: true }).ask(show, signal).catch((thrown: unknown) => thrown)) as KeywrightError;
    expect(error.code).toBe('PIN_REQUIRED');
    expect(JSON.stringify(error.facts)).not.toContain('geheim');
  });
});

/** A person who types these lines. */
function person(...lines: string[]): Line & { seen: string; hidden: boolean[] } {
  return {
    seen: '', hidden: [],
    write(text) {
      this.seen += text;
    },
    async read(hidden) {
      this.hidden.push(hidden);
      return lines.shift() ?? '';
    },
  };
}

describe('on a terminal', () => {
  test('a secret is read without being shown', async () => {
    const line = person('geheim');
    expect(await converse({ ...SECRET, subject: '/data', note: 'Wrong passphrase.', triesLeft: 2 }, line)).toEqual({ kind: 'secret', secret: 'geheim' });
    expect(line.hidden).toEqual([true]);
    expect(line.seen).toBe('Unlock “Keys” (/data)\n  Wrong passphrase.\n  2 tries left\nPassphrase: ');
  });

  test('the last try is spent only after a sentence was typed', async () => {
    const pin: PromptRequest = { kind: 'secret', purpose: 'pin', title: 'Sign', triesLeft: 1 };
    expect(await converse(pin, person('last try', '123456'))).toEqual({ kind: 'secret', secret: '123456', lastTry: true });
    await expect(converse(pin, person('yes', '123456'))).rejects.toMatchObject({ code: 'CANCELLED' });
  });

  test('a new secret is typed twice, until both are the same and long enough', async () => {
    const line = person('short', 'long enough', 'long enouhg', 'long enough', 'long enough');
    expect(await converse({ kind: 'new-secret', purpose: 'new-store-passphrase', title: 'Choose', minLength: 8 }, line)).toEqual({ kind: 'secret', secret: 'long enough' });
    expect(line.seen).toMatch(/shorter than 8[^]*These differ/);
    expect(line.hidden).not.toContain(false);
  });

  test('anything but yes is no', async () => {
    const confirm: PromptRequest = { kind: 'confirm', purpose: 'confirm', title: 'Remove it', action: 'Remove' };
    expect(await converse(confirm, person('Yes'))).toEqual({ kind: 'confirmed' });
    await expect(converse(confirm, person(''))).rejects.toMatchObject({ code: 'CANCELLED' });
    await expect(converse(confirm, person('yesterday'))).rejects.toMatchObject({ code: 'CANCELLED' });
  });

  test('what must be typed is handed over as it was typed', async () => {
    expect(await converse({ kind: 'confirm', purpose: 'confirm', title: 'Destroy', action: 'Destroy', typed: 'Old key' }, person('old key'))).toEqual({ kind: 'confirmed', typed: 'old key' });
  });

  test('a character that comes in pieces is that character, and no other secret', () => {
    const editor = new LineEditor();
    for (const byte of Buffer.from('Schlüssel 鍵')) expect(editor.type(Buffer.of(byte))).toBe('open');
    expect(editor.text).toBe('Schlüssel 鍵');
  });

  test('a label cannot move the cursor or rewrite the question', async () => {
    const line = person('x');
    await converse({ ...SECRET, title: 'Sign with “\x1b[2J\u202eevil”' }, line);
    expect(line.seen).not.toMatch(/[\x1b\u202e]/);
    expect(line.seen).toContain('\\u001b[2J\\u202eevil');
  });

  test.each([
    ['abc\r', 'abc', 'done'], ['ab\x7fc\r', 'ac', 'done'], ['ü✓😀\x7f\r', 'ü✓', 'done'], ['abc\x15d\n', 'd', 'done'], ['a\x1b[Ab\x1bOP\x1b[3~c\r', 'abc', 'done'],
    ['abc\x03', 'abc', 'cancelled'], ['\x04', '', 'cancelled'], ['abc\x04', 'abc', 'open'], ['a\x00b\x07', 'ab', 'open'],
  ])('%j typed reads %j', (keys, text, state) => {
    const editor = new LineEditor();
    expect(editor.type(keys)).toBe(state);
    expect(editor.text).toBe(text);
  });
});
