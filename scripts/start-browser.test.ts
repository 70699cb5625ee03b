import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { openAppWindow } from './start-browser.ts';

describe.skipIf(process.platform === 'win32')('a browser', () => {
  let folder: string;
  beforeEach(() => void (folder = mkdtempSync(join(tmpdir(), 'keywright-browser-'))));
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  const outcomeOf = (script: string, onStarted: (end: () => void) => void = () => undefined) => {
    const executable = join(folder, 'browser');
    writeFileSync(executable, `#!/bin/sh\n${script}\n`, { mode: 0o755 });
    return openAppWindow(executable, 'http://127.0.0.1:9/', join(folder, 'profile'), process.env, onStarted);
  };

  test.each(['exit 0', 'exit 1', 'kill -SEGV $$', 'sleep 2; kill -SEGV $$'])('that does `%s` has not shown the window', async (script) => {
    expect(await outcomeOf(script)).toBe('failed');
  });

  test('that ends well after a while had its window closed', async () => {
    expect(await outcomeOf('sleep 2')).toBe('closed');
  });

  test('that we end ourselves has not failed', async () => {
    expect(await outcomeOf('exec sleep 300', (end) => setTimeout(end, 100))).toBe('closed');
  });
});
