import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['{app,main,preload,renderer,scripts}/**/*.test.{ts,tsx}', 'e2e/devices/**/*.test.ts'],
    exclude: ['**/node_modules/**', 'dist/**', 'out/**', '.cache/**'],
    environment: 'node',
    globalSetup: './e2e/devices/ledger-run.ts',
    setupFiles: ['./e2e/devices/ledger-file.ts'],
    // Each file in a process of its own: native modules, umask and working folders must not leak from one to the next.
    pool: 'forks',
    // Node strips types in WebAssembly. V8 13.6 may end the process (“Check failed: jit_page.has_value()”) when calls out of it, in a thread, have
    // become frequent enough for a wrapper of their own (nodejs/node#64500): with such a budget they never do. What is built has no types to strip.
    execArgv: ['--wasm-wrapper-tiering-budget=1000000000'],
    maxWorkers: '100%',
    // Argon2id and 4096-bit RSA take their time on a small machine; these bound a hang and assert nothing.
    testTimeout: 300_000,
    hookTimeout: 300_000,
    // Hundreds of tests drive other programs, on machines that others use too. What passes at the second try alone is listed at the end.
    retry: process.env['CI'] === undefined ? 0 : 1,
    // Polls wait for what other processes do, which on a busy machine takes longer than the second that is usual.
    expect: { poll: { timeout: 30_000 } },
    reporters: ['default'],
  },
});
