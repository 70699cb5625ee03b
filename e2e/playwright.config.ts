import { defineConfig } from '@playwright/test';
import type { Kind } from './support/program.ts';

export default defineConfig<{ kind: Kind }>({
  testDir: '.',
  outputDir: '../test-results',
  globalSetup: ['./support/display.ts', './devices/ledger-run.ts'],
  // Argon2id, a browser and an Electron share the processor: one journey at a time keeps them honest.
  workers: 1,
  timeout: 180_000,
  // As in the unit tests: what passes at the second try alone is listed at the end.
  retries: process.env['CI'] === undefined ? 0 : 1,
  expect: { timeout: 20_000 },
  reporter: 'list',
  use: { actionTimeout: 20_000, screenshot: 'only-on-failure' },
  projects: [
    { name: 'browser', testMatch: 'journeys/*.test.ts', use: { kind: 'browser' } },
    // Small windows, larger letters, colours of the system's: the pages are the same.
    { name: 'electron', testMatch: 'journeys/*.test.ts', testIgnore: 'journeys/small.test.ts', use: { kind: 'electron' } },
    { name: 'desktop', testMatch: 'desktop/*.test.ts', use: { kind: 'electron' } },
    { name: 'start', testMatch: 'start.test.ts' },
  ],
});
