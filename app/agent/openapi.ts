import { registry, toJSONSchema, z, type ZodType } from 'zod';
import { fieldText } from '../contract/field-texts.ts';
import * as contract from '../contract/index.ts';
import { ERRORS, nounOf, type ErrorCode, type Operation } from '../contract/index.ts';
import { operationsOn } from './faces.ts';
import { pathParameters } from './rest/input.ts';

/** The OpenAPI description of REST (OpenAPI 3.1.1), made from the operations. Needs no server. */

type Json = { [member: string]: unknown };

/** What every call may meet, besides what its own record names. */
const ALWAYS = ['INVALID_INPUT', 'UNAUTHENTICATED', 'PERMISSION_DENIED', 'RATE_LIMITED', 'CANCELLED', 'INTERNAL'] as const satisfies readonly ErrorCode[];

const BEARER = [{ bearer: [] }];
const EVENT_STREAM = 'text/event-stream';

const ProblemRecord = z.strictObject({
  type: z.string(), title: z.string(), status: z.int(), code: z.enum(Object.keys(ERRORS) as [ErrorCode, ...ErrorCode[]]), detail: z.string(), remedy: z.string().optional(),
  alternatives: z.array(z.string()).optional(), triesLeft: z.int().optional(), where: z.string().optional(), retryAfter: z.int().optional(),
  reason: z.string().optional(), values: z.record(z.string(), z.union([z.string(), z.number()])).optional(), instance: z.string().optional(),
});

/** Schemas that the contract exports by name become components of that name. */
const names = registry<{ id: string }>();
const { backendOperations, fileOperations, keyOperations, keyUseOperations, serviceOperations, storeOperations } = contract;
for (const named of [{ Problem: ProblemRecord }, contract, backendOperations, fileOperations, keyOperations, keyUseOperations, serviceOperations, storeOperations]) {
  for (const [name, schema] of Object.entries<unknown>(named)) {
    if (schema instanceof z.ZodType && /^[A-Z]/.test(name) && name !== 'Empty' && !names.has(schema)) names.add(schema, { id: name });
  }
}

/** @returns the document, ready for `JSON.stringify`; the same for the same contract. */
export function openApiDocument(): Json {
  const schemas = new Schemas();
  schemas.of(ProblemRecord);
  const paths: Record<string, Json> = {};
  for (const operation of operationsOn('rest')) {
    const path = (paths[operation.http.path] ??= {});
    path[operation.http.method.toLowerCase()] = describe(operation, schemas);
  }
  paths['/v1/events'] = { get: describeEvents(schemas) };
  paths['/healthz/live'] = { get: probe('health.live', 'Tell whether the agent is there', 'live', []) };
  paths['/healthz/ready'] = { get: probe('health.ready', 'Tell whether the store is unlocked and calls can be served', 'ready', [503]) };
  return {
    openapi: '3.1.1',
    info: {
      title: 'Keywright', version: '1', license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
      description: 'The local agent of Keywright. Bytes are base64url without padding (RFC 4648 §5). Errors are problem records (RFC 9457). A key in a path is its URI, its id, or a label that only one key has, percent-encoded.',
    },
    servers: [{ url: 'http://127.0.0.1:8420' }],
    security: BEARER,
    tags: [...new Set(operationsOn('rest').map(nounOf))].map((name) => ({ name })),
    paths: Object.fromEntries(Object.entries(paths).sort(([one], [other]) => (one < other ? -1 : 1))),
    components: {
      securitySchemes: { bearer: { type: 'http', scheme: 'bearer', description: 'An access token, made by `keywright access grant`.' } },
      parameters: {
        PromptAnswers: {
          name: 'Keywright-Prompt-Answers', in: 'header', required: false, schema: { type: 'string', pattern: '^[A-Za-z0-9_-]+$' },
          description: `Answers what the call would ask a person: base64url of a JSON object from purpose to text, such as {"key-passphrase":"…"}; "confirm" is true, or the text that has to be typed. Purposes: ${contract.PROMPT_PURPOSES.join(', ')}. Without it the prompt surface is asked, or the answer is PIN_REQUIRED.`,
        },
      },
      responses: { Problem: { description: 'What failed, why, and what to do next (RFC 9457).', content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } } } },
      schemas: schemas.all(),
    },
  };
}

function describe(operation: Operation, schemas: Schemas): Json {
  const { http, stream } = operation;
  const inPath = pathParameters(operation);
  const input = schemas.of(operation.input) as { properties?: Record<string, Json>; required?: string[] };
  const inQuery = http.method === 'GET' || http.method === 'DELETE' || stream?.body === 'in';
  const properties = Object.entries(input.properties ?? {}).map(([name, schema]): [string, Json] => [name, described(operation.id, name, schema)]);
  const required = input.required ?? [];
  const parameters: Json[] = properties
    .filter(([name]) => inQuery || inPath.includes(name))
    .map(([name, schema]) => ({ name, in: inPath.includes(name) ? 'path' : 'query', required: inPath.includes(name) || required.includes(name), schema, ...(schema['type'] === 'array' ? { style: 'form', explode: true } : {}) }));
  if (operation.errors.includes('PIN_REQUIRED') || operation.errors.includes('CANCELLED')) parameters.push({ $ref: '#/components/parameters/PromptAnswers' });
  const body = properties.filter(([name]) => !inPath.includes(name));
  return {
    operationId: operation.id,
    summary: operation.summary,
    tags: [nounOf(operation)],
    // Without one, any valid token will do.
    ...(operation.permission === null ? {} : { 'x-permission': operation.permission }),
    'x-effect': operation.effect,
    ...(parameters.length === 0 ? {} : { parameters }),
    ...(stream?.body === 'in' ? { requestBody: { required: true, content: { [stream.type]: { schema: { type: 'string', format: 'binary' } } } } }
      : inQuery || body.length === 0 ? {} : { requestBody: { required: required.some((name) => !inPath.includes(name)), content: { 'application/json': { schema: bodySchema(body, required) } } } }),
    responses: { [http.status]: success(operation, schemas), ...failures(operation) },
  };
}

/** Says of each field what it is for, where its operation has a text; what is referred to has its own. */
function described(operation: string, path: string, schema: Json): Json {
  const text = fieldText(operation, path);
  const within = (members: readonly Json[]): Json[] => members.map((member) => (member['properties'] === undefined ? member : withProperties(operation, path, member)));
  return {
    ...(schema['properties'] === undefined ? schema : withProperties(operation, path, schema)),
    ...(Array.isArray(schema['anyOf']) ? { anyOf: within(schema['anyOf'] as Json[]) } : {}),
    ...(text === undefined ? {} : { description: text }),
  };
}

function withProperties(operation: string, path: string, schema: Json): Json {
  const members = Object.entries(schema['properties'] as Record<string, Json>);
  return { ...schema, properties: Object.fromEntries(members.map(([name, member]) => [name, described(operation, `${path}.${name}`, member)])) };
}

function bodySchema(properties: readonly [string, Json][], required: readonly string[]): Json {
  const needed = required.filter((name) => properties.some(([property]) => property === name));
  return { type: 'object', properties: Object.fromEntries(properties), ...(needed.length === 0 ? {} : { required: needed }), additionalProperties: false };
}

function success(operation: Operation, schemas: Schemas): Json {
  if (operation.stream?.body === 'out') return { description: 'The file.', content: { [operation.stream.type]: { schema: { type: 'string', format: 'binary' } } } };
  const json = { 'application/json': { schema: schemas.of(operation.output) } };
  if (operation.progress === undefined) return { description: 'Done.', content: json };
  return {
    description: 'Done. With `Accept: text/event-stream`: events `progress`, then one `result` or `error`. Closing the connection cancels the call.',
    content: { ...json, [EVENT_STREAM]: { schema: { type: 'string' }, 'x-events': { progress: schemas.of(operation.progress), result: schemas.of(operation.output), error: { $ref: '#/components/schemas/Problem' } } } },
  };
}

/** One response a status, with the codes that have it. */
function failures({ errors, whenLocked }: Pick<Operation, 'errors' | 'whenLocked'>): Json {
  const codes = [...new Set<ErrorCode>([...ALWAYS, ...(whenLocked === true ? [] : ['STORE_LOCKED' as const]), ...errors])];
  const byStatus = Map.groupBy(codes, (code) => ERRORS[code].http);
  return Object.fromEntries([...byStatus].sort(([one], [other]) => one - other).map(([status, told]) => [status, {
    $ref: '#/components/responses/Problem', description: told.sort().map((code) => `${code}: ${ERRORS[code].title}.`).join(' '),
  }]));
}

function describeEvents(schemas: Schemas): Json {
  return {
    operationId: 'events', summary: 'Follow what changes, as far as the token may read it', tags: ['agent'],
    responses: {
      200: { description: 'Events by name, until tokens change or the store is locked: then come back with a valid token.', content: { [EVENT_STREAM]: { schema: { type: 'string' }, 'x-events': schemas.of(contract.CoreEvent) } } },
      ...failures({ errors: [] }),
    },
  };
}

function probe(operationId: string, summary: string, member: string, others: readonly number[]): Json {
  const content = { 'application/json': { schema: { type: 'object', properties: { [member]: { type: 'boolean' } }, required: [member], additionalProperties: false } } };
  return { operationId, summary, tags: ['agent'], security: [], responses: Object.fromEntries([[200, { description: 'Yes.', content }], ...others.map((status) => [status, { description: 'No.', content }])]) };
}

/** JSON Schemas of the wire side; those with a name are gathered as components. */
class Schemas {
  readonly #components = new Map<string, unknown>();

  of(schema: ZodType): Json {
    const { $schema: _dialect, $defs = {}, ...own } = toJSONSchema(schema, {
      io: 'input', unrepresentable: 'any', metadata: names,
      // A codec in the contract stands for bytes; its schema is that of the text which travels.
      override: ({ zodSchema, jsonSchema }) => {
        if (zodSchema._zod.def.type === 'pipe') Object.assign(jsonSchema, { format: 'base64url', contentEncoding: 'base64url' });
      },
    }) as Json & { $defs?: Json };
    for (const [name, definition] of Object.entries($defs)) this.#components.set(name, relocated(withoutId(definition as Json)));
    return relocated(own) as Json;
  }

  all(): Json {
    return Object.fromEntries([...this.#components].sort(([one], [other]) => (one < other ? -1 : 1)));
  }
}

function withoutId({ id: _id, ...definition }: Json): Json {
  return definition;
}

/** References to a schema's own definitions become references to the components. */
function relocated(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(relocated);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, name === '$ref' && typeof member === 'string' ? member.replace('#/$defs/', '#/components/schemas/') : relocated(member)]));
}
