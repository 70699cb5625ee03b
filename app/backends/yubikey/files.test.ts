import { createPublicKey, verify } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { KeywrightError, type Job, type KeyRecord, type Prompter, type PromptAnswer } from '../../contract/index.ts';
import { temporaryFolder } from '../../formats/testing/keys.ts';
import { openTestCore, somebody, type TestCore } from '../../keychain/testing/core.ts';
import type { Token } from '../../keystore/tokens.ts';
import { plug, type Plugged } from './testing/plug.ts';

/** Files and a YubiKey, through the core: many signed with one PIN, and what is encrypted for its key opened by it. */

/** The token is in the hand and in no reader: what looks for readers finds it. */
vi.mock('./source.ts', () => ({ YubiKeySource: class {
  tokens = (): Token[] => [plugged.token];
  findings = (): [] => [];
  ready = async (): Promise<void> => undefined;
  onChange = () => () => undefined;
  async [Symbol.asyncDispose](): Promise<void> {}
} }));

const PIN = '123456';
const COUNT = 100;
let plugged: Plugged;
let core: TestCore;
let pins: number;

beforeEach(async () => {
  plugged = await plug({ firmware: '5.7.1' });
  pins = 0;
  core = await openTestCore();
});
afterEach(() => core[Symbol.asyncDispose]());

/** Types the PIN, and counts how often it is asked for. */
const prompt: Prompter = {
  interactive: true,
  async ask(request, ended): Promise<PromptAnswer> {
    if (request.kind === 'touch') return new Promise((_resolve, reject) => ended.addEventListener('abort', () => reject(ended.reason as Error), { once: true }));
    if (request.purpose !== 'pin') return { kind: 'confirmed' };
    pins += 1;
    plugged.virtual.ledger.entered(PIN);
    return { kind: 'secret', secret: PIN };
  },
};
const call = <T>(operation: string, input: unknown, more: { signal?: AbortSignal; progress?: (event: unknown) => void } = {}): Promise<T> => core.core.call(operation, input, { principal: somebody(), prompt, ...more }) as Promise<T>;

test('a hundred files take one PIN; cancelled at forty, forty have valid signatures and there is no other file; the rest is signed later, and none twice', async () => {
  using folder = temporaryFolder();
  const { uri } = await call<KeyRecord>('keys.generate', { backend: 'yubikey', algorithm: 'ec-p256', label: 'Release', slot: '9a', pinPolicy: 'once' });
  const { content } = await call<{ content: string }>('keys.public', { key: uri, format: 'der' });
  const publicKey = createPublicKey({ key: Buffer.from(content, 'base64url'), format: 'der', type: 'spki' });
  const paths = Array.from({ length: COUNT }, (_, index) => join(folder.path, `file-${String(index).padStart(3, '0')}`));
  for (const path of paths) writeFileSync(path, `content of ${path}`);
  const signed = (): string[] => paths.filter((path) => existsSync(`${path}.sig`));
  const controller = new AbortController();
  const progress = (event: unknown): void => {
    if ((event as { index: number }).index === 40) controller.abort(new KeywrightError('CANCELLED', 'enough'));
  };
  await expect(call('files.sign', { key: uri, files: paths.map((path) => ({ path })) }, { signal: controller.signal, progress })).rejects.toMatchObject({ code: 'CANCELLED' });
  expect(signed()).toEqual(paths.slice(0, 40));
  for (const path of signed()) expect(verify('sha256', readFileSync(path), publicKey, readFileSync(`${path}.sig`))).toBe(true);
  expect(readdirSync(folder.path).length).toBe(COUNT + 40);
  const before = signed().map((path) => readFileSync(`${path}.sig`));
  plugged.taken();
  const { jobs: [job] } = await call<{ jobs: Job[] }>('jobs.list', {});
  expect(await call<Job>('jobs.resume', { id: job?.id })).toMatchObject({ state: 'done', items: { done: COUNT, total: COUNT } });
  expect(plugged.taken().filter((instruction) => instruction === '87').length).toBe(COUNT - 40);
  expect(signed()).toEqual(paths);
  expect(paths.every((path) => verify('sha256', readFileSync(path), publicKey, readFileSync(`${path}.sig`)))).toBe(true);
  expect(paths.slice(0, 40).map((path) => readFileSync(`${path}.sig`))).toEqual(before);
  expect(readdirSync(folder.path).length).toBe(2 * COUNT);
  expect([pins, plugged.virtual.ledger.count('pin', 'accepted')]).toEqual([1, 1]);
});

test.each(['ec-p256', 'ec-p384', 'rsa-2048', 'x25519'])('what is encrypted for a key of %s in slot 9d opens by it, in each format that has a place for such keys', async (algorithm) => {
  using folder = temporaryFolder();
  const plain = join(folder.path, 'plain');
  writeFileSync(plain, 'for the holder of this key');
  const key = await call<KeyRecord>('keys.generate', { backend: 'yubikey', algorithm, label: 'Files', slot: '9d', pinPolicy: 'once' });
  for (const format of ['age', 'cms', 'jwe', 'openpgp']) {
    if (format === 'age' && algorithm === 'ec-p384') continue;
    await call('files.encrypt', { files: [{ path: plain }], recipients: [key.uri], format, out: { path: join(folder.path, format) } });
    const { files: [opened] } = await call<{ files: { openedBy: string; format: string }[] }>('files.decrypt', { files: [{ path: join(folder.path, format) }], out: { path: join(folder.path, `${format}-back`) } });
    expect([opened, readFileSync(join(folder.path, `${format}-back`), 'utf8')]).toMatchObject([{ openedBy: 'Files', format }, 'for the holder of this key']);
  }
  expect(pins).toBe(1);
});
