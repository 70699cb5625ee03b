/**
 * node renderer/bridge/generate.ts
 *
 * Writes `operations.generated.ts`: what the window needs of the contract at run time, as plain data, so that no schema
 * library is bundled into it. A test fails when the file is stale.
 */
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { toJSONSchema } from 'zod';
import * as contract from '../../app/contract/index.ts';

type Namespace = Extract<keyof typeof contract, `${string}Operations`>;
/** Whatever the contract declares operations in: a new one needs no line here. */
const NAMESPACES = (Object.keys(contract) as (keyof typeof contract)[]).filter((name): name is Namespace => name.endsWith('Operations')).sort();
const TARGET = new URL('./operations.generated.ts', import.meta.url);

interface Declared {
  readonly record: contract.Operation;
  readonly type: string;
}

function declared(): Declared[] {
  return NAMESPACES.flatMap((namespace) =>
    Object.entries(contract[namespace]).flatMap(([name, value]) =>
      contract.OPERATIONS_BY_ID.get((value as { id?: string }).id ?? '') === value ? [{ record: value as contract.Operation, type: `typeof ${namespace}.${name}` }] : []));
}

/** Defaults of the input's fields: what *Copy as command* leaves out. */
function defaultsOf(record: contract.Operation): Record<string, unknown> {
  const schema = toJSONSchema(record.input, { io: 'input', unrepresentable: 'any' }) as { properties?: Record<string, { default?: unknown }> };
  return Object.fromEntries(Object.entries(schema.properties ?? {}).flatMap(([name, property]) => (property.default === undefined ? [] : [[name, property.default]])));
}

function factsOf(record: contract.Operation): object {
  const { arguments: positional, files, options, switches, paths } = record.cli ?? {};
  return {
    effect: record.effect,
    streams: record.progress !== undefined,
    /** May ask a person for something while it runs. */
    asks: record.errors.includes('PIN_REQUIRED') || record.errors.includes('CANCELLED'),
    onCommandLine: record.notOn?.cli === undefined,
    cli: { ...(positional && { arguments: positional }), ...(files && { files }), ...(options && { options }), ...(switches && { switches }), ...(paths && { paths }) },
    defaults: defaultsOf(record),
  };
}

export function generate(): string {
  const operations = declared().filter(({ record }) => record.notOn?.ipc === undefined).sort((a, b) => (a.record.id < b.record.id ? -1 : 1));
  const algorithms = Object.fromEntries(contract.KEY_ALGORITHM_NAMES.map((name) => {
    const { family, kind, bits, usages }: contract.KeyAlgorithmFacts = contract.KEY_ALGORITHMS[name];
    return [name, {
      family, kind, bits, usages,
      signatures: contract.signatureAlgorithmsOf(name), encryptions: contract.encryptionAlgorithmsOf(name), wrappings: contract.wrapAlgorithmsOf(name),
    }];
  }));
  return [
    '// Made from the contract by `node renderer/bridge/generate.ts`. Not to be edited.',
    `import type { ${[...NAMESPACES].sort().join(', ')} } from '../../app/contract/index.ts';`,
    '',
    'export interface Operations {',
    ...operations.map(({ record, type }) => `  '${record.id}': ${type};`),
    '}',
    '',
    'export interface OperationFacts {',
    "  readonly effect: 'read' | 'use' | 'write' | 'destroy';",
    '  readonly streams: boolean;',
    '  readonly asks: boolean;',
    '  readonly onCommandLine: boolean;',
    '  readonly cli: {',
    '    readonly arguments?: readonly string[];',
    '    readonly files?: Readonly<Record<string, string>>;',
    '    readonly options?: Readonly<Record<string, string>>;',
    '    readonly switches?: Readonly<Record<string, string>>;',
    "    readonly paths?: Readonly<Record<string, 'in' | 'out'>>;",
    '  };',
    '  readonly defaults: Readonly<Record<string, unknown>>;',
    '}',
    '',
    'export const OPERATION_FACTS: Readonly<Record<keyof Operations, OperationFacts>> = {',
    ...operations.map(({ record }) => `  '${record.id}': ${JSON.stringify(factsOf(record))},`),
    '};',
    '',
    '/** Key algorithms with what a key of each can do; lists have the recommended algorithm first. */',
    'export const KEY_ALGORITHMS = {',
    ...Object.entries(algorithms).map(([name, facts]) => `  '${name}': ${JSON.stringify(facts)},`),
    '} as const;',
    '',
    `export const PERMISSIONS = ${JSON.stringify(contract.PERMISSIONS)} as const;`,
    '',
    `export const ERROR_CODES = ${JSON.stringify(Object.keys(contract.ERRORS))} as const;`,
    '',
  ].join('\n');
}

if (process.argv[1] === fileURLToPath(import.meta.url)) writeFileSync(TARGET, generate());
