import { createPublicKey, verify } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { KeywrightError, type Job } from '../contract/index.ts';
import { temporaryFolder } from '../formats/testing/keys.ts';
import { openTestCore, type TestCore } from './testing/core.ts';

interface Signed { files: { name: string; uses: number; kept: boolean }[]; failed: { name: string; code: string }[]; complete: boolean; manifest: { path: string; signature: { path: string } } | null }

async function prepared(core: TestCore, folder: string, count: number): Promise<{ key: string; paths: string[]; isSigned(path: string): boolean }> {
  const { uri } = await core.call<{ uri: string }>('keys.generate', { algorithm: 'ec-p256', label: 'Release signing' });
  const { content } = await core.call<{ content: string }>('keys.public', { key: uri, format: 'der' });
  const publicKey = createPublicKey({ key: Buffer.from(content, 'base64url'), format: 'der', type: 'spki' });
  const paths = Array.from({ length: count }, (_, index) => join(folder, `file-${String(index).padStart(3, '0')}`));
  for (const path of paths) writeFileSync(path, `content of ${path}`);
  return { key: uri, paths, isSigned: (path) => existsSync(`${path}.sig`) && verify('sha256', readFileSync(path), publicKey, readFileSync(`${path}.sig`)) };
}

test('a hundred files that are cancelled at forty have valid signatures and nothing else, and the rest is signed later', async () => {
  await using core = await openTestCore();
  using folder = temporaryFolder();
  const { key, paths, isSigned } = await prepared(core, folder.path, 100);
  const controller = new AbortController();
  const watch = (event: unknown): void => {
    if ((event as { index: number }).index === 40) controller.abort(new KeywrightError('CANCELLED', 'enough'));
  };
  const error = await core.call('files.sign', { key, files: paths.map((path) => ({ path })) }, {}, { signal: controller.signal, progress: watch }).catch((thrown: KeywrightError) => thrown);
  expect(error).toMatchObject({ code: 'CANCELLED', facts: { remedy: expect.stringContaining('keywright jobs resume') } });
  const { jobs: [job] } = await core.call<{ jobs: Job[] }>('jobs.list');
  expect(job).toMatchObject({ state: 'cancelled', resumable: true });
  // A file that was about to get its name when the caller was answered may still get it.
  await expect.poll(() => readdirSync(folder.path).every((name) => !name.endsWith('.part'))).toBe(true);
  const signed = paths.filter((path) => existsSync(`${path}.sig`));
  expect(signed.length).toBeGreaterThanOrEqual(32);
  expect(signed.length).toBeLessThan(100);
  expect(signed.every(isSigned)).toBe(true);
  expect(readdirSync(folder.path).length).toBe(100 + signed.length);
  const before = signed.map((path) => readFileSync(`${path}.sig`));
  expect(await core.call<Job>('jobs.resume', { id: job?.id })).toMatchObject({ state: 'done', items: { done: 100, total: 100 } });
  expect(paths.every(isSigned)).toBe(true);
  expect(signed.map((path) => readFileSync(`${path}.sig`))).toEqual(before);
  expect((await core.call<{ jobs: Job[] }>('jobs.list')).jobs.filter(({ resumable }) => resumable)).toEqual([]);
});

test('what was signed before the process ended, and not noted, is found to be signed', async () => {
  await using core = await openTestCore();
  using folder = temporaryFolder();
  const { key, paths, isSigned } = await prepared(core, folder.path, 5);
  const files = paths.map((path) => ({ path }));
  await core.call('files.sign', { key, files });
  rmSync(`${paths[3]}.sig`);
  const { files: again } = await core.call<Signed>('files.sign', { key, files });
  expect(again.map(({ kept, uses }) => [kept, uses])).toEqual([[true, 0], [true, 0], [true, 0], [false, 1], [true, 0]]);
  expect(paths.every(isSigned)).toBe(true);
  writeFileSync(paths[0] as string, 'something else');
  const { failed, complete } = await core.call<Signed>('files.sign', { key, files });
  expect([complete, failed]).toMatchObject([false, [{ name: paths[0], code: 'ALREADY_EXISTS' }]]);
  await core.call('keys.rotate', { key });
  expect((await core.call<Signed>('files.sign', { key, files, out: { beside: true, overwrite: true } })).files.every(({ kept }) => !kept)).toBe(true);
});

test('a file that cannot be signed keeps none of the others from it, and the job can be gone on with once it can', async () => {
  await using core = await openTestCore();
  using folder = temporaryFolder();
  const { key, paths, isSigned } = await prepared(core, folder.path, 6);
  rmSync(paths[2] as string);
  const { failed, complete, files } = await core.call<Signed>('files.sign', { key, files: paths.map((path) => ({ path })) });
  expect([failed, complete, files.length]).toMatchObject([[{ name: paths[2], code: 'NOT_FOUND' }], false, 5]);
  const { jobs: [job] } = await core.call<{ jobs: Job[] }>('jobs.list');
  expect(job).toMatchObject({ state: 'failed', resumable: true, items: { done: 5, total: 6 } });
  writeFileSync(paths[2] as string, 'it is back');
  expect(await core.call<Job>('jobs.resume', { id: job?.id })).toMatchObject({ state: 'done' });
  expect(paths.every(isSigned)).toBe(true);
});

test('the manifest lists what was done, and is signed', async () => {
  await using core = await openTestCore();
  using folder = temporaryFolder();
  const { key, paths, isSigned } = await prepared(core, folder.path, 3);
  const { manifest } = await core.call<Signed>('files.sign', { key, files: paths.map((path) => ({ path })), manifest: { path: join(folder.path, 'manifest.json') } });
  expect(JSON.parse(readFileSync(manifest?.path ?? '', 'utf8'))).toMatchObject({ operation: 'files.sign', key, files: paths.map((name) => ({ name, written: { path: `${name}.sig` }, sha256: expect.stringMatching(/^[0-9a-f]{64}$/) })) });
  expect(isSigned(manifest?.path ?? '')).toBe(true);
});

test('a job that is refused as a whole is not kept to be gone on with', async () => {
  await using core = await openTestCore();
  using folder = temporaryFolder();
  const { key, paths } = await prepared(core, folder.path, 2);
  const refused = await core.call('files.sign', { key, files: paths.map((path) => ({ path })), out: { path: `${folder.path}/one.sig` } }).catch((thrown: unknown) => thrown);
  expect(refused).toMatchObject({ code: 'INVALID_INPUT', facts: { remedy: expect.not.stringContaining('jobs resume') } });
  expect((await core.call<{ jobs: Job[] }>('jobs.list')).jobs).toMatchObject([{ state: 'failed', resumable: false }]);
});
