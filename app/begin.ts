import type { SecretBytes } from './contract/index.ts';
import { dataFolder, readFacts } from './keychain/store-folder.ts';
import type { Begun } from './keychain/ports.ts';
import { storageKind } from './storage/registry.ts';
import { DerivedAhead } from './storage/sealed/ahead.ts';

/**
 * Opens the storage of a store that this process owns, and begins to derive the key of its passphrase in threads of its own: the
 * core, which goes on from there, is loaded meanwhile. Loads nothing that this does not need.
 *
 * @returns nothing where there is no store, or when something is wrong with it: the core finds that again, and tells it.
 */
export async function beginStore(folder: string, passphrase: SecretBytes): Promise<Begun | undefined> {
  try {
    const facts = await readFacts(folder);
    if (facts === null || facts.kind === 'memory') return undefined;
    const raw = await (await storageKind(facts.kind)).open({ folder: dataFolder(folder), create: false, brief: true });
    const ahead = await DerivedAhead.begin(raw, passphrase);
    return {
      folder, kind: facts.kind, raw, ahead,
      async [Symbol.asyncDispose]() {
        ahead?.[Symbol.dispose]();
        await raw[Symbol.asyncDispose]();
      },
    };
  } catch {
    return undefined;
  }
}
