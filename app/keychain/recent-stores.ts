import { existsSync } from 'node:fs';
import { readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

interface Recent {
  readonly name: string;
  readonly folder: string;
  readonly openedAt: string;
}

const KEEP = 10;

/** The stores that were open lately, in a file of the folder that the program was started with. Losing it loses nothing. */
export class RecentStores {
  readonly #file: string;
  /** What is being noted: nobody waits for that but who reads it, or ends. */
  #noting: Promise<void> = Promise.resolve();

  constructor(home: string) {
    this.#file = join(home, 'recent-stores.json');
  }

  async list(): Promise<(Recent & { exists: boolean })[]> {
    await this.#noting;
    return (await this.#read()).map((recent) => ({ ...recent, exists: existsSync(join(recent.folder, 'store.json')) }));
  }

  note(folder: string, name: string): void {
    this.#noting = this.#noting.then(() => this.#note(folder, name));
  }

  /** Resolves when all is noted. */
  settled(): Promise<void> {
    return this.#noting;
  }

  async #note(folder: string, name: string): Promise<void> {
    const others = (await this.#read()).filter((recent) => recent.folder !== folder);
    const stores = [{ name, folder, openedAt: new Date().toISOString() }, ...others].slice(0, KEEP);
    try {
      await writeFile(`${this.#file}.new`, JSON.stringify(stores), { mode: 0o600 });
      await rename(`${this.#file}.new`, this.#file);
    } catch {
      // A convenience: a read-only folder must not keep a store from opening.
    }
  }

  async #read(): Promise<Recent[]> {
    try {
      const stores = JSON.parse(await readFile(this.#file, 'utf8')) as unknown;
      return Array.isArray(stores) ? stores.filter((store): store is Recent => typeof store?.folder === 'string' && typeof store?.name === 'string') : [];
    } catch {
      return [];
    }
  }
}
