import { createHash, randomBytes } from 'node:crypto';
import { chmod, type FileHandle, link, lstat, open, realpath, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { alreadyExists, fileError } from './file-errors.ts';

export interface AsideOptions {
  readonly overwrite: boolean;
  readonly signal: AbortSignal;
  readonly mode?: number;
  readonly job?: string | undefined;
  readonly finished?: ((bytes: number, sha256: Uint8Array) => Promise<void>) | undefined;
}

/** The mode of new files. */
export const usualMode = (): number => 0o666 & ~process.umask();


/** @returns where a job writes a file until it is whole; without a job another place each time. */
export function asidePlace(path: string, job?: string): string {
  const mark = job === undefined ? randomBytes(8) : createHash('sha256').update(`${job} ${path}`).digest().subarray(0, 8);
  return join(dirname(path), `.${basename(path).slice(0, 100)}.${mark.toString('hex')}.part`);
}

/**
 * Writes a file so that it is there as a whole or not at all: aside in the same folder, fsync, rename, fsync of the
 * folder. Without `overwrite` an existing file is never replaced, not even one that appears in between: the file gets its
 * name by a hard link, which fails when the name is taken.
 *
 * While it is written it is readable by its owner alone; then it gets the mode of what it replaces, else that of the umask.
 * @param options.mode instead of that: 0o600 for what is secret.
 * @param options.job of a job that can be gone on with, its id: what a process that was killed left aside is then taken away.
 * @param options.finished is told what the file came to, once that is on the disk and before it gets its name.
 * @param produce is given `write`, which may be called any number of times, one after another.
 * @returns what `produce` returns.
 * @throws ALREADY_EXISTS, NOT_FOUND (no such folder), PERMISSION_DENIED, STORAGE_FULL, STORAGE_READ_ONLY, INVALID_INPUT (a
 *   folder's path), AbortError, and whatever `produce` throws; after any of them nothing remains
 */
export async function writeAside<T>(
  path: string, options: AsideOptions, produce: (write: (chunk: Uint8Array) => Promise<void>) => Promise<T>,
): Promise<T> {
  const { overwrite, signal, job, finished } = options;
  signal.throwIfAborted();
  const target = await targetOf(path, overwrite);
  const aside = asidePlace(target.path, job);
  let file: FileHandle | undefined;
  let made = false;
  let syncing: Promise<void> = Promise.resolve();
  try {
    file = await open(aside, 'wx', 0o600).catch(async (thrown: NodeJS.ErrnoException) => {
      if (job === undefined || thrown.code !== 'EEXIST') throw thrown;
      await rm(aside);
      return open(aside, 'wx', 0o600);
    });
    made = true;
    const opened = file;
    const hash = finished === undefined ? undefined : createHash('sha256');
    let unsynced = 0;
    let bytes = 0;
    const result = await produce(async (chunk) => {
      signal.throwIfAborted();
      try {
        await opened.appendFile(chunk);
      } catch (thrown) {
        throw fileError(thrown, path, 'write');
      }
      hash?.update(chunk);
      bytes += chunk.length;
      unsynced += chunk.length;
      if (unsynced < SYNC_EACH) return;
      unsynced = 0;
      // A failure is told once by the system: it must not be lost before the end.
      const before = syncing;
      syncing = opened.datasync().then(() => before);
      syncing.catch(() => undefined);
    });
    signal.throwIfAborted();
    await syncing;
    await file.sync();
    await file.close();
    file = undefined;
    await chmod(aside, options.mode ?? target.mode);
    if (hash !== undefined) await finished?.(bytes, hash.digest());
    await (overwrite ? rename(aside, target.path) : nameOnce(aside, target.path));
    made = false;
    await syncFolder(dirname(target.path));
    return result;
  } catch (thrown) {
    throw fileError(thrown, path, 'write');
  } finally {
    await file?.close().catch(() => undefined);
    if (made) await rm(aside, { force: true });
  }
}

/** So much of a large file is sent to the disk while more is made, rather than all of it at the end. */
const SYNC_EACH = 64 * 1024 * 1024;

/** Where the file goes, past symbolic links if it shall replace what is there, and with which mode. */
async function targetOf(path: string, overwrite: boolean): Promise<{ path: string; mode: number }> {
  try {
    const there = await lstat(path).catch((thrown: NodeJS.ErrnoException) => {
      if (thrown.code === 'ENOENT') return undefined;
      throw thrown;
    });
    if (there === undefined) return { path, mode: usualMode() };
    if (!overwrite) throw alreadyExists(path);
    const real = there.isSymbolicLink() ? await realpath(path) : path;
    const facts = await stat(real);
    if (!facts.isFile()) throw Object.assign(new Error('not a regular file'), { code: facts.isDirectory() ? 'EISDIR' : 'EINVAL' });
    return { path: real, mode: facts.mode & 0o777 };
  } catch (thrown) {
    throw fileError(thrown, path, 'write');
  }
}

/** What file systems tell that have no hard links. */
export const NO_LINKS: ReadonlySet<string> = new Set(['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK']);

/** Gives `aside` the name `path` if that is free. Some file systems (FAT) have no hard links: there the name is taken first by an empty file. */
async function nameOnce(aside: string, path: string): Promise<void> {
  try {
    await link(aside, path);
    await rm(aside, { force: true });
    return;
  } catch (thrown) {
    if (!NO_LINKS.has((thrown as NodeJS.ErrnoException).code ?? '')) throw thrown;
  }
  await (await open(path, 'wx', 0o600)).close();
  try {
    await rename(aside, path);
  } catch (thrown) {
    await rm(path, { force: true });
    throw thrown;
  }
}

/** Makes the new name durable, where the file system lets us: not on Windows, some network shares, and folders that may be written but not read. */
async function syncFolder(folder: string): Promise<void> {
  if (process.platform === 'win32') return;
  let handle: FileHandle | undefined;
  try {
    handle = await open(folder, 'r');
    await handle.sync();
  } catch (thrown) {
    if (!['EINVAL', 'ENOTSUP', 'EACCES', 'EPERM'].includes((thrown as NodeJS.ErrnoException).code ?? '')) throw thrown;
  } finally {
    await handle?.close();
  }
}
