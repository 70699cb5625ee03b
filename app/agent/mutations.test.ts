import { afterAll, beforeAll, expect, test } from 'vitest';
import { OPERATIONS_BY_ID, PERMISSIONS, type Operation } from '../contract/index.ts';
import { openTestCore, type TestCore } from '../keychain/testing/core.ts';
import { startAgent, type Agent } from './index.ts';
import { EXERCISES, requestFor, type Known } from './testing/exercises.ts';
import { send } from './testing/http.ts';

/** Each field of each operation, with what no sane program would send, over a real core: refused perhaps, never a fault of ours. */

const HOSTILE: readonly unknown[] = [
  null, true, 0, -1, 1.5, 1e308, 2 ** 53, '', ' ', 'a', 'a'.repeat(5000), '\u0000', '../../etc/passwd', '\ud800', '%00%ff', "'; DROP TABLE keys; --", '[object Object]', 'AAAA', 'A',
  'A'.repeat(100_000), 'pkcs8:', 'pkcs11:token=x?pin-value=1', '2026-13-45T99:99:99Z', '9999-12-31T23:59:59.999Z', '__proto__', 'constructor',
  [], [null], Array.from({ length: 2000 }, () => 'x'), {}, { upload: '../x' }, { path: '/etc/passwd' }, { path: 'relative' }, { message: '!' }, { digest: 'AA' }, { __proto__: null, toString: 1 },
];
/** Names of machines, by operation: nothing is looked up for a test. */
const MACHINES: Readonly<Record<string, readonly string[]>> = { 'certificates.examine': ['host'], 'files.timestamp': ['authority'] };
/** What such operations answer when the machine of the exercise, on which nobody listens, was asked. */
const UNANSWERED = '"code":"BACKEND_UNAVAILABLE"';
/** These end what the others need. */
const LEFT_OUT = ['store.lock', 'store.restore'];

let core: TestCore;
let agent: Agent;
let token: string;
const known: Known = {};

beforeAll(async () => {
  core = await openTestCore({ kind: 'memory' });
  ({ token } = await core.call<{ token: string }>('access.grant', { name: 'hostile', scope: PERMISSIONS.filter((permission) => permission !== 'prompts:admin' && permission !== 'files:paths') }));
  agent = await startAgent(core.core, { listen: '127.0.0.1:0' });
});
afterAll(async () => {
  await agent.close();
  await core[Symbol.asyncDispose]();
});

const exercises = EXERCISES.filter(({ operation }) => OPERATIONS_BY_ID.get(operation)?.notOn?.rest === undefined && !LEFT_OUT.includes(operation))
  // Searching the trail goes through all of it, and every call makes it longer.
  .toSorted((a, b) => Number(b.operation === 'audit.list') - Number(a.operation === 'audit.list'));

test.each(exercises.map((exercise, index) => [`${index + 1} ${exercise.operation}`, exercise] as const))('%s', async (_name, exercise) => {
  const operation = OPERATIONS_BY_ID.get(exercise.operation) as Operation;
  const call = async (input: Record<string, unknown>): Promise<{ status: number; text: string }> => {
    const { path, headers, body } = requestFor(operation, input, exercise.answers, exercise.body?.(known));
    return send(agent.addresses[0] as string, operation.http.method, path, { Authorization: `Bearer ${token}`, ...headers }, body);
  };
  const good = { ...exercise.input?.(known) } as Record<string, unknown>;
  const faults: unknown[] = [];
  const machines = MACHINES[operation.id];
  for (const field of Object.keys((operation.input as unknown as { shape: object }).shape).filter((name) => machines?.includes(name) !== true)) {
    for (const value of HOSTILE) {
      const { status, text } = await call({ ...good, [field]: value });
      if ((status >= 500 && !(machines !== undefined && text.includes(UNANSWERED))) || /node_modules|\.ts:\d/.test(text)) faults.push({ field, value: JSON.stringify(value)?.slice(0, 60), status, text: text.slice(0, 200) });
    }
  }
  expect(faults).toEqual([]);
  const answer = await call(good);
  if (answer.status < 300 && operation.stream === undefined) exercise.keep?.(JSON.parse(answer.text), known);
  else if (answer.status < 300) exercise.keep?.(operation.stream?.body === 'in' ? JSON.parse(answer.text) : Buffer.from(answer.text), known);
});
