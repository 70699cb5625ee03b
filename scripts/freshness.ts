import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { DIST, ROOT } from './paths.ts';

/** What is built on its own. */
export const PARTS = ['core', 'main', 'renderer'] as const;
export type Part = (typeof PARTS)[number];

/** The folders and files that each part is made of. Tests are left out: changing one makes nothing stale. */
const INPUTS: Record<Part, readonly string[]> = {
  core: ['app'],
  main: ['main', 'preload', 'app/contract', 'app/rpc', 'renderer/bridge', 'renderer/i18n'],
  renderer: ['renderer', 'app/contract'],
};
const COMMON = ['package-lock.json', 'scripts/build.ts', 'scripts/bundles.ts'];

/** Modification time and size of every input, and one hash over their contents. */
interface Stamp {
  files: Record<string, string>;
  hash: string;
  /** What was made of them, below the part's folder; told by the core alone. */
  outputs?: readonly string[];
}

function stampFile(part: Part): string {
  return join(DIST, `.built-${part}.json`);
}

function* walk(path: string): Generator<string> {
  if (!existsSync(path)) return;
  if (statSync(path).isFile()) return yield path;
  for (const entry of readdirSync(path, { withFileTypes: true })) {
    const full = join(path, entry.name);
    if (entry.isDirectory()) yield* walk(full);
    else if (!/\.test\.tsx?$|\.md$/.test(entry.name)) yield full;
  }
}

function filesOf(part: Part): Record<string, string> {
  const files: Record<string, string> = {};
  for (const input of [...INPUTS[part], ...COMMON]) {
    for (const path of walk(join(ROOT, input))) {
      const { mtimeMs, size } = statSync(path);
      files[relative(ROOT, path)] = `${mtimeMs}:${size}`;
    }
  }
  return files;
}

function hashOf(files: Record<string, string>): string {
  const hash = createHash('sha256');
  for (const path of Object.keys(files).sort()) {
    hash.update(path).update('\0').update(readFileSync(join(ROOT, path))).update('\0');
  }
  return hash.digest('hex');
}

/** @returns what to write once the part is built; taken before the build, so that a change during it counts as new. */
export function takeStamp(part: Part): Stamp {
  const files = filesOf(part);
  return { files, hash: hashOf(files) };
}

export function writeStamp(part: Part, stamp: Stamp): void {
  mkdirSync(DIST, { recursive: true });
  writeFileSync(stampFile(part), JSON.stringify(stamp));
}

/**
 * Whether a part must be built again. Cheap: looks at times and sizes first, and reads the files only if those differ
 * (a fresh checkout changes every time and no content).
 */
export function isStale(part: Part): boolean {
  let built: Stamp;
  try {
    built = JSON.parse(readFileSync(stampFile(part), 'utf8')) as Stamp;
  } catch {
    return true;
  }
  const files = filesOf(part);
  const names = Object.keys(files);
  if (names.length === Object.keys(built.files).length && names.every((name) => files[name] === built.files[name])) return false;
  const hash = hashOf(files);
  if (hash !== built.hash) return true;
  writeStamp(part, { ...built, files, hash });
  return false;
}

/** @returns the files of the core as it was built last, below `dist/`: older chunks lie beside them for a while. */
export function builtCore(): readonly string[] {
  return (JSON.parse(readFileSync(stampFile('core'), 'utf8')) as Stamp).outputs ?? [];
}
