import { Command, Help } from 'commander';
import { KeywrightError } from '../contract/errors.ts';
import { GLOBAL_OPTIONS } from './globals.ts';
import { nearest } from '../config/distance.ts';
import { COMMANDS, isCommandPrefix } from './commands.ts';
import { addGlobals } from './parse.ts';
import { HelpAsked } from './words.ts';
import type { Surroundings } from './surroundings.ts';

const PROGRAM_SUMMARIES: Readonly<Record<string, string>> = {
  serve: 'Start the local agent: REST, and with --ui the window in a browser',
  completion: 'Print the completion script for bash, zsh or fish',
  version: 'Print the version',
  help: 'Show this, or the help of a command',
};

const NOUN_SUMMARIES: Readonly<Record<string, string>> = {
  store: 'The encrypted store that holds everything',
  backends: 'Where keys live',
  keys: 'Keys, and what they do',
  files: 'Signatures of files',
  jobs: 'Work that takes a while',
  audit: 'What was done, by whom',
  access: 'Access tokens for programs',
  config: 'Settings',
  agent: 'The running agent',
  doctor: 'What keeps Keywright from working',
  slots: 'Ways to unlock the store',
};

export async function showVersion(_argv: readonly string[], around: Surroundings): Promise<number> {
  const { version } = await import('../index.ts');
  around.stdout.write(`${version}\n`);
  return 0;
}

/** What stands behind a global option that takes a value is that value, and no command. */
const takesValue = (option = ''): boolean => GLOBAL_OPTIONS.some(({ name, value }) => value !== undefined && option === `--${name}`);

/** The program, or a noun: shows what there is to choose from; an unknown word is an error with the one that was meant. */
export async function overview(words: readonly string[], rest: readonly string[], around: Surroundings): Promise<number> {
  const unknown = rest.find((word, index) => !word.startsWith('-') && !takesValue(rest[index - 1]));
  const names = choices(words);
  if (unknown !== undefined) {
    const meant = nearest(unknown, names);
    throw new KeywrightError('INVALID_INPUT', {
      detail: `There is no command “${[...words, unknown].join(' ').slice(0, 100)}”.`,
      remedy: meant === undefined ? `See \`keywright ${[...words, '--help'].join(' ')}\`.` : `Did you mean \`keywright ${[...words, meant].join(' ')}\`?`,
      alternatives: meant === undefined ? names : [meant],
    });
  }
  const text = helpOf(words, names);
  if (rest.includes('--help') || rest.includes('-h')) throw new HelpAsked(text);
  around.stderr.write(text);
  return 2;
}

/** @returns the words that may follow. */
export function choices(words: readonly string[]): string[] {
  const next = COMMANDS.filter((command) => words.every((word, index) => command.words[index] === word)).map((command) => command.words[words.length]!);
  return [...new Set([...next, ...(words.length === 0 ? Object.keys(PROGRAM_SUMMARIES) : [])])];
}

function helpOf(words: readonly string[], names: readonly string[]): string {
  const command = new Command(['keywright', ...words].join(' ')).helpOption('-h, --help', 'show this').helpCommand(false);
  command.description(words.length === 0 ? 'All your keys on one command line.' : `${NOUN_SUMMARIES[words.at(-1)!] ?? ''}.`);
  for (const name of names) {
    const path = [...words, name];
    const operation = COMMANDS.find((one) => one.words.length === path.length && path.every((word, index) => one.words[index] === word));
    command.command(name).description(operation?.summary ?? (words.length === 0 ? PROGRAM_SUMMARIES[name] : undefined) ?? NOUN_SUMMARIES[name] ?? '');
  }
  if (words.length === 0) addGlobals(command);
  command.configureHelp({ subcommandTerm: (one) => one.name() + (isCommandPrefix([...words, one.name()]) && !COMMANDS.some(({ id }) => id === [...words, one.name()].join('.')) ? ' …' : '') });
  return Object.assign(new Help(), command.configureHelp()).formatHelp(command, Object.assign(new Help(), command.configureHelp(), { helpWidth: 100 }));
}
