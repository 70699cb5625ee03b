import { KeywrightError } from '../contract/index.ts';
import type { IfRevision } from './storage.ts';

/** What the operating system or SQLite said, in a form that crosses a worker's boundary. */
export interface Fault {
  readonly message: string;
  /** `ENOSPC`, `EROFS` … */
  readonly code?: string | undefined;
  /** SQLite's extended result code (https://sqlite.org/rescode.html); its low byte is the primary one. */
  readonly sqlite?: number | undefined;
}

const FULL = new Set(['ENOSPC', 'EDQUOT', 'EFBIG']);
const READ_ONLY = new Set(['EROFS', 'EACCES', 'EPERM']);
const SQLITE = { busy: 5, locked: 6, readOnly: 8, corrupt: 11, full: 13, cannotOpen: 14, notADatabase: 26 };

/** @returns the typed error of a fault met while reading or writing; ours pass as they are. `where`: the record or file. */
export function storageError(thrown: unknown, where?: string): KeywrightError {
  if (thrown instanceof KeywrightError) return thrown;
  const { code, sqlite } = thrown as Fault & { errcode?: number };
  const primary = (sqlite ?? (thrown as { errcode?: number }).errcode ?? 0) & 0xff;
  if (FULL.has(code ?? '') || primary === SQLITE.full) {
    return new KeywrightError('STORAGE_FULL', {
      detail: 'There is no space left where the store is kept. Nothing was changed.',
      remedy: 'Make space on that disk, then try again.',
      cause: thrown,
    });
  }
  if (READ_ONLY.has(code ?? '') || primary === SQLITE.readOnly || primary === SQLITE.cannotOpen) return readOnly(thrown);
  if (primary === SQLITE.corrupt || primary === SQLITE.notADatabase) return corrupt(where ?? 'the database', 'SQLite found it damaged.', thrown);
  if (primary === SQLITE.busy || primary === SQLITE.locked) {
    return new KeywrightError('CONFLICT', {
      detail: 'Another process has this store open, and a store has one owner.',
      remedy: 'Close the other program, or let it do the work: run `keywright store status`.',
      cause: thrown,
    });
  }
  return new KeywrightError('INTERNAL', { detail: 'The store could not be read or written. Nothing was changed.', remedy: 'Run `keywright doctor run`.', cause: thrown });
}

function readOnly(cause?: unknown): KeywrightError {
  return new KeywrightError('STORAGE_READ_ONLY', {
    detail: "The store's folder cannot be written. Nothing was changed.",
    remedy: 'Check the permissions of the folder, and whether its disk is mounted read-only.',
    cause,
  });
}

/** @param where the record's key, or the file's name when no single record is meant. */
export function corrupt(where: string, why: string, cause?: unknown): KeywrightError {
  return new KeywrightError('CORRUPT_RECORD', {
    detail: `${where} is damaged: ${why} The files were left as they are.`,
    remedy: 'Run `keywright store verify` to see what else is affected, then restore a backup with `keywright store restore`.',
    where,
    cause,
  });
}

export function tooNew(found: number, known: number): KeywrightError {
  return new KeywrightError('STORE_TOO_NEW', {
    detail: `This store has format ${found}, and this version of Keywright reads formats up to ${known}. Nothing was changed.`,
    remedy: 'Open it with a newer Keywright.',
  });
}

export function nothingThere(kind: string): KeywrightError {
  return new KeywrightError('NOT_FOUND', { detail: `There is no ${kind} storage in this folder.`, remedy: 'Check the folder, or create a store there with `keywright store create`.' });
}

export function alreadyThere(kind: string): KeywrightError {
  return new KeywrightError('ALREADY_EXISTS', { detail: `There is a ${kind} storage in this folder already.`, remedy: 'Open it, or choose an empty folder.' });
}

export function closed(): KeywrightError {
  return new KeywrightError('BACKEND_UNAVAILABLE', { detail: 'The storage was closed.', remedy: 'Open the store again.' });
}

/** @returns the error of a condition that does not hold, else undefined. `current`: the revision stored now, if any. */
export function conditionError(condition: IfRevision, current: string | undefined): KeywrightError | undefined {
  if (condition === 'any') return undefined;
  if (condition === 'absent') {
    return current === undefined ? undefined : new KeywrightError('ALREADY_EXISTS', { detail: 'There is a record of this name already.', remedy: 'Choose another name, or change the existing one.' });
  }
  if (condition === current) return undefined;
  return new KeywrightError('CONFLICT', { detail: `The record was ${current === undefined ? 'removed' : 'changed'} since it was read.`, remedy: 'Read it again, and repeat the change on what it is now.' });
}
