import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { heldElsewhere, likelyHolders } from './holders.ts';

describe('who may hold a card', () => {
  const folder = mkdtempSync(join(tmpdir(), 'keywright-proc-'));
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  function process(pid: number, name: string, maps = ''): void {
    mkdirSync(join(folder, String(pid)), { recursive: true });
    writeFileSync(join(folder, String(pid), 'comm'), `${name}\n`);
    writeFileSync(join(folder, String(pid), 'maps'), maps);
  }

  test('names programs that are known, and those that have the library loaded', async () => {
    process(10, 'scdaemon');
    process(11, 'bash');
    process(12, 'wallet', '7f00-7f01 r-xp 0 08:01 1 /usr/lib/x86_64-linux-gnu/libpcsclite.so.1.0.0\n');
    process(13, 'pcscd', '7f00-7f01 r-xp 0 08:01 1 /usr/lib/x86_64-linux-gnu/libpcsclite.so.1.0.0\n');
    process(14, 'ourselves', '/libpcsclite.so');
    mkdirSync(join(folder, 'self'));
    const found = await likelyHolders(folder, 14);
    expect(found.map(({ pid }) => pid)).toEqual([10, 12]);
    const error = await heldElsewhere('Reader 1', undefined, Promise.resolve(found));
    expect(error).toMatchObject({ code: 'BACKEND_UNAVAILABLE', facts: { detail: 'The token in “Reader 1” is held by another program, most likely GnuPG (scdaemon) (process 10) or wallet (process 12).', remedy: expect.stringContaining('gpgconf --kill scdaemon') } });
  });

  test('says so where nothing can be seen', async () => {
    expect(await likelyHolders(join(folder, 'nowhere'))).toEqual([]);
    expect((await heldElsewhere('Reader 1', undefined, Promise.resolve([]))).facts.detail).toBe('The token in “Reader 1” is held by another program.');
  });
});
