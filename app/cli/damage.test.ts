import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { expect, test } from 'vitest';
import { ran } from './testing/around.ts';

test('a command that opens a store with a missing record says so, and does its work, whichever it is', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'keywright-damage-'));
  try {
    writeFileSync(join(folder, 'pw'), 'nine calm canaries nap 93', { mode: 0o600 });
    const keywright = (...argv: string[]): ReturnType<typeof ran> => ran([...argv, '--passphrase-file', join(folder, 'pw')], { env: { KEYWRIGHT_DATA_DIR: join(folder, 'data') } });
    await keywright('store', 'create');
    await keywright('keys', 'generate', '--algorithm', 'ed25519', '--label', 'One');
    expect((await keywright('keys', 'list')).stderr).toBe('');
    cpSync(join(folder, 'data'), join(folder, 'whole'), { recursive: true });
    const file = join(folder, 'data', 'store', 'store.db');
    const records = withDatabase(file, (database) => database.prepare("SELECT key FROM records WHERE key LIKE 'r/%'").all());
    expect(records.length).toBeGreaterThan(3);
    for (const { key } of records) {
      rmSync(join(folder, 'data'), { recursive: true });
      cpSync(join(folder, 'whole'), join(folder, 'data'), { recursive: true });
      withDatabase(file, (database) => database.prepare('DELETE FROM records WHERE key = ?').run(key!));
      const { code, stderr, stdout } = await keywright('keys', 'list');
      expect([code, stdout.toString()]).toEqual([0, expect.stringContaining('One')]);
      expect(stderr).toMatch(/^keywright: A record of this store is damaged, missing or put back from another copy: [^\n]+\n {2}`keywright store verify`[^\n]+\n$/);
    }
    expect((await keywright('keys', 'list', '--json')).stderr).toBe('');
    expect([(await keywright('store', 'verify')).code, (await keywright('doctor')).code]).toEqual([3, 3]);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('a command that opens a store which was put back without its log says what happened, and the trail says so ever after', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'keywright-older-'));
  try {
    writeFileSync(join(folder, 'pw'), 'nine calm canaries nap 93', { mode: 0o600 });
    const keywright = (...argv: string[]): ReturnType<typeof ran> => ran([...argv, '--passphrase-file', join(folder, 'pw')], { env: { KEYWRIGHT_DATA_DIR: join(folder, 'data') } });
    await keywright('store', 'create');
    cpSync(join(folder, 'data', 'store', 'store.db'), join(folder, 'older.db'));
    await keywright('keys', 'generate', '--algorithm', 'ed25519', '--label', 'One');
    cpSync(join(folder, 'older.db'), join(folder, 'data', 'store', 'store.db'));
    const { code, stderr } = await keywright('keys', 'list');
    expect([code, stderr]).toEqual([0, expect.stringMatching(/^keywright: The store is an older copy of itself: entry \d+ of the log tells of a change that it does not have\.\n {2}`keywright audit verify`[^\n]+\n$/)]);
    expect((await keywright('keys', 'list')).stderr).toBe('');
    expect((await keywright('audit', 'verify')).code).toBe(3);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

function withDatabase<T>(file: string, work: (database: DatabaseSync) => T): T {
  const database = new DatabaseSync(file);
  try {
    return work(database);
  } finally {
    database.close();
  }
}
