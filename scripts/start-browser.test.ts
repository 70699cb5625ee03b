import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { openAppWindow } from './start-browser.ts';

describe.skipIf(process.platform === 'win32')('a browser', () => {
  let folder: string;
  beforeEach(() => void (folder = mkdtempSync(join(tmpdir(), 'keywright-browser-'))));
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  const outcomeOf = (script: string, { onStarted = () => undefined, showsNothingWithin }: { onStarted?: (end: () => void) => void; showsNothingWithin?: number } = {}) => {
    const executable = join(folder, 'browser');
    writeFileSync(executable, `#!/bin/sh\n${script}\n`, { mode: 0o755 });
    return openAppWindow(executable, 'http://127.0.0.1:9/', join(folder, 'profile'), process.env, onStarted, showsNothingWithin);
  };

  test.each(['exit 0', 'exit 1', 'kill -SEGV $$'])('that does `%s` has not shown the window', async (script) => {
    expect(await outcomeOf(script, { showsNothingWithin: 60_000 })).toBe('failed');
  });

  test('that crashes later has failed, too', async () => {
    expect(await outcomeOf('kill -SEGV $$', { showsNothingWithin: 0 })).toBe('failed');
  });

  test('that ends well after a while had its window closed', async () => {
    expect(await outcomeOf('exit 0', { showsNothingWithin: 0 })).toBe('closed');
  });

  test('that we end ourselves has not failed', async () => {
    expect(await outcomeOf('exec sleep 300', { onStarted: (end) => end() })).toBe('closed');
  });
});
