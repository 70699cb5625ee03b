import { z, type ZodType } from 'zod';
import { boundOf, bytesIn, encodeBytes } from './bytes.ts';

/** What the quick way does not take: whether it is valid is for the schema itself to say. */
export const MISS: unique symbol = Symbol('miss');

type Read = (value: unknown) => unknown;

/** Reads and writes values of a schema, as the schema does, where they are valid; else, and where it cannot tell: {@link MISS}. */
interface Quick {
  /** @param value wire side. @returns the output side, or MISS. */
  readonly parse: Read;
  /** @param value output side. @returns the wire side, or MISS. */
  readonly encode: Read;
}

/** A schema's own description of itself: as much of it as is read here. */
interface Def {
  readonly type: string;
  readonly check?: string;
  readonly format?: string;
  readonly coerce?: boolean;
  readonly pattern?: RegExp;
  readonly checks?: readonly { readonly _zod: { readonly def: CheckDef } }[];
  readonly innerType?: ZodType;
  readonly defaultValue?: unknown;
  readonly element?: ZodType;
  readonly options?: readonly ZodType[];
  readonly inclusive?: boolean;
  readonly entries?: Readonly<Record<string, unknown>>;
  readonly values?: readonly unknown[];
  readonly shape?: Readonly<Record<string, ZodType>>;
  readonly catchall?: ZodType;
}

interface CheckDef {
  readonly check: string;
  readonly format?: string;
  readonly pattern?: RegExp;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly value?: number;
  readonly inclusive?: boolean;
  readonly tx?: (value: string) => string;
}

type Direction = 'parse' | 'encode';

const known = new WeakMap<ZodType, Quick>();

/**
 * Most calls are right, and a schema takes ten times as long to say so as it needs to be said, since it is ready to tell
 * what is wrong at any place. This is made from the schema, and only ever accepts: whatever it does not know or take is left
 * to the schema, part by part or as a whole.
 *
 * @returns the quick way of a schema, made once.
 */
export function quickOf(schema: ZodType): Quick {
  let quick = known.get(schema);
  if (quick === undefined) known.set(schema, (quick = { parse: reader(schema, 'parse'), encode: reader(schema, 'encode') }));
  return quick;
}

function reader(schema: ZodType, direction: Direction): Read {
  return readerOf(schema, defOf(schema), direction) ?? bySchema(schema, direction);
}

const defOf = (schema: ZodType): Def => schema._zod.def as Def;

function bySchema(schema: ZodType, direction: Direction): Read {
  return (value) => {
    const result = direction === 'parse' ? z.safeParse(schema, value) : z.safeEncode(schema, value);
    return result.success ? result.data : MISS;
  };
}

/** @returns undefined for a kind of schema, or a check, that is not known here. */
function readerOf(schema: ZodType, def: Def, direction: Direction): Read | undefined {
  const bound = boundOf(schema);
  if (bound !== undefined) return (def.checks ?? []).length > 0 ? undefined : direction === 'parse' ? bytesReader(bound) : bytesWriter(bound);
  switch (def.type) {
    case 'string': return stringReader(def);
    case 'number': return numberReader(def);
    case 'array': return arrayReader(def, direction);
    default: return (def.checks ?? []).length > 0 ? undefined : plainReader(def, direction);
  }
}

function plainReader(def: Def, direction: Direction): Read | undefined {
  switch (def.type) {
    case 'boolean': return def.coerce === true ? undefined : (value) => (typeof value === 'boolean' ? value : MISS);
    case 'null': return (value) => (value === null ? value : MISS);
    case 'enum': return oneOf(Object.values(def.entries ?? {}));
    case 'literal': return oneOf(def.values ?? []);
    case 'nullable': {
      const inner = reader(def.innerType!, direction);
      return (value) => (value === null ? null : inner(value));
    }
    case 'optional': {
      const inner = reader(def.innerType!, direction);
      return optionalIn(def.innerType!) === 'defaulted' ? undefined : (value) => (value === undefined ? undefined : inner(value));
    }
    case 'default': {
      const inner = reader(def.innerType!, direction);
      // `defaultValue` is asked for each time, since it may be a new record each time.
      return direction === 'encode' ? inner : (value) => (value === undefined ? def.defaultValue : inner(value));
    }
    case 'union': return def.inclusive === false ? undefined : firstOf(def.options!.map((option) => reader(option, direction)));
    case 'object': return objectReader(def, direction);
    default: return undefined;
  }
}

/** Strings and numbers are the same on both sides. */
function oneOf(values: readonly unknown[]): Read {
  const all = new Set(values);
  return (value) => (all.has(value) ? value : MISS);
}

function firstOf(options: readonly Read[]): Read {
  return (value) => {
    for (const option of options) {
      const read = option(value);
      if (read !== MISS) return read;
    }
    return MISS;
  };
}

const PLAIN_FORMATS: ReadonlySet<string | undefined> = new Set(['regex', 'datetime', 'date']);

function stringReader(def: Def): Read | undefined {
  if (def.coerce === true) return undefined;
  const own = def.check === undefined ? [] : [def as CheckDef];
  const checks = [...own, ...(def.checks ?? []).map(({ _zod }) => _zod.def)].map(stringCheck);
  if (!checks.every((check) => check !== undefined)) return undefined;
  return (value) => {
    if (typeof value !== 'string') return MISS;
    let text: string | typeof MISS = value;
    for (const check of checks) {
      text = check(text);
      if (text === MISS) return MISS;
    }
    return text;
  };
}

function stringCheck({ check, format, pattern, minimum, maximum, tx }: CheckDef): ((text: string) => string | typeof MISS) | undefined {
  // Lengths are of characters, of which each has one or two units.
  if (check === 'min_length') return (text) => (text.length >= 2 * minimum! - 1 ? text : MISS);
  if (check === 'max_length') return (text) => (text.length <= maximum! ? text : MISS);
  if (check === 'overwrite') return tx;
  if (check !== 'string_format' || pattern === undefined || !PLAIN_FORMATS.has(format)) return undefined;
  return (text) => {
    pattern.lastIndex = 0;
    return pattern.test(text) ? text : MISS;
  };
}

function numberReader(def: Def): Read | undefined {
  if (def.coerce === true) return undefined;
  const own = def.check === undefined ? [] : [def as CheckDef];
  const checks = [...own, ...(def.checks ?? []).map(({ _zod }) => _zod.def)].map(numberCheck);
  if (!checks.every((check) => check !== undefined)) return undefined;
  return (value) => (typeof value === 'number' && Number.isFinite(value) && checks.every((check) => check(value)) ? value : MISS);
}

function numberCheck({ check, format, value: bound, inclusive }: CheckDef): ((value: number) => boolean) | undefined {
  if (check === 'number_format') return format === 'safeint' ? Number.isSafeInteger : undefined;
  if (typeof bound !== 'number') return undefined;
  if (check === 'greater_than') return inclusive === true ? (value) => value >= bound : (value) => value > bound;
  if (check === 'less_than') return inclusive === true ? (value) => value <= bound : (value) => value < bound;
  return undefined;
}

function arrayReader(def: Def, direction: Direction): Read | undefined {
  let least = 0;
  let most = Infinity;
  for (const { _zod: { def: { check, minimum, maximum } } } of def.checks ?? []) {
    if (check === 'min_length') least = Math.max(least, minimum!);
    else if (check === 'max_length') most = Math.min(most, maximum!);
    else return undefined;
  }
  const element = reader(def.element!, direction);
  return (value) => {
    if (!Array.isArray(value) || value.length < least || value.length > most) return MISS;
    const read: unknown[] = [];
    for (const item of value as unknown[]) {
      const one = element(item);
      if (one === MISS) return MISS;
      read.push(one);
    }
    return read;
  };
}

interface Field {
  readonly name: string;
  readonly read: Read;
  /** What becomes of a field that is not there. */
  readonly absent: 'left out' | 'read' | 'refused';
}

const optionalIn = (schema: ZodType): string | undefined => schema._zod.optin;

function fieldOf(name: string, schema: ZodType, direction: Direction): Field {
  const [way, back] = [optionalIn(schema), schema._zod.optout];
  const absent = way === 'optional' && back === 'optional' ? 'left out' : way === 'defaulted' && back !== 'optional' ? 'read' : 'refused';
  return { name, read: reader(schema, direction), absent };
}

/** Records with the fields of their schema and no other. */
function objectReader(def: Def, direction: Direction): Read | undefined {
  const strict = def.catchall !== undefined && defOf(def.catchall).type === 'never';
  const names = Object.keys(def.shape!);
  if ((def.catchall !== undefined && !strict) || names.some((name) => name in Object.prototype)) return undefined;
  const fields = names.map((name) => fieldOf(name, def.shape![name]!, direction));
  return (value) => {
    if (typeof value !== 'object' || value === null || Object.getPrototypeOf(value) !== Object.prototype) return MISS;
    const record = value as Readonly<Record<string, unknown>>;
    const read: Record<string, unknown> = {};
    let present = 0;
    for (const { name, read: field, absent } of fields) {
      const given = record[name];
      if (given !== undefined || name in record) present += 1;
      else if (absent === 'left out') continue;
      else if (absent === 'refused') return MISS;
      const one = field(given);
      if (one === MISS) return MISS;
      read[name] = one;
    }
    if (!strict) return read;
    let all = 0;
    for (const _name in record) all += 1;
    return all === present ? read : MISS;
  };
}

function bytesReader(most: number): Read {
  const longest = Math.ceil((most * 4) / 3);
  return (value) => (typeof value === 'string' && value.length <= longest ? (bytesIn(value, most) ?? MISS) : MISS);
}

function bytesWriter(most: number): Read {
  const longest = Math.ceil((most * 4) / 3);
  return (value) => {
    if (!(value instanceof Uint8Array)) return MISS;
    const text = encodeBytes(value);
    return text.length <= longest ? text : MISS;
  };
}
