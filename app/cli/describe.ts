import { toJSONSchema } from 'zod';
import { OPERATIONS, type Operation } from '../contract/index.ts';
import type { ArgumentSpec, CommandSpec, FieldSpec, OptionSpec, OutputSpec, UnionSpec } from './spec.ts';

/** JSON Schema as far as the contract's inputs and outputs need it. */
interface Schema {
  readonly type?: string;
  readonly enum?: readonly string[];
  readonly const?: unknown;
  readonly format?: string;
  readonly pattern?: string;
  readonly maxLength?: number;
  readonly default?: unknown;
  readonly items?: Schema;
  readonly anyOf?: readonly Schema[];
  readonly oneOf?: readonly Schema[];
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: Schema | boolean;
}

interface Field extends Omit<FieldSpec, 'nameTo'> {
  readonly default?: unknown;
}

/** The wire form of bytes (`boundedBytes`). */
const BYTES = '^[A-Za-z0-9_-]*$';

/** @returns every operation that the command line has, as commands. */
export function describeCommands(operations: readonly Operation[] = OPERATIONS): CommandSpec[] {
  return operations.filter(({ notOn }) => notOn?.cli === undefined).map(describe);
}

/** @returns the text of `commands.generated.json`. */
export function commandTable(): string {
  return `${JSON.stringify(describeCommands(), null, 1)}\n`;
}

function wireSchema(schema: Operation['input']): Schema {
  return toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }) as Schema;
}

function without(schema: Schema, names: readonly string[]): Schema {
  return { ...schema, properties: Object.fromEntries(Object.entries(schema.properties ?? {}).filter(([name]) => !names.includes(name))) };
}

function describe(operation: Operation): CommandSpec {
  const { id, summary, permission, http, check, cli = {} } = operation;
  const schema = without(wireSchema(operation.input), cli.without ?? []);
  const unions: UnionSpec[] = [];
  const fields = new Map(fieldsOf(schema, '', cli.paths ?? {}, unions).map((field) => [field.path, field]));
  const files = cli.files ?? {};
  const nameTo = (path: string): { nameTo?: string } => (cli.names?.[path] === undefined ? {} : { nameTo: cli.names[path] });
  const positional = (cli.arguments ?? []).map((text): ArgumentSpec => {
    const name = text.replace(/(\.\.\.)?\??$/, '');
    const path = files[name] ?? name;
    const also = Object.entries(files).some(([option, target]) => option !== name && target === path);
    const bytes = cli.fileOr?.[name];
    const fileOr = bytes === undefined ? {} : { fileOr: { path: bytes, most: fieldAt(fields, bytes, id).most ?? 0 } };
    return { ...withoutDefault(fieldAt(fields, path, id)), name: name.split('.')[0]!, required: !text.endsWith('?') && !also, ...fileOr, ...nameTo(path) };
  });
  const given = new Set([...positional.map(({ path }) => path), ...Object.values(files), ...Object.values(cli.switches ?? {})]);
  const positionalFiles = new Set((cli.arguments ?? []).map((text) => text.replace(/(\.\.\.)?\??$/, '')));
  const options: OptionSpec[] = [
    ...Object.entries(files).filter(([name]) => !positionalFiles.has(name)).map(([name, path]) => ({ ...withoutDefault(fieldAt(fields, path, id)), kind: 'bytes' as const, name, ...nameTo(path) })),
    ...Object.entries(cli.switches ?? {}).map(([name, path]) => ({ path, kind: 'flag' as const, name, instead: true as const })),
    ...[...fields.values()].filter(({ path }) => !given.has(path)).map((field) => ({ ...field, name: cli.options?.[field.path] ?? kebab(field.path) })),
  ];
  const output = wireSchema(operation.output);
  return {
    id, words: id.split('.'), summary, permission,
    needsStore: operation.whenLocked !== true || cli.opensStore === true,
    ...(cli.opensStoreIfGiven === undefined ? {} : { opensStoreIfGiven: true as const }),
    ...(operation.withoutStore === undefined ? {} : { withoutStore: operation.withoutStore }),
    progress: operation.progress !== undefined,
    http: { method: http.method, path: http.path },
    arguments: positional, options,
    required: (schema.required ?? []).map((path) => ({ path, by: wayTo(path, positional, options) })),
    unions,
    ...(check === undefined ? {} : { check }),
    ...(cli.out === undefined ? {} : { out: outputOf(output, cli.out, cli.secretOut) }),
    ...(cli.outs === undefined ? {} : { outs: Object.fromEntries(Object.entries(cli.outs).map(([name, path]) => [name, outputOf(output, path, true)])) }),
    ...(cli.stdout === undefined ? {} : { stdout: cli.stdout }),
    ...(cli.table === undefined ? {} : { table: cli.table }),
    ...(cli.text === undefined ? {} : { text: cli.text }),
    ...(cli.shown === undefined ? {} : { shown: cli.shown }),
    ...(cli.examples === undefined ? {} : { examples: cli.examples }),
    ...(cli.prompts === undefined ? {} : { prompts: cli.prompts }),
    ...(cli.background === undefined ? {} : { background: cli.background }),
  };
}

function fieldAt(fields: ReadonlyMap<string, Field>, path: string, id: string): Field {
  const field = fields.get(path);
  if (field === undefined) throw new Error(`${id}: its command line names “${path}”, which its input does not have`);
  return field;
}

function withoutDefault({ default: _default, ...field }: Field): Omit<Field, 'default'> {
  return field;
}

/** @returns `not-after` for `notAfter`, `hkdf.hash` for itself. */
function kebab(name: string): string {
  return name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

function wayTo(path: string, positional: readonly ArgumentSpec[], options: readonly OptionSpec[]): string {
  const within = (field: { path: string }) => field.path === path || field.path.startsWith(`${path}.`);
  const words = [
    ...positional.filter(within).map(({ name }) => name.toUpperCase()),
    ...options.filter((option) => within(option) && option.kind !== 'flag').map(({ name, kind }) => `--${name} ${kind === 'bytes' || kind === 'path' ? 'FILE' : 'VALUE'}`),
  ];
  return words.join(' or ');
}

function fieldsOf(schema: Schema, prefix: string, paths: Readonly<Record<string, string>>, unions: UnionSpec[]): Field[] {
  return Object.entries(schema.properties ?? {}).flatMap(([name, member]) => field(member, prefix + name, paths, unions));
}

function field(schema: Schema, path: string, paths: Readonly<Record<string, string>>, unions: UnionSpec[]): Field[] {
  const alternatives = alternativesOf(schema);
  const common = schema.default === undefined || typeof schema.default === 'object' ? {} : { default: schema.default };
  if (alternatives !== undefined) {
    const real = alternatives.filter(({ type }) => type !== 'null');
    if (real.every(({ properties }) => properties !== undefined)) return union(real, path, paths, unions);
    if (real.length === 1) return field(real[0]!, path, paths, unions).map((one) => ({ ...one, nullable: true as const }));
    return [{ path, kind: 'value', ...common }];
  }
  if (schema.properties !== undefined) return fieldsOf(schema, `${path}.`, paths, unions);
  if (schema.type === 'array') return [{ ...element(schema.items ?? {}, path, paths), many: true }];
  if (schema.type === 'object') return [{ path, kind: 'record' }];
  return [{ ...element(schema, path, paths), ...common }];
}

/** Alternatives of alternatives are alternatives. */
function alternativesOf(schema: Schema): readonly Schema[] | undefined {
  return (schema.anyOf ?? schema.oneOf)?.flatMap((one) => alternativesOf(one) ?? [one]);
}

/** Alternatives share the options of all; where one is a path on this machine, the command line knows that one alone. */
function union(variants: readonly Schema[], path: string, paths: Readonly<Record<string, string>>, unions: UnionSpec[]): Field[] {
  const members = variants.map((variant) => ({ variant, fields: fieldsOf(variant, `${path}.`, paths, []) }));
  unions.push({
    path,
    variants: variants.map(({ required = [], properties = {} }) => ({
      required,
      constants: Object.fromEntries(Object.entries(properties).filter(([name, { const: fixed }]) => fixed === true && required.includes(name)).map(([name]) => [name, true as const])),
      fields: Object.keys(properties),
    })),
  });
  const local = members.filter(({ fields }) => fields.some((one) => paths[one.path] !== undefined));
  const seen = new Set<string>();
  return (local.length > 0 ? local : members).flatMap(({ fields }) => fields).filter((one) => !seen.has(one.path) && Boolean(seen.add(one.path)));
}

function element(schema: Schema, path: string, paths: Readonly<Record<string, string>>): Field {
  if (paths[path] !== undefined) {
    const inner = (alternativesOf(schema) ?? [schema]).find(({ properties }) => properties?.['path'] !== undefined);
    return { path, kind: 'path', ...(inner === undefined ? {} : { within: 'path' }), ...(paths[path] === 'in' ? { reads: true } : {}) };
  }
  if (schema.type === 'boolean') return { path, kind: 'flag' };
  if (schema.type === 'integer' || schema.type === 'number') return { path, kind: 'number' };
  if (schema.type !== 'string') throw new Error(`the command line has no way to give “${path}”`);
  if (schema.pattern === BYTES) return { path, kind: 'bytes', most: Math.floor(((schema.maxLength ?? 0) * 3) / 4) };
  if (schema.enum !== undefined) return { path, kind: 'text', choices: schema.enum };
  return { path, kind: schema.format === 'date-time' ? 'time' : 'text' };
}

function outputOf(schema: Schema, path: string, secret: boolean | undefined): OutputSpec {
  const at = path.split('.').reduce<Schema | undefined>((here, name) => (/^\d+$/.test(name) ? here?.items : here?.properties?.[name]), schema);
  if (at === undefined) throw new Error(`an output has no “${path}”`);
  const bytes = [at, ...(alternativesOf(at) ?? [])].some(({ pattern }) => pattern === BYTES); // it may be null as well
  return { path, bytes, ...(secret === true ? { secret: true as const } : {}) };
}
