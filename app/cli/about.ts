import { Command, Help, Option } from 'commander';
import { KeywrightError } from '../contract/errors.ts';
import { takesValue, unknownOption } from './globals.ts';
import { nearest } from '../config/distance.ts';
import { COMMANDS, isCommandPrefix } from './commands.ts';
import { addGlobals, helpOption } from './parse.ts';
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
  keys: 'Make, use, move, export and import keys of all places',
  certificates: 'Certificates and requests, a small authority, what ends soon',
  'certificates crl': 'Certificate revocation lists',
  'certificates ocsp': 'The state of a certificate, asked and answered (OCSP)',
  files: 'Sign, verify, encrypt, decrypt and look into files',
  tokens: 'YubiKeys, SmartCard-HSMs and PKCS#11 tokens: PIN, slots, set-up',
  'tokens dkek': 'Shares of the key that a SmartCard-HSM’s backups are wrapped with',
  jobs: 'Work that takes a while',
  audit: 'What was done, by whom',
  access: 'Access tokens for programs',
  config: 'Settings',
  agent: 'The running agent',
  doctor: 'What keeps Keywright from working',
  health: 'What asks for attention: what ends, what is weak, damaged or not backed up',
  'store slots': 'Ways to unlock the store',
};

export async function showVersion(argv: readonly string[], around: Surroundings): Promise<number> {
  refuseUnknown(argv.filter((word) => word !== '--version'), []);
  const { version } = await import('../version.ts');
  around.stdout.write(argv.includes('--json') ? `${JSON.stringify({ version })}\n` : `${version}\n`);
  return 0;
}

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
  refuseUnknown(rest, words);
  const text = helpOf(words, names, Math.min(WIDEST, (rest.includes('--help') || rest.includes('-h') ? around.stdout : around.stderr).columns ?? WIDEST));
  if (rest.includes('--help') || rest.includes('-h')) throw new HelpAsked(text);
  around.stderr.write(text);
  return 2;
}

/** @throws INVALID_INPUT */
function refuseUnknown(rest: readonly string[], words: readonly string[]): void {
  const option = unknownOption(rest);
  if (option !== undefined) throw new KeywrightError('INVALID_INPUT', { detail: `Unknown option '${option.slice(0, 100)}'.`, remedy: `See \`keywright ${[...words, '--help'].join(' ')}\`.` });
}

/** @returns the words that may follow. */
export function choices(words: readonly string[]): string[] {
  const next = COMMANDS.filter((command) => words.every((word, index) => command.words[index] === word)).map((command) => command.words[words.length]!);
  return [...new Set([...next, ...(words.length === 0 ? Object.keys(PROGRAM_SUMMARIES) : [])])];
}

/** Columns of a help that nothing narrower holds. */
const WIDEST = 100;

const FIRST_STEPS = `
First steps:
  keywright store create
  keywright keys generate --algorithm ec-p256 --label "Release signing"
  keywright files sign report.pdf --key "Release signing"
  keywright files verify report.pdf --signature report.pdf.sig

\`keywright help files sign\`, or \`--help\` behind any command, tells all that it takes.`;

function helpOf(words: readonly string[], names: readonly string[], helpWidth: number): string {
  const isProgram = words.length === 0;
  const command = new Command(['keywright', ...words].join(' ')).addHelpOption(isProgram ? helpOption() : new Option('-h, --help', 'show this')).helpCommand(false);
  command.description(isProgram ? 'All your keys on one command line.' : `${nounSummary(words)}.`);
  const group = (name: string): boolean => isCommandPrefix([...words, name]) && !COMMANDS.some(({ id }) => id === [...words, name].join('.'));
  for (const name of names) {
    const path = [...words, name];
    const operation = COMMANDS.find((one) => one.words.length === path.length && path.every((word, index) => one.words[index] === word));
    command.command(name).description(operation?.summary ?? (isProgram ? PROGRAM_SUMMARIES[name] : undefined) ?? nounSummary(path));
  }
  if (isProgram) addGlobals(command);
  const help = Object.assign(new Help(), { helpWidth, subcommandTerm: (one: Command) => one.name() + (group(one.name()) ? ' …' : '') });
  const text = help.formatHelp(command, help);
  // What there is to do comes before what may be added to it.
  const [head, options, commands] = [text.slice(0, text.indexOf('Options')), text.slice(text.indexOf('Options'), text.indexOf('Commands:')), text.slice(text.indexOf('Commands:'))];
  return `${head}${commands.trimEnd()}\n${isProgram ? `${FIRST_STEPS}\n` : ''}\n${options.trimEnd()}\n`;
}

/** @returns what stands behind words that are no command by themselves. A test holds that all have one. */
export function nounSummary(words: readonly string[]): string {
  return NOUN_SUMMARIES[words.join(' ')] ?? '';
}
