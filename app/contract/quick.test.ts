import { describe, expect, test } from 'vitest';
import { z, type ZodType } from 'zod';
import { boundedBytes, bytesIn } from './bytes.ts';
import { OPERATIONS } from './operations.ts';
import { MISS, quickOf } from './quick.ts';

interface Schema {
  readonly type?: string;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly items?: Schema;
  readonly anyOf?: readonly Schema[];
  readonly oneOf?: readonly Schema[];
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly pattern?: string;
  readonly format?: string;
}

/** The same numbers each time (xorshift). */
let state = 0x2545f491;
function below(most: number): number {
  state ^= state << 13;
  state ^= state >>> 17;
  state ^= state << 5;
  return (state >>> 0) % most;
}
const pick = <T>(from: readonly T[]): T => from[below(from.length)]!;

const WRONG: readonly unknown[] = [
  null, undefined, true, 0, -1, 1.5, NaN, Infinity, 2 ** 53, '', ' ', 'none', 'A', 'AB', 'AAA', 'AA==', 'a+b/', '\uD83D\uDD11', 'x'.repeat(3000), '2030-12-31', '2030-12-31T00:00:00.000Z', [], {}, [null], { '': 1 },
  JSON.parse('{"__proto__":{"polluted":true}}'), Object.create({ key: 'inherited' }), new Date(0), new Uint8Array(3),
];
const TEXTS = ['word', ' a label ', 'AAAA', 'AQ', 'AAE', '2030-12-31T00:00:00.000Z', 'ec-p256', 'sha256', '/tmp/file', 'SHA256:00', '12'];

function plausible(schema: Schema): unknown {
  if (below(60) === 0) return pick(WRONG);
  if (schema.const !== undefined) return schema.const;
  if (schema.enum !== undefined) return pick(schema.enum);
  const options = schema.anyOf ?? schema.oneOf;
  if (options !== undefined) return plausible(pick(options));
  switch (schema.type) {
    case 'object': {
      const made: Record<string, unknown> = {};
      for (const [name, property] of Object.entries(schema.properties ?? {})) if (schema.required?.includes(name) === true ? below(60) > 0 : below(2) === 0) made[name] = plausible(property);
      if (below(40) === 0) made[pick(['unknown', '__proto__', 'constructor'])] = 1;
      return made;
    }
    case 'array': return Array.from({ length: below(3) }, () => plausible(schema.items ?? {}));
    case 'boolean': return below(2) === 0;
    case 'integer': case 'number': return pick([1, 2, 100, 4096, 0, -1]);
    case 'null': return null;
    case 'string': return schema.format === 'date-time' ? '2030-12-31T00:00:00.000Z' : schema.pattern?.includes('A-Za-z0-9_-') === true ? pick(['AAAA', 'AQ', 'AAE', '', 'AR']) : pick(TEXTS);
    default: return pick([...TEXTS, ...WRONG]);
  }
}

/** @returns whether the quick way took it; where it did, it did what the schema does. */
function agrees(schema: ZodType, value: unknown, direction: 'parse' | 'encode', where: string): boolean {
  const quick = quickOf(schema)[direction](value);
  if (quick === MISS) return false;
  const whole = direction === 'parse' ? schema.safeParse(value) : z.safeEncode(schema, value);
  expect([where, value, whole.success, whole.data]).toStrictEqual([where, value, true, quick]);
  return true;
}

describe.each(OPERATIONS.map((operation) => [operation.id, operation] as const))('%s', (id, { input, output }) => {
  test('is read and written the quick way as its schemas do, or not at all', () => {
    const [from, to] = [input, output].map((schema) => z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }) as Schema) as [Schema, Schema];
    for (let n = 0; n < 60; n += 1) {
      agrees(input, plausible(from), 'parse', id);
      const wire = plausible(to);
      agrees(output, wire, 'parse', id);
      const read = output.safeParse(wire);
      if (read.success) agrees(output, read.data, 'encode', id);
    }
  });
});

const operation = (id: string) => OPERATIONS.find((one) => one.id === id)!;
const spki = 'AAECAwQFBgc';

test.each([
  ['keys.sign', { key: 'Release', content: { message: spki } }, { signature: new Uint8Array(70), algorithm: 'ecdsa-sha256', key: 'pkcs8:1', version: 1 }],
  ['keys.verify', { key: 'Release', content: { digest: spki }, signature: spki }, { valid: true, algorithm: 'ecdsa-sha256', key: 'pkcs8:1', version: 1 }],
  ['keys.encrypt', { key: ' Release ', plaintext: spki, aad: spki }, { ciphertext: new Uint8Array(3), algorithm: 'aes-gcm', key: 'aes:1', version: 1 }],
  ['keys.list', { search: 'x', limit: 10 }, { keys: [], total: 0, cursor: null, sources: [], groups: [] }],
] as const)('%s goes the quick way when it is right', (id, given, answer) => {
  const { input, output } = operation(id);
  expect([agrees(input, given, 'parse', id), agrees(output, answer, 'encode', id)]).toEqual([true, true]);
});

test('what is wrong is never taken', () => {
  const { input } = operation('keys.sign');
  const right = { key: 'Release', content: { message: spki } };
  const wrong = [
    null, [], 'text', {}, { ...right, surplus: 1 }, { ...right, key: '' }, { ...right, key: 7 }, { ...right, algorithm: 'rot13' }, { ...right, encoding: null }, { ...right, content: {} },
    { ...right, content: { message: 'A' } }, { ...right, content: { message: 'AB' } }, { ...right, content: { message: spki, digest: spki } }, { ...right, content: { digest: 'A'.repeat(100) } },
    JSON.parse('{"key":"Release","content":{"message":"AAAA"},"__proto__":{}}'), Object.assign(Object.create({ key: 'Release' }) as object, { content: right.content }),
  ];
  for (const value of wrong) expect([value, quickOf(input).parse(value)]).toEqual([value, MISS]);
});

test('bytes are canonical base64url and no more than fit', () => {
  const six = boundedBytes(6);
  for (const text of ['', 'AA', 'AAA', 'AAAA', 'AQ', '_-8', 'AAAAAAAA']) expect(bytesIn(text, 6)).toEqual(Buffer.from(text, 'base64url'));
  for (const text of ['A', 'AB', 'AAB', 'AAAAA', 'AA==', 'A A', '+AAA', 'AAAAAAAAA', 'AAAAAAAAAA']) {
    expect([text, bytesIn(text, 6), six.safeParse(text).success, quickOf(six).parse(text)]).toEqual([text, undefined, false, MISS]);
  }
  expect(quickOf(six).encode(new Uint8Array(9))).toBe(MISS);
});
