import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { openFileStorage } from '../file/index.ts';
import { sqliteKind } from '../sqlite/index.ts';
import type { Storage } from '../storage.ts';

export type DiskKind = 'file' | 'sqlite';

export const DISK_KINDS: readonly DiskKind[] = ['file', 'sqlite'];

/** Opens or creates, the file kind with a journal so short that it is emptied all the time. */
export function openForTest(kind: DiskKind, folder: string): Promise<Storage> {
  const create = !existsSync(join(folder, kind === 'file' ? 'storage.json' : 'store.db'));
  if (kind === 'sqlite') return sqliteKind.open({ folder, create });
  return openFileStorage({ folder, create, settleBytes: 8 * 1024, settleDelay: 2 });
}
