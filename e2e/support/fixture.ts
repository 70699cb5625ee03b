import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test as base } from '@playwright/test';
import { browserMissing, startBrowser } from './browser.ts';
import { electronMissing, startElectron } from './electron.ts';
import type { Kind, Program } from './program.ts';

export { expect } from '@playwright/test';

interface Options {
  /** Which of the two shows the window; set by the project. */
  kind: Kind;
}

interface Fixtures {
  /** An empty folder for this test alone, removed after it. */
  folder: string;
  /** What the program finds in its environment beside what the test has: a smart-card service of its own. */
  surroundings: Readonly<Record<string, string>>;
  program: Program;
}

/** A test that runs in the browser and in Electron, each with a data folder of its own. */
export const test = base.extend<Fixtures & Options>({
  kind: ['browser', { option: true }],
  folder: async ({ kind: _kind }, use) => {
    const folder = mkdtempSync(join(tmpdir(), 'keywright-e2e-'));
    await use(folder);
    rmSync(folder, { recursive: true, force: true });
  },
  surroundings: {},
  program: async ({ kind, folder, surroundings }, use, info) => {
    const missing = kind === 'electron' ? electronMissing() : browserMissing();
    info.skip(missing !== undefined, missing ?? '');
    const start = kind === 'electron' ? startElectron : startBrowser;
    const program = await start(join(folder, 'data'), surroundings);
    try {
      await use(program);
    } finally {
      if (info.status !== info.expectedStatus) writeFileSync(info.outputPath('log.txt'), program.said());
      await program.close();
    }
  },
});
