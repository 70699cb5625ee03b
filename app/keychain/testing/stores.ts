import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect } from 'vitest';
import type { KeyRecord, StoreStatus } from '../../contract/index.ts';
import { openTestCore, type TestCore } from './core.ts';

/** Stores on disk, for tests: each in a folder of its own, which is gone when the file's tests are done. */

let scratch: string;
let folders = 0;

interface StoreFolders {
  /** Makes an empty folder. */
  folder(): Promise<string>;
  /** A place that nothing has been at before. */
  fresh(name: string): string;
  /** A file beside the stores. */
  beside(name: string): string;
}

/** Called once in a test file. */
export function storeFolders(): StoreFolders {
  beforeAll(async () => {
    scratch = await mkdtemp(join(tmpdir(), 'keywright-store-'));
  });
  afterAll(() => rm(scratch, { recursive: true, force: true }));
  const beside = (name: string): string => join(scratch, name);
  const fresh = (name: string): string => beside(`${name}-${(folders += 1)}`);
  return {
    beside,
    fresh,
    async folder() {
      const path = fresh('store');
      await mkdir(path, { mode: 0o700 });
      return path;
    },
  };
}

export const fails = (code: string): unknown => expect.objectContaining({ code });

/** A core over the store in a folder, made if there is none. */
export async function at(path: string, kind = 'sqlite'): Promise<TestCore> {
  const core = await openTestCore({ folder: path });
  if ((await core.call<StoreStatus>('store.status')).state === 'absent') await core.call('store.create', { kind });
  return core;
}

export const generate = (core: TestCore, label: string): Promise<KeyRecord> => core.call<KeyRecord>('keys.generate', { label, algorithm: 'ed25519' });

export async function works(core: TestCore, key: string): Promise<void> {
  await core.call('keys.sign', { key, content: { message: 'aGVsbG8' } });
}
