import type { Begun, Config, CoreKind, LocalCore } from './keychain/index.ts';
import type { BackendManifest } from './keystore/registry.ts';
import type { ClaimStore } from './rpc/owner.ts';
import type { KdfParameters } from './storage/sealed/index.ts';
import { version } from './version.ts';

export type { LocalCore } from './keychain/index.ts';
export { version } from './version.ts';

interface OpenCoreOptions {
  /** The folder of the store and its configuration. */
  readonly dataDir: string;
  readonly config: Config;
  readonly kind: CoreKind;
  /** Nothing is written to the log: for a command whose standard error is for its own answer. */
  readonly silent?: boolean;
  /** Whoever owns the store makes that of another folder its own before this core goes on with it. */
  readonly claim?: ClaimStore;
  /** What `begin.ts` opened of the store already: the core's from now on, unless this fails. */
  readonly begun?: Begun | undefined;
  /** Types of backend beside our own: a program that embeds the core brings them, and so do tests. */
  readonly moreBackends?: readonly BackendManifest[];
  /** Argon2id for stores that this core makes, in place of the default: tests that make many stores make cheap ones. No face and no setting reaches it. */
  readonly passphraseCost?: KdfParameters;
}

/**
 * Composes a core in this process: with `backends/index.ts` the only place that names concrete backends and storages.
 * It neither looks for an owner of the store nor becomes one: `rpc/owner.ts` does.
 *
 * @throws CORRUPT_RECORD, STORE_TOO_NEW, STORAGE_READ_ONLY for a store that is there and cannot be opened.
 */
export async function openCore({ dataDir, config, kind, silent = false, claim, begun, moreBackends = [], passphraseCost }: OpenCoreOptions): Promise<LocalCore> {
  const storages = await import('./storage/registry.ts');
  await storages.loadStorageModules(modulesOf(config), dataDir);
  if (kind !== 'cli') await prepareStorage(dataDir, storages);
  const [{ createKeychain }, { BACKENDS, LATER_BACKENDS }] = await Promise.all([import('./keychain/index.ts'), import('./backends/index.ts')]);
  const { DEFAULT_LIMITS, limitsFrom } = await import('./formats/limits.ts');
  limitsFrom(() => ({ rounds: Number(config.get('formats.maxRounds') ?? DEFAULT_LIMITS.rounds), memory: Number(config.get('formats.maxMemoryMiB') ?? DEFAULT_LIMITS.memory) }));
  if (kind !== 'cli') (await import('./memory.ts')).giveBackMemoryOfStart();
  return createKeychain({
    dataDir, kind, config, version,
    ports: { backends: [...BACKENDS, ...moreBackends], laterBackends: LATER_BACKENDS, storageKind: storages.storageKind, log: logFrom(silent ? 'off' : config.get('log.level')), ...(claim === undefined ? {} : { claim }), ...(begun === undefined ? {} : { begun }), ...(passphraseCost === undefined ? {} : { passphraseCost }) },
    openapi: async () => JSON.stringify((await import('./agent/openapi.ts')).openApiDocument(), null, 2),
  });
}

/** A thread of the storage starts while the rest of the program is loaded. What is wrong with the store is told when it is opened. */
async function prepareStorage(dataDir: string, { storageKind }: typeof import('./storage/registry.ts')): Promise<void> {
  try {
    const { readFacts } = await import('./keychain/store-folder.ts');
    const facts = await readFacts(dataDir);
    if (facts !== null) (await storageKind(facts.kind)).prepare?.();
  } catch {
    // It is found again.
  }
}

/** `storage.modules`: paths of modules that register further kinds of storage, separated by commas. */
function modulesOf(config: Config): string[] {
  return String(config.get('storage.modules') ?? '').split(',').map((path) => path.trim()).filter((path) => path !== '');
}

type Log = Parameters<typeof import('./keychain/index.ts').createKeychain>[0]['ports']['log'];

const LEVELS = ['error', 'warning', 'info'] as const;

/** @returns what writes entries of `level` and graver ones; of an unknown level, all. */
function logFrom(level: unknown): Log {
  const written: readonly string[] = level === 'off' ? [] : LEVELS.slice(0, LEVELS.indexOf(level as 'info') + 1 || LEVELS.length);
  return (...entry) => {
    if (written.includes(entry[0])) log(...entry);
  };
}

/** One JSON line on standard error. Errors tell their code and where they come from; what was asked and answered is never logged. */
const log: Log = (level, message, facts = {}) => {
  const { error, ...named } = facts;
  const cause = error?.cause;
  process.stderr.write(`${JSON.stringify({
    at: new Date().toISOString(), level, message, ...named,
    ...(error === undefined ? {} : { code: error.code, stack: cause instanceof Error ? cause.stack?.split('\n').slice(0, 12) : undefined }),
  })}\n`);
};
