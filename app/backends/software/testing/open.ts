import { randomUUID } from 'node:crypto';
import type { OpenedKeyStore } from '../../../keystore/conformance.ts';
import type { KeyStore } from '../../../keystore/keystore.ts';
import type { BackendDeps } from '../../../keystore/registry.ts';
import { memoryKind } from '../../../storage/memory/index.ts';

/** Opens a software key store over a storage in memory. */
export async function openInMemory(open: (instance: string, deps: Pick<BackendDeps, 'storage'>) => KeyStore, instance = 'software'): Promise<OpenedKeyStore> {
  const storage = await memoryKind.open({ folder: randomUUID(), create: true });
  return { store: open(instance, { storage }), storage, reopen: async () => open(instance, { storage }) };
}
