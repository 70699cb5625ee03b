import { execFileSync } from 'node:child_process';
import { checkPrimeSync, createHash, createPrivateKey, generateKeyPairSync, generatePrimeSync, type KeyObject } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { HygieneFinding, KeyRecord, keyOperations, OutputOf } from '../contract/index.ts';
import { HAS_OPENSSL, hasTool } from '../formats/testing/keys.ts';
import { openTestCore, type TestCore } from './testing/core.ts';

type Answer = OutputOf<typeof keyOperations.check>;

let core: TestCore;
let folder: string;
const at = (name: string): string => join(folder, name);

beforeAll(async () => {
  core = await openTestCore();
  folder = mkdtempSync(join(tmpdir(), 'keywright-check-'));
});
afterAll(async () => {
  await core[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true, force: true });
});

const openssl = (...args: string[]): string => execFileSync('openssl', args, { cwd: folder, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
const prime = (): bigint => generatePrimeSync(1024, { bigint: true });
const base64url = (content: Uint8Array | string): string => Buffer.from(content).toString('base64url');
const number = (value: bigint): string => Buffer.from(value.toString(16).padStart(value.toString(16).length + (value.toString(16).length % 2), '0'), 'hex').toString('base64url');

/** a⁻¹ modulo m. */
function inverse(a: bigint, m: bigint): bigint {
  let [r0, r1, s0, s1] = [a % m, m, 1n, 0n];
  while (r1 !== 0n) [r0, r1, s0, s1] = [r1, r0 % r1, s1, s0 - (r0 / r1) * s1];
  return ((s0 % m) + m) % m;
}

function rsaOf(p: bigint, q: bigint, e = 65537n): KeyObject {
  const d = inverse(e, (p - 1n) * (q - 1n));
  return createPrivateKey({ format: 'jwk', key: { kty: 'RSA', n: number(p * q), e: number(e), d: number(d), p: number(p), q: number(q), dp: number(d % (p - 1n)), dq: number(d % (q - 1n)), qi: number(inverse(q, p)) } });
}
const pem = (key: KeyObject): string => key.export({ type: 'pkcs8', format: 'pem' }) as string;
const held = async (label: string, key: string): Promise<KeyRecord> => (await core.call<{ keys: KeyRecord[] }>('keys.import', { content: base64url(key), label })).keys[0]!;
const check = (input: object = {}): Promise<Answer> => core.call<Answer>('keys.check', input);
const of = (findings: readonly HygieneFinding[], code: string): string[] => findings.filter((one) => one.code === code).map(({ about }) => about.label).sort();

test('a store of sound keys has no findings, and an empty one neither', async () => {
  expect(await check()).toMatchObject({ ok: true, keys: 0, certificates: 0, compared: 0, findings: [], total: 0, notes: [expect.stringContaining('--weak-list')] });
  await core.call('keys.generate', { algorithm: 'ec-p256', label: 'Sound' });
  await core.call('keys.generate', { algorithm: 'aes-256', label: 'Secret' });
  await held('RSA', pem(generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey));
  expect(await check()).toMatchObject({ ok: true, keys: 2, compared: 1, findings: [] });
});

test.skipIf(!HAS_OPENSSL)('a prime that two keys share is found, in a certificate of somebody else and in an older version too, and a new version mends it (skipped without openssl)', async () => {
  const [p, q, r, s, e] = [prime(), prime(), prime(), prime(), prime()];
  await held('Router one', pem(rsaOf(p, q)));
  const two = await held('Router two', pem(rsaOf(p, r)));
  writeFileSync(at('foreign.key'), pem(rsaOf(r, s)));
  openssl('req', '-x509', '-key', 'foreign.key', '-out', 'foreign.pem', '-days', '90', '-subj', '/CN=Foreign router');
  await core.call('certificates.import', { content: base64url(readFileSync(at('foreign.pem'))) });
  const progress: { done: number; total: number }[] = [];
  const before = await core.call<Answer>('keys.check', {}, {}, { progress: (event) => progress.push(event as { done: number; total: number }) });
  expect([before.ok, of(before.findings, 'shared-prime'), before.compared]).toEqual([false, ['Foreign router', 'Router one', 'Router two', 'Router two'], 4]);
  expect(before.findings[0]?.level).toBe('problem');
  expect(progress.at(-1)).toEqual({ done: 200, total: 200 });
  const finding = before.findings.find(({ about }) => about.id === two.id)!;
  expect(finding.detail).toMatch(/“Router one”, “Router two”|“Router two”, “Foreign router”/);
  expect(finding.mendedBy[0]).toMatchObject({ key: 'rotate', input: { key: two.uri } });
  await core.call(finding.mendedBy[0]!.operation, finding.mendedBy[0]!.input);
  // The old version still verifies and decrypts: it is told of until it is retired.
  const rotated = (await check()).findings.find(({ about, code }) => about.id === two.id && code === 'shared-prime')!;
  expect([rotated.mendedBy, rotated.remedy]).toEqual([[], 'Retire that version: keywright keys update "Router two" --retire-version 1.']);
  await core.call('keys.update', { key: two.uri, retireVersions: [1] });
  expect(of((await check()).findings, 'shared-prime')).toEqual([]);
  await held('Exponent three', pem(rsaOf(s, e, 65539n)));
  await held('Exponent usual', pem(rsaOf(s, e)));
  expect(of((await check()).findings, 'same-modulus')).toEqual(['Exponent three', 'Exponent usual']);
});

test.skipIf(!HAS_OPENSSL)('what is weak about a key alone is told: short, small exponent, primes close together, and what a list knows (skipped without openssl)', async () => {
  openssl('req', '-x509', '-newkey', 'rsa:1024', '-nodes', '-keyout', 'short.key', '-out', 'short.pem', '-days', '90', '-subj', '/CN=Short');
  await core.call('certificates.import', { content: base64url(readFileSync(at('short.pem'))) });
  await held('Small exponent', pem(generateKeyPairSync('rsa', { modulusLength: 2048, publicExponent: 3 }).privateKey));
  const p = prime();
  let q = p + 2n;
  while (!checkPrimeSync(q)) q += 2n;
  await held('Close', pem(rsaOf(q, p)));
  const { findings } = await check();
  expect([of(findings, 'rsa-short'), of(findings, 'rsa-exponent'), of(findings, 'close-primes')]).toEqual([['Short'], ['Small exponent'], ['Close']]);
  expect(findings.find(({ code }) => code === 'rsa-short')).toMatchObject({ about: { kind: 'certificate', uri: null }, mendedBy: [], remedy: expect.stringContaining('somebody else’s') as unknown });
  const [worst] = (await check({ limit: 1 })).findings;
  expect(worst?.level).toBe('problem');
  expect((await check({ limit: 1 })).total).toBe(findings.length);
});

test.skipIf(!HAS_OPENSSL)('a list of known keys is understood as openssl-blacklist, openssh-blacklist and fingerprints have it (skipped without openssl)', async () => {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const { uri } = await held('Listed', pem(privateKey));
  writeFileSync(at('listed.pem'), pem(privateKey));
  const last20 = (hex: string): string => hex.slice(-20);
  const modulus = openssl('rsa', '-in', 'listed.pem', '-noout', '-modulus');
  const lists = [
    `# of Debian\n\n00000000000000000000\n${last20(createHash('sha1').update(modulus).digest('hex'))}\n`,
    `sha256:${createHash('sha256').update(publicKey.export({ type: 'spki', format: 'der' })).digest('hex').toUpperCase()} # published\r\n`,
    ...(hasTool('ssh-keygen', '-?') ? [last20(sshFingerprint().replaceAll(':', ''))] : []),
  ];
  for (const list of lists) {
    const { ok, findings, notes } = await check({ weakList: base64url(list) });
    expect([ok, of(findings, 'known-weak'), notes]).toEqual([false, ['Listed'], []]);
    expect(findings.find(({ code }) => code === 'known-weak')?.mendedBy).toMatchObject([{ operation: 'keys.rotate', input: { key: uri } }]);
  }
  for (const [list, detail] of [['# nothing\n', 'empty'], [`${'0'.repeat(20)}\nzz\n`, 'Line 2'], [Buffer.alloc(1000, 255), 'Line 1']] as const) {
    await expect(check({ weakList: base64url(list) })).rejects.toMatchObject({ code: 'INVALID_INPUT', message: expect.stringContaining(detail) as unknown });
  }
});

function sshFingerprint(): string {
  writeFileSync(at('listed.spki'), openssl('rsa', '-in', 'listed.pem', '-pubout'));
  writeFileSync(at('listed.pub'), execFileSync('ssh-keygen', ['-i', '-m', 'PKCS8', '-f', at('listed.spki')]));
  return /MD5:([0-9a-f:]+)/.exec(execFileSync('ssh-keygen', ['-l', '-E', 'md5', '-f', at('listed.pub')], { encoding: 'utf8' }))![1]!;
}

test.skipIf(!HAS_OPENSSL)('certificates that SHA-1 signed or that have ended, copies, and a key of several subjects are told, each once, and those of others without an action (skipped without openssl)', async () => {
  openssl('req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', 'ca.key', '-out', 'ca.pem', '-days', '3000', '-subj', '/CN=Authority', '-addext', 'keyUsage=keyCertSign');
  const issue = async (name: string, ...how: string[]): Promise<void> => {
    openssl('req', '-new', '-key', 'ca.key', '-out', 'leaf.csr', '-subj', `/CN=${name}`);
    openssl('x509', '-req', '-in', 'leaf.csr', '-CA', 'ca.pem', '-CAkey', 'ca.key', '-out', 'leaf.pem', '-set_serial', String(Math.floor(Math.random() * 1e9)), ...how);
    await core.call('certificates.import', { content: base64url(readFileSync(at('leaf.pem'))) });
  };
  await issue('Old signature', '-sha1', '-days', '90');
  await issue('Ended', '-sha256', '-days', '-1');
  await issue('Ended and renewed', '-sha256', '-days', '-1');
  await issue('Ended and renewed', '-sha256', '-days', '90');
  const foreign = (await check()).findings;
  const told = ['signature-weak', 'expired'].map((code) => of(foreign, code));
  expect([told, foreign.filter(({ code }) => code === 'reused-key').map(({ mendedBy }) => mendedBy)]).toEqual([[['Old signature'], ['Ended']], [[]]]);
  await held('Authority', readFileSync(at('ca.key'), 'utf8'));
  await held('Authority again', readFileSync(at('ca.key'), 'utf8'));
  await core.call('certificates.import', { content: base64url(readFileSync(at('ca.pem'))), trusted: true });
  const own = (await check()).findings;
  expect(own.find(({ code }) => code === 'signature-weak')?.mendedBy).toMatchObject([{ operation: 'certificates.renew' }]);
  expect([of(own, 'several-places').length, of(own, 'reused-key').length]).toEqual([1, 1]);
  expect(own.find(({ code }) => code === 'several-places')?.mendedBy[0]?.key).toBe('trash');
});

test.skipIf(!HAS_OPENSSL)('a check that is cancelled ends at once, and the core answers others meanwhile (skipped without openssl, which made the keys)', async () => {
  const stop = new AbortController();
  const running = core.call('keys.check', {}, {}, { signal: stop.signal, progress: () => stop.abort(Object.assign(new Error('enough'), { name: 'AbortError' })) });
  expect((await core.call<{ total: number }>('keys.list')).total).toBeGreaterThan(3);
  await expect(running).rejects.toMatchObject({ code: 'CANCELLED' });
});
