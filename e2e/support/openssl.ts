import { spawnSync } from 'node:child_process';

/** Runs openssl, which judges what Keywright made. @returns what it printed. @throws with what it complained of. */
export function openssl(args: readonly string[], input?: string): string {
  const { status, stdout, stderr, error } = spawnSync('openssl', args, { input, encoding: 'utf8' });
  if (status !== 0) throw new Error(`openssl ${args[0]}: ${error?.message ?? stderr}`);
  return stdout;
}
