import { readdirSync, readFileSync } from 'node:fs';

/** @returns whether a process lives. A zombie does not. */
export function lives(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch {
    return false;
  }
  return stateOf(pid) !== 'Z';
}

function stateOf(pid: number): string | undefined {
  try {
    // The name in parentheses may hold anything; the state follows the last one (proc(5)).
    return readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)?.[0];
  } catch {
    return undefined;
  }
}

/** @returns the children of a process whose command line holds a text. Linux alone. */
export function childrenOf(parent: number, containing: string): number[] {
  return readdirSync('/proc').filter((name) => /^\d+$/.test(name)).map(Number).filter((pid) => {
    try {
      const after = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)?.split(' ') ?? [];
      return Number(after[1]) === parent && readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(containing);
    } catch {
      return false;
    }
  });
}
