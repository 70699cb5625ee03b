import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmdirSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { KeywrightError } from '../contract/index.ts';
import { boundByPermissions, noPermissions } from '../testing/nobody.ts';
import { writeAside } from './write-aside.ts';

let folder: string;
beforeEach(() => { folder = mkdtempSync(join(tmpdir(), 'keywright-aside-')); });
afterEach(() => rmSync(folder, { recursive: true, force: true }));
const never = new AbortController().signal;
const text = (value: string): Buffer => Buffer.from(value);
const write = (name: string, content: string, overwrite = false): Promise<string> => writeAside(join(folder, name), { overwrite, signal: never }, async (put) => { await put(text(content)); return 'done'; });
const code = async (work: Promise<unknown>): Promise<string> => work.then(() => 'no error', (thrown: unknown) => (thrown instanceof KeywrightError ? thrown.code : (thrown as Error).message));
const canMount = process.platform === 'linux' && process.getuid?.() === 0 && probeMount();

test('a file appears with all its pieces, the mode of the umask, and nothing beside it', async () => {
  expect(await writeAside(join(folder, 'out'), { overwrite: false, signal: never }, async (put) => {
    for (const piece of ['one ', 'two ', 'three']) await put(text(piece));
    expect(readdirSync(folder)).toEqual([expect.stringMatching(/^\.out\..*\.part$/)]);
    if (process.platform !== 'win32') expect(statSync(join(folder, readdirSync(folder)[0] as string)).mode & 0o777).toBe(0o600);
    return 7;
  })).toBe(7);
  expect(readdirSync(folder)).toEqual(['out']);
  expect(readFileSync(join(folder, 'out'), 'utf8')).toBe('one two three');
  if (process.platform !== 'win32') expect(statSync(join(folder, 'out')).mode & 0o777).toBe(0o666 & ~process.umask());
});

test('an existing file is never replaced unless that is asked for, not even one that appears meanwhile', async () => {
  writeFileSync(join(folder, 'out'), 'old');
  expect(await code(write('out', 'new'))).toBe('ALREADY_EXISTS');
  const late = writeAside(join(folder, 'late'), { overwrite: false, signal: never }, async (put) => {
    await put(text('new'));
    writeFileSync(join(folder, 'late'), 'somebody else');
  });
  expect(await code(late)).toBe('ALREADY_EXISTS');
  expect([readFileSync(join(folder, 'out'), 'utf8'), readFileSync(join(folder, 'late'), 'utf8')]).toEqual(['old', 'somebody else']);
  expect(readdirSync(folder).sort()).toEqual(['late', 'out']);
});

test('of ten at once exactly one gets the name', async () => {
  const codes = await Promise.all(Array.from({ length: 10 }, (_, index) => code(write('out', `writer ${index}`))));
  expect(codes.filter((one) => one === 'no error')).toHaveLength(1);
  expect(codes.filter((one) => one === 'ALREADY_EXISTS')).toHaveLength(9);
  expect(readdirSync(folder)).toEqual(['out']);
});

test.skipIf(process.platform === 'win32')('what is replaced keeps its mode, and a symbolic link keeps pointing to it (not on Windows)', async () => {
  writeFileSync(join(folder, 'real'), 'old');
  chmodSync(join(folder, 'real'), 0o640);
  symlinkSync('real', join(folder, 'link'));
  await write('link', 'new', true);
  expect([readFileSync(join(folder, 'real'), 'utf8'), statSync(join(folder, 'real')).mode & 0o777]).toEqual(['new', 0o640]);
  expect(readdirSync(folder).sort()).toEqual(['link', 'real']);
});

describe('nothing remains, and what was there stays,', () => {
  beforeEach(() => writeFileSync(join(folder, 'old'), 'old'));
  const untouched = (): void => {
    expect(readFileSync(join(folder, 'old'), 'utf8')).toBe('old');
    expect(readdirSync(folder)).toEqual(['old']);
  };

  test('when the call is cancelled between two pieces', async () => {
    const controller = new AbortController();
    for (const name of ['old', 'new']) {
      const writing = writeAside(join(folder, name), { overwrite: true, signal: controller.signal }, async (put) => {
        await put(text('half'));
        controller.abort();
        await put(text('other half'));
      });
      await expect(writing).rejects.toMatchObject({ name: 'AbortError' });
    }
    untouched();
  });

  test('when it is cancelled after the last piece', async () => {
    const controller = new AbortController();
    const writing = writeAside(join(folder, 'new'), { overwrite: false, signal: controller.signal }, async (put) => { await put(text('all')); controller.abort(); });
    await expect(writing).rejects.toMatchObject({ name: 'AbortError' });
    untouched();
  });

  test('when what makes the content fails', async () => {
    expect(await code(writeAside(join(folder, 'old'), { overwrite: true, signal: never }, async (put) => { await put(text('half')); throw new Error('the signer failed'); }))).toBe('the signer failed');
    untouched();
  });
});

describe('errors are typed:', () => {
  test('no such folder, a file in place of a folder, a folder in place of a file', async () => {
    mkdirSync(join(folder, 'inner'));
    writeFileSync(join(folder, 'file'), '');
    expect(await code(write('nowhere/out', 'x'))).toBe('NOT_FOUND');
    expect(await code(write('file/out', 'x'))).toBe('INVALID_INPUT');
    expect(await code(write('inner', 'x', true))).toBe('INVALID_INPUT');
    expect(await code(write('inner', 'x'))).toBe('ALREADY_EXISTS');
    expect(await code(write('n'.repeat(300), 'x'))).toBe('INVALID_INPUT');
  });

  test.skipIf(noPermissions !== undefined)(`a folder that may not be written${noPermissions === undefined ? '' : ` (skipped: ${noPermissions})`}`, () => boundByPermissions(async () => {
    const closed = mkdtempSync(join(tmpdir(), 'keywright-closed-'));
    chmodSync(closed, 0o500);
    expect(await code(writeAside(join(closed, 'out'), { overwrite: false, signal: never }, (put) => put(text('x'))))).toBe('PERMISSION_DENIED');
    expect(readdirSync(closed)).toEqual([]);
    rmdirSync(closed);
  }));

  test.skipIf(!canMount)('no space left, and nothing remains; then a file system that cannot be written (skipped where no tmpfs can be mounted)', async () => {
    const mount = join(folder, 'small');
    mkdirSync(mount);
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', mount]);
    try {
      writeFileSync(join(mount, 'old'), 'old');
      expect(await code(writeAside(join(mount, 'out'), { overwrite: false, signal: never }, (put) => put(Buffer.alloc(1024 * 1024))))).toBe('STORAGE_FULL');
      expect(await code(writeAside(join(mount, 'old'), { overwrite: true, signal: never }, (put) => put(Buffer.alloc(1024 * 1024))))).toBe('STORAGE_FULL');
      expect([readdirSync(mount), readFileSync(join(mount, 'old'), 'utf8')]).toEqual([['old'], 'old']);
      execFileSync('mount', ['-o', 'remount,ro', mount]);
      expect(await code(writeAside(join(mount, 'out'), { overwrite: false, signal: never }, (put) => put(Buffer.alloc(1))))).toBe('STORAGE_READ_ONLY');
    } finally {
      execFileSync('umount', [mount]);
    }
  });
});

function probeMount(): boolean {
  const place = mkdtempSync(join(tmpdir(), 'keywright-mount-'));
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', place], { stdio: 'ignore' });
    execFileSync('umount', [place], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  } finally {
    rmSync(place, { recursive: true, force: true });
  }
}
