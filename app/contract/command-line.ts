import type { CommandLine } from './operation.ts';

/** How a call is written as a command: for *Copy as command*, and for commands that mend what was found. Imports nothing at run time, so that the window can have it. */

/** Words that a POSIX shell takes as they are. */
const PLAIN = /^[A-Za-z0-9_@%+:,./-]+$/;

/** @returns the word as a POSIX shell reads it back, in double quotes where it holds nothing that acts within them. */
export function quote(word: string): string {
  if (PLAIN.test(word)) return word;
  return /["$`\\!\n]/.test(word) ? `'${word.replaceAll("'", `'\\''`)}'` : `"${word}"`;
}

const kebab = (name: string): string => name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);

/** @returns the fields of a record by dotted path; arrays and what is not a plain record are leaves. */
function leaves(value: Readonly<Record<string, unknown>>, prefix = ''): [string, unknown][] {
  return Object.entries(value).flatMap(([name, member]): [string, unknown][] =>
    typeof member === 'object' && member !== null && !Array.isArray(member) ? leaves(member as Record<string, unknown>, `${prefix}${name}.`) : [[prefix + name, member]]);
}

interface Spelling {
  readonly cli: Pick<CommandLine, 'arguments' | 'files' | 'options'>;
  /** What is left out where it is so. */
  readonly defaults?: Readonly<Record<string, unknown>>;
  /** The file that content stands for, as it is typed; content itself has no place on a command line. */
  readonly file?: string;
}

/**
 * @param operation its id. @param input as the operation takes it; secrets are never part of one
 * @returns the command that does the same as a call. What has its default is left out.
 */
export function commandLine(operation: string, input: Readonly<Record<string, unknown>>, { cli, defaults = {}, file = 'FILE' }: Spelling): string {
  const words = ['keywright', ...operation.split('.')];
  const named = file === 'FILE' ? file : quote(/^-./.test(file) ? `./${file}` : file);
  const positional = (cli.arguments ?? []).map((name) => name.replace(/(\.\.\.|\?)$/, ''));
  const fileOf = new Map(Object.entries(cli.files ?? {}).map(([option, field]) => [field, option]));
  const fields = leaves(input).filter(([name, value]) => value !== undefined && JSON.stringify(defaults[name]) !== JSON.stringify(value));
  for (const name of positional) {
    const field = cli.files?.[name] ?? name;
    const value = fields.find(([path]) => path === field)?.[1];
    if (cli.files?.[name] !== undefined) words.push(value === undefined ? '' : named);
    else if (Array.isArray(value)) words.push(...value.map((item) => quote(textOf(item))));
    else if (value !== undefined) words.push(quote(String(value)));
  }
  for (const [name, value] of fields) {
    if (positional.includes(name) || positional.some((argument) => cli.files?.[argument] === name)) continue;
    const from = fileOf.get(name);
    const option = `--${from ?? cli.options?.[name] ?? kebab(name)}`;
    if (from !== undefined) words.push(option, named);
    else if (typeof value === 'boolean') words.push(value ? option : option.replace(/^--/, '--no-'));
    else if (Array.isArray(value)) for (const item of value) words.push(option, quote(textOf(item)));
    else if (value !== null) words.push(option, quote(String(value)));
  }
  return words.filter((word) => word !== '').join(' ');
}

function textOf(item: unknown): string {
  if (typeof item === 'object' && item !== null && 'path' in item) return String(item.path);
  return typeof item === 'object' ? 'FILE' : String(item);
}
