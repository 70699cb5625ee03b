import { realpathSync, statSync } from 'node:fs';
import { isAbsolute, sep } from 'node:path';

/** Which files a page may have opened or shown in their folder: those that a person chose, and those that its own calls wrote. */

/** The oldest are forgotten first. */
const MOST = 200_000;
/** What a system runs instead of showing it, by its ending. */
const PROGRAMS = /\.(?:app|appimage|apk|bat|chm|cmd|com|command|cpl|deb|desktop|dmg|exe|hta|inf|jar|jnlp|js|jse|lnk|msc|msi|msp|pif|pkg|ps1|psm1|py|reg|rpm|run|scf|scr|sh|terminal|url|vb|vbe|vbs|webloc|workflow|ws|wsc|wsf|wsh|xpi)$/i;

export class KnownFiles {
  readonly #files = new Set<string>();
  readonly #folders = new Set<string>();

  /** A file or folder that a person chose; of a folder all that is in it. */
  choose(path: unknown): void {
    if (typeof path !== 'string' || !isAbsolute(path)) return;
    const facts = statSync(path, { throwIfNoEntry: false });
    if (facts?.isDirectory() === true) this.#folders.add(realpathSync(path));
    else this.#add(path);
  }

  /** What a call of the page answered: the files that it says it wrote. */
  note(output: unknown): void {
    const { written, files, manifest } = recordOf(output);
    this.#wrote(written);
    this.#wrote(manifest);
    this.#wrote(recordOf(manifest)['signature']);
    if (Array.isArray(files)) for (const file of files) this.#wrote(recordOf(file)['written']);
  }

  /** @returns the path, for the system. @throws for a file that is none of these, or is there no more */
  require(path: unknown): string {
    if (typeof path !== 'string') throw new Error('This is no path.');
    if (this.#files.has(path)) {
      statSync(path);
      return path;
    }
    // Where a link leads counts, and not where it lies.
    const real = realpathSync(path);
    for (const folder of this.#folders) if (real === folder || real.startsWith(folder.endsWith(sep) ? folder : folder + sep)) return path;
    throw new Error('This file was neither chosen nor written here.');
  }

  #wrote(written: unknown): void {
    const { path } = recordOf(written);
    if (typeof path === 'string' && isAbsolute(path)) this.#add(path);
  }

  #add(path: string): void {
    this.#files.delete(path);
    this.#files.add(path);
    if (this.#files.size > MOST) for (const oldest of this.#files) return void this.#files.delete(oldest);
  }
}

/** Whether the system would run it rather than show it: it is then shown in its folder, for what was decrypted or downloaded may be anything. */
export function isProgram(path: string): boolean {
  const real = realpathSync(path);
  const facts = statSync(real);
  return facts.isDirectory() || PROGRAMS.test(path) || PROGRAMS.test(real) || (process.platform !== 'win32' && (facts.mode & 0o111) !== 0);
}

function recordOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>) : {};
}
