import { isAbsolute, join } from 'node:path';
import { KeywrightError, type FileIn, type FileOut, type FileWritten } from '../../contract/index.ts';
import type { z } from 'zod';
import type { Context } from '../context.ts';
import { readWhole } from '../../signing/raw.ts';
import { writeAside } from '../../signing/write-aside.ts';
import { discard, offerDownload, takeUpload } from './spool.ts';

/** Where files of a call come from and go to: paths for who works on this machine, the spool for all others. */

/** @returns a file to read. @throws PERMISSION_DENIED for a path without `files:paths`, INVALID_INPUT for a relative one, NOT_FOUND */
export async function fileOf(file: z.output<typeof FileIn>, context: Context): Promise<{ path: string; name: string; upload: string | null }> {
  if ('upload' in file) {
    const { path, name } = await takeUpload(context.services.spoolFolder, context.call.principal.id, file.upload);
    return { path, name, upload: file.upload };
  }
  assertPath(file.path, context);
  return { path: file.path, name: file.path, upload: null };
}

/** @returns a file to write, and how the answer names it. */
export async function outputOf(out: z.output<typeof FileOut>, name: string, context: Context): Promise<{ path: string; overwrite: boolean; written: z.output<typeof FileWritten> }> {
  if ('download' in out) {
    const { path, id } = await offerDownload(context.services.spoolFolder, context.call.principal.id, name);
    return { path, overwrite: false, written: { download: id } };
  }
  assertPath(out.path, context);
  return { path: out.path, overwrite: out.overwrite, written: { path: out.path } };
}

/** Paths are this user's files: a token reads and writes them only if it was given that. */
export function assertPath(path: string, context: Context): void {
  if (!context.call.principal.permissions.has('files:paths')) {
    throw new KeywrightError('PERMISSION_DENIED', { detail: 'This caller may not name files on this machine.', remedy: 'Upload the file and name the upload, or ask for the permission files:paths.' });
  }
  if (!isAbsolute(path) || path.includes('\0')) throw new KeywrightError('INVALID_INPUT', { detail: 'A path must be absolute.', where: '/path', remedy: `For example ${join('/', 'home', 'ada', 'report.pdf')}.` });
}

/**
 * @returns the bytes that a call is given: in its input, or in a file that it names.
 * @param field the input's field with the bytes, for the error. @throws INVALID_INPUT unless there is exactly one of the two, or beyond `most` bytes.
 */
export async function bytesOf(content: Uint8Array | undefined, from: z.output<typeof FileIn> | undefined, field: string, most: number, context: Context): Promise<Uint8Array> {
  if ((content === undefined) === (from === undefined)) throw new KeywrightError('INVALID_INPUT', { detail: 'Give the file’s content, or say which file: one of the two.', where: `/${field}` });
  if (content !== undefined) return content;
  const file = await fileOf(from!, context);
  try {
    return await readWhole(file.path, most, context.call.signal);
  } finally {
    if (file.upload !== null) await discard(context.services.spoolFolder, file.upload);
  }
}

/** Writes what is secret into a file for its owner alone (0600), where the call says so. @returns how the answer names it. */
export async function writeSecret(content: Uint8Array, to: z.output<typeof FileOut>, name: string, context: Context): Promise<z.output<typeof FileWritten>> {
  const place = await outputOf(to, name, context);
  await writeAside(place.path, { overwrite: place.overwrite, signal: context.call.signal, mode: 0o600 }, (write) => write(content));
  return place.written;
}
