import { GLOBAL_OPTIONS } from './globals.ts';
import type { ArgumentSpec, CommandSpec, OptionSpec } from './spec.ts';
import { wordsIn, type Parsed } from './words.ts';

/** What stands behind two dashes: an option that takes a word, or what a flag sets. */
type Known = { readonly name: string; readonly flag: boolean } | { readonly name: string; readonly option: Pick<OptionSpec, 'kind' | 'choices' | 'many' | 'nullable'> };

const PLAIN = { kind: 'text' } as const;

/**
 * The short way of `parseCommand`: most command lines are right, and are read here without the library that explains those
 * that are not. It would take a third of the time in which an owner of the store is asked for its keys.
 *
 * @returns exactly what `parseCommand` does; undefined for a line that may be wrong, asks for help, or is unusual.
 */
export function parseShort(spec: CommandSpec, rest: readonly string[]): Parsed | undefined {
  const options: Record<string, unknown> = {};
  const given: string[] = [];
  for (let next = 0; next < rest.length; next += 1) {
    const word = rest[next]!;
    if (word === '--') {
      given.push(...rest.slice(next + 1));
      break;
    }
    if (!word.startsWith('-') || word === '-') {
      given.push(word);
      continue;
    }
    const equals = word.indexOf('=');
    const known = word.startsWith('--') ? knownBy(spec, equals === -1 ? word.slice(2) : word.slice(2, equals)) : undefined;
    if (known === undefined) return undefined;
    if ('flag' in known) {
      if (equals !== -1) return undefined;
      options[known.name] = known.flag;
      continue;
    }
    const value = equals === -1 ? rest[(next += 1)] : word.slice(equals + 1);
    // What looks like another option is more likely a value that was forgotten.
    if (value === undefined || (value.startsWith('-') && value !== '-')) return undefined;
    const { name, option } = known;
    const values = wordsIn(option, value);
    if (!values.every((one) => mayBe(option, one))) return undefined;
    options[name] = option.many === true || option.kind === 'record' ? [...((options[name] as string[] | undefined) ?? []), ...values] : value;
  }
  const words = argumentsFrom(spec.arguments, given);
  return words === undefined ? undefined : { arguments: words, options };
}

function knownBy(spec: CommandSpec, name: string): Known | undefined {
  const option = spec.options.find((one) => one.name === name);
  if (option !== undefined) return option.kind === 'flag' ? { name, flag: true } : { name, option };
  const global = GLOBAL_OPTIONS.find((one) => one.name === name && one.no !== 'alone');
  if (global !== undefined) return global.value === undefined ? { name, flag: true } : { name, option: PLAIN };
  if (spec.out !== undefined && name === 'out') return { name, option: PLAIN };
  if (spec.out !== undefined && name === 'force') return { name, flag: true };
  if (spec.outs !== undefined && Object.hasOwn(spec.outs, name)) return { name, option: PLAIN };
  const positive = name.startsWith('no-') ? name.slice(3) : undefined;
  const negated = spec.options.some((one) => one.name === positive && one.kind === 'flag' && one.instead !== true) || GLOBAL_OPTIONS.some((one) => one.name === positive && one.no !== undefined);
  return positive !== undefined && negated ? { name: positive, flag: false } : undefined;
}

function mayBe({ choices, many, nullable }: Pick<OptionSpec, 'choices' | 'many' | 'nullable'>, value: string): boolean {
  return choices === undefined || choices.includes(value) || (nullable === true && value === 'none') || (many === true && value === '');
}

/** @returns the words by argument; undefined where one is missing, too much, or not to be chosen. */
function argumentsFrom(specs: readonly ArgumentSpec[], given: readonly string[]): Parsed['arguments'] | undefined {
  if (given.length > specs.length && specs.at(-1)?.many !== true) return undefined;
  const words: (string | readonly string[] | undefined)[] = [];
  for (const [index, { required, many, choices }] of specs.entries()) {
    const own = many === true ? given.slice(index) : given.slice(index, index + 1);
    if (required && own.length === 0) return undefined;
    if (choices !== undefined && !own.every((word) => choices.includes(word))) return undefined;
    words.push(many === true ? own : own[0]);
  }
  return words;
}
