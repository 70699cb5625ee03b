import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { temporaryFolder } from '../../formats/testing/keys.ts';
import { asidePlace } from '../write-aside.ts';
import { SmallFiles } from './index.ts';
import { SMALL } from './messages.ts';

const options = (more: object = {}): { overwrite: boolean; signal: AbortSignal } => ({ overwrite: false, signal: new AbortController().signal, ...more });
const codeOf = (work: Promise<void>): Promise<unknown> => work.then(() => 'done', (thrown: { code?: string }) => thrown.code);

test('small files are had as a whole, and nothing is had of what is none', async () => {
  using folder = temporaryFolder();
  const at = (name: string): string => join(folder.path, name);
  writeFileSync(at('small'), 'content');
  writeFileSync(at('empty'), '');
  writeFileSync(at('most'), '');
  truncateSync(at('most'), SMALL);
  writeFileSync(at('large'), '');
  truncateSync(at('large'), SMALL + 1);
  mkdirSync(at('folder'));
  symlinkSync(at('small'), at('link'));
  await using small = new SmallFiles();
  const names = ['small', 'empty', 'most', 'large', 'folder', 'link', 'missing'];
  const read = await Promise.all(names.map((name) => small.read(at(name), at('small'))));
  expect(read.map(({ whole }) => whole?.length ?? null)).toEqual([7, 0, SMALL, null, null, 7, null]);
  expect(Buffer.from(read[0]!.whole!).toString()).toBe('content');
  expect(read[0]?.facts).toMatchObject({ size: 7n, mtimeNs: statSync(at('small'), { bigint: true }).mtimeNs });
  expect([read[0]?.taken, (await small.read(at('small'), at('missing'))).taken, (await small.read(at('small'))).taken]).toEqual([true, false, false]);
  expect(await small.kinds(names.map(at))).toBe('fffffff'.replace(/(?<=^.{4})f/, 'd').replace(/f$/, '-'));
});

test('many are placed at once, each as a whole or not at all, and what is there is never replaced', async () => {
  using folder = temporaryFolder();
  const at = (name: string): string => join(folder.path, name);
  writeFileSync(at('taken'), 'mine');
  writeFileSync(asidePlace(at('again'), 'job'), 'half of what an earlier run wro');
  writeFileSync(asidePlace(at('foreign'), 'other job'), 'another job is at it');
  await using small = new SmallFiles();
  const place = (name: string, more: object = {}): Promise<unknown> => codeOf(small.place(at(name), Buffer.from(name), options(more)));
  const stopped = new AbortController();
  stopped.abort();
  const codes = await Promise.all([
    ...Array.from({ length: 100 }, (_, index) => place(`many-${index}`)), place('taken'), place('again', { job: 'job' }), place('foreign', { job: 'job' }), place('missing/file'), place('secret', { mode: 0o600 }), place('stopped', { signal: stopped.signal }),
    place('twice'), place('twice'),
  ]);
  expect(codes.slice(0, 105)).toEqual([...Array.from({ length: 100 }, () => 'done'), 'ALREADY_EXISTS', 'done', 'done', 'NOT_FOUND', 'done']);
  expect([codes[105], new Set(codes.slice(106))]).toEqual([20, new Set(['done', 'ALREADY_EXISTS'])]);
  expect(readFileSync(at('taken'), 'utf8')).toBe('mine');
  expect(existsSync(at('stopped'))).toBe(false);
  if (process.platform !== 'win32') expect([statSync(at('secret')).mode & 0o777, statSync(at('many-0')).mode & 0o777]).toEqual([0o600, 0o666 & ~process.umask()]);
  expect(readdirSync(folder.path).filter((name) => name.endsWith('.part'))).toEqual([asidePlace(at('foreign'), 'other job').slice(folder.path.length + 1)]);
  for (let index = 0; index < 100; index += 1) expect(readFileSync(at(`many-${index}`), 'utf8')).toBe(`many-${index}`);
  expect(await place('taken', { overwrite: true })).toBe('done');
  expect(readFileSync(at('taken'), 'utf8')).toBe('taken');
});

test('no more than eight large ones are under way beside the small ones', async () => {
  await using small = new SmallFiles();
  let [now, most] = [0, 0];
  await Promise.all(Array.from({ length: 30 }, () => small.large(async () => {
    most = Math.max(most, ++now);
    await new Promise((resolve) => { setImmediate(resolve); });
    now -= 1;
  })));
  expect(most).toBe(8);
});
