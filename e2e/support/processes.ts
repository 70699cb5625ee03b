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

/** @returns the seccomp mode (proc(5): 2 is a filter) of each of a user's processes whose command line holds a text. */
export function seccompOf(uid: number, containing: string): number[] {
  return readdirSync('/proc').filter((name) => /^\d+$/.test(name)).flatMap((name) => {
    try {
      const status = readFileSync(`/proc/${name}/status`, 'utf8');
      const mine = new RegExp(`^Uid:\\s+${uid}\\s`, 'm').test(status) && readFileSync(`/proc/${name}/cmdline`, 'utf8').includes(containing);
      return mine ? [Number(/^Seccomp:\s+(\d)/m.exec(status)?.[1])] : [];
    } catch {
      return [];
    }
  });
}
