/**
 * node scripts/build.ts [--only core|main|renderer] [--if-stale]
 *
 * Builds `dist/`: the command line and the core (`keywright.js`, `core-host.js`, `storage-worker.js`, `small-files-worker.js`, `hygiene-worker.js`), Electron's main
 * process and preloads, and the window. What has no source yet is skipped with a line.
 */
import { closeSync, existsSync, mkdirSync, openSync, readdirSync, readFileSync, rmSync, statSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import type { InlineConfig } from 'vite';
import { CORE, MAIN, PRELOADS, presentEntries, settingsOf, togetherIn, type Bundle } from './bundles.ts';
import { isStale, PARTS, takeStamp, writeStamp, type Part } from './freshness.ts';
import { DIST, ROOT } from './paths.ts';

/** Chunks of the build before may still be needed by a process that runs: they are cleared away after this long. */
const KEEP_OLD_CHUNKS_MS = 10 * 60_000;

/** @returns the names of the files that it made. */
async function bundle(what: Bundle, log: (line: string) => void): Promise<string[]> {
  const { present, absent } = presentEntries(what);
  for (const name of absent) log(`skipped ${name}: no source`);
  if (Object.keys(present).length === 0) return [];
  const { build } = await import('vite');
  const run = async (settings: InlineConfig) => [await build(settings)].flat().flatMap((one) => ('output' in one ? one.output : []));
  const settings = settingsOf(what, present);
  const outputs = await run(what.together === undefined ? settings : settingsOf(what, present, togetherIn(what, await run({ ...settings, build: { ...settings.build, write: false } }))));
  clearOldChunks(what, new Set(outputs.map((output) => output.fileName)));
  for (const output of outputs) {
    if (output.type === 'chunk' && output.isEntry) log(`${what.name}: ${output.fileName} ${Math.ceil(statSync(join(what.outDir, output.fileName)).size / 1024)} kB`);
  }
  return outputs.map((output) => output.fileName);
}

function clearOldChunks(what: Bundle, current: ReadonlySet<string>): void {
  for (const file of readdirSync(what.outDir)) {
    const path = join(what.outDir, file);
    const old = /-[\w-]{8}\.js$/.test(file) && !current.has(file) && Date.now() - statSync(path).mtimeMs > KEEP_OLD_CHUNKS_MS;
    if (old) rmSync(path, { force: true });
  }
}

async function buildRenderer(log: (line: string) => void): Promise<string[]> {
  const configFile = join(ROOT, 'renderer', 'vite.config.ts');
  if (!existsSync(configFile)) {
    log('skipped dist/renderer (renderer/vite.config.ts): no source');
    return [];
  }
  const { build } = await import('vite');
  // Everything comes from this machine: the size of a chunk costs no download.
  await build({ configFile, root: join(ROOT, 'renderer'), logLevel: 'warn', build: { chunkSizeWarningLimit: 4096 } });
  log('renderer: dist/renderer');
  return [];
}

const BUILDERS: Record<Part, (log: (line: string) => void) => Promise<string[]>> = {
  core: (log) => bundle(CORE, log),
  main: async (log) => {
    await bundle(MAIN, log);
    for (const preload of PRELOADS) await bundle(preload, log);
    return [];
  },
  renderer: buildRenderer,
};

/** Two builds at once would write into each other's files: the second waits. The lock of a process that died is taken over. */
async function withLock<T>(work: () => Promise<T>): Promise<T> {
  mkdirSync(DIST, { recursive: true });
  const lock = join(DIST, '.build-lock');
  for (;;) {
    try {
      const file = openSync(lock, 'wx');
      writeSync(file, String(process.pid));
      closeSync(file);
      break;
    } catch {
      if (!ownerLives(lock)) rmSync(lock, { force: true });
      else await sleep(200);
    }
  }
  try {
    return await work();
  } finally {
    rmSync(lock, { force: true });
  }
}

function ownerLives(lock: string): boolean {
  try {
    const owner = Number(readFileSync(lock, 'utf8'));
    if (owner === 0) return Date.now() - statSync(lock).mtimeMs < 2000;
    process.kill(owner, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/**
 * Builds the parts that are asked for.
 *
 * @param options.onlyStale leaves alone what is as new as its sources
 * @returns the parts that were built. Throws what the bundler threw.
 */
export async function build(parts: readonly Part[], options: { onlyStale: boolean; log?: (line: string) => void }): Promise<Part[]> {
  const log = options.log ?? ((line: string) => console.log(line));
  const due = () => (options.onlyStale ? parts.filter(isStale) : [...parts]);
  if (due().length === 0) return [];
  return withLock(async () => {
    const built = due();
    for (const part of built) {
      const stamp = takeStamp(part);
      const outputs = await BUILDERS[part](log);
      writeStamp(part, { ...stamp, outputs });
    }
    return built;
  });
}

if (import.meta.main) {
  const { values } = parseArgs({ options: { only: { type: 'string', multiple: true }, 'if-stale': { type: 'boolean', default: false } } });
  const unknown = values.only?.find((part) => !PARTS.includes(part as Part));
  if (unknown !== undefined) {
    console.error(`There is no part "${unknown}": choose of ${PARTS.join(', ')}.`);
    process.exit(2);
  }
  try {
    await build((values.only as Part[] | undefined) ?? PARTS, { onlyStale: values['if-stale'] });
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    process.exit(1);
  }
}
