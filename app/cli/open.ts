import type { CallOptions, Core } from '../contract/core.ts';
import { KeywrightError } from '../contract/errors.ts';
import { SecretBytes } from '../contract/secrets.ts';
import type { StoreStatus } from '../contract/store.ts';
import type { LocalCore } from '../index.ts';
import type { ClaimStore } from '../rpc/owner.ts';
import { configFileOf, dataDirOf } from '../config/places.ts';
import { findOwner } from '../rpc/find.ts';
import type { Globals } from './globals.ts';
import type { CommandSpec } from './spec.ts';

/** A core for one command. */
export interface Opened {
  readonly core: Core;
  /** It is this command's own, or another command's: nobody but commands is surprised that it unlocks. */
  readonly passing: boolean;
  /** It ends once the store is locked and nobody uses it: whoever finds it locked may only have come too early. */
  readonly ending: boolean;
  close(): Promise<void>;
}

type Environment = Readonly<Record<string, string | undefined>>;

/** How long a command waits for another one that has the store and does not listen any more (ms). */
const WAIT = 30_000;

/** The passphrase that the store will be unlocked with, once this process owns it; nothing if it must be asked for. */
type PassphraseAhead = () => Promise<string | undefined>;

/**
 * Finds the core that a command shall use: the agent it names, the owner of the store, or one in this process. Loads what
 * it needs and no more: with an owner running that is nearly nothing.
 */
export async function openFor(spec: Pick<CommandSpec, 'background' | 'permission'>, globals: Globals, environment: Environment, passphrase: PassphraseAhead): Promise<Opened> {
  if (typeof globals.agent === 'string') {
    const { connectAgent } = await import('./agent-core.ts');
    const core = await connectAgent(globals.agent, environment);
    return { core, passing: false, ending: false, close: async () => core[Symbol.asyncDispose]() };
  }
  const dataDir = dataDirOf(globals.dataDir, environment);
  if (globals.agent !== false) {
    const found = await findOwner(dataDir);
    if (found !== undefined) return { core: found, passing: found.owner?.kind === 'cli', ending: found.owner?.kind === 'background', close: async () => found[Symbol.asyncDispose]() };
    if (spec.background === true) return inBackground(dataDir, globals, environment);
  }
  return inThisProcess(dataDir, spec, globals, environment, passphrase);
}

async function inBackground(dataDir: string, globals: Globals, environment: Environment): Promise<Opened> {
  const { startBackgroundOwner } = await import('../rpc/background.ts');
  const { path, named } = configFileOf(globals.config, dataDir, environment);
  for (const until = Date.now() + WAIT; Date.now() < until;) {
    await startBackgroundOwner({ dataDir, configFile: named ? path : undefined });
    const found = await findOwner(dataDir);
    // Another command may own the store for a moment; what stays in the background must not be its client.
    if (found !== undefined && found.owner?.kind !== 'cli') return { core: found, passing: false, ending: false, close: async () => found[Symbol.asyncDispose]() };
    await found?.[Symbol.asyncDispose]();
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new KeywrightError('BACKEND_UNAVAILABLE', { detail: 'Another command keeps the store busy, so no owner could be left in the background.', remedy: 'Try again when it has ended.' });
}

async function inThisProcess(dataDir: string, spec: Pick<CommandSpec, 'permission'>, globals: Globals, environment: Environment, passphrase: PassphraseAhead): Promise<Opened> {
  const [{ ownOrUse }, { beginStore }, { version }] = await Promise.all([import('../rpc/owner.ts'), import('../begin.ts'), import('../version.ts')]);
  const open = async (claim: ClaimStore): Promise<LocalCore> => {
    const known = await passphrase();
    using secret = known === undefined ? undefined : SecretBytes.fromText(known);
    // Before the rest is loaded: deriving the key takes longer, and both happen at once.
    const begun = secret && (await beginStore(dataDir, secret));
    try {
      const [{ loadConfig }, { openCore }] = await Promise.all([import('../config/index.ts'), import('../index.ts')]);
      const { path, named } = configFileOf(globals.config, dataDir, environment);
      // Whoever asks about the configuration, or mends it, must be able to with one that is wrong.
      const config = loadConfig({ file: path, named, env: environment, lenient: spec.permission?.startsWith('config:') === true });
      return await openCore({ dataDir, config, kind: 'cli', silent: !globals.verbose, claim, begun });
    } catch (thrown) {
      await begun?.[Symbol.asyncDispose]();
      throw thrown;
    }
  };
  const held = await ownOrUse({ dataDir, kind: 'cli', version, alone: globals.agent === false, open });
  const { core, owner } = held;
  return { core, passing: owner !== undefined || held.core.owner?.kind === 'cli', ending: false, close: async () => (owner === undefined ? core[Symbol.asyncDispose]() : owner.close()) };
}

/**
 * Unlocks a store that only commands use just now; one that a window or an agent holds stays as it is, and the call tells
 * that it is locked. Without a store, or unlocked, nothing is asked.
 * @returns the records that opening found damaged, missing or put back from another copy, if this opened it.
 */
export async function unlockFor(core: Core, options: CallOptions, withRecoveryCode: boolean): Promise<StoreStatus['problems']> {
  const { state } = (await core.call('store.status', {}, options)) as { state: string };
  if (state !== 'locked') return [];
  const { problems } = (await core.call('store.unlock', withRecoveryCode ? { with: 'recovery-code' } : {}, options)) as Pick<StoreStatus, 'problems'>;
  return problems;
}

