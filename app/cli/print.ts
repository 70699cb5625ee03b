import type { Problem } from '../contract/errors.ts';
import { at } from './input.ts';
import { printable } from './printable.ts';
import type { CommandSpec } from './spec.ts';

/** Colours, where they are wanted. */
interface Style {
  bold(text: string): string;
  dim(text: string): string;
  red(text: string): string;
}

export function styleFor(colours: boolean): Style {
  const wrap = (on: number, off: number) => (text: string) => (colours ? `\x1b[${on}m${text}\x1b[${off}m` : text);
  return { bold: wrap(1, 22), dim: wrap(2, 22), red: wrap(31, 39) };
}

/** @returns an output record as a person reads it: a table where the command has one, else a line a field. */
export function humanOutput(spec: CommandSpec, output: unknown, style: Style): string {
  const whole = spec.text === undefined ? undefined : at(output, spec.text);
  if (typeof whole === 'string') return whole.split('\n').map((line) => `${printable(line)}\n`).join('');
  if (spec.table === undefined) return record(spec.shown === undefined ? output : Object.fromEntries(spec.shown.map((name) => [name.slice(name.lastIndexOf('.') + 1), at(output, name)])), style);
  const rows = at(output, spec.table.rows);
  const lines = !Array.isArray(rows) ? [] : spec.table.tree === true ? ['', ...tree(rows, style), ''] : table(rows, spec.table.columns, style);
  const rest = Object.entries(output as Record<string, unknown>).filter(([name]) => name !== spec.table?.rows);
  const printed = new Set<string>();
  const found = Array.isArray(rows) ? rows.flatMap((row: unknown) => findingLines(at(row, 'findings'), at(row, 'title'), style, printed)) : [];
  // A check that says no says so: its answer is the one `false` that is told.
  const asides = rest.flatMap(([name, value]) => (name === 'ok' && value === false ? [`${style.dim('ok:')} no`] : aside(name, value, style)));
  return (spec.table.tree === true ? [...asides, ...lines, ...found] : [...lines, ...found, ...asides]).map((line) => `${line}\n`).join('').replace(/\n{2,}$/, '\n');
}

function table(rows: readonly unknown[], columns: readonly string[], style: Style): string[] {
  if (rows.length === 0) return [];
  const cells = rows.map((row) => columns.map((column) => text(at(row, column))));
  const heads = columns.map((column) => title(column.slice(column.lastIndexOf('.') + 1)));
  const widths = heads.map((head, index) => Math.max(width(head), ...cells.map((row) => width(row[index]!))));
  const line = (row: readonly string[]) => row.map((cell, index) => (index === row.length - 1 ? cell : cell + ' '.repeat(widths[index]! - width(cell)))).join('  ').trimEnd();
  return [style.dim(line(heads)), ...cells.map(line)];
}

/** Things in things: each below what it is in, with what is known of it. */
function tree(rows: readonly unknown[], style: Style): string[] {
  const depths: number[] = [];
  return rows.flatMap((row, index) => {
    const { parent, kind, title: of, detail, facts, held, where } = row as Record<string, unknown>;
    const depth = (depths[index] = typeof parent === 'number' ? depths[parent]! + 1 : 0);
    const indent = '  '.repeat(depth);
    const known = (Array.isArray(facts) ? facts : []) as { name: string; value: string }[];
    const widest = Math.min(28, Math.max(0, ...known.map(({ name }) => width(name))));
    return [
      `${indent}${style.bold(`${text(kind)}${of === '' || of === kind ? '' : `: ${text(of)}`}`)}${typeof where === 'string' ? style.dim(` (${text(where)})`) : ''}`,
      ...(detail === of || detail === `${String(of)}.` ? [] : [`${indent}  ${sentence(detail)}`]),
      ...known.map(({ name, value }) => `${indent}  ${style.dim(printable(name).padEnd(widest))}  ${text(value)}`),
      ...(Array.isArray(held) ? held : []).map((uri) => `${indent}  ${style.dim('held here:')} ${text(uri)}`),
    ];
  });
}

/** What was found about one thing: a line each, and beneath it the commands that mend it, as they can be pasted; each is printed once, since one may mend several. */
function findingLines(findings: unknown, of: unknown, style: Style, printed: Set<string>): string[] {
  if (!Array.isArray(findings)) return [];
  return findings.flatMap((one: unknown) => {
    const { level, detail, remedy, mendedBy } = one as Record<string, unknown>;
    const commands = Array.isArray(mendedBy) ? mendedBy.map((action: unknown) => String(at(action, 'command'))).filter((command) => !printed.has(command)) : [];
    for (const command of commands) printed.add(command);
    const said = commands.length === 0 && typeof remedy === 'string' ? ` ${text(remedy)}` : '';
    return [`${style.bold(typeof of === 'string' && of !== '' ? `${text(of)}, ${text(level)}` : text(level))}: ${sentence(detail)}${said}`, ...commands.map((command) => `  ${printable(command)}`)];
  });
}

/** Sentences are shown whole, however long their words are. */
const sentence = (detail: unknown): string => printable(String(detail));

/** What an answer tells beside its table: what is not empty, and who has something to say. */
function aside(name: string, value: unknown, style: Style): string[] {
  if (value === null || value === undefined || value === false || (Array.isArray(value) && value.length === 0)) return [];
  if (name === 'findings') return findingLines(value, undefined, style, new Set());
  if (Array.isArray(value) && value.some((one) => typeof one === 'object')) {
    const left = value.filter((one) => typeof at(one, 'reason') === 'string' && at(one, 'detail') === undefined);
    if (left.length > 0) return leftOut(name, left, style);
    return value.flatMap((one) => {
      const { detail, remedy, title: of, where } = one as Record<string, unknown>;
      return typeof detail === 'string' ? [`${style.bold(text(of ?? name))}: ${text(detail)}${typeof where === 'string' && !detail.includes(where) ? ` (${text(where)})` : ''}${typeof remedy === 'string' ? ` ${text(remedy)}` : ''}`] : [];
    });
  }
  if (typeof value === 'object' && !Array.isArray(value)) return fields(value, `${name}.`, style);
  return [`${style.dim(`${title(name)}:`)} ${text(value)}`];
}

/** Files that were passed over, each with a word why: those of a large folder are not all told. */
const MOST_LEFT_OUT = 20;

function leftOut(name: string, left: readonly unknown[], style: Style): string[] {
  const lines = left.slice(0, MOST_LEFT_OUT).map((one) => `${style.bold(title(name))}: ${text(at(one, 'name'))} (${text(at(one, 'reason'))})`);
  return left.length > MOST_LEFT_OUT ? [...lines, `${style.bold(title(name))}: ${left.length - MOST_LEFT_OUT} more`] : lines;
}

function record(output: unknown, style: Style): string {
  const { findings, ...rest } = (output ?? {}) as Record<string, unknown>;
  return [...fields(rest, '', style), ...findingLines(findings, undefined, style, new Set())].map((line) => `${line}\n`).join('');
}

function fields(value: unknown, prefix: string, style: Style): string[] {
  const entries = flat(value, prefix);
  const widest = Math.min(24, Math.max(0, ...entries.map(([name]) => width(title(name)))));
  return entries.map(([name, one]) => `${style.dim(title(name).padEnd(widest))}  ${text(one)}`);
}

/** Records within records become lines of their own; what is null or an empty list is left out. */
function flat(value: unknown, prefix: string): [string, unknown][] {
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([name, one]): [string, unknown][] => {
    if (one === null || one === undefined || (Array.isArray(one) && one.length === 0)) return [];
    if (Array.isArray(one) && one.some((item) => typeof item === 'object')) return one.flatMap((item, index) => called(item) ?? flat(item, `${prefix}${name}.${index + 1}.`));
    if (typeof one === 'object' && !Array.isArray(one)) return flat(one, `${prefix}${name}.`);
    // Sentences have a line each.
    if (Array.isArray(one) && one.some((item) => typeof item === 'string' && item.includes(' '))) return one.map((item, index) => [index === 0 ? prefix + name : '', item]);
    return [[prefix + name, one]];
  });
}

/** @returns a thing of a list that has a name of its own, on one line: a fact with its value, a kind with its state and what else is known of it. */
function called(item: unknown): [string, unknown][] | undefined {
  const { name, kind, ...rest } = item as Record<string, unknown>;
  const facts = Object.entries(rest).filter(([, value]) => value !== null && value !== undefined);
  if (facts.some(([, value]) => typeof value === 'object')) return undefined;
  if (typeof name === 'string' && kind === undefined && facts.length === 1) return [[name, facts[0]![1]]];
  if (typeof kind === 'string' && name === undefined && typeof rest['state'] === 'string') return [[kind, facts.map(([of, value]) => (typeof value === 'string' ? value : `${title(of)} ${text(value)}`)).join(', ')]];
  return undefined;
}

/** `notAfter` reads `not after`. */
function title(name: string): string {
  return printable(name).replaceAll(/([a-z])([A-Z])/g, '$1 $2').toLowerCase();
}

function text(value: unknown): string {
  if (value === null || value === undefined) return '-';
  if (typeof value === 'boolean') return value ? 'yes' : 'no';
  if (Array.isArray(value)) return value.length === 0 ? '-' : value.map(text).join(', ');
  const whole = String(value);
  // Nobody reads base64: certificates and keys are for --json and --out.
  return whole.length > MOST_SHOWN && !whole.slice(0, MOST_SHOWN).trim().includes(' ') ? `${printable(whole.slice(0, 24))}… (${whole.length} characters; --json has them all)` : printable(whole);
}

/** Longer than any URI or name without a blank. */
const MOST_SHOWN = 400;

/** Columns that a text takes; wide characters count as they are, which a terminal may see otherwise. */
function width(value: string): number {
  return [...value].length;
}

/** @returns an error as a person reads it: what, why, what to do next. */
export function humanError(problem: Problem, style: Style): string {
  const { title: what, detail, where, remedy, alternatives, triesLeft, retryAfter } = problem;
  const lines = [`${style.red(style.bold('keywright:'))} ${printable(detail === '' ? what : detail)}`];
  if (where !== undefined && !detail.includes(where)) lines.push(`  ${style.dim('at')} ${printable(where)}`);
  if (triesLeft !== undefined) lines.push(`  ${triesLeft} ${triesLeft === 1 ? 'try' : 'tries'} left`);
  if (retryAfter !== undefined) lines.push(`  Try again in ${retryAfter} s`);
  if (remedy !== undefined) lines.push(`  ${printable(remedy)}`);
  const others = (alternatives ?? []).filter((one) => remedy?.includes(one) !== true);
  if (others.length > 0) lines.push(`  ${style.dim('would do:')} ${others.slice(0, 30).map(printable).join(', ')}${others.length > 30 ? ' …' : ''}`);
  return `${lines.join('\n')}\n`;
}

/**
 * @param columns of the terminal: a line that wrapped could not be overwritten.
 * @returns one line that tells how far a call is, from the numbers that its progress has.
 */
export function progressLine(event: unknown, columns = 121): string {
  if (typeof event !== 'object' || event === null) return '';
  const { done, total, bytes, totalBytes, file, label, index, files, detail } = event as Record<string, unknown>;
  const name = [file, label, detail].find((one) => typeof one === 'string');
  const words = name === undefined ? [] : [printable(name as string)];
  if (typeof index === 'number' && typeof files === 'number' && files > 1) words.push(`(${Math.min(index + 1, files)} of ${files})`);
  const [part, whole] = typeof totalBytes === 'number' ? [bytes, totalBytes] : [done, total];
  if (typeof part === 'number' && typeof whole === 'number' && whole > 0) words.push(`${Math.floor((part / whole) * 100)} %`);
  return [...words.join(' ')].slice(0, Math.max(0, Math.min(columns - 1, 120))).join('');
}
