import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from './paths.ts';

const UNPACK = join(ROOT, '..', 'shared', 'corpora', 'unpack');
const CACHE = join(ROOT, '.cache', 'corpora');

/**
 * Where a corpus of test vectors made by others lies: below `KEYWRIGHT_CORPORA`, else unpacked once from the folder
 * `shared/corpora` beside the repository.
 *
 * @param name the corpus, `wycheproof`
 * @returns its folder, absolute, or undefined if this machine has none: the test is then skipped and says so.
 */
export function corpus(name: string): string | undefined {
  const folder = join(corporaFolder() ?? '', name);
  return folder !== name && existsSync(folder) ? folder : undefined;
}

/** @returns the folder that holds the corpora, or undefined. */
export function corporaFolder(): string | undefined {
  const told = process.env['KEYWRIGHT_CORPORA'];
  if (told !== undefined && told !== '') return existsSync(told) ? told : undefined;
  if (existsSync(CACHE)) return CACHE;
  if (!existsSync(UNPACK)) return undefined;
  unpackAside();
  return existsSync(CACHE) ? CACHE : undefined;
}

/** Several test workers may come here at once: each unpacks aside, and the first to finish gives its folder the name. */
function unpackAside(): void {
  mkdirSync(join(ROOT, '.cache'), { recursive: true });
  const aside = mkdtempSync(`${CACHE}.part-`);
  try {
    execFileSync(UNPACK, [aside], { stdio: ['ignore', 'ignore', 'pipe'] });
    renameSync(aside, CACHE);
  } catch (error) {
    rmSync(aside, { recursive: true, force: true });
    if (!existsSync(CACHE)) throw error;
  }
}

/** @returns the paths of all files below a folder, by name. */
export function* filesIn(folder: string): Generator<string> {
  for (const entry of readdirSync(folder, { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) yield* filesIn(path);
    else yield path;
  }
}
