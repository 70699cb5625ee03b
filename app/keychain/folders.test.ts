import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { KeywrightError, type Job } from '../contract/index.ts';
import { run, temporaryFolder } from '../formats/testing/keys.ts';
import { openTestCore, type TestCore } from './testing/core.ts';

interface Done { files: { name: string; kept?: boolean; written: { path: string } }[]; failed: { name: string; code: string }[]; skipped: { name: string; reason: string }[]; complete: boolean }

const signingKey = async (core: TestCore): Promise<string> => (await core.call<{ uri: string }>('keys.generate', { algorithm: 'ec-p256', label: 'Release signing' })).uri;

/** A folder as people have them. @returns the paths of the files in it that are neither hidden nor links, in order. */
function tree(folder: string): string[] {
  for (const name of ['b/deep/deeper', 'a', '.git']) mkdirSync(join(folder, name), { recursive: true });
  const names = ['a/1.txt', 'a/empty', 'a/new\nline', 'b/deep/deeper/z.bin', 'b/ümlaut', 'top.txt'];
  for (const name of names) writeFileSync(join(folder, name), name.endsWith('empty') ? '' : name);
  writeFileSync(join(folder, '.git/config'), 'hidden');
  writeFileSync(join(folder, 'a/.hidden'), 'hidden');
  symlinkSync('../top.txt', join(folder, 'a/link'));
  symlinkSync('..', join(folder, 'b/around'));
  return names.map((name) => join(folder, name));
}

test('a folder is walked to its depths in one order, and what is left out is said', async () => {
  await using core = await openTestCore();
  using folder = temporaryFolder();
  const paths = tree(folder.path);
  const key = await signingKey(core);
  const { files, skipped, complete } = await core.call<Done>('files.sign', { key, files: [{ path: folder.path }] });
  expect([files.map(({ name }) => name), complete]).toEqual([paths, true]);
  expect(skipped.map(({ name, reason }) => [name.slice(folder.path.length + 1), reason])).toEqual([['.git', 'hidden'], ['a/.hidden', 'hidden'], ['a/link', 'symbolic-link'], ['b/around', 'symbolic-link']]);
  for (const path of paths) expect(await core.call('files.verify', { file: { path }, signature: { path: `${path}.sig` } })).toMatchObject({ trusted: true });
});

test('signatures and manifests of a former run are not signed, whatever their format; what was named itself is', async () => {
  await using core = await openTestCore();
  using folder = temporaryFolder();
  const paths = tree(folder.path);
  const key = await signingKey(core);
  const manifest = { path: join(folder.path, 'manifest.json'), overwrite: true };
  for (const format of ['raw', 'sshsig', 'openpgp', 'jws']) await core.call('files.sign', { key, files: [{ path: folder.path }], format, out: { beside: true, overwrite: true }, ...(format === 'raw' && { manifest }) });
  const again = await core.call<Done>('files.sign', { key, files: [{ path: folder.path }], format: 'jws' });
  expect([again.files.map(({ name }) => name), again.files.every(({ kept }) => kept)]).toEqual([paths, true]);
  // .sig, .asc and .jws of each file, the manifest, and its signature.
  expect(again.skipped.filter(({ reason }) => reason === 'output').length).toBe(3 * paths.length + 2);
  const named = await core.call<Done>('files.sign', { key, files: [{ path: folder.path }, { path: `${paths[0]}.sig` }], format: 'jws' });
  expect(named.files.map(({ name }) => name)).toEqual([paths[0], `${paths[0]}.sig`, ...paths.slice(1)]);
});

test('hidden files and links are taken when asked for, each once, and a circle of links ends', async () => {
  await using core = await openTestCore();
  using folder = temporaryFolder();
  const paths = tree(folder.path);
  const key = await signingKey(core);
  const { files, skipped } = await core.call<Done>('files.sign', { key, files: [{ path: folder.path }], folders: { hidden: true, symlinks: true } });
  expect(files.map(({ name }) => name).sort()).toEqual([...paths, join(folder.path, '.git/config'), join(folder.path, 'a/.hidden'), join(folder.path, 'a/link')].sort());
  expect(skipped).toEqual([]);
});

test('a pattern stands for what fits it; one that fits nothing, and a folder without files, are told', async () => {
  await using core = await openTestCore();
  using folder = temporaryFolder();
  tree(folder.path);
  const key = await signingKey(core);
  const signed = async (pattern: string): Promise<string[]> => (await core.call<Done>('files.sign', { key, files: [{ path: join(folder.path, pattern) }], out: { beside: true, overwrite: true } })).files.map(({ name }) => name.slice(folder.path.length + 1));
  expect(await signed('**/*.txt')).toEqual(['a/1.txt', 'top.txt']);
  expect(await signed('b/*')).toEqual(['b/deep/deeper/z.bin', 'b/ümlaut']);
  writeFileSync(join(folder.path, 'really[1].txt'), 'a name that looks like a pattern');
  expect(await signed('really[1].txt')).toEqual(['really[1].txt']);
  await expect(signed('*.pdf')).rejects.toMatchObject({ code: 'NOT_FOUND', message: expect.stringContaining('*.pdf') });
  mkdirSync(join(folder.path, 'hollow/.in'), { recursive: true });
  await expect(signed('hollow')).rejects.toMatchObject({ code: 'NOT_FOUND', message: expect.stringContaining('hidden') });
});

test('a folder is encrypted and decrypted, and neither takes what the other made', async () => {
  await using core = await openTestCore();
  using folder = temporaryFolder();
  const paths = tree(folder.path);
  const { uri } = await core.call<{ uri: string }>('keys.generate', { algorithm: 'x25519', label: 'Files' });
  for (const ending of ['.age', '.jwe']) {
    const made = await core.call<Done>('files.encrypt', { files: [{ path: folder.path }], recipients: [uri], format: ending.slice(1) });
    expect(made.files.map(({ written }) => written.path)).toEqual(paths.map((path) => path + ending));
  }
  for (const path of paths) rmSync(path);
  for (const path of paths) rmSync(`${path}.jwe`);
  const opened = await core.call<Done>('files.decrypt', { files: [{ path: folder.path }] });
  expect(opened.files.map(({ written }) => written.path)).toEqual(paths);
  expect(opened.skipped.map(({ reason }) => reason)).toEqual(['hidden', 'hidden', 'symbolic-link', 'symbolic-link']);
  expect(readFileSync(paths[1]!, 'utf8')).toBe('');
  expect(readFileSync(paths[2]!, 'utf8')).toBe('a/new\nline');
});

test('a folder that was cancelled midway is gone on with by its files', async () => {
  await using core = await openTestCore();
  using folder = temporaryFolder();
  for (let index = 0; index < 40; index += 1) writeFileSync(join(folder.path, `file-${String(index).padStart(2, '0')}`), String(index));
  const { uri } = await core.call<{ uri: string }>('keys.generate', { algorithm: 'x25519', label: 'Files' });
  const controller = new AbortController();
  const progress = (event: unknown): void => {
    if ((event as { index: number }).index === 20) controller.abort(new KeywrightError('CANCELLED', 'enough'));
  };
  await expect(core.call('files.encrypt', { files: [{ path: folder.path }], recipients: [uri] }, {}, { signal: controller.signal, progress })).rejects.toMatchObject({ code: 'CANCELLED' });
  const made = readdirSync(folder.path).filter((name) => name.endsWith('.age'));
  expect(readdirSync(folder.path).length).toBe(40 + made.length);
  const { jobs: [job] } = await core.call<{ jobs: Job[] }>('jobs.list');
  expect(job).toMatchObject({ resumable: true, items: { done: made.length, total: 40 } });
  expect(await core.call<Job>('jobs.resume', { id: job?.id })).toMatchObject({ state: 'done', items: { done: 40, total: 40 } });
  expect(readdirSync(folder.path).length).toBe(80);
});

test('a sparse file of 512 MiB is signed, and one that changes meanwhile is told and gets no signature', async () => {
  await using core = await openTestCore();
  using folder = temporaryFolder();
  const key = await signingKey(core);
  const path = join(folder.path, 'sparse');
  writeFileSync(path, '');
  truncateSync(path, 512 * 1024 ** 2);
  expect(await core.call('files.sign', { key, files: [{ path }] })).toMatchObject({ files: [{ bytes: 512 * 1024 ** 2 }] });
  expect(existsSync(`${path}.sig`)).toBe(true);
  const other = join(folder.path, 'other');
  writeFileSync(other, '');
  truncateSync(other, 256 * 1024 ** 2);
  let touched = false;
  const progress = (): void => {
    if (!touched) run('touch', ['-m', '-d', '@1', other]);
    touched = true;
  };
  await expect(core.call('files.sign', { key, files: [{ path: other }] }, {}, { progress })).rejects.toMatchObject({ code: 'CONFLICT' });
  expect(existsSync(`${other}.sig`)).toBe(false);
});

test('a file that is named several times is signed and encrypted once, however its path is written, in small and in large batches', async () => {
  await using core = await openTestCore();
  using folder = temporaryFolder();
  const key = await signingKey(core);
  const one = join(folder.path, 'one');
  const paths = Array.from({ length: 80 }, (_, index) => join(folder.path, `f${index}`));
  for (const path of [one, ...paths]) writeFileSync(path, path);
  const twice = [one, `${folder.path}//one`, `${folder.path}/./one`, one];
  for (const more of [[], paths, [...paths, ...paths]]) {
    const { files, failed, complete } = await core.call<Done>('files.sign', { key, files: [...twice, ...more].map((path) => ({ path })), out: { beside: true, overwrite: more.length > 0 } });
    expect([files.length, failed, complete]).toEqual([1 + new Set(more).size, [], true]);
    const [job] = (await core.call<{ jobs: Job[] }>('jobs.list')).jobs;
    expect(job?.items ?? { done: files.length, total: files.length }).toEqual({ done: files.length, total: files.length });
  }
  const recipients = ['age1zvkyg2lqzraa2lnjvqej32nkuu0ues2s82hzrye869xeexvn73equnujwj'];
  expect(await core.call<Done>('files.encrypt', { recipients, files: twice.map((path) => ({ path })) })).toMatchObject({ files: [{}], failed: [] });
  expect(readdirSync(folder.path).filter((name) => name.endsWith('.part'))).toEqual([]);
});

test('a name that is too long for what is written beside it, and one that is not UTF-8, are told as what they are', async () => {
  await using core = await openTestCore();
  using folder = temporaryFolder();
  const key = await signingKey(core);
  const long = join(folder.path, 'n'.repeat(253));
  writeFileSync(long, 'x');
  const broken = Buffer.concat([Buffer.from(`${folder.path}/bad`), Buffer.of(0xff)]);
  if (process.platform === 'linux') writeFileSync(broken, 'x');
  const sign = (path: string): Promise<unknown> => core.call('files.sign', { key, files: [{ path }] }).catch((thrown: KeywrightError) => [thrown.code, thrown.facts.reason]);
  expect(await sign(long)).toEqual(['INVALID_INPUT', 'file.name-too-long']);
  expect(await sign(broken.toString())).toEqual(['NOT_FOUND', 'file.no-utf8']);
});
