import { statSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { basename, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { DesktopFile } from '../renderer/bridge/desktop-api.ts';

/** Named on the command line as long as the program is not packed. */
const PROGRAM = fileURLToPath(import.meta.url);

/** What a page may read of one at once; anything larger is read by the core, which streams. */
const LARGEST = 256 * 1024 * 1024;

/** @param words a whole command line. @returns those that name files: the program itself, switches, folders and what is not there are something else. */
export function filesIn([, ...words]: readonly string[], folder: string): string[] {
  return words.filter((word) => word !== '' && !word.startsWith('-')).map((word) => resolve(folder, word)).filter((path) => path !== PROGRAM && statSync(path, { throwIfNoEntry: false })?.isFile() === true);
}

/** Files that the system gave to the program to open. They wait until the window asks for them; it may read these and no others. */
export class OpenedFiles {
  readonly #given = new Set<string>();
  #waiting: string[] = [];

  add(paths: readonly string[]): void {
    for (const path of paths) this.#given.add(path);
    this.#waiting.push(...paths);
  }

  take(): DesktopFile[] {
    return this.#waiting.splice(0).flatMap((path) => {
      const facts = statSync(path, { throwIfNoEntry: false });
      return facts?.isFile() === true ? [{ path, name: basename(path), size: facts.size }] : [];
    });
  }

  /** @returns its first `length` bytes, or fewer. @throws for a file that was not given */
  async read(path: unknown, length: unknown): Promise<Uint8Array> {
    if (typeof path !== 'string' || !this.#given.has(path)) throw new Error('This file was not opened.');
    if (typeof length !== 'number' || !Number.isInteger(length) || length < 0 || length > LARGEST) throw new Error('So much is not read at once.');
    await using file = await open(path, 'r');
    const { bytesRead, buffer } = await file.read(Buffer.alloc(length), 0, length, 0);
    return new Uint8Array(buffer.subarray(0, bytesRead));
  }
}
