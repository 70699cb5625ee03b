import { randomUUID } from 'node:crypto';
import { expect, test } from 'vitest';
import type { Storage } from '../storage/storage.ts';
import { memoryKind } from '../storage/memory/index.ts';
import { JobRecords } from './job-records.ts';

const JOB = { id: 'j1', operation: 'files.sign', title: 'Sign files', startedAt: '2026-11-28T10:00:00.000Z', startedBy: 'a test', total: 20 };
const INPUT = { key: 'k', files: Array.from({ length: 20 }, (_, index) => ({ path: `/tmp/${index}` })) };
const itemsOf = async (): Promise<string> => 'files';
const storage = (): Promise<Storage> => memoryKind.open({ folder: randomUUID(), create: true });
const pathsLeft = async (records: JobRecords): Promise<string[]> => ((await records.left('j1', itemsOf)).input['files'] as { path: string }[]).map(({ path }) => path);

test('what is done of a cancelled job is not among what is left, after opening the store again too', async () => {
  await using store = await storage();
  const job = await (await JobRecords.open(store)).begin(JOB, INPUT);
  for (const index of [0, 7, 8, 19]) job.completed(index);
  await job.end('cancelled', 'enough');
  const records = await JobRecords.open(store);
  expect(records.list()).toMatchObject([{ id: 'j1', state: 'cancelled', detail: 'enough', items: { done: 4, total: 20 }, fraction: 0.2, resumable: true }]);
  expect(await pathsLeft(records)).toEqual(INPUT.files.map(({ path }) => path).filter((_, index) => ![0, 7, 8, 19].includes(index)));
});

test('a job whose process ended is interrupted, and gone on with by positions among what is left', async () => {
  await using store = await storage();
  const first = await (await JobRecords.open(store)).begin(JOB, INPUT);
  for (let index = 0; index < 18; index += 1) first.completed(index);
  await first.end('paused', null);
  await (await JobRecords.open(store)).begin(JOB, INPUT); // and then the power goes
  const records = await JobRecords.open(store);
  expect(records.get('j1')).toMatchObject({ state: 'interrupted', items: { done: 18, total: 20 } });
  expect(await pathsLeft(records)).toEqual(['/tmp/18', '/tmp/19']);
  const again = await records.begin(JOB, { ...INPUT, files: INPUT.files.slice(18) });
  again.completed(1);
  await again.end('failed', null);
  expect(await pathsLeft(records)).toEqual(['/tmp/18']);
});

test('a job that is done is forgotten with its input', async () => {
  await using store = await storage();
  const records = await JobRecords.open(store);
  const job = await records.begin({ ...JOB, total: 2 }, { ...INPUT, files: INPUT.files.slice(0, 2) });
  job.completed(0);
  job.completed(1);
  await job.end('done', null);
  expect((await store.list('jobs/', { limit: 10 })).items).toEqual([]);
  await expect(records.left('j1', itemsOf)).rejects.toMatchObject({ code: 'NOT_FOUND' });
});
