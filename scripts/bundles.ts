import { existsSync } from 'node:fs';
import { builtinModules } from 'node:module';
import { dirname, join, relative, resolve } from 'node:path';
import type { InlineConfig, Plugin } from 'vite';
import { DIST, ROOT } from './paths.ts';

/** Loaded from node_modules as they are: addons find their binaries by their own path, and some are optional. */
const NATIVE = ['pkcs11js', 'pcsc-mini'];
/** Under the LGPL: it stays a module of its own, as it was published, which anybody can replace by another version. */
const SEPARATE = ['openpgp'];
const EXTERNAL = [...[...NATIVE, ...SEPARATE].map((name) => new RegExp(`^${name}(/|$)`)), 'electron', ...builtinModules, /^node:/];

/** One run of the bundler: a few entries that share chunks. */
export interface Bundle {
  name: string;
  /** Output name without extension, and its source below the root. Those that do not exist are left out. */
  entries: Record<string, string>;
  outDir: string;
  /** Preloads run in a sandbox that knows `require('electron')` alone: one CommonJS file each. */
  format: 'es' | 'cjs';
  target: string;
  /** Files by name, earlier ones first, and the sources that are loaded with all they need when one of them is. */
  together?: Record<string, readonly string[]>;
  /** Sources that are loaded without such a file: what both need goes into one for that. */
  alone?: readonly string[];
}

export const CORE: Bundle = {
  name: 'core',
  entries: {
    keywright: 'app/cli/main.ts',
    'core-host': 'app/rpc/host.ts',
    'storage-worker': 'app/storage/sqlite/worker.ts',
    'small-files-worker': 'app/signing/small-files/worker.ts',
    'hygiene-worker': 'app/keychain/hygiene/worker.ts',
    'pkcs11-worker': 'app/backends/pkcs11/module/worker.ts',
  },
  outDir: DIST,
  format: 'es',
  target: 'node24',
  together: {
    // The way to an owner of the store; then what begins to unlock it; then what a process needs that has the store itself; then what most commands ask for.
    'short-way': ['app/cli/run.ts'],
    'own-way': ['app/rpc/owner.ts', 'app/begin.ts', 'app/version.ts', 'app/storage/sqlite/index.ts', 'app/storage/sqlite/here.ts'],
    core: [
      'app/index.ts', 'app/config/index.ts', 'app/keychain/index.ts', 'app/backends/index.ts', 'app/contract/store.ts', 'app/keychain/handlers/store.ts', 'app/keychain/handlers/index.ts',
    ],
    'keys-contract': ['app/contract/keys.ts', 'app/contract/key-files.ts', 'app/contract/key-use.ts'],
    keys: ['app/keychain/handlers/keys.ts'],
  },
  alone: ['app/storage/sqlite/worker.ts', 'app/signing/small-files/worker.ts', 'app/keychain/hygiene/worker.ts', 'app/backends/pkcs11/module/worker.ts', 'app/cli/commands.generated.json'],
};

/** Electron 33 runs its main process on Node 20. */
export const MAIN: Bundle = { name: 'main', entries: { main: 'main/main.ts' }, outDir: join(DIST, 'main'), format: 'es', target: 'node20' };

/** One bundle a preload, since CommonJS chunks cannot be loaded in the sandbox. */
export const PRELOADS: readonly Bundle[] = ['window', 'prompt'].map((name) => ({
  name: `preload ${name}`,
  entries: { [name]: `preload/${name}.ts` },
  outDir: join(DIST, 'preload'),
  format: 'cjs',
  target: 'chrome130',
}));

/**
 * `new URL('./worker.ts', import.meta.url)` names a source file that is itself an entry: in the bundle it becomes the
 * entry's output beside it. So the same line starts the worker from the sources and from the bundle.
 */
function entryUrls(bundle: Bundle): Plugin {
  const outputs = new Map(Object.entries(bundle.entries).map(([name, source]) => [join(ROOT, source), name]));
  return {
    name: 'entry-urls',
    transform(code, id) {
      if (!id.startsWith(ROOT) || id.includes('node_modules') || !code.includes('import.meta.url')) return null;
      const changed = code.replace(/new URL\((['"])(\.[^'"]+\.ts)\1,\s*import\.meta\.url\)/g, (whole, _quote, source: string) => {
        const output = outputs.get(resolve(dirname(id), source));
        return output === undefined ? whole : `new URL('./${output}.js', import.meta.url)`;
      });
      return changed === code ? null : { code: changed, map: null };
    },
  };
}

/**
 * One character beyond Latin-1 makes an engine keep a whole source in two bytes a character, for as long as the program runs.
 * Such characters stand in strings, templates and regular expressions alone, where their escapes mean the same.
 */
const asciiOnly: Plugin = {
  name: 'ascii-only',
  generateBundle(_options, outputs) {
    for (const output of Object.values(outputs)) {
      if (output.type === 'chunk') output.code = output.code.replaceAll(/[^\x00-\x7f]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`);
    }
  },
};

/**
 * An import of one of Node's own modules makes the loader read every name that the module has, and some load further modules
 * for it (WebCrypto, the streams of files): taken by name, they are not. Node 24 alone: an older one has no such call.
 */
const builtinsByName: Plugin = {
  name: 'builtins-by-name',
  generateBundle(_options, outputs) {
    for (const output of Object.values(outputs)) if (output.type === 'chunk') output.code = takeBuiltins(output.code);
  },
};

const IMPORT = /\s*import(?:\s*([\w$]+)\s*(?:,|(?=from)))?\s*(\{[^}]*\}|\*\s*as\s+[\w$]+)?\s*(?:from)?\s*["']([^"']+)["'];?/y;

/** @param code of a module as the bundler writes it: its imports come first. */
export function takeBuiltins(code: string): string {
  const kept: string[] = [];
  const taken: string[] = [];
  let end = 0;
  IMPORT.lastIndex = 0;
  for (let found = IMPORT.exec(code); found !== null; found = IMPORT.exec(code)) {
    end = IMPORT.lastIndex;
    const [whole, own, names = '', from = ''] = found;
    if (!from.startsWith('node:') || (own === undefined && names === '') || /\bdefault as\b/.test(names)) {
      kept.push(whole);
      continue;
    }
    // Some call what they take from there `process` again.
    const module = `globalThis.process.getBuiltinModule("${from}")`;
    if (own !== undefined) taken.push(`${own}=${module}`);
    if (names.startsWith('{')) taken.push(`${names.replaceAll(/([\w$]+) as /g, '$1:')}=${module}`);
    else if (names !== '') taken.push(`${names.replace(/^\*\s*as\s+/, '')}=${module}`);
  }
  return taken.length === 0 ? code : `${kept.join('')}const ${taken.join(',')};${code.slice(end)}`;
}

/**
 * What fastify brings for JSON schemas of its own, a log of its own and requests without a network: half a megabyte that no
 * agent of ours runs (see `agent/no-schemas.ts`), and every idle one would keep.
 */
const UNUSED = new Set(['@fastify/ajv-compiler', '@fastify/fast-json-stringify-compiler', 'light-my-request', 'pino']);

const withoutUnused: Plugin = {
  name: 'without-unused',
  enforce: 'pre',
  resolveId: (id, importer) => (UNUSED.has(id) && importer?.includes('/node_modules/fastify/') === true ? `\0unused:${id}` : null),
  load: (id) => (id.startsWith('\0unused:') ? `module.exports = () => { throw new Error('${id.slice(8)} is not part of the bundle'); };` : null),
};

/** What the bundler made: as much of it as tells which modules are loaded together. */
export type Made = readonly { readonly type: string; readonly fileName?: string; readonly facadeModuleId?: string | null; readonly moduleIds?: readonly string[]; readonly imports?: readonly string[] }[];

/**
 * Puts what is always loaded together into one file, since the loader takes half a millisecond and more for each. Known from a
 * run of the bundler before, which found what is needed at all.
 *
 * @returns by module, the file it goes to
 */
export function togetherIn({ together = {}, alone = [] }: Bundle, made: Made): ReadonlyMap<string, string> {
  const byFile = new Map(made.map((chunk) => [chunk.fileName, chunk]));
  const modulesFrom = (sources: readonly string[]): Set<string> => {
    const roots = new Set(sources.map((source) => join(ROOT, source)));
    const files = new Set(made.filter(({ facadeModuleId, moduleIds = [] }) => roots.has(facadeModuleId ?? '') || moduleIds.some((id) => roots.has(id))).map(({ fileName }) => fileName));
    for (const file of files) for (const imported of byFile.get(file)?.imports ?? []) files.add(imported);
    return new Set([...files].flatMap((file) => byFile.get(file)?.moduleIds ?? []));
  };
  // A thread loads what it shares with its program, and nothing else of that.
  const sharers = alone.map((source) => modulesFrom([source]));
  const places = new Map<string, string>();
  for (const [name, sources] of Object.entries(together)) {
    for (const id of modulesFrom(sources)) {
      if (places.has(id)) continue;
      const shared = sharers.flatMap((modules, index) => (modules.has(id) ? [index + 1] : []));
      places.set(id, [name, ...shared].join('-'));
    }
  }
  return places;
}

/** @returns the entries whose source exists, and the names of the others. */
export function presentEntries(bundle: Bundle): { present: Record<string, string>; absent: string[] } {
  const present: Record<string, string> = {};
  const absent: string[] = [];
  for (const [name, source] of Object.entries(bundle.entries)) {
    if (existsSync(join(ROOT, source))) present[name] = join(ROOT, source);
    else absent.push(`${relative(ROOT, join(bundle.outDir, name))} (${source})`);
  }
  return { present, absent };
}

/** The bundler's settings for one bundle that runs on Node or in Electron. @param places what {@link togetherIn} said */
export function settingsOf(bundle: Bundle, entries: Record<string, string>, places: ReadonlyMap<string, string> = new Map()): InlineConfig {
  const extension = bundle.format === 'cjs' ? 'cjs' : 'js';
  return {
    configFile: false,
    root: ROOT,
    logLevel: 'warn',
    publicDir: false,
    plugins: [entryUrls(bundle), asciiOnly, ...(bundle === CORE ? [withoutUnused, builtinsByName] : [])],
    define: { 'process.env.NODE_ENV': '"production"' },
    ssr: { noExternal: true, target: 'node' },
    resolve: { conditions: ['node', 'import', 'module', 'default'], mainFields: ['module', 'main'] },
    build: {
      ssr: true,
      outDir: bundle.outDir,
      emptyOutDir: false,
      target: bundle.target,
      reportCompressedSize: false,
      rolldownOptions: {
        input: entries,
        external: EXTERNAL,
        // What a folder's index names and nobody uses is left out: it has no effects of its own.
        treeshake: { moduleSideEffects: (id) => !/\/app\/(contract\/[^/]+|[^/]+\/index)\.ts$/.test(id) },
        output: {
          format: bundle.format,
          // Names stay, so that a stack trace in a log can be read.
          minify: bundle.format === 'cjs' ? false : { compress: true, mangle: false, codegen: true },
          entryFileNames: `[name].${extension}`,
          // Flat beside the entries, so that a URL relative to a module means the same in every chunk.
          chunkFileNames: `[name]-[hash].${extension}`,
          codeSplitting: bundle.format === 'cjs' ? false : places.size === 0 ? true : { includeDependenciesRecursively: false, groups: [{ name: (id: string) => places.get(id) ?? null, debugName: 'places' }] },
        },
      },
    },
  };
}
