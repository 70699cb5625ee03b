import { closeSync, existsSync, mkdtempSync, openSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { judgeRun, RUN_LEDGER } from './pin-ledger.ts';

/**
 * Runs once, around all test files: gives them one file to which every virtual card adds what it saw, and ends with an error when a program sent a
 * PIN that a card had refused, or that nobody entered while the card was in.
 */
export default function ledgerOfTheRun(): () => void {
  const file = join(mkdtempSync(join(tmpdir(), 'keywright-ledger-')), 'pins');
  closeSync(openSync(file, 'w'));
  process.env[RUN_LEDGER] = file;
  return () => {
    if (!existsSync(file)) return;
    const { said, bad } = judgeRun(file);
    rmSync(dirname(file), { recursive: true });
    if (said !== undefined) console.log(`\n${said}`);
    if (bad.length > 0) throw new Error(`PINs were sent that must not be:\n${bad.join('\n')}`);
  };
}
