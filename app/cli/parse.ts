import { Argument, Command, CommanderError, Option } from 'commander';
import { KeywrightError } from '../contract/errors.ts';
import { nearest } from '../config/distance.ts';
import { GLOBAL_OPTIONS, SECRET_FILES } from './globals.ts';
import type { ArgumentSpec, CommandSpec, Kind, OptionSpec } from './spec.ts';
import { HelpAsked, wordsIn, type Parsed } from './words.ts';

const PLACEHOLDERS: Readonly<Record<Kind, string>> = { text: 'text', number: 'n', time: 'time', flag: '', record: 'key=value', value: 'value', bytes: 'file', path: 'file' };

/** What a field is for, by operation and path: for help alone. */
type FieldTexts = (operation: string, path: string) => string | undefined;

/** @returns what was given. @throws HelpAsked; INVALID_INPUT for whatever the command does not take. */
export function parseCommand(spec: CommandSpec, rest: readonly string[], texts?: FieldTexts): Parsed {
  const command = commandFor(spec, texts);
  let help = '';
  command.configureOutput({ writeOut: (text) => (help += text), writeErr: () => undefined });
  let parsed: Parsed | undefined;
  command.action(() => {
    parsed = { arguments: command.processedArgs as Parsed['arguments'], options: givenBy(command) };
  });
  try {
    command.parse([...rest], { from: 'user' });
  } catch (thrown) {
    if (!(thrown instanceof CommanderError)) throw thrown;
    if (thrown.code === 'commander.helpDisplayed') throw new HelpAsked(help);
    throw usageError(thrown.message, spec);
  }
  return parsed!;
}

/** @returns the error for what the library does not take. */
export function usageError(message: string, { words }: Pick<CommandSpec, 'words'>): KeywrightError {
  const [line = '', suggestion] = message.replace(/^error: /, '').split('\n');
  const detail = `${line.charAt(0).toUpperCase()}${line.slice(1)}${line.endsWith('.') ? '' : '.'}`;
  const meant = suggestion?.replace(/^\(|\)$/g, '');
  return new KeywrightError('INVALID_INPUT', { detail, remedy: meant ?? `See \`keywright ${words.join(' ')} --help\`.` });
}

function commandFor(spec: CommandSpec, texts?: FieldTexts): Command {
  const command = new Command(spec.words.join(' '))
    .description(`${spec.summary}.`)
    .exitOverride()
    .addHelpOption(helpOption())
    .showSuggestionAfterError(true)
    .configureHelp({ showGlobalOptions: false, commandUsage: (one) => `keywright ${one.name()} ${usageOf(spec)}` });
  for (const argument of spec.arguments) command.addArgument(argumentFor(argument, texts?.(spec.id, argument.path)));
  command.optionsGroup('Options:');
  for (const option of spec.options) addOption(command, option, texts?.(spec.id, option.path));
  if (spec.out !== undefined && !spec.options.some(({ name }) => name === 'out')) {
    command.addOption(new Option('--out <file>', 'write the answer there; -: standard output'));
    command.addOption(new Option('--force', 'replace a file that is there'));
  }
  for (const name of Object.keys(spec.outs ?? {})) command.addOption(new Option(`--${name} <file>`, `write the ${name.replace(/-out$/, '')} there`));
  addGlobals(command);
  if (spec.examples !== undefined) command.addHelpText('after', `\nExamples:\n${spec.examples.map((line) => `  ${line}`).join('\n')}`);
  return command;
}

const COMMON = 'Options of every command:';
const SECRETS = 'Secrets from files, for scripts (-: from standard input). Without, they are asked for on the terminal:';

/** @returns the option that shows the help, which stands with those of every command. */
export function helpOption(): Option {
  return new Option('-h, --help', 'show this').helpGroup(COMMON);
}

/** Adds what every command takes: also to the program's own (`serve`). */
export function addGlobals(command: Command): void {
  for (const { name, value, no, summary } of GLOBAL_OPTIONS) {
    command.optionsGroup(name in SECRET_FILES ? SECRETS : COMMON);
    if (no !== 'alone') command.addOption(new Option(`--${name}${value === undefined ? '' : ` <${value}>`}`, summary));
    if (no !== undefined) {
      const negated = new Option(`--no-${name}`, summary);
      // Its counterpart's line tells of both.
      command.addOption(no === 'alone' ? negated : negated.hideHelp());
    }
  }
}

/** @returns the options that were given, by their long names (`agent: false` for `--no-agent`). */
export function givenBy(command: Command): Record<string, unknown> {
  return Object.fromEntries(command.options.flatMap((option) => {
    const attribute = option.attributeName();
    return command.getOptionValueSource(attribute) === 'cli' ? [[option.long!.replace(/^--(no-)?/, ''), command.getOptionValue(attribute) as unknown]] : [];
  }));
}

function usageOf(spec: CommandSpec): string {
  const words = spec.arguments.map(({ name, required, many }) => {
    const word = `${name}${many === true ? '...' : ''}`;
    return required ? `<${word}>` : `[${word}]`;
  });
  return [...words, '[options]'].join(' ');
}

function argumentFor({ name, required, many, choices }: ArgumentSpec, text: string | undefined): Argument {
  const word = `${name}${many === true ? '...' : ''}`;
  const argument = new Argument(required ? `<${word}>` : `[${word}]`, text);
  return choices === undefined ? argument : argument.choices(choices);
}

function addOption(command: Command, spec: OptionSpec, text: string | undefined): void {
  const { name, kind, choices, many, nullable } = spec;
  if (kind === 'flag') return addFlag(command, spec, text);
  const option = new Option(`--${name} <${choices === undefined ? PLACEHOLDERS[kind] : 'name'}>`, describeOption(spec, text));
  const known = choices === undefined ? undefined : [...choices, ...(nullable === true ? ['none'] : [])];
  option.argParser((text: string, before: unknown) => {
    const values = wordsIn(spec, text);
    for (const value of values) if (known !== undefined && !(value === '' && many === true)) mustBeOneOf(name, value, known);
    return many === true || kind === 'record' ? [...((before as string[] | undefined) ?? []), ...values] : text;
  });
  command.addOption(option);
}

function mustBeOneOf(name: string, value: string, known: readonly string[]): void {
  if (known.includes(value)) return;
  const meant = nearest(value, known);
  throw new KeywrightError('INVALID_INPUT', {
    detail: `--${name} cannot be “${value.slice(0, 100)}”.`,
    where: `--${name}`,
    remedy: meant === undefined ? `Choose one of: ${known.join(', ')}.` : `Did you mean ${meant}?`,
    alternatives: meant === undefined ? known : [meant],
  });
}

function addFlag(command: Command, spec: OptionSpec, text: string | undefined): void {
  const { name, default: value } = spec;
  const [yes, no] = [new Option(`--${name}`, describeOption(spec, text)), new Option(`--no-${name}`, describeOption(spec, text))];
  command.addOption(value === true ? yes.hideHelp() : yes);
  if (spec.instead !== true) command.addOption(value === true ? no : no.hideHelp());
}

function describeOption({ name, kind, choices, many, nullable, default: value, instead }: OptionSpec, text: string | undefined): string {
  const words: string[] = [];
  if (text !== undefined) words.push(text);
  else if (instead === true) words.push(`what --in names is the ${name}`);
  else if (kind === 'flag') words.push(value === true ? `not ${name.replaceAll('-', ' ')}` : name.replaceAll(/[.-]/g, ' '));
  else if (kind === 'bytes') words.push(name === 'in' ? 'file to read' : `file with the ${name.replace(/-file$/, '').replaceAll(/[.-]/g, ' ')}`);
  else if (kind === 'path') words.push(name === 'out' ? 'file to write' : `file with the ${name}`);
  else words.push(name.replaceAll(/[.-]/g, ' '));
  if (choices !== undefined) words.push(`one of: ${choices.join(', ')}`);
  if (kind === 'flag' && value === undefined && instead !== true) words.push(`or --no-${name}`);
  if (kind === 'time') words.push('such as 2030-12-31');
  if (kind === 'bytes') words.push('-: standard input');
  if (many === true || kind === 'record') words.push('may be repeated');
  if (nullable === true) words.push('none: without');
  if (value !== undefined && kind !== 'flag') words.push(`default: ${String(value)}`);
  return words.join('; ');
}
