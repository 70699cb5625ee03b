import type { PickOptions } from './bridge.ts';
import { makeProblem, ProblemError } from './problem.ts';

/** The system's dialog for files, opened by a file field: what is chosen can be read here, and has a path in the desktop. */
export function pickInBrowser({ multiple = false, extensions }: PickOptions): Promise<File[]> {
  return new Promise((resolve) => {
    const input = document.createElement('input');
    input.type = 'file';
    input.multiple = multiple;
    if (extensions !== undefined) input.accept = extensions.map((extension) => `.${extension}`).join(',');
    input.onchange = () => resolve([...(input.files ?? [])]);
    input.oncancel = () => resolve([]);
    input.click();
  });
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
