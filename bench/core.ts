import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { tmpdir } from 'node:os';
import { PERMISSIONS, SecretBytes, type Principal } from '../app/contract/index.ts';
import { openTestCore, PASSPHRASE, type TestCore } from '../app/keychain/testing/core.ts';
import { storageKind } from '../app/storage/registry.ts';
import { openSealed } from '../app/storage/sealed/index.ts';
import { populate } from './populate.ts';

/** A core over SQLite in a folder of its own, and its owner as the caller. */
export const OWNER: Principal = { id: 'owner', name: 'the benchmark', face: 'cli', permissions: new Set(PERMISSIONS) };

export async function benchCore(): Promise<TestCore> {
  return openTestCore({ kind: 'sqlite' });
}

/** A core over a store that holds as many keys, unlocked. */
export async function coreWith(keys: number): Promise<TestCore> {
  const core = await benchCore();
  if (keys === 0) return core;
  await core.core[Symbol.asyncDispose]();
  using passphrase = SecretBytes.fromText(PASSPHRASE);
  {
    await using raw = await (await storageKind('sqlite')).open({ folder: join(core.folder, 'store'), create: false });
    await using sealed = await openSealed(raw, { kind: 'passphrase', secret: passphrase });
    await populate(sealed, keys);
  }
  const filled = await openTestCore({ folder: core.folder });
  await filled.call('store.unlock');
  return {
    ...filled,
    async [Symbol.asyncDispose]() {
      await filled[Symbol.asyncDispose]();
      await rm(core.folder, { recursive: true, force: true });
    },
  };
}

/** A folder that is gone afterwards. */
export async function temporaryFolder(): Promise<{ path: string } & AsyncDisposable> {
  const path = await mkdtemp(join(tmpdir(), 'keywright-bench-'));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}

/** @returns a key made in the core, and the same private key as node:crypto has it. */
export async function keyInCore(core: TestCore, algorithm: string): Promise<{ id: string; privateKey: import('node:crypto').KeyObject }> {
  const { createPrivateKey } = await import('node:crypto');
  const { id } = await core.call<{ id: string }>('keys.generate', { label: `Bench ${algorithm}`, algorithm });
  const { content } = await core.call<{ content: string }>('keys.export', { key: id, format: 'pkcs8', encrypt: false });
  return { id, privateKey: createPrivateKey(Buffer.from(content, 'base64url').toString()) };
}
