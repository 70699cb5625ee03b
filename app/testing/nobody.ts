import { closeSync, mkdtempSync, openSync, rmdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** For tests: permissions of files that bind, also where the tests run as root, whom no permission binds. */

/** The user `nobody` of Linux; a bare number does, since no list of users is asked. */
const NOBODY = 65534;
const isRoot = process.geteuid?.() === 0;

/**
 * Why permissions bind nobody here; undefined if they bind. Root needs a user to step down to, one that may read these
 * sources, since a thread that starts meanwhile loads its own.
 */
export const noPermissions: string | undefined = (() => {
  if (process.platform === 'win32') return 'Windows has no such permissions';
  if (!isRoot) return undefined;
  try {
    process.seteuid!(NOBODY);
  } catch {
    return 'root may not become another user';
  }
  // Opened for real: access(2) judges by the real user, who is still root.
  try {
    closeSync(openSync(import.meta.filename, 'r'));
    rmdirSync(mkdtempSync(join(tmpdir(), 'keywright-nobody-')));
    return undefined;
  } catch {
    return 'another user than root may not read the sources or write temporary files';
  } finally {
    process.seteuid!(0);
  }
})();

/** Options of `spawn` for a process whom permissions bind. */
export const whoIsBound: { uid?: number; gid?: number } = isRoot ? { uid: NOBODY, gid: NOBODY } : {};

/**
 * Runs work as a user who is bound by permissions: as root with the effective user `nobody`, else as who runs the tests.
 * Holds for the whole process, threads included, until the work has ended; so folders to work in are best made within. What
 * asks access(2) sees the real user, who is still root: that takes a process with {@link whoIsBound}.
 */
export async function boundByPermissions<T>(work: () => Promise<T>): Promise<T> {
  if (!isRoot) return work();
  process.seteuid!(NOBODY);
  try {
    return await work();
  } finally {
    process.seteuid!(0);
  }
}
