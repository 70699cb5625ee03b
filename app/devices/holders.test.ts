import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { clientsIn, heldElsewhere, likelyHolders } from './holders.ts';

describe('who may hold a card', () => {
  const folder = mkdtempSync(join(tmpdir(), 'keywright-proc-'));
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  function process(pid: number, name: string, maps = '', { parent = 1, command = name }: { parent?: number; command?: string } = {}): void {
    mkdirSync(join(folder, String(pid)), { recursive: true });
    writeFileSync(join(folder, String(pid), 'comm'), `${name}\n`);
    writeFileSync(join(folder, String(pid), 'maps'), maps);
    writeFileSync(join(folder, String(pid), 'stat'), `${pid} (odd ) name) S ${parent} 1 1 0`);
    writeFileSync(join(folder, String(pid), 'cmdline'), command.split(' ').join('\0'));
  }

  test('names programs that talk to the service or have its library first, then those that are known', async () => {
    process(10, 'ssh-agent', '/usr/bin/ssh-agent\n');
    process(11, 'bash');
    process(12, 'wallet', '7f00-7f01 r-xp 0 08:01 1 /usr/lib/x86_64-linux-gnu/libpcsclite.so.1.0.0\n');
    process(13, 'pcscd', '7f00-7f01 r-xp 0 08:01 1 /usr/lib/x86_64-linux-gnu/libpcsclite.so.1.0.0\n');
    process(14, 'ourselves', '/libpcsclite.so');
    process(15, 'scdaemon', '/usr/lib/x86_64-linux-gnu/libpcsclite.so.1\n');
    process(16, 'geth');
    mkdirSync(join(folder, '16/fd'));
    symlinkSync('socket:[299445]', join(folder, '16/fd/9'));
    symlinkSync('/dev/null', join(folder, '16/fd/1'));
    mkdirSync(join(folder, 'self'));
    mkdirSync(join(folder, '17'));
    const found = await likelyHolders(folder, 14, Promise.resolve(new Set(['299445'])));
    expect(found.map(({ pid }) => pid)).toEqual([15, 12, 16, 10]);
    const error = await heldElsewhere('Reader 1', undefined, Promise.resolve(found));
    expect(error).toMatchObject({ code: 'BACKEND_UNAVAILABLE', facts: { detail: 'The token in “Reader 1” is held by another program, most likely GnuPG (scdaemon) (process 15) or wallet (process 12) or geth (process 16).', remedy: expect.stringContaining('gpgconf --kill scdaemon') } });
  });

  test('names a script and not what runs it, no other argument, and none of our own processes', async () => {
    const library = '/usr/lib/libpcsclite.so.1';
    process(20, 'MainThread', library, { command: '/usr/bin/node --test /opt/signer/agent.mjs --pin 1234' });
    process(21, 'python3.12', library, { command: '/usr/bin/python3 -c secret=1' });
    process(22, 'java', library, { command: '/usr/bin/java -jar signer.jar' });
    process(23, 'node', library, { parent: 30 });
    const found = await likelyHolders(folder, 30, Promise.resolve(new Set<string>()));
    expect(found.map(({ name }) => name)).toEqual(['agent.mjs', 'python3', 'signer.jar']);
  });

  test('sockets of the service are found among others by what `ss` lists', () => {
    const listed = `Netid State  Recv-Q Send-Q                Local Address:Port   Peer Address:Port  Process
u_str LISTEN 0      0      /run/pcscd/pcscd.comm 207492            * 0
u_str ESTAB  0      0      /run/pcscd/pcscd.comm 301444            * 299445
u_str ESTAB  0      0      * 1            * 2
`;
    expect([...clientsIn(listed), ...clientsIn('')]).toEqual(['299445']);
  });

  test('says so where nothing can be seen', async () => {
    expect(await likelyHolders(join(folder, 'nowhere'))).toEqual([]);
    expect((await heldElsewhere('Reader 1', undefined, Promise.resolve([]))).facts.detail).toBe('The token in “Reader 1” is held by another program.');
  });
});
