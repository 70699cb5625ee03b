import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Files that are dragged out of the window: whoever is dropped on copies a file that is there, and says nobody when that is done. */

/** Bytes: as much as the core reads of certificates. */
const LARGEST = 16 * 1024 * 1024;
/** The endings of certificates, and nothing that a system runs or that a name of several lines hides. */
const NAME = /^[\p{L}\p{N}_-][\p{L}\p{N} ._-]{0,150}\.(?:pem|cer|p7b|jwk|pub)$/u;

export class DraggedFiles {
  readonly #parent: () => string;
  #folder: string | undefined;
  #count = 0;

  /** @param parent of the folder that they are written into, which nobody else can read. */
  constructor(parent: () => string) {
    this.#parent = parent;
  }

  /** Writes a file aside. @returns its path; undefined for what is not the name and content of a certificate's file. */
  write(bytes: unknown, name: unknown): string | undefined {
    if (!(bytes instanceof Uint8Array) || bytes.length === 0 || bytes.length > LARGEST || typeof name !== 'string' || !NAME.test(name)) return undefined;
    this.#folder ??= mkdtempSync(join(this.#parent(), 'keywright-drag-')); // 0700
    // One folder each: the name stays what it is, and what is still being copied is not written over.
    const file = join(mkdtempSync(join(this.#folder, `${this.#count++}-`)), name);
    writeFileSync(file, bytes, { mode: 0o600, flag: 'wx' });
    return file;
  }

  /** Takes all of them away. */
  clear(): void {
    if (this.#folder !== undefined) rmSync(this.#folder, { recursive: true, force: true });
    this.#folder = undefined;
  }
}
