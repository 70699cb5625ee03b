import { OPERATION_FACTS, type InputFor, type OperationId } from '../bridge/index.ts';

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

/**
 * The command that does the same as a call. Bytes are named as files (`FILE`), since content has no place on a command
 * line; what has its default is left out; secrets are never part of an input.
 */
export function commandOf<K extends OperationId>(operation: K, input: InputFor<K>): string {
  const { cli, defaults } = OPERATION_FACTS[operation];
  const words = ['keywright', ...operation.split('.')];
  const record = input as Readonly<Record<string, unknown>>;
  const positional = (cli.arguments ?? []).map((name) => name.replace(/(\.\.\.|\?)$/, ''));
  const fileOf = new Map(Object.entries(cli.files ?? {}).map(([option, field]) => [field, option]));
  const fields = leaves(record).filter(([name, value]) => value !== undefined && JSON.stringify(defaults[name]) !== JSON.stringify(value));
  for (const name of positional) {
    const field = cli.files?.[name] ?? name;
    const value = fields.find(([path]) => path === field)?.[1];
    if (cli.files?.[name] !== undefined) words.push(value === undefined ? '' : 'FILE');
    else if (Array.isArray(value)) words.push(...value.map((item) => quote(textOf(item))));
    else if (value !== undefined) words.push(quote(String(value)));
  }
  for (const [name, value] of fields) {
    if (positional.includes(name) || positional.some((argument) => cli.files?.[argument] === name)) continue;
    const file = fileOf.get(name);
    const option = `--${file ?? cli.options?.[name] ?? kebab(name)}`;
    if (file !== undefined) words.push(option, 'FILE');
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
