import { rm } from 'node:fs/promises';
import { KeywrightError } from '../../contract/index.ts';
import { digestFile } from '../../signing/raw.ts';
import { type AsideOptions, asidePlace } from '../../signing/write-aside.ts';
import type { Context } from '../context.ts';

/** What a job finished when its process ended, and could not mark as done any more: it is known again by its digest, and nothing else is taken for it. */

/** @param answer what the job will answer for it. @returns how a job's n-th file is written, so that it is known again. */
export function notedAside<T>(path: string, index: number, answer: () => T, context: Context): Pick<AsideOptions, 'job' | 'finished'> {
  const item = context.item(index);
  return item === undefined ? {} : { job: item.job, finished: (bytes, sha256) => item.note({ path, bytes, sha256: Buffer.from(sha256).toString('base64url'), answer: answer() }) };
}

/** @returns what an earlier run of the job answered for its n-th file, when that lies in its place as it was written; undefined for anything else. */
export async function finishedBefore<T>(index: number, context: Context): Promise<T | undefined> {
  const item = context.item(index);
  if (item?.noted === undefined) return undefined;
  const { path, sha256, answer } = item.noted;
  try {
    if (!Buffer.from(await digestFile(path, 'sha256', { signal: context.call.signal })).equals(Buffer.from(sha256, 'base64url'))) return undefined;
  } catch (thrown) {
    if (thrown instanceof KeywrightError) return undefined; // gone, or unreadable
    throw thrown;
  }
  await clearAside(path, index, context);
  return answer as T;
}

/** Takes away what a process that was killed left beside a file that is done. */
export async function clearAside(path: string, index: number, context: Context): Promise<void> {
  const item = context.item(index);
  if (item !== undefined) await rm(asidePlace(path, item.job), { force: true });
}
