import type { PickOptions } from './bridge.ts';
import { makeProblem, ProblemError } from './problem.ts';

/** The system's dialog for files, opened by a file field: what is chosen can be read here, and has a path in the desktop. */
export function pickInBrowser({ multiple = false, extensions, folder = false }: PickOptions & { folder?: boolean }): Promise<File[]> {
  return new Promise((resolve) => {
    const input = document.createElement('input');
    input.type = 'file';
    input.multiple = multiple;
    input.webkitdirectory = folder;
    if (extensions !== undefined) input.accept = extensions.map((extension) => `.${extension}`).join(',');
    input.onchange = () => resolve([...(input.files ?? [])]);
    input.oncancel = () => resolve([]);
    input.click();
  });
}

/** Of a folder, no more than these are taken. */
const MOST_IN_FOLDER = 20_000;

/** @returns `a/b` of `a/b/file.txt`. */
export const folderOf = (path: string): string => path.replace(/^\//, '').split('/').slice(0, -1).join('/');

/** @returns the files that were dropped, and those in folders that were, each with its folder. @throws ProblemError INVALID_INPUT for a folder of too many */
export async function filesIn(transfer: DataTransfer): Promise<{ file: File; folder: string }[]> {
  // What is not taken before the event ends is gone.
  const entries = [...transfer.items].map((item) => ({ entry: item.webkitGetAsEntry(), file: item.kind === 'file' ? item.getAsFile() : null }));
  const found: { file: File; folder: string }[] = [];
  const walk = async (entry: FileSystemEntry): Promise<void> => {
    if (found.length >= MOST_IN_FOLDER) throw new ProblemError(makeProblem('INVALID_INPUT', `A folder of more than ${MOST_IN_FOLDER} files is too much for a browser.`, 'Use the desktop program or the command line.'));
    if (entry.isFile) {
      const file = await new Promise<File>((resolve, reject) => (entry as FileSystemFileEntry).file(resolve, reject)).catch(() => { throw unreadable(entry.name); });
      found.push({ file, folder: folderOf(entry.fullPath) });
      return;
    }
    const reader = (entry as FileSystemDirectoryEntry).createReader();
    // It gives some at a time, and none at the end.
    for (;;) {
      const some = await new Promise<FileSystemEntry[]>((resolve, reject) => reader.readEntries(resolve, reject)).catch(() => { throw unreadable(entry.name); });
      if (some.length === 0) return;
      for (const each of some) if (!each.name.startsWith('.')) await walk(each);
    }
  };
  for (const { entry, file } of entries) {
    if (entry?.isDirectory === true) await walk(entry);
    else if (file !== null) found.push({ file, folder: '' });
  }
  return found;
}

/** @throws ProblemError INVALID_INPUT when it has more than `max` bytes, or cannot be read. */
export async function readFile(file: File, max: number): Promise<Uint8Array> {
  if (file.size > max) throw tooLarge(file, max);
  try {
    return new Uint8Array(await file.arrayBuffer());
  } catch {
    throw unreadable(file.name);
  }
}

export function tooLarge({ name, size }: { name: string; size: number }, max: number): ProblemError {
  return new ProblemError(makeProblem('INVALID_INPUT', `“${name}” has ${size} bytes; at most ${max} are read here.`));
}

export function unreadable(name: string): ProblemError {
  return new ProblemError(makeProblem('INVALID_INPUT', `“${name}” could not be read.`, 'Look whether it is still there and may be read by you.'));
}

/** @returns how a file begins; nothing when it cannot be read: whoever takes it says so. */
export async function readStart(file: File, length: number): Promise<Uint8Array> {
  return file.slice(0, length).arrayBuffer().then((content) => new Uint8Array(content), () => new Uint8Array());
}
