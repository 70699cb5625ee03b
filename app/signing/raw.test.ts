import { execFileSync } from 'node:child_process';
import { createHash, generateKeyPairSync, sign, verify } from 'node:crypto';
import { appendFileSync, closeSync, mkdirSync, mkdtempSync, openSync, renameSync, rmSync, truncateSync, utimesSync, writeFileSync, writeSync as write } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { KeywrightError, SIGNATURE_ALGORITHMS } from '../contract/index.ts';
import { FileSource } from '../encryption/source.ts';
import { FileContent } from './content.ts';
import { digestFile, MAX_WHOLE_FILE, readWhole, sizeOf, STREAMING_ALGORITHMS } from './raw.ts';

const folder = mkdtempSync(join(tmpdir(), 'keywright-signing-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const { signal } = new AbortController();
const fileOf = (name: string, content: Uint8Array): string => {
  writeFileSync(join(folder, name), content);
  return join(folder, name);
};
const code = async (work: Promise<unknown>): Promise<string> => work.then(() => 'no error', (thrown: unknown) => (thrown instanceof KeywrightError ? thrown.code : (thrown as Error).name));

describe('the digest of a file', () => {
  test.each([0, 1, 1024 * 1024 - 1, 1024 * 1024, 1024 * 1024 + 1, 3 * 1024 * 1024, 5 * 1024 * 1024 + 17])('of %i bytes is that of its bytes', async (size) => {
    const content = Buffer.alloc(size, 'Keywright');
    const path = fileOf('content', content);
    for (const hash of ['sha256', 'sha384', 'sha512'] as const) {
      expect(Buffer.from(await digestFile(path, hash, { signal }))).toEqual(createHash(hash).update(content).digest());
    }
  });

  test('tells its progress, ending at the size of the file', async () => {
    const path = fileOf('content', Buffer.alloc(3 * 1024 * 1024 + 5));
    const told: [number, number][] = [];
    await digestFile(path, 'sha256', { signal, progress: (bytes, total) => told.push([bytes, total]) });
    expect(told.map(([bytes]) => bytes / (1024 * 1024))).toEqual([1, 2, 3, 3 + 5 / (1024 * 1024)]);
    expect(told.every(([, total]) => total === 3 * 1024 * 1024 + 5)).toBe(true);
  });

  test('stops when the call is cancelled, and takes no more of the file', async () => {
    const controller = new AbortController();
    const path = fileOf('content', Buffer.alloc(8 * 1024 * 1024));
    const told: number[] = [];
    const digest = digestFile(path, 'sha256', { signal: controller.signal, progress: (bytes) => { told.push(bytes); controller.abort(); } });
    expect(await code(digest)).toBe('AbortError');
    expect(told).toEqual([1024 * 1024]);
  });

  test('is not given when the file changes meanwhile', async () => {
    const path = fileOf('content', Buffer.alloc(2 * 1024 * 1024));
    let first = true;
    const digest = digestFile(path, 'sha256', { signal, progress: () => { if (first) appendFileSync(path, 'more'); first = false; } });
    expect(await code(digest)).toBe('CONFLICT');
  });

  test('keeps its memory flat', async () => {
    const path = join(folder, 'large');
    writeFileSync(path, '');
    truncateSync(path, 512 * 1024 * 1024);
    const before = process.memoryUsage();
    let most = 0;
    await digestFile(path, 'sha256', { signal, progress: () => { const { external, heapUsed } = process.memoryUsage(); most = Math.max(most, external + heapUsed); } });
    rmSync(path);
    expect(most - before.external - before.heapUsed).toBeLessThan(64 * 1024 * 1024);
  });
});

test('what is no readable regular file is refused by what it is', async () => {
  mkdirSync(join(folder, 'a folder'));
  expect(await code(digestFile(join(folder, 'nothing'), 'sha256', { signal }))).toBe('NOT_FOUND');
  expect(await code(digestFile(join(folder, 'a folder'), 'sha256', { signal }))).toBe('INVALID_INPUT');
  expect(await code(sizeOf(join(folder, 'a folder')))).toBe('INVALID_INPUT');
  expect(await code(readWhole('/dev/null', undefined, signal))).toBe('INVALID_INPUT');
  expect(await code(digestFile(fileOf('content', Buffer.alloc(1)), 'sha256', { signal: AbortSignal.abort() }))).toBe('AbortError');
});

test('a pipe is refused instead of waited for (skipped without mkfifo)', async ({ skip }) => {
  try {
    execFileSync('mkfifo', [join(folder, 'pipe')]);
  } catch {
    skip('there is no mkfifo');
  }
  expect(await code(readWhole(join(folder, 'pipe'), undefined, signal))).toBe('INVALID_INPUT');
});

describe('a pure scheme', () => {
  test('takes a file as a whole up to 256 MiB, and beyond that the algorithms that serve are named', async () => {
    const path = join(folder, 'large');
    writeFileSync(path, '');
    truncateSync(path, MAX_WHOLE_FILE + 1);
    const error = await readWhole(path, undefined, signal).catch((thrown: unknown) => thrown as KeywrightError);
    rmSync(path);
    expect(error).toMatchObject({ code: 'CAPABILITY_MISSING', facts: { alternatives: STREAMING_ALGORITHMS } });
    expect(STREAMING_ALGORITHMS.every((name) => SIGNATURE_ALGORITHMS[name].hash !== null)).toBe(true);
    const content = Buffer.alloc(9 * 1024 * 1024 + 1, 'Keywright');
    expect(Buffer.from(await readWhole(fileOf('content', content), undefined, signal)).equals(content)).toBe(true);
    expect(await code(readWhole(fileOf('content', content), 64 * 1024, signal))).toBe('INVALID_INPUT');
  });

  test('signs the bytes themselves: RFC 8032 §7.1, test 3', async () => {
    const path = fileOf('content', Buffer.from('af82', 'hex'));
    const seed = Buffer.from('c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7', 'hex');
    const key = { key: Buffer.concat([Buffer.from('302e020100300506032b657004220420', 'hex'), seed]), format: 'der', type: 'pkcs8' } as const;
    expect(sign(null, await readWhole(path, undefined, signal), key).toString('hex')).toBe(
      '6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a');
    const { privateKey, publicKey } = generateKeyPairSync('ed448');
    expect(verify(null, Buffer.from('af82', 'hex'), publicKey, sign(null, await readWhole(path, undefined, signal), privateKey))).toBe(true);
  });
});

describe('a file that is written to while it is read is noticed, whatever was done to its times', () => {
  const MIB = 1024 * 1024;
  const old = new Date('2020-01-01');
  const renewed = (path: string): void => utimesSync(path, old, old);
  const changes: [string, (path: string) => void][] = [
    ['appended', (path) => { appendFileSync(path, 'x'); renewed(path); }],
    ['cut', (path) => { truncateSync(path, 3 * MIB - 1); renewed(path); }],
    ['written over, of the same length', (path) => { writeSync(path, 2 * MIB); renewed(path); }],
    ['replaced by another', (path) => { writeFileSync(`${path}.new`, Buffer.alloc(3 * MIB)); renewed(`${path}.new`); renameSync(`${path}.new`, path); }],
  ];
  const writeSync = (path: string, at: number): void => {
    const file = openSync(path, 'r+');
    write(file, Buffer.of(1), 0, 1, at);
    closeSync(file);
  };
  const fileOfOld = (): string => {
    const path = fileOf('changing', Buffer.alloc(3 * MIB));
    renewed(path);
    return path;
  };
  /** Clocks of file systems tick some hundred times a second. */
  const tick = (): Promise<void> => new Promise((resolve) => { setTimeout(resolve, 30); });

  test.each(changes)('%s', async (_, change) => {
    const path = fileOfOld();
    await tick();
    let done = false;
    const progress = (): void => {
      if (!done) change(path);
      done = true;
    };
    expect(await code(digestFile(path, 'sha256', { signal, progress }))).toBe('CONFLICT');
    expect(done).toBe(true);
    const again = fileOfOld();
    await tick();
    await using source = await FileSource.open(again, signal);
    await source.read(10);
    change(again);
    expect(await code((async () => { while ((await source.read(MIB)).length > 0); })())).toBe('CONFLICT');
    const content = await FileContent.open(fileOfOld(), 'changing', { signal });
    await tick();
    change(content.path);
    expect(await code(content.whole())).toBe('CONFLICT');
  });
});
