import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { PinLedger } from './pin-ledger.ts';
import { run, type Outcome } from './tools.ts';

/** The command line from outside, with virtual devices in its readers: each command in a process of its own, with nobody at a terminal. What a card refused is known to the owner of the store, if they share one. */

/** The command line's entry, for Node. */
export const MAIN = fileURLToPath(new URL('../../app/cli/main.ts', import.meta.url));

export interface CommandLine {
  attempt(...args: string[]): Promise<Outcome>;
  /** @returns what it prints. @throws unless it succeeds */
  keywright(...args: string[]): Promise<string>;
  /** The same as JSON. */
  told<T = Record<string, unknown>>(...args: string[]): Promise<T>;
  /** @returns all that another program prints. @throws unless it succeeds */
  judge(command: string, ...args: string[]): Promise<string>;
}

/**
 * @param path where a file of the test is: `data` is the store's folder, `pw` holds its passphrase. @param environment by which readers are found.
 * @param options.owner commands share the owner of the store, if there is one. @param options.deadline milliseconds for a command.
 */
export function commandLine(path: (name: string) => string, environment: () => Readonly<Record<string, string>>, { owner = false, deadline }: { owner?: boolean; deadline: number }): CommandLine {
  const attempt: CommandLine['attempt'] = (...args) => {
    // What the files hold is what somebody enters.
    for (const [index, name] of args.entries()) if (/^--.*(pin|puk)-file$/.test(name)) PinLedger.typed(readFileSync(args[index + 1]!, 'utf8'), { afresh: !owner });
    return run(process.execPath, [MAIN, ...(owner ? [] : ['--no-agent']), '--data-dir', path('data'), '--passphrase-file', path('pw'), ...args], { environment: environment(), deadline });
  };
  const keywright: CommandLine['keywright'] = async (...args) => {
    const { status, stdout, stderr } = await attempt(...args);
    if (status !== 0) throw new Error(`keywright ${args.join(' ')}: exit ${status}\n${stderr}`);
    return stdout;
  };
  return {
    attempt,
    keywright,
    told: async <T>(...args: string[]) => JSON.parse(await keywright(...args, '--json')) as T,
    async judge(command, ...args) {
      const { status, stdout, stderr } = await run(command, args, { environment: environment() });
      if (status !== 0) throw new Error(`${command} ${args.join(' ')}: exit ${status}\n${stdout}${stderr}`);
      return stdout + stderr;
    },
  };
}
