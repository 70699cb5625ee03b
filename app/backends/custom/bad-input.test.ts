import { createHash, randomUUID } from 'node:crypto';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { KeyStore } from '../../keystore/keystore.ts';
import { callFor, refusalOf } from '../../keystore/testing/calls.ts';
import { memoryKind } from '../../storage/memory/index.ts';
import { openCustom } from './index.ts';
import { customManifest } from './manifest.ts';

let folder: string;
let opened: KeyStore[];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'keywright-custom-'));
  opened = [];
});
afterEach(async () => {
  await Promise.all(opened.map((store) => store[Symbol.asyncDispose]()));
  rmSync(folder, { recursive: true, force: true });
});

/** A program that says hello as it should, and answers calls by `answer(message, send)`. */
const PROGRAM = (answer: string, hello = '{ type: "hello", protocol: 1, name: "p", version: "1", facts: { algorithms: ["ed25519"], capabilities: ["sign", "verify", "generate", "random"] } }') => `
const send = (message) => { const body = Buffer.from(typeof message === 'string' ? message : JSON.stringify(message)); const head = Buffer.alloc(4); head.writeUInt32BE(body.length); process.stdout.write(Buffer.concat([head, body])); };
const answer = ${answer};
let pending = Buffer.alloc(0);
process.stdin.on('data', (piece) => {
  pending = Buffer.concat([pending, piece]);
  while (pending.length >= 4 && pending.length >= 4 + pending.readUInt32BE(0)) {
    const message = JSON.parse(pending.subarray(4, 4 + pending.readUInt32BE(0)));
    pending = pending.subarray(4 + pending.readUInt32BE(0));
    if (message.type === 'hello') send(${hello}); else if (message.type === 'call') answer(message, send);
  }
});
process.stdin.on('end', () => process.exit(0));`;

async function open(source: string, changes: { sha256?: string; mode?: number; deadlineSeconds?: number } = {}): Promise<{ store: KeyStore; call: ReturnType<typeof callFor>; program: string }> {
  const program = join(folder, 'program.mjs');
  writeFileSync(program, source);
  chmodSync(program, changes.mode ?? 0o600);
  const config = customManifest.config.parse({ program, interpreter: process.execPath, sha256: changes.sha256 ?? createHash('sha256').update(source).digest('hex'), deadlineSeconds: changes.deadlineSeconds ?? 60 });
  const storage = await memoryKind.open({ folder: randomUUID(), create: true });
  const store = await openCustom('mine', config, { storage, keepPinMinutes: () => 0 });
  opened.push(store);
  return { store, call: callFor(storage), program };
}

const randomFrom = async (answer: string, changes: { deadlineSeconds?: number } = {}) => {
  const { store, call } = await open(PROGRAM(answer), changes);
  return refusalOf(store.random!.random(4, call));
};

test('a program that is not the one that was pinned is not run, and both hashes are told', async () => {
  const source = `import { writeFileSync } from 'node:fs'; writeFileSync(${JSON.stringify(join(folder, 'ran'))}, '');`;
  const refusal = await refusalOf(open(source, { sha256: 'a'.repeat(64) }));
  expect(refusal).toMatchObject({ code: 'BACKEND_UNAVAILABLE', facts: { detail: expect.stringContaining('a'.repeat(64)) } });
  expect(refusal.facts.detail).toContain(createHash('sha256').update(source).digest('hex'));
  await expect(import('node:fs').then(({ existsSync }) => existsSync(join(folder, 'ran')))).resolves.toBe(false);
});

test('a program that changes later is not run at its next start', async () => {
  const { store, call, program } = await open(PROGRAM('() => process.exit(3)'));
  expect(await refusalOf(store.random!.random(4, call))).toMatchObject({ facts: { detail: expect.stringContaining('ended with exit code 3 during random') } });
  writeFileSync(program, '// other');
  expect(await refusalOf(store.random!.random(4, call))).toMatchObject({ facts: { detail: expect.stringContaining('It was not run') } });
});

test.skipIf(process.platform === 'win32')('a program that others may change is not run', async () => {
  expect(await refusalOf(open(PROGRAM('() => {}'), { mode: 0o666 }))).toMatchObject({ facts: { remedy: expect.stringContaining('chmod go-w') } });
});

test('garbage, messages of no known form, and ones that are too long end the program', async () => {
  expect(await randomFrom('(message, send) => send("no json")')).toMatchObject({ code: 'BACKEND_UNAVAILABLE', facts: { detail: expect.stringContaining('something that is no message') } });
  expect(await randomFrom('(message, send) => send({ type: "results" })')).toMatchObject({ facts: { detail: expect.stringContaining('not one of the protocol') } });
  expect(await randomFrom('() => process.stdout.write(Buffer.from("ffffffff", "hex"))')).toMatchObject({ facts: { detail: expect.stringContaining('too long') } });
});

test('answers that make no sense fail their call alone', async () => {
  const { store, call } = await open(PROGRAM('(message, send) => send({ type: "result", id: message.id, output: message.input.length === 4 ? { bytes: "AAAA" } : { bytes: "AAAAAAAA" } })'));
  expect(await refusalOf(store.random!.random(4, call))).toMatchObject({ code: 'BACKEND_UNAVAILABLE', facts: { detail: expect.stringContaining('makes no sense') } });
  expect(await store.random!.random(6, call)).toHaveLength(6);
});

test('a program that never answers is ended at its deadline', async () => {
  expect(await randomFrom('() => {}', { deadlineSeconds: 1 })).toMatchObject({ code: 'TIMEOUT' });
});

test('a program of another version of the protocol is refused', async () => {
  expect(await refusalOf(open(PROGRAM('() => {}', '{ type: "hello", protocol: 2, name: "p", version: "1" }')))).toMatchObject({ facts: { detail: expect.stringContaining('version 2') } });
});

test('an error code that is ours alone becomes the program’s own fault', async () => {
  expect(await randomFrom('(message, send) => send({ type: "failed", id: message.id, error: { code: "STORE_LOCKED", detail: "no" } })')).toMatchObject({ code: 'BACKEND_UNAVAILABLE' });
});

test('a PIN that the program wants is asked for, and comes with the same call', async () => {
  const { store } = await open(PROGRAM('(message, send) => message.input.pin === undefined ? send({ type: "failed", id: message.id, error: { code: "PIN_REQUIRED", detail: "PIN" } }) : send({ type: "result", id: message.id, output: { bytes: message.input.pin } })'));
  const call = callFor(await memoryKind.open({ folder: randomUUID(), create: true }), { answer: ({ purpose }) => (purpose === 'pin' ? '1234' : '') });
  expect(Buffer.from(await store.random!.random(4, call)).toString()).toBe('1234');
});
