import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { runElectron } from './start-electron.ts';

describe.skipIf(process.platform === 'win32')('an Electron that shows no window', () => {
  let folder: string;
  beforeEach(() => void (folder = mkdtempSync(join(tmpdir(), 'keywright-electron-'))));
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  const outcomeOf = (script: string, opensWithin: number) => {
    const executable = join(folder, 'electron');
    writeFileSync(executable, `#!/bin/sh\n${script}\n`, { mode: 0o755 });
    return runElectron(executable, [], process.env, opensWithin);
  };

  test('is given up after a while, though what it started still holds its output', async () => {
    expect(await outcomeOf('sleep 300 &\necho $! >"$0.child"\nwait', 5000)).toEqual({ opened: false, reason: 'no window within 5 s' });
    process.kill(Number(readFileSync(join(folder, 'electron.child'), 'utf8')));
  });

  test('and ends well has handed over to the one that runs', async () => {
    expect(await outcomeOf('exit 0', 60_000)).toEqual({ opened: 'elsewhere' });
  });

  test('and says why is told with its reason', async () => {
    expect(await outcomeOf('echo "error while loading shared libraries: libgtk-3.so.0" >&2; exit 127', 60_000)).toEqual({ opened: false, reason: 'error while loading shared libraries: libgtk-3.so.0' });
  });
});
