import { closeSync, openSync } from 'node:fs';
import type { Readable, Writable } from 'node:stream';
import type { Principal } from '../contract/call.ts';
import { PERMISSIONS } from '../contract/operation.ts';
import type { Terminal } from './terminal.ts';

/** What a command line runs in. */
export interface Surroundings {
  readonly stdin: () => Readable;
  readonly stdout: Writable & { isTTY?: boolean; columns?: number };
  readonly stderr: Writable & { isTTY?: boolean; columns?: number };
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The terminal, where there is one; absent: the process's own. */
  readonly terminal?: Terminal | null;
  /** Aborted by Ctrl+C. */
  readonly signal: AbortSignal;
}

/** Whoever runs the command line may do everything but answer prompts for the window. */
export const OWNER: Principal = {
  id: 'owner', name: 'command line', face: 'cli',
  permissions: new Set(PERMISSIONS.filter((permission) => permission !== 'prompts:admin')),
};

/** Where the terminal is read and written, whatever standard input is. */
export const TERMINAL = process.platform === 'win32' ? { in: '\\\\?\\CONIN$', out: '\\\\?\\CONOUT$' } : { in: '/dev/tty', out: '/dev/tty' };

/** Whether there is a terminal to ask on, whatever standard input is. */
export function hasTerminal(): boolean {
  try {
    closeSync(openSync(TERMINAL.in, 'r'));
    return true;
  } catch {
    return false;
  }
}
