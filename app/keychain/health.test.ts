import { generateKeyPairSync } from 'node:crypto';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { CoreEvent, HealthFinding, healthOperations, KeyRecord, Mending, OutputOf } from '../contract/index.ts';
import { FakeToken, FakeTokens, fakeTokenManifest } from '../keystore/testing/fake-token.ts';
import { openTestCore, somebody, type TestCore } from './testing/core.ts';

type Health = OutputOf<typeof healthOperations.list>;

const DAY = 86_400_000;
let tokens: FakeTokens;
let core: TestCore;

beforeEach(async () => {
  tokens = new FakeTokens();
  core = await openTestCore({ backends: [fakeTokenManifest(tokens)] });
});
afterEach(async () => {
  vi.useRealTimers();
  await core[Symbol.asyncDispose]();
});

const health = (input: object = {}, of: TestCore = core): Promise<Health> => of.call<Health>('health.list', input);
const inDays = (days: number): string => new Date(Date.now() + days * DAY).toISOString();
const generate = (label: string, changes: object = {}): Promise<KeyRecord> => core.call<KeyRecord>('keys.generate', { algorithm: 'ec-p256', label, ...changes });
const told = ({ findings }: Health): string[] => findings.map(({ level, code, about }) => `${level} ${code} ${about.label}`);
/** Not what this machine lacks. */
const inStore = (answer: Health): string[] => told(answer).filter((line) => !/ (addons|pcsc|folder|smartcardhsm)\./.test(line));
const mend = ({ operation, input }: Mending, answers: object = {}): Promise<unknown> => core.call(operation, input, answers);
const one = ({ findings }: Health, code: string): HealthFinding => findings.find((finding) => finding.code === code)!;
/** Lets so many days pass. */
const pass = (days: number): unknown => vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + days * DAY });
const backup = (): Promise<unknown> => core.call('store.backup', { out: { path: join(core.folder, `${Date.now()}.kwb`) } });

test('an empty store asks for nothing, and nothing has been looked at', async () => {
  expect(await health()).toEqual({ ok: true, findings: [], attention: 0, hidden: 0, total: 0, lookedAt: null, checked: null });
});

test('certificates that end are told, the worst first, until they are renewed, and without what is revoked or in the trash', async () => {
  await generate('Root');
  await generate('Server');
  await backup();
  const root = await core.call<{ id: string }>('certificates.self-sign', { key: 'Root', subject: 'CN=Root', profile: 'root', days: 3650 });
  const issue = (name: string, changes: object): Promise<{ id: string }> => core.call('certificates.issue', { key: 'Server', issuer: root.id, subject: `CN=${name}`, san: [`dns:${name}.example.org`], profile: 'tls-server', label: name, ...changes });
  await issue('expired', { days: 5 });
  await issue('soon', { days: 13 });
  await issue('later', { days: 300 });
  const revoked = await issue('revoked', { days: 5 });
  await core.call('certificates.revoke', { certificate: revoked.id, reason: 'superseded' });
  const trashed = await issue('trashed', { days: 5 });
  await core.call('certificates.delete', { certificate: trashed.id });
  pass(10);
  const answer = await health();
  expect(told(answer)).toEqual(['problem certificate.expired expired', 'warning certificate.ends-soon soon']);
  expect(answer).toMatchObject({ ok: false, attention: 2, total: 2 });
  expect(answer.findings[0]).toMatchObject({ since: expect.any(String), until: null, from: 'known', detail: expect.stringMatching(/^It ended on /), mendedBy: [{ key: 'renew', operation: 'certificates.renew' }] });
  for (const { mendedBy } of answer.findings) await mend(mendedBy[0]!);
  expect(await health()).toMatchObject({ ok: true, findings: [], attention: 0 });
});

test('keys whose validity ends, compromised ones that certificates still vouch for, and what the trash destroys soon', async () => {
  await generate('Ends', { notAfter: inDays(3) });
  await generate('Fine', { notAfter: inDays(300) });
  const bad = await generate('Bad');
  await core.call('certificates.self-sign', { key: 'Bad', subject: 'CN=Bad', profile: 'tls-server', san: ['dns:bad.example.org'], label: 'bad.example.org' });
  await core.call('keys.update', { key: bad.uri, state: 'compromised' });
  await backup();
  expect(told(await health())).toEqual(['problem key.compromised Bad']);
  pass(2.5);
  expect(told(await health())).toEqual(['problem key.compromised Bad', 'warning key.ends-soon Ends']);
  expect(one(await health(), 'key.compromised')).toMatchObject({ detail: expect.stringContaining('“bad.example.org”'), mendedBy: [{ operation: 'keys.generate' }] });
});

test('the trash says what it destroys within days, and restoring is the remedy; it is not counted', async () => {
  await using own = await openTestCore({ config: { 'trash.days': 3 } });
  await own.call('keys.generate', { algorithm: 'ec-p256', label: 'Old' });
  await own.call('keys.delete', { key: 'Old' });
  const answer = await health({}, own);
  expect([told(answer), answer.attention, answer.ok]).toEqual([['note key.purged-soon Old'], 0, true]);
  const { operation, input } = answer.findings[0]!.mendedBy[0]!;
  await own.call(operation, input);
  expect(told(await health({}, own))).toEqual(['warning store.no-backup Keys']);
});

test('a store with keys and no backup says so until one is written, also when it was opened again', async () => {
  await generate('Only here');
  expect(one(await health(), 'store.no-backup')).toMatchObject({ about: { place: 'store', label: 'Keys' }, mendedBy: [{ key: 'backup', operation: 'store.backup', command: expect.stringMatching(/^keywright store backup --out /) }] });
  await backup();
  await core.call('store.lock');
  await core.call('store.unlock');
  expect(told(await health())).toEqual([]);
});

test('what is accepted is hidden, not counted, and can be shown again, also when the store was opened again', async () => {
  const events: CoreEvent['type'][] = [];
  core.core.subscribe(({ type }) => events.push(type));
  await generate('Ends', { notAfter: inDays(3) });
  await backup();
  pass(2.5);
  const { findings: [finding] } = await health();
  expect(await core.call('health.hide', { id: finding!.id })).toMatchObject({ hidden: true, code: 'key.ends-soon' });
  expect(events).toContain('health.changed');
  await core.call('store.lock');
  await core.call('store.unlock');
  expect(await health()).toMatchObject({ ok: true, findings: [], attention: 0, hidden: 1 });
  expect(await health({ hidden: true })).toMatchObject({ findings: [{ id: finding!.id, hidden: true }], attention: 0 });
  await core.call('health.unhide', { id: finding!.id });
  expect(await health()).toMatchObject({ attention: 1, hidden: 0 });
  await expect(core.call('health.hide', { id: '0000000000000000' })).rejects.toMatchObject({ code: 'NOT_FOUND' });
  await expect(core.call('health.hide', { id: finding!.id }, {}, { principal: somebody(['health:read']) })).rejects.toMatchObject({ code: 'PERMISSION_DENIED' });
});

test('a token is asked when somebody looks, not before; once its PIN was changed, the finding is gone by itself', async () => {
  tokens.insert(new FakeToken('1001'));
  await core.call('tokens.list');
  expect(inStore(await health())).toEqual([]);
  const looked = await health({ look: true });
  expect(looked.lookedAt).not.toBeNull();
  expect(inStore(looked)).toEqual(['warning token.default-pin Fake token 1001', 'warning token.default-puk Fake token 1001']);
  const [change] = one(looked, 'token.default-pin').mendedBy;
  expect(change).toMatchObject({ key: 'change-pin', operation: 'tokens.change-pin', input: { token: 'fake-1001' } });
  await mend(change!, { pin: '123456', 'new-pin': '654321' });
  await expect.poll(async () => inStore(await health())).toEqual(['warning token.default-puk Fake token 1001']);
});

test('what a check of the keys found is told until it no longer holds, and whether there is something new since', async () => {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048, publicExponent: 3 });
  const content = Buffer.from(privateKey.export({ type: 'pkcs8', format: 'pem' })).toString('base64url');
  for (const label of ['Router', 'Router again']) await core.call('keys.import', { content, label });
  await backup();
  expect(await health()).toMatchObject({ findings: [], checked: null });
  await core.call('keys.check', { limit: 1 });
  await core.call('store.lock');
  await core.call('store.unlock');
  const checked = await health();
  expect(checked.checked).toMatchObject({ keys: 2, certificates: 0, changed: false, notes: [expect.stringContaining('--weak-list')] });
  expect(checked.findings.filter(({ from }) => from === 'check')).toHaveLength(3);
  const [trash] = one(checked, 'several-places').mendedBy;
  await mend(trash!);
  const after = await health();
  expect(after.findings.map(({ code, about }) => `${code} ${about.label}`)).toEqual(['rsa-exponent Router']);
  expect(after.checked).toMatchObject({ changed: true });
});
