import { asKeywrightError, type ErrorCode, type FileIn } from '../../contract/index.ts';
import type { z } from 'zod';
import type { Context } from '../context.ts';

/** Many files in one call: one that cannot be done does not keep the others from it, and what is done is done for good. */

/** Faults of one file that say nothing of the next one. */
const OF_ONE_FILE: ReadonlySet<ErrorCode> = new Set(['NOT_FOUND', 'ALREADY_EXISTS', 'PERMISSION_DENIED', 'INVALID_INPUT', 'CONFLICT', 'CAPABILITY_MISSING', 'STORAGE_READ_ONLY']);
/** Files under way at once, where no token does one after another: small ones of a large batch are read and written many at a time. */
const [TOGETHER, SMALL_TOGETHER] = [8, 64];

/** Whether a fault says nothing of the other files of its call. */
export const isOfOneFile = (code: ErrorCode): boolean => OF_ONE_FILE.has(code);

export interface FailedFile {
  name: string;
  code: string;
  detail: string;
  reason?: string;
  values?: Record<string, string | number>;
}

/**
 * Does `work` for each file, and tells the job of each that is done.
 * @param options.together false: one after another, as a token needs it.
 * @param options.small true: `work` reads and writes by `SmallFiles`, and sees to it that not too many large ones are under way.
 * @returns in the order of the files: those that were done, and those that could not be. A single file that cannot be done is thrown, and so is a fault that concerns all of them.
 */
export async function eachFile<T>(files: readonly z.output<typeof FileIn>[], context: Context, { together, small = false }: { readonly together: boolean; readonly small?: boolean }, work: (file: z.output<typeof FileIn>, index: number) => Promise<T>): Promise<{ done: T[]; failed: FailedFile[] }> {
  const results: (T | undefined)[] = [];
  const failed: (FailedFile | undefined)[] = [];
  let next = 0;
  const one = async (index: number): Promise<void> => {
    const file = files[index] as z.output<typeof FileIn>;
    try {
      results[index] = await work(file, index);
      context.completed(index);
    } catch (thrown) {
      const error = asKeywrightError(thrown);
      if (files.length === 1 || !isOfOneFile(error.code)) throw thrown;
      failed[index] = { name: 'path' in file ? file.path : file.upload, code: error.code, detail: error.facts.detail, ...(error.facts.reason === undefined ? {} : { reason: error.facts.reason, values: { ...error.facts.values } }) };
    }
  };
  const worker = async (): Promise<void> => {
    while (next < files.length) {
      context.call.signal.throwIfAborted();
      await one(next++);
    }
  };
  const workers = Array.from({ length: Math.min(files.length, !together ? 1 : small ? SMALL_TOGETHER : TOGETHER) }, worker);
  try {
    await Promise.all(workers);
  } catch (thrown) {
    // Those under way end before the call does: nothing is written after it has been answered.
    next = files.length;
    await Promise.allSettled(workers);
    throw thrown;
  }
  return { done: results.filter((result) => result !== undefined), failed: failed.filter((each) => each !== undefined) };
}
