import { toJSONSchema } from 'zod';
import { KeywrightError, type Operation } from '../../contract/index.ts';

/** How a value that arrives as text becomes what the operation's schema asks for. */
type Kind = 'string' | 'number' | 'boolean' | 'json';
interface Field {
  readonly kind: Kind;
  readonly many: boolean;
}

interface JsonSchema {
  readonly type?: string | readonly string[];
  readonly items?: JsonSchema;
  readonly anyOf?: readonly JsonSchema[];
  readonly oneOf?: readonly JsonSchema[];
  readonly properties?: Readonly<Record<string, JsonSchema>>;
}

/** Puts the input of one operation together from path, query and body. */
type InputReader = (params: Readonly<Record<string, string>>, query: Readonly<Record<string, unknown>>, body: unknown) => unknown;

/**
 * GET and DELETE take their input from path and query, the others from path and body. A streamed body leaves the query
 * to the input. A field that comes twice is refused, as is whatever the operation does not know.
 * @returns the reader. It throws INVALID_INPUT alone; the dispatcher judges what it yields.
 */
export function inputReader(operation: Operation): InputReader {
  const fields = fieldsOf(operation);
  const takesQuery = operation.http.method === 'GET' || operation.http.method === 'DELETE' || operation.stream !== undefined;
  const named = pathParameters(operation);
  return (params, query, body) => {
    if (!takesQuery && hasFields(query)) {
      throw new KeywrightError('INVALID_INPUT', { detail: `${operation.http.method} takes its input from the body, not from the query.`, where: `/${Object.keys(query)[0] ?? ''}`, remedy: 'Move it into the JSON body.' });
    }
    const given = takesQuery ? readQuery(query, fields) : bodyObject(body);
    if (named.length === 0) return given;
    const input: Record<string, unknown> = { ...given };
    for (const name of named) {
      if (Object.hasOwn(given, name)) throw new KeywrightError('INVALID_INPUT', { detail: `“${name}” stands in the path already.`, where: `/${name}`, remedy: 'Leave it out of the body and the query.' });
      input[name] = fromText(params[name] ?? '', fields.get(name)?.kind ?? 'string');
    }
    return input;
  };
}

/** @returns the names in `{braces}` of the operation's path, in order. */
export function pathParameters(operation: Operation): string[] {
  return [...operation.http.path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name ?? '');
}

/** @returns the body as a record. @throws INVALID_INPUT for anything but an object or nothing. */
export function bodyObject(body: unknown): Readonly<Record<string, unknown>> {
  if (body === undefined) return {};
  if (typeof body === 'object' && body !== null && !Array.isArray(body)) return body as Record<string, unknown>;
  throw new KeywrightError('INVALID_INPUT', { detail: 'The body must be one JSON object.', where: '/', remedy: 'Send the operation’s input record, such as {}.' });
}

function readQuery(query: Readonly<Record<string, unknown>>, fields: ReadonlyMap<string, Field>): Record<string, unknown> {
  const input: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(query)) {
    const field = fields.get(name);
    const texts = (Array.isArray(value) ? value : [value]).map(String);
    if (field?.many === true) {
      define(input, name, texts.map((text) => fromText(text, field.kind)));
      continue;
    }
    if (texts.length > 1) throw new KeywrightError('INVALID_INPUT', { detail: 'A field that takes one value was given several times.', where: `/${name.slice(0, 100)}` });
    // What is unknown goes on as it is, and the dispatcher refuses it by name.
    define(input, name, fromText(texts[0] ?? '', field?.kind ?? 'string'));
  }
  return input;
}

/** As a field of its own, also for a name such as `__proto__`. */
function define(input: Record<string, unknown>, name: string, value: unknown): void {
  Object.defineProperty(input, name, { value, enumerable: true, configurable: true, writable: true });
}

/** What does not fit stays text, so that the schema refuses it with its place. */
function fromText(text: string, kind: Kind): unknown {
  if (kind === 'number') return /^-?\d{1,15}(\.\d{1,15})?$/.test(text) ? Number(text) : text;
  if (kind === 'boolean') return text === 'true' ? true : text === 'false' ? false : text;
  if (kind === 'json') {
    try {
      return JSON.parse(text);
    } catch {
      return text;
    }
  }
  return text;
}

function hasFields(query: Readonly<Record<string, unknown>>): boolean {
  for (const _ in query) return true;
  return false;
}

function fieldsOf(operation: Operation): ReadonlyMap<string, Field> {
  const { properties = {} } = toJSONSchema(operation.input, { io: 'input', unrepresentable: 'any' }) as JsonSchema;
  return new Map(Object.entries(properties).map(([name, schema]): [string, Field] => {
    const many = schema.type === 'array';
    return [name, { many, kind: kindOf(many ? (schema.items ?? {}) : schema) }];
  }));
}

function kindOf(schema: JsonSchema): Kind {
  const types = new Set([schema, ...(schema.anyOf ?? []), ...(schema.oneOf ?? [])].flatMap(({ type }) => type ?? []).filter((type) => type !== 'null'));
  if (types.size !== 1) return types.size === 0 || types.has('string') ? 'string' : 'json';
  if (types.has('integer') || types.has('number')) return 'number';
  if (types.has('boolean')) return 'boolean';
  return types.has('string') ? 'string' : 'json';
}
