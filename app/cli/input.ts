import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { KeywrightError } from '../contract/errors.ts';
import type { ArgumentSpec, CommandSpec, OptionSpec } from './spec.ts';
import type { Parsed } from './words.ts';

/** Reads a file, or standard input for `-`. @throws NOT_FOUND, INVALID_INPUT when it holds more than `most` bytes. */
type ReadBytes = (file: string, most: number, option: string) => Promise<Uint8Array>;

/** @returns the path of a file with what comes from standard input. */
type FromPipe = (option: string) => Promise<string>;

const MOST = 16 * 1024 * 1024;

/** @returns the operation's input, wire side. @throws INVALID_INPUT for what is missing or can be read in no way. */
export async function inputOf(spec: CommandSpec, parsed: Parsed, readBytes: ReadBytes, fromPipe: FromPipe): Promise<Record<string, unknown>> {
  const input: Record<string, unknown> = {};
  const instead = spec.options.find((option) => option.instead === true && parsed.options[option.name] === true);
  const put = async (field: ArgumentSpec | OptionSpec, given: unknown, option: string): Promise<void> => {
    if (field.reads === true && [given].flat().includes('-')) return set(input, field.path, valueOf(field, await piped(given, option), option));
    if (field.kind !== 'bytes') return set(input, field.path, valueOf(field, given, option));
    const read = async (file: unknown): Promise<string> => wireBytes(await readBytes(String(file), field.most ?? MOST, option));
    const path = instead !== undefined && option === '--in' ? instead.path : field.path;
    if (field.nameTo !== undefined) set(input, field.nameTo, String(given));
    if (field.many !== true) return set(input, path, await read(given));
    const files: string[] = [];
    for (const file of given as readonly string[]) files.push(await read(file));
    set(input, path, files);
  };
  const piped = async (given: unknown, option: string): Promise<unknown> => {
    if (!Array.isArray(given)) return fromPipe(option);
    const words: unknown[] = [];
    for (const word of given) words.push(word === '-' ? await fromPipe(option) : word);
    return words;
  };
  for (const [index, argument] of spec.arguments.entries()) {
    const given = parsed.arguments[index];
    if (given === undefined || (Array.isArray(given) && given.length === 0)) continue;
    const { fileOr } = argument;
    if (fileOr !== undefined && typeof given === 'string' && (given === '-' || existsSync(resolve(given)))) set(input, fileOr.path, wireBytes(await readBytes(given, fileOr.most, argument.name.toUpperCase())));
    else await put(argument, given, argument.name.toUpperCase());
  }
  for (const option of spec.options) {
    const given = parsed.options[option.name];
    if (given === undefined || option.instead === true) continue;
    if (option.name === 'out' && option.kind === 'path' && given === '-') {
      if (spec.stdout === undefined) throw new KeywrightError('INVALID_INPUT', { detail: 'This is written to a file, not to standard output.', where: '--out', remedy: 'Name a file.' });
      for (const [path, value] of Object.entries(spec.stdout)) set(input, path, value);
    } else {
      await put(option, given, `--${option.name}`);
    }
  }
  settleUnions(spec, input);
  for (const { path, by } of spec.required) {
    if (at(input, path) === undefined) throw new KeywrightError('INVALID_INPUT', { detail: `${by === '' ? path : by} is needed.`, where: `/${path.replaceAll('.', '/')}`, remedy: `See \`keywright ${spec.words.join(' ')} --help\`.` });
  }
  return input;
}

const wireBytes = (bytes: Uint8Array): string => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64url');

function valueOf(field: ArgumentSpec | OptionSpec, given: unknown, option: string): unknown {
  if (field.kind === 'flag') return given;
  if (field.kind === 'record') return recordOf(given as readonly string[], option);
  if (field.many === true) return (given as readonly string[]).filter((text) => text !== '').map((text) => single(field, text, option));
  return single(field, String(given), option);
}

function single(field: ArgumentSpec | OptionSpec, text: string, option: string): unknown {
  if (field.nullable === true && text === 'none') return null;
  switch (field.kind) {
    case 'number': {
      const number = Number(text);
      if (text.trim() === '' || !Number.isFinite(number)) throw new KeywrightError('INVALID_INPUT', { detail: `“${text.slice(0, 100)}” is not a number.`, where: option });
      return number;
    }
    case 'time': return timeOf(text, option);
    case 'value': return literalOf(text);
    case 'path': {
      if (text === '-') throw new KeywrightError('INVALID_INPUT', { detail: 'A file is needed here.', where: option, remedy: 'Name a file (./- for one of that name).' });
      return field.within === undefined ? resolve(text) : { [field.within]: resolve(text) };
    }
    default: return text;
  }
}

/** A day, or any time that JavaScript reads, in UTC. */
function timeOf(text: string, option: string): string {
  const time = /^\d{4}-\d\d-\d\d([T ]|$)/.test(text) ? new Date(/^\d{4}-\d\d-\d\d$/.test(text) ? `${text}T00:00:00Z` : text) : new Date(NaN);
  // A day that does not exist, such as 30 February, is not moved to another one.
  if (Number.isNaN(time.getTime()) || (/^\d{4}-\d\d-\d\d$/.test(text) && time.toISOString().slice(0, 10) !== text)) {
    throw new KeywrightError('INVALID_INPUT', { detail: `“${text.slice(0, 100)}” is not a time.`, where: option, remedy: 'Give a day (2030-12-31) or a time in UTC (2030-12-31T12:00:00Z).' });
  }
  return time.toISOString();
}

function literalOf(text: string): unknown {
  return /^(true|false|null|-?(0|[1-9]\d*)(\.\d+)?)$/.test(text) ? (JSON.parse(text) as unknown) : text;
}

function recordOf(pairs: readonly string[], option: string): Record<string, unknown> {
  return Object.fromEntries(pairs.map((pair) => {
    const [, key, value] = /^([^=]+)=([^]*)$/.exec(pair) ?? [];
    if (key === undefined || value === undefined) throw new KeywrightError('INVALID_INPUT', { detail: `“${pair.slice(0, 100)}” is not KEY=VALUE.`, where: option });
    return [key, literalOf(value)];
  }));
}

/** Where an alternative lacks nothing but its fixed mark, the mark goes without saying: `--force` alone means beside. */
function settleUnions(spec: CommandSpec, input: Record<string, unknown>): void {
  for (const { path, variants } of spec.unions) {
    const value = at(input, path);
    if (typeof value !== 'object' || value === null) continue;
    const given = Object.keys(value);
    const open = variants.filter(({ fields }) => given.every((name) => fields.includes(name)));
    if (open.some(({ required }) => required.every((name) => given.includes(name)))) continue;
    const marked = open.find(({ required, constants }) => required.every((name) => given.includes(name) || constants[name] === true));
    if (marked !== undefined) Object.assign(value, marked.constants);
  }
}

/** Own properties alone: a field named `__proto__` is refused by the dispatcher like any other that it does not know. */
function set(record: Record<string, unknown>, path: string, value: unknown): void {
  const names = path.split('.');
  let here = record;
  for (const name of names.slice(0, -1)) here = (here[name] ??= {}) as Record<string, unknown>;
  here[names.at(-1)!] = value;
}

/** @returns what stands at a dotted path, or undefined. */
export function at(record: unknown, path: string): unknown {
  return path.split('.').reduce<unknown>((here, name) => (typeof here === 'object' && here !== null && Object.hasOwn(here, name) ? (here as Record<string, unknown>)[name] : undefined), record);
}
