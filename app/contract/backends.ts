import { z } from 'zod';
import { KeyAlgorithm } from './algorithms.ts';
import { CORE_CAPABILITIES } from './capabilities.ts';
import { operation } from './operation.ts';
import { BackendName, Empty, FindingRecord } from './records.ts';

const Settings = z.record(z.string().max(100), z.union([z.string().max(4096), z.number(), z.boolean()]));

/** A configured instance. */
export const BackendInstance = z.strictObject({
  name: z.string(),
  types: z.array(z.string()),
  title: z.string(),
  builtIn: z.boolean(),
  /** Its keys are in tokens that come and go: what can be done is asked of each token. */
  tokens: z.boolean(),
  state: z.enum(['ready', 'disabled', 'unavailable', 'locked']),
  reason: z.string().nullable(),
  remedy: z.string().nullable(),
  settings: Settings,
  algorithms: z.array(KeyAlgorithm),
  capabilities: z.array(z.enum(CORE_CAPABILITIES)),
});
export type BackendInstance = z.output<typeof BackendInstance>;

/** A type that exists, or one that a later version brings (`available: false`). */
export const BackendType = z.strictObject({
  type: z.string(),
  title: z.string(),
  summary: z.string(),
  available: z.boolean(),
  reason: z.string().nullable(),
  /** JSON Schema of its settings; null when there are none yet. */
  settings: z.record(z.string(), z.unknown()).nullable(),
  /** What an instance can be added for without knowing where it is; `settings` null: not installed here. */
  known: z.array(z.strictObject({ name: z.string(), title: z.string(), summary: z.string(), settings: Settings.nullable() })),
});
export type BackendType = z.output<typeof BackendType>;

const byName = { input: z.strictObject({ name: BackendName }), cli: { arguments: ['name'] } } as const;
const change = { effect: 'write', permission: 'backends:admin' } as const;

export const list = operation({
  id: 'backends.list',
  summary: 'List backends: what is configured with its state, and which types exist',
  effect: 'read',
  permission: 'backends:read',
  quiet: true,
  whenLocked: true,
  http: { method: 'GET', path: '/v1/backends', status: 200 },
  cli: { table: { rows: 'backends', columns: ['name', 'types', 'state', 'reason'] } },
  input: Empty,
  output: z.strictObject({ backends: z.array(BackendInstance), types: z.array(BackendType) }),
  errors: [],
});
export const show = operation({
  id: 'backends.show', summary: 'Show a configured backend, or a type with its settings', effect: 'read', permission: 'backends:read', quiet: true, whenLocked: true,
  http: { method: 'GET', path: '/v1/backends/{name}', status: 200 }, ...byName,
  output: z.union([BackendInstance, BackendType]), errors: ['NOT_FOUND'],
});
export const add = operation({
  id: 'backends.add', summary: 'Add an instance of a type', ...change,
  http: { method: 'POST', path: '/v1/backends', status: 201 },
  cli: { arguments: ['type'], options: { settings: 'set' }, examples: ['keywright backends add pkcs8 --name archive'] },
  input: z.strictObject({ type: z.string().max(40), name: BackendName, settings: Settings.default({}) }),
  output: BackendInstance, errors: ['ALREADY_EXISTS', 'NOT_FOUND', 'INVALID_INPUT', 'BACKEND_UNAVAILABLE'],
});
export const configure = operation({
  id: 'backends.configure', summary: 'Change the settings of an instance', ...change,
  http: { method: 'PATCH', path: '/v1/backends/{name}', status: 200 },
  cli: { arguments: ['name'], options: { settings: 'set' } },
  input: z.strictObject({ name: BackendName, settings: Settings }),
  output: BackendInstance, errors: ['NOT_FOUND', 'INVALID_INPUT'],
});
export const remove = operation({
  id: 'backends.remove', summary: 'Remove an instance; keys in its tokens stay there, and are shown again once it is added again', ...change,
  http: { method: 'DELETE', path: '/v1/backends/{name}', status: 200 }, ...byName,
  output: z.strictObject({ hiddenKeys: z.int().nonnegative().describe('Keys in its tokens that are not shown any more.') }), errors: ['NOT_FOUND', 'CONFLICT'],
});
export const enable = operation({
  id: 'backends.enable', summary: 'Switch an instance on', ...change,
  http: { method: 'POST', path: '/v1/backends/{name}/enable', status: 200 }, ...byName,
  output: BackendInstance, errors: ['NOT_FOUND', 'BACKEND_UNAVAILABLE'],
});
export const disable = operation({
  id: 'backends.disable', summary: 'Switch an instance off; its keys stay', ...change,
  http: { method: 'POST', path: '/v1/backends/{name}/disable', status: 200 }, ...byName,
  output: BackendInstance, errors: ['NOT_FOUND', 'CONFLICT'],
});
export const test = operation({
  id: 'backends.test', summary: 'Try whether an instance answers', effect: 'read', permission: 'backends:read',
  http: { method: 'POST', path: '/v1/backends/{name}/test', status: 200 }, ...byName, check: 'ok',
  output: z.strictObject({ ok: z.boolean(), milliseconds: z.number(), detail: z.string() }), errors: ['NOT_FOUND'],
});
export const diagnose = operation({
  id: 'backends.diagnose', summary: 'Tell what an instance or type lacks, and how to mend it', effect: 'read', permission: 'backends:read',
  http: { method: 'POST', path: '/v1/backends/{name}/diagnose', status: 200 },
  input: byName.input, cli: { arguments: ['name'], table: { rows: 'findings', columns: ['level', 'detail', 'remedy'] } },
  output: z.strictObject({ findings: z.array(FindingRecord) }), progress: FindingRecord, errors: ['NOT_FOUND'],
});
