import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { OPERATIONS, OPERATIONS_BY_ID, PERMISSIONS, type Operation } from '../contract/index.ts';
import { openTestCore, somebody, type TestCore } from '../keychain/testing/core.ts';
import type { BackendManifest } from '../keystore/registry.ts';
import { FakeToken, FakeTokens, fakeTokenManifest } from '../keystore/testing/fake-token.ts';
import { startAgent, type Agent } from './index.ts';
import { openApiDocument } from './openapi.ts';
import { EXERCISES, requestFor, type Exercise, type Known } from './testing/exercises.ts';
import { follow, send, type Events, type Parsed } from './testing/http.ts';

/** Every operation, over a real core, on both faces that speak HTTP. */

const document = openApiDocument() as { paths: Record<string, Record<string, { responses: Record<string, { content?: Record<string, { schema: object }> }> }>>; components: { schemas: object } };
const ajv = new Ajv2020({ strict: false, formats: { base64url: /^[A-Za-z0-9_-]*$/, 'date-time': /^\d{4}-\d\d-\d\dT[\d:.]+Z$/ } });

/** Validates by the published document alone, with a validator that knows nothing of the contract. */
function validatorOf(operation: Operation, status: number): ValidateFunction | undefined {
  const { responses } = document.paths[operation.http.path]?.[operation.http.method.toLowerCase()] ?? { responses: {} };
  const schema = status < 300 ? responses[status]?.content?.['application/json']?.schema : responses[status] === undefined ? undefined : { $ref: '#/components/schemas/Problem' };
  return schema === undefined ? undefined : ajv.compile({ ...schema, components: document.components });
}

const reasons = (face: 'rest' | 'ipc'): string[] => OPERATIONS.filter(({ notOn }) => notOn?.[face] !== undefined).map(({ id, notOn }) => `${id}: ${notOn?.[face]}`);

describe('over REST', () => {
  let core: TestCore;
  let agent: Agent;
  let token: string;
  const known: Known = {};
  beforeAll(async () => {
    core = await openTestCore({ kind: 'sqlite', backends: [tokenBackend()] });
    ({ token } = await core.call<{ token: string }>('access.grant', { name: 'parity', scope: PERMISSIONS.filter((permission) => permission !== 'prompts:admin') }));
    agent = await startAgent(core.core, { listen: '127.0.0.1:0' });
  });
  afterAll(async () => {
    await agent.close();
    await core[Symbol.asyncDispose]();
  });

  const exercises = EXERCISES.filter(({ operation }) => OPERATIONS_BY_ID.get(operation)?.notOn?.rest === undefined);
  test('each operation has an exercise, or its record says why it is not there', () => {
    expect([...new Set(exercises.map(({ operation }) => operation))].sort()).toEqual(OPERATIONS.filter(({ notOn }) => notOn?.rest === undefined).map(({ id }) => id).sort());
    console.info(`not over REST:\n${reasons('rest').map((line) => `  ${line}`).join('\n')}`);
  });

  test.each(exercises.map((exercise, index): [string, Exercise] => [`${index + 1} ${exercise.operation}${exercise.fails === undefined ? '' : ` (${exercise.fails})`}`, exercise]))('%s', async (_name, exercise) => {
    await unlock(core);
    const operation = OPERATIONS_BY_ID.get(exercise.operation) as Operation;
    const { path, headers, body } = requestFor(operation, { ...exercise.input?.(known) }, exercise.answers, exercise.body?.(known));
    const answer = await send(agent.addresses[0] as string, operation.http.method, path, { Authorization: `Bearer ${token}`, ...headers }, body);
    judge(operation, exercise, answer, known);
  });

  test('once the store is locked, its tokens open nothing', async () => {
    await core.call('store.lock');
    expect((await send(agent.addresses[0] as string, 'GET', '/v1/keys', { Authorization: `Bearer ${token}` })).json()).toMatchObject({ code: 'STORE_LOCKED', status: 423 });
  });
});

describe('in the browser’s window, prompts answered on the prompt page', () => {
  let core: TestCore;
  let agent: Agent;
  let folder: string;
  let origin: string;
  let session: Record<string, string>;
  let prompts: Events;
  let answers: Exercise['answers'] = {};
  const known: Known = {};
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'keywright-window-'));
    mkdirSync(join(folder, 'other'));
    for (const page of ['index.html', 'prompt.html']) writeFileSync(join(folder, page), '<!doctype html>');
    core = await openTestCore({ kind: 'sqlite', backends: [tokenBackend()] });
    known['folder'] = core.folder;
    agent = await startAgent(core.core, { listen: '127.0.0.1:0', ui: { folder } });
    origin = agent.addresses[0] as string;
    session = await signIn(agent.loginUrl?.() ?? '');
    const { url } = (await send(origin, 'GET', '/ipc/prompt-window', session)).json() as { url: string };
    prompts = await answerPrompts(new URL(url).origin, await signIn(url), () => answers ?? {});
  });
  afterAll(async () => {
    prompts.close();
    await agent.close();
    await core[Symbol.asyncDispose]();
    rmSync(folder, { recursive: true });
  });

  const exercises = EXERCISES.filter(({ operation }) => OPERATIONS_BY_ID.get(operation)?.notOn?.ipc === undefined || operation.startsWith('files.'));
  test('each operation has an exercise, or its record says why it is not there', () => {
    const exercised = new Set(exercises.map(({ operation }) => operation));
    expect(OPERATIONS.filter(({ id, notOn }) => notOn?.ipc === undefined && !exercised.has(id)).map(({ id }) => id)).toEqual([]);
    console.info(`not in the window:\n${reasons('ipc').map((line) => `  ${line}`).join('\n')}`);
  });

  test.each(exercises.map((exercise, index): [string, Exercise] => [`${index + 1} ${exercise.operation}`, exercise]))('%s', async (_name, exercise) => {
    await unlock(core);
    const operation = OPERATIONS_BY_ID.get(exercise.operation) as Operation;
    const input = exercise.input?.(known) ?? {};
    answers = exercise.answers;
    const answer = operation.id === 'files.upload' ? await send(origin, 'POST', `/ipc/uploads?name=${(input as { name: string }).name}`, { ...session, 'Content-Type': 'application/octet-stream' }, exercise.body?.(known))
      : operation.id === 'files.download' ? await send(origin, 'GET', `/ipc/downloads/${(input as { id: string }).id}`, session)
        : await send(origin, 'POST', `/ipc/${operation.id}`, { ...session, 'Content-Type': 'application/json' }, JSON.stringify(input));
    judge(operation, exercise, answer, known);
  });
});

test('the principal of the window may not touch prompts, nor the prompt page anything else', async () => {
  await using core = await openTestCore({ kind: 'memory' });
  for (const id of ['prompts.pending', 'prompts.answer']) await expect(core.call(id, {}, {}, { principal: somebody(PERMISSIONS, 'ipc') })).rejects.toMatchObject({ code: 'PERMISSION_DENIED' });
  await expect(core.call('keys.list', {}, {}, { principal: somebody(['prompts:admin'], 'prompt') })).rejects.toMatchObject({ code: 'PERMISSION_DENIED' });
});

test('the document is whole: each reference leads somewhere, each operation is there once, with its parameters', () => {
  const references = [...JSON.stringify(document).matchAll(/"\$ref":"#\/([^"]+)"/g)].map(([, pointer]) => pointer ?? '');
  expect([...new Set(references)].filter((pointer) => pointer.split('/').reduce<Parsed>((node, name) => node?.[name], document) === undefined)).toEqual([]);
  const described = Object.values(document.paths).flatMap((path) => Object.values(path) as unknown as { operationId: string }[]).map(({ operationId }) => operationId);
  expect(new Set(described).size).toBe(described.length);
  expect(described).toEqual(expect.arrayContaining(OPERATIONS.filter(({ notOn }) => notOn?.rest === undefined).map(({ id }) => id)));
  for (const [path, item] of Object.entries(document.paths)) {
    const inPath = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name);
    for (const { parameters = [] } of Object.values(item) as { parameters?: { in?: string; name?: string }[] }[]) expect(parameters.filter((one) => one.in === 'path').map(({ name }) => name)).toEqual(inPath);
  }
});

/** A backend with one token plugged in. */
function tokenBackend(): BackendManifest {
  const tokens = new FakeTokens();
  tokens.insert(new FakeToken('1001'));
  return fakeTokenManifest(tokens);
}

/** What the owner does between calls: a locked store knows no tokens, so that over REST nobody could unlock it. */
async function unlock(core: TestCore): Promise<void> {
  if ((await core.call<{ state: string }>('store.status')).state === 'locked') await core.call('store.unlock');
}

function judge(operation: Operation, exercise: Exercise, answer: Awaited<ReturnType<typeof send>>, known: Known): void {
  if (operation.stream?.body === 'out') {
    expect(answer.status).toBe(200);
    exercise.keep?.(answer.bytes, known);
    return;
  }
  expect({ status: answer.status, body: answer.json() }).toMatchObject(exercise.fails === undefined ? { status: operation.http.status } : { body: { code: exercise.fails } });
  if (operation.notOn?.rest === undefined) {
    const validate = validatorOf(operation, answer.status);
    expect(validate).toBeDefined();
    validate?.(answer.json());
    expect(validate?.errors).toBeNull();
  }
  exercise.keep?.(answer.json(), known);
}

async function signIn(url: string): Promise<Record<string, string>> {
  const { origin, pathname, search } = new URL(url);
  const answer = await send(origin, 'GET', `${pathname}${search}`);
  return { 'X-Keywright': '1', Cookie: answer.headers['set-cookie']?.[0]?.split(';', 1)[0] ?? '' };
}

/** What a person does on the prompt page: looks when told of something, and answers it. */
async function answerPrompts(origin: string, session: Record<string, string>, answers: () => Readonly<Record<string, string | true>>): Promise<Events> {
  const json = { ...session, 'Content-Type': 'application/json' };
  return follow(origin, 'GET', '/ipc/events', session, undefined, async () => {
    const { prompts } = (await send(origin, 'POST', '/ipc/prompts.pending', json, '{}')).json() as { prompts: { id: string; request: { kind: string; purpose: string } }[] };
    for (const { id, request } of prompts) {
      const answer = answers()[request.purpose];
      const told = answer === undefined ? { kind: 'cancelled' } : request.kind === 'confirm' ? { kind: 'confirmed', ...(answer === true ? {} : { typed: answer }) } : { kind: 'secret', secret: answer };
      await send(origin, 'POST', '/ipc/prompts.answer', json, JSON.stringify({ id, answer: told }));
    }
  });
}
