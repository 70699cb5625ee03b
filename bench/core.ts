import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { tmpdir } from 'node:os';
import { PERMISSIONS, type Principal } from '../app/contract/index.ts';
import { openTestCore, type TestCore } from '../app/keychain/testing/core.ts';

/** A core over SQLite in a folder of its own, and its owner as the caller. */
export const OWNER: Principal = { id: 'owner', name: 'the benchmark', face: 'cli', permissions: new Set(PERMISSIONS) };

export async function benchCore(): Promise<TestCore> {
  return openTestCore({ kind: 'sqlite' });
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
