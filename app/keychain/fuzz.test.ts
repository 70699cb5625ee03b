import { z } from 'zod';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ERRORS, OPERATIONS, type KeyRecord, type Operation } from '../contract/index.ts';
import { openTestCore, PASSPHRASE, somebody, type TestCore } from './testing/core.ts';

/** Inputs that nobody means well, made from each operation's own schema. Whatever they are, the answer is a typed error or an answer. */

type Json = null | boolean | number | string | Json[] | { [name: string]: Json };
interface Schema {
  type?: string | string[];
  properties?: Record<string, Schema>;
  required?: string[];
  items?: Schema;
  anyOf?: Schema[];
  oneOf?: Schema[];
  allOf?: Schema[];
  enum?: Json[];
  const?: Json;
  pattern?: string;
  format?: string;
  default?: Json;
  minimum?: number;
}

/** Reproducible, so that a failure can be looked at. */
let state = 0x2545f491;
const random = (below: number): number => {
  state ^= state << 13;
  state ^= state >>> 17;
  state ^= state << 5;
  return (state >>> 0) % below;
};
const pick = <T>(from: readonly T[]): T => from[random(from.length)]!;

const deep = (levels: number): Json => {
  let value: Json = 'bottom';
  for (let level = 0; level < levels; level += 1) value = level % 2 === 0 ? [value] : { a: value };
  return value;
};
const HOSTILE: readonly Json[] = [
  null, true, 0, -1, 1e308, 1.5, 2 ** 53, -(2 ** 31), '', ' ', '\0', 'a\0b', '../../../etc/passwd', '/etc/passwd', '\uD800', '\u202Eevil', '%00%n%s', "'; DROP TABLE records; --",
  '__proto__', 'constructor', 'toString', 'hasOwnProperty', 'x'.repeat(100_000), 'A'.repeat(5000), '-'.repeat(300), '=====', 'pkcs8:', 'pkcs8:__proto__', 'pkcs11:token=%00;object=x', 'awskms:///', 'aes:00000000000000000000000000000000',
  '9999-99-99T99:99:99Z', '-000001-01-01T00:00:00Z', '+275761-01-01T00:00:00Z', '1970-01-01T00:00:00Z', '-----BEGIN PRIVATE KEY-----', 'LS0tLS1CRUdJTiBQUklWQVRFIEtFWS0tLS0tCg', 'MIIB', 'eyJrdHkiOiJFQyJ9', 'AAAA', '_____w', 'S1dFMQ', 'S1dFMf8',
  [], {}, [[]], ['x'], [null], { '': '' }, { constructor: { prototype: { polluted: true } } }, JSON.parse('{"__proto__":{"polluted":true}}') as Json, deep(2000),
];

/** @returns something that the schema may well take: some of it right, some at its edges. */
function plausible(schema: Schema, known: readonly string[], depth = 0): Json {
  if (schema.const !== undefined) return schema.const;
  if (schema.enum !== undefined) return pick(schema.enum);
  const options = schema.anyOf ?? schema.oneOf;
  if (options !== undefined) return plausible(pick(options), known, depth);
  const type = Array.isArray(schema.type) ? pick(schema.type) : schema.type;
  if (type === 'object') {
    const made: Record<string, Json> = {};
    for (const [name, property] of Object.entries(schema.properties ?? {})) {
      if (schema.required?.includes(name) === true ? random(20) > 0 : random(2) === 0) made[name] = name === 'key' || name === 'keys' ? keys(name, known) : name === 'iterations' ? pick(FEW) : plausible(property, known, depth + 1);
    }
    return made;
  }
  if (type === 'array') return Array.from({ length: pick([0, 1, 1, 2, 3]) }, () => plausible(schema.items ?? {}, known, depth + 1));
  if (type === 'integer' || type === 'number') return pick([0, 1, 2, 3, 16, 32, 64, 100, schema.minimum ?? 0]);
  if (type === 'boolean') return random(2) === 0;
  if (type === 'string') {
    if (schema.format === 'date-time') return new Date(Date.now() + (random(200) - 100) * 86_400_000).toISOString();
    return pick(['', 'x', 'label', 'software', 'aes', 'pkcs8', 'aGVsbG8', Buffer.alloc(pick([1, 12, 16, 31, 32, 33, 64, 65, 256])).toString('base64url'), Buffer.from('KWE1\x00').toString('base64url'), '1', '30d', ...known]);
  }
  return pick(HOSTILE);
}

/** Passes of a slow function: who asks for a hundred waits for a hundred, which is no fault. */
const FEW = [0, 1, 3];
const keys = (name: string, known: readonly string[]): Json => (name === 'keys' ? [pick(known)] : pick(known));

/** @returns the input with one of its places replaced by something hostile, or with a field too many. */
function mutated(value: Json): Json {
  const copy = structuredClone(value);
  if (typeof copy !== 'object' || copy === null) return pick(HOSTILE);
  const places: [Record<string, Json> | Json[], string | number][] = [];
  const collect = (node: Json): void => {
    if (typeof node !== 'object' || node === null) return;
    for (const name of Object.keys(node)) {
      places.push([node as Record<string, Json>, name]);
      collect((node as Record<string, Json>)[name]!);
    }
  };
  collect(copy);
  if (places.length === 0 || random(8) === 0) return { ...(copy as Record<string, Json>), [pick(['colour', '__proto__x', 'constructor', '0', ''])]: pick(HOSTILE) };
  const [node, name] = pick(places);
  (node as Record<string | number, Json>)[name] = pick(HOSTILE);
  return copy;
}

/** These end the store, or wait: they are tried with hostile inputs alone, which must not get that far. */
const ENDING = new Set(['store.lock', 'store.open', 'store.restore', 'tokens.watch']);
/** These change the keys that the others are tried with: they come last. */
const SPOILING = ['keys.update', 'keys.rotate', 'keys.copy', 'keys.move', 'keys.delete', 'keys.restore', 'keys.purge'];
const ORDER = [...OPERATIONS].sort((a, b) => SPOILING.indexOf(a.id) - SPOILING.indexOf(b.id));
const ROUNDS = Number(process.env['KEYWRIGHT_FUZZ_ROUNDS'] ?? 40);

let core: TestCore;
const known: string[] = ['', 'nothing', 'pkcs8:0', '__proto__'];
beforeAll(async () => {
  core = await openTestCore();
  for (const algorithm of ['ec-p256', 'ed25519', 'x25519', 'rsa-2048', 'aes-256', 'hmac-sha256', 'chacha20-poly1305', 'ml-kem-768', 'ml-dsa-44']) {
    const key = await core.call<KeyRecord>('keys.generate', { label: `Fuzzed ${algorithm}`, algorithm }).catch(() => undefined);
    if (key !== undefined) known.push(key.uri);
  }
});
afterAll(() => core[Symbol.asyncDispose]());

/** Somebody who answers each prompt with something that may well be wrong. */
const prompt = {
  interactive: true,
  ask: async (request: { kind: string; typed?: string | undefined }) => {
    if (request.kind === 'confirm') return { kind: 'confirmed' as const, ...(request.typed === undefined ? {} : { typed: request.typed }) };
    return request.kind === 'show-secret' ? { kind: 'confirmed' as const } : { kind: 'secret' as const, secret: pick([PASSPHRASE, '', 'x', '\0', '\uD800'.repeat(20), 'ü'.repeat(200)]) };
  },
};

async function tried(operation: Operation, input: unknown, face: 'ipc' | 'cli' | 'rest' | 'prompt' = 'cli'): Promise<string> {
  try {
    await core.core.call(operation.id, input, { principal: somebody(undefined, face), prompt, signal: AbortSignal.timeout(20_000) });
    return 'ok';
  } catch (thrown) {
    const { code, message } = thrown as { code: string; message: string };
    expect(Object.keys(ERRORS), `${operation.id}: ${String(thrown)}`).toContain(code);
    if (code === 'INTERNAL' || code === 'TIMEOUT') throw new Error(`${operation.id} answers ${code} to ${JSON.stringify(input)?.slice(0, 600)}`, { cause: (thrown as Error).cause ?? thrown });
    expect(message.length, 'an error repeats no long input').toBeLessThan(2000);
    return code;
  }
}

const schemaOf = (operation: Operation): Schema => z.toJSONSchema(operation.input, { io: 'input', unrepresentable: 'any' }) as Schema;

describe('hostile inputs', () => {
  for (const operation of ORDER) {
    test(`${operation.id} answers with a typed error, never an internal fault`, async () => {
      const schema = schemaOf(operation);
      const faults: string[] = [];
      const outcomes: Record<string, number> = {};
      const attempt = async (input: unknown): Promise<void> => {
        await tried(operation, input).then((outcome) => (outcomes[outcome] = (outcomes[outcome] ?? 0) + 1), (thrown: unknown) => faults.push(`${(thrown as Error).message}\n    ${String((thrown as Error).cause instanceof Error ? ((thrown as Error).cause as Error).stack?.split('\n').slice(0, 4).join('\n    ') : '')}`));
      };
      for (const input of HOSTILE) if (!ENDING.has(operation.id) || JSON.stringify(input) !== '{}') await attempt(input);
      await attempt(undefined);
      for (let round = 0; round < ROUNDS; round += 1) {
        const input = plausible(schema, known);
        if (!ENDING.has(operation.id)) await attempt(input);
        const worse = mutated(input);
        if (!ENDING.has(operation.id) || JSON.stringify(worse) !== '{}') await attempt(worse);
      }
      expect(faults).toEqual([]);
      if (process.env['KEYWRIGHT_FUZZ_ROUNDS'] !== undefined) console.log(operation.id, outcomes);
    });
  }

  test('nothing of it reached the prototype of all objects, and the trail still holds together', async () => {
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
    await core.call('store.unlock');
    expect(await core.call('audit.verify')).toMatchObject({ ok: true });
    expect(await core.call('store.verify')).toMatchObject({ ok: true });
  });

  test('an operation that does not exist is NOT_FOUND, whatever it is called', async () => {
    for (const id of ['', 'keys', 'keys.__proto__', '__proto__', 'constructor', 'keys.sign ', 'x'.repeat(100_000)]) await expect(core.call(id)).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });
});
