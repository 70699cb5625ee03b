import { createHash, randomBytes } from 'node:crypto';
import { chmodSync, closeSync, fstatSync, lstatSync, mkdirSync, openSync, readFileSync, realpathSync, renameSync, rmSync, writeSync, type Stats } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { KeywrightError } from '../contract/errors.ts';
import { fieldsOf, isId, isText } from './messages.ts';

/** Where the owner of a store is found: what it leaves in `<data dir>/owner`, a folder of ours at 0700. */
export interface OwnerRecord {
  /** A Unix socket, or a named pipe on Windows. */
  readonly socket: string;
  /** 32 bytes, base64url: proves to either side that the other may read this file. */
  readonly secret: string;
  readonly pid: number;
  readonly kind: string;
  readonly version: string;
}

/** `sun_path` holds 104 bytes on macOS and 108 on Linux, with the zero at its end. */
const LONGEST_SOCKET = 103;
const RECORD = 'owner.json';

export function ownerFolder(dataDir: string): string {
  return join(dataDir, 'owner');
}

/** @returns the folder, made at 0700 if it was not there. @throws PERMISSION_DENIED when it is another's, STORAGE_READ_ONLY, STORAGE_FULL. */
export function makePrivateFolder(path: string): string {
  try {
    mkdirSync(path, { recursive: true, mode: 0o700 });
    if (isOurs(lstatSync(path)) && !isPrivate(path)) chmodSync(path, 0o700);
  } catch (thrown) {
    throw fileError(path, thrown);
  }
  if (!isPrivate(path)) throw notOurs(path);
  return path;
}

/** Whether a folder is this user's, a real one, and closed to everybody else. */
function isPrivate(path: string): boolean {
  if (process.platform === 'win32') return true;
  try {
    const facts = lstatSync(path);
    return facts.isDirectory() && isOurs(facts) && (facts.mode & 0o077) === 0;
  } catch {
    return false;
  }
}

/** @returns where the owner of this store listens. The folder is made. */
export function socketPath(dataDir: string): string {
  if (process.platform === 'win32') return `\\\\.\\pipe\\keywright-${randomBytes(16).toString('hex')}`;
  const near = join(ownerFolder(dataDir), 'socket');
  if (fits(near)) return near;
  // Two stores never share one, and one store has the same each time: stale sockets do not pile up.
  const name = createHash('sha256').update(realpathSync(dataDir)).digest('hex').slice(0, 32);
  const runtime = process.env['XDG_RUNTIME_DIR'];
  const bases = [...(runtime === undefined || runtime === '' ? [] : [join(runtime, 'keywright')]), ...[tmpdir(), '/tmp'].map((base) => join(base, `keywright-${process.getuid?.() ?? 0}`))];
  for (const base of bases) {
    const path = join(base, name, 'socket');
    if (!fits(path)) continue;
    makePrivateFolder(base);
    makePrivateFolder(dirname(path));
    return path;
  }
  throw new KeywrightError('INVALID_INPUT', { detail: `No socket fits beside ${dataDir}, nor in a folder for temporary files: their paths are too long.`, remedy: 'Set XDG_RUNTIME_DIR to a short path.' });
}

function fits(path: string): boolean {
  return Buffer.byteLength(path) <= LONGEST_SOCKET;
}

/** @returns what the owner left, or undefined when there is none. @throws PERMISSION_DENIED for one that others may have written. */
export function readOwnerRecord(dataDir: string): OwnerRecord | undefined {
  const path = join(ownerFolder(dataDir), RECORD);
  let file: number;
  try {
    file = openSync(path, 'r');
  } catch {
    return undefined;
  }
  try {
    const facts = fstatSync(file);
    if (process.platform !== 'win32' && (!isOurs(facts) || (facts.mode & 0o077) !== 0)) throw notOurs(path);
    const record = parse(readFileSync(file, 'utf8'));
    return record !== undefined && (process.platform === 'win32' || isPrivate(dirname(record.socket))) ? record : undefined;
  } finally {
    closeSync(file);
  }
}

/** Puts the record where others look for it, whole or not at all. It need not outlast a power cut: its owner does not either. */
export function writeOwnerRecord(dataDir: string, record: OwnerRecord): void {
  const path = join(ownerFolder(dataDir), RECORD);
  const aside = `${path}.${process.pid}`;
  try {
    rmSync(aside, { force: true });
    const file = openSync(aside, 'wx', 0o600);
    try {
      writeSync(file, JSON.stringify(record));
    } finally {
      closeSync(file);
    }
    renameSync(aside, path);
  } catch (thrown) {
    rmSync(aside, { force: true });
    throw fileError(path, thrown);
  }
}

/** Only the owner may, while it holds the lock. */
export function removeOwnerRecord(dataDir: string): void {
  rmSync(join(ownerFolder(dataDir), RECORD), { force: true });
}

function parse(text: string): OwnerRecord | undefined {
  try {
    const fields = fieldsOf(JSON.parse(text));
    const whole = fields !== undefined && isText(fields['socket'], 4096) && isText(fields['secret'], 100) && isId(fields['pid']) && isText(fields['kind'], 100) && isText(fields['version'], 100);
    return whole ? (fields as unknown as OwnerRecord) : undefined;
  } catch {
    return undefined;
  }
}

function isOurs({ uid }: Stats): boolean {
  return process.getuid === undefined || uid === process.getuid();
}

function notOurs(path: string): KeywrightError {
  return new KeywrightError('PERMISSION_DENIED', { detail: `${path} belongs to somebody else, or others may use it.`, remedy: `See who made it; make it yours alone (chmod 700), or choose another folder with --data-dir.` });
}

/** @returns the error for a file of ours that cannot be written. */
export function fileError(path: string, thrown: unknown): KeywrightError {
  if (thrown instanceof KeywrightError) return thrown;
  const { code } = thrown as NodeJS.ErrnoException;
  if (code === 'ENOSPC' || code === 'EDQUOT') return new KeywrightError('STORAGE_FULL', { detail: `There is no space left for ${path}.`, remedy: 'Free some space.', cause: thrown });
  return new KeywrightError('STORAGE_READ_ONLY', { detail: `${path} cannot be written.`, remedy: 'Choose another folder with --data-dir, or mend its permissions.', cause: thrown });
}
