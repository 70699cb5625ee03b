import { randomBytes } from 'node:crypto';
import { constants, openSync } from 'node:fs';
import { open, rename, rm, stat } from 'node:fs/promises';
import { Socket } from 'node:net';
import { basename, dirname, join, resolve } from 'node:path';
import { addAbortSignal } from 'node:stream';
import { KeywrightError } from '../contract/errors.ts';
import { collect, tooLong, unreadable } from './standard-input.ts';

const PIECE = 1024 * 1024;

/** Reads a whole file, never more than `most` bytes of it. @param signal ends it. @throws NOT_FOUND, INVALID_INPUT, PERMISSION_DENIED, CANCELLED */
export async function readFileOf(path: string, most: number, option: string, signal: AbortSignal): Promise<Buffer> {
  const unread = (cause: unknown): never => { throw unreadable(path, option, cause); };
  if ((await stat(resolve(path)).catch(unread)).isFIFO()) return pieceByPiece(path, most, option, signal).catch(unread);
  const file = await open(resolve(path), 'r').catch(unread);
  try {
    const facts = await file.stat();
    if (facts.isFile() && facts.size > most) throw tooLong(option, most);
    return await collect(file.createReadStream({ highWaterMark: PIECE, autoClose: false, signal }), most, option);
  } catch (cause) {
    throw unreadable(path, option, cause);
  } finally {
    await file.close();
  }
}

/** A named pipe, or a shell's `<(…)`. Opening it as a file is would wait for whoever writes, in a thread that nothing ends. */
async function pieceByPiece(path: string, most: number, option: string, signal: AbortSignal): Promise<Buffer> {
  const fd = openSync(resolve(path), constants.O_RDONLY | constants.O_NONBLOCK);
  return collect(addAbortSignal(signal, new Socket({ fd, readable: true, writable: false })), most, option);
}

/**
 * Writes a file whole or not at all: aside, fsync, rename. It is refused before anything is done when the file is there.
 * @throws ALREADY_EXISTS unless `force`, STORAGE_FULL, STORAGE_READ_ONLY
 */
export async function writeOut(path: string, bytes: Uint8Array, { force, secret }: { force: boolean; secret: boolean }): Promise<void> {
  const target = resolve(path);
  await mayWrite(path, force);
  const special = await stat(target).then((facts) => !facts.isFile(), () => false);
  // A device or a pipe cannot be replaced by another file; it is written to.
  const aside = special ? target : join(dirname(target), `.${basename(target).slice(0, 100)}.${randomBytes(6).toString('hex')}`);
  try {
    const file = await open(aside, special ? 'w' : 'wx', secret ? 0o600 : 0o666);
    try {
      await file.writeFile(bytes);
      if (!special) await file.sync();
    } finally {
      await file.close();
    }
    if (!special) await rename(aside, target);
  } catch (cause) {
    if (!special) await rm(aside, { force: true }).catch(() => undefined);
    const { code } = cause as NodeJS.ErrnoException;
    throw code === 'ENOSPC' || code === 'EDQUOT'
      ? new KeywrightError('STORAGE_FULL', { detail: `There is no space left to write ${path}.`, remedy: 'Free some space.', cause })
      : new KeywrightError('STORAGE_READ_ONLY', { detail: `${path} cannot be written (${code ?? 'unknown'}).`, where: '--out', remedy: 'Name another file.', cause });
  }
}

/** @throws ALREADY_EXISTS for a file that is there, unless `force`. */
export async function mayWrite(path: string, force: boolean): Promise<void> {
  if (force) return;
  const there = await stat(resolve(path)).then((facts) => facts.isFile() || facts.isDirectory(), () => false);
  if (there) throw new KeywrightError('ALREADY_EXISTS', { detail: `${path} is there already. Nothing was done.`, where: '--out', remedy: 'Name another file, or replace it with --force.' });
}
