import { execFileSync } from 'node:child_process';
import { generateKeyPairSync, X509Certificate } from 'node:crypto';
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { InspectedItem, KeyRecord, Mending } from '../contract/index.ts';
import { HAS_OPENSSL, HAS_SSH_KEYGEN, hasTool } from '../formats/testing/keys.ts';
import { FakeToken, FakeTokens, fakeTokenManifest } from '../keystore/testing/fake-token.ts';
import { openTestCore, type TestCore } from './testing/core.ts';

/** Each action that is offered for a finding is taken, and what it made is looked into again. */

const [IN, OUT] = ['another pass phrase 99', 'paper boats on a lake 31'];
const ASKED = { 'import-passphrase': IN, 'export-passphrase': OUT, confirm: true } as const;
const tokens = new FakeTokens();
const folder = mkdtempSync(join(tmpdir(), 'keywright-mending-'));
const at = (name: string): string => join(folder, name);
let core: TestCore;
beforeAll(async () => {
  core = await openTestCore({ backends: [fakeTokenManifest(tokens)] });
});
afterAll(async () => {
  await core[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true, force: true });
});

const tool = (name: string, ...args: string[]): string => execFileSync(name, args, { cwd: folder, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
const openssl = (...args: string[]): string => tool('openssl', ...args);
const put = (name: string, content: string | Uint8Array): string => {
  writeFileSync(at(name), content);
  chmodSync(at(name), 0o600);
  return at(name);
};
const base64url = (content: Uint8Array | string): string => Buffer.from(content).toString('base64url');
type Found = InspectedItem['findings'][number];
async function look(path: string, passphrase?: string): Promise<Found[]> {
  const { items } = await core.call<{ items: InspectedItem[] }>('files.inspect', { from: { path }, open: passphrase !== undefined }, passphrase === undefined ? {} : { 'import-passphrase': passphrase });
  return items.flatMap(({ findings }) => findings);
}
const show = (key: string): Promise<KeyRecord> => core.call<KeyRecord>('keys.show', { key });
function actionFor(findings: readonly { code: string; mendedBy: Mending[] }[], code: string, key: Mending['key']): Mending {
  const found = findings.find((one) => one.code === code);
  expect(findings.map((one) => one.code)).toContain(code);
  return found?.mendedBy.find((one) => one.key === key) ?? expect.fail(`${code} is mended by ${found?.mendedBy.map((one) => one.key).join(', ')}, not by ${key}`);
}

describe.skipIf(!HAS_OPENSSL || !HAS_SSH_KEYGEN)('files are written anew (skipped without openssl and ssh-keygen)', () => {
  const [password, key] = [`pass:${IN}`, 'key.pem'];
  beforeAll(() => {
    put('key.pem', generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({ type: 'pkcs8', format: 'pem' }));
    openssl('req', '-x509', '-key', key, '-out', 'certificate.pem', '-days', '900', '-subj', '/CN=Ada');
  });

  const ciphers = (name: string): string => execFileSync('sh', ['-c', `openssl pkcs12 -in "$1" -passin "pass:${OUT}" -info -noout 2>&1`, 'sh', at(name)], { encoding: 'utf8' });
  const sound = (name: string): void => expect(openssl('pkey', '-in', name, '-passin', `pass:${OUT}`, '-pubout')).toContain('PUBLIC KEY');
  /** File, what makes it, what is found, and who judges what became of it. */
  const rows: [name: string, make: () => void, codes: string[], action: Mending['key'], judge: (name: string) => void, open?: boolean][] = [
    ['rc2.p12', () => openssl('pkcs12', '-export', '-legacy', '-inkey', key, '-in', 'certificate.pem', '-out', 'rc2.p12', '-passout', password), ['old-cipher', 'mac-sha1', 'few-rounds'], 'convert', (name) => expect(ciphers(name)).toMatch(/MAC: sha256, Iteration [\s\S]*AES-256-CBC/)],
    ['pbes1.pem', () => openssl('pkcs8', '-topk8', '-v1', 'PBE-SHA1-3DES', '-in', key, '-out', 'pbes1.pem', '-passout', password), ['old-cipher', 'few-rounds'], 'convert', sound],
    ['old.pem', () => openssl('rsa', '-in', key, '-traditional', '-aes128', '-out', 'old.pem', '-passout', password), ['old-pem'], 'convert', sound],
    ['clear.pem', () => openssl('pkey', '-in', key, '-out', 'clear.pem'), ['not-encrypted'], 'protect', sound],
    ['bundle.pem', () => put('bundle.pem', readFileSync(at(key), 'utf8') + readFileSync(at('certificate.pem'), 'utf8')), ['not-encrypted'], 'protect', (name) => expect(readFileSync(at(name), 'utf8')).toMatch(/ENCRYPTED PRIVATE KEY[\s\S]*BEGIN CERTIFICATE/)],
    ['clear.jwk', () => put('clear.jwk', JSON.stringify(generateKeyPairSync('ed25519').privateKey.export({ format: 'jwk' }))), ['not-encrypted'], 'protect', (name) => expect(readFileSync(at(name), 'utf8')).toMatch(/^[\w-]+\.[\w-]+\./)],
    ['id_clear', () => tool('ssh-keygen', '-q', '-t', 'ed25519', '-N', '', '-f', 'id_clear'), ['not-encrypted'], 'protect', (name) => expect(tool('ssh-keygen', '-y', '-P', OUT, '-f', name)).toContain('ssh-ed25519')],
    ['id_3des', () => tool('ssh-keygen', '-q', '-t', 'ed25519', '-Z', '3des-cbc', '-a', '2', '-N', IN, '-f', 'id_3des'), ['old-cipher', 'few-rounds'], 'convert', (name) => expect(tool('ssh-keygen', '-y', '-P', OUT, '-f', name)).toContain('ssh-ed25519')],
    ...(hasTool('puttygen', '--version') ? [['two.ppk', () => tool('puttygen', 'id_clear', '-O', 'private', '-o', 'two.ppk', '--ppk-param', 'version=2', '--new-passphrase', put('word', IN)), ['ppk2'], 'convert', (name: string) => expect(tool('puttygen', name, '--old-passphrase', put('word', OUT), '-L')).toContain('ssh-ed25519')] satisfies (typeof rows)[number]] : []),
    ...(hasTool('keytool', '-help') ? [['store.jks', () => tool('keytool', '-genkeypair', '-keystore', 'store.jks', '-storetype', 'JKS', '-keyalg', 'EC', '-storepass', IN, '-keypass', IN, '-alias', 'ada', '-dname', 'CN=Ada', '-validity', '900'), ['old-keystore'], 'convert',
      (name: string) => expect(tool('keytool', '-list', '-keystore', name, '-storepass', OUT)).toMatch(/ada.*PrivateKeyEntry/)] satisfies (typeof rows)[number]] : []),
  ];

  test.each(rows)('%s', async (name, make, codes, action, judge) => {
    make();
    const before = await look(at(name));
    expect(before.map(({ code }) => code)).toEqual(expect.arrayContaining(codes));
    const { operation, input, command, takesFile } = actionFor(before, codes[0]!, action);
    for (const code of codes) expect(actionFor(before, code, action).command).toBe(command);
    expect([takesFile, JSON.stringify(before)]).toEqual([true, expect.not.stringContaining(IN)]);
    // Where the command writes to: beside the file, and not over it.
    const out = /--out ("?)(.*)\1$/.exec(command)![2]!;
    expect([out.startsWith(folder), out === at(name)]).toEqual([true, false]);
    await core.call(operation, { ...input, from: { path: at(name) }, to: { path: out } }, ASKED);
    expect((await look(out, OUT)).map(({ code }) => code).filter((code) => codes.includes(code))).toEqual([]);
    judge(out.slice(folder.length + 1));
  });

  test('a key in clear that is imported is held, and not offered again', async () => {
    const path = put('age.txt', 'AGE-SECRET-KEY-1GQ9778VQXMMJVE8SK7J6VT8UJ4HDQAJUVSFCWCM02D8GEWQ72PVQ2Y5J33\n');
    const { operation, input, command } = actionFor(await look(path), 'not-encrypted', 'import');
    expect(command).toBe(`keywright keys import ${path}`);
    await core.call(operation, { ...input, from: { path }, label: 'From a file' });
    expect((await look(path)).find(({ code }) => code === 'not-encrypted')?.mendedBy).toEqual([]);
    expect((await show('From a file')).protection).toBe('store');
  });
});

describe('certificates and keys are replaced', () => {
  const publicPem = async (key: string): Promise<string> => put(`${key}.pub.pem`, Buffer.from((await core.call<{ content: string }>('keys.public', { key })).content, 'base64url'));
  const held = async (name: string, content: string | Uint8Array): Promise<KeyRecord> => (await core.call<{ keys: KeyRecord[] }>('keys.import', { content: base64url(content), label: name })).keys[0]!;
  const weakKey = (): string => generateKeyPairSync('rsa', { modulusLength: 2048, publicExponent: 3 }).privateKey.export({ type: 'pkcs8', format: 'pem' }) as string;

  test.skipIf(!HAS_OPENSSL)('a certificate that SHA-1 signed, and one that ended, are renewed by their authority (skipped without openssl)', async () => {
    openssl('req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', 'ca.key', '-out', 'ca.pem', '-days', '3000', '-subj', '/CN=Old authority', '-addext', 'keyUsage=keyCertSign');
    openssl('req', '-new', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', 'leaf.key', '-out', 'leaf.csr', '-subj', '/CN=leaf.example');
    openssl('x509', '-req', '-in', 'leaf.csr', '-CA', 'ca.pem', '-CAkey', 'ca.key', '-sha1', '-days', '5', '-out', 'leaf.pem', '-set_serial', '4711');
    expect((await look(at('leaf.pem'))).map(({ code, mendedBy }) => [code, mendedBy.length])).toEqual(expect.arrayContaining([['signature-weak', 0], ['expiring', 0]])); // nothing of it is held: it is for its issuer
    await held('Leaf', readFileSync(at('leaf.key')));
    await core.call('certificates.import', { content: base64url(readFileSync(at('leaf.pem'))) });
    // The key is here, and its authority is not: a request goes to it.
    const asking = actionFor(await look(at('leaf.pem')), 'signature-weak', 'request');
    await core.call(asking.operation, { ...asking.input, to: { path: at('again.csr') } });
    expect(openssl('req', '-in', 'again.csr', '-noout', '-verify', '-subject', '-text')).toMatch(/CN\s?=\s?leaf\.example[\s\S]*ecdsa-with-SHA256/);
    expect(openssl('req', '-in', 'again.csr', '-noout', '-pubkey')).toBe(openssl('x509', '-in', 'leaf.pem', '-noout', '-pubkey'));
    await held('Authority', readFileSync(at('ca.key')));
    await core.call('certificates.import', { content: base64url(readFileSync(at('ca.pem'))), trusted: true });
    const renewing = actionFor(await look(at('leaf.pem')), 'signature-weak', 'renew');
    expect(actionFor(await look(at('leaf.pem')), 'expiring', 'renew')).toEqual(renewing);
    const { pem } = await core.call<{ pem: string }>(renewing.operation, { ...renewing.input, days: 200 });
    expect((await look(put('renewed.pem', pem))).map(({ code }) => code)).not.toContain('signature-weak');
    expect((await look(at('renewed.pem'))).map(({ code }) => code)).not.toContain('expiring');
    expect(openssl('verify', '-CAfile', 'ca.pem', 'renewed.pem')).toContain('OK');
  });

  test('a weak key that is held gets a new version, and with it its certificate where it has one', async () => {
    const { uri } = await held('Weak', weakKey());
    const rotating = actionFor((await show(uri)).findings!, 'rsa-exponent', 'rotate');
    expect(actionFor(await look(await publicPem('Weak')), 'rsa-exponent', 'rotate')).toEqual(rotating);
    await core.call(rotating.operation, rotating.input);
    expect((await show(uri)).findings).toEqual([]);
    expect(await look(await publicPem('Weak'))).toEqual([]);
    const certified = await held('Weak and certified', weakKey());
    const { pem } = await core.call<{ pem: string }>('certificates.self-sign', { key: certified.uri, subject: 'CN=Weak', days: 400 });
    const renewing = actionFor((await show(certified.uri)).findings!, 'rsa-exponent', 'renew-key');
    expect(actionFor(await look(put('weak.pem', pem)), 'rsa-exponent', 'renew-key')).toEqual(renewing);
    const renewed = await core.call<{ pem: string }>(renewing.operation, renewing.input);
    expect((await show(certified.uri)).findings).toEqual([]);
    expect(await look(put('strong.pem', renewed.pem))).toEqual([]);
    expect(new X509Certificate(renewed.pem).publicKey.asymmetricKeyDetails?.publicExponent).toBe(65537n);
  });

  test('a weak key that is not held is followed by another that is sound', async () => {
    const short = generateKeyPairSync('rsa', { modulusLength: 1024 });
    const path = put('short.pem', short.publicKey.export({ type: 'spki', format: 'pem' }));
    const { operation, input, command } = actionFor(await look(path), 'rsa-short', 'generate');
    expect(command).toMatch(/^keywright keys generate --algorithm rsa-3072 --label /);
    const made = await core.call<KeyRecord>(operation, input);
    expect(await look(await publicPem(made.label))).toEqual([]);
  });

  test('a key of several subjects: each certificate but the oldest gets a key of its own', async () => {
    const { uri } = await core.call<KeyRecord>('keys.generate', { algorithm: 'ec-p256', label: 'Shared' });
    for (const name of ['One', 'Two', 'Three']) await core.call('certificates.self-sign', { key: uri, subject: `CN=${name}` });
    const before = (await show(uri)).findings!;
    expect(before[0]?.mendedBy.map(({ about }) => about)).toEqual(['Two', 'Three']);
    for (const { operation, input } of before[0]!.mendedBy) await core.call(operation, input);
    expect((await show(uri)).findings).toEqual([]);
  });

  test('a place that makes no versions of a key is offered none: a sentence says what to do', async () => {
    tokens.insert(new FakeToken('1001'));
    const { uri } = await core.call<KeyRecord>('keys.generate', { backend: 'fake', algorithm: 'ed25519', label: 'In a token' }, { pin: '123456' });
    for (const subject of ['CN=Four', 'CN=Five']) await core.call('certificates.self-sign', { key: uri, subject }, { pin: '123456' });
    expect((await show(uri)).findings).toMatchObject([{ code: 'reused-key', mendedBy: [], remedy: expect.stringContaining('key of its own') as unknown }]);
  });

  test('one key under two names: the other copy goes to the trash', async () => {
    const pem = generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' }) as string;
    const [one] = [await held('First name', pem), await held('Second name', pem)];
    const found = (await show(one.uri)).findings!;
    expect(found[0]?.detail).toContain('“First name”, “Second name”');
    const { operation, input, about } = actionFor(found, 'several-places', 'trash');
    expect(about).toBe('Second name');
    await core.call(operation, input);
    expect((await show(one.uri)).findings).toEqual([]);
  });
});

describe.skipIf(!HAS_OPENSSL)('messages and signatures are made anew (skipped without openssl)', () => {
  beforeAll(async () => {
    openssl('req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-keyout', 'bob.key', '-out', 'bob.pem', '-days', '900', '-subj', '/CN=Bob');
    put('plan.txt', 'what we do next\n');
    openssl('cms', '-encrypt', '-des3', '-in', 'plan.txt', '-out', 'plan.p7m', '-outform', 'DER', 'bob.pem');
    openssl('cms', '-sign', '-md', 'sha1', '-binary', '-in', 'plan.txt', '-signer', 'bob.pem', '-inkey', 'bob.key', '-outform', 'DER', '-out', 'plan.txt.p7s');
  });

  test('what nobody here can do is said in a sentence alone', async () => {
    for (const [name, code] of [['plan.p7m', 'old-cipher'], ['plan.txt.p7s', 'signature-weak']] as const) {
      expect((await look(at(name))).find((one) => one.code === code)).toMatchObject({ mendedBy: [], remedy: expect.stringMatching(/ask its/) as unknown });
    }
  });

  test('a message in 3DES is opened, and encrypted anew for the same; a file that SHA-1 signed is signed anew', async () => {
    const found = async (): Promise<unknown> => (await look(at('plan.p7m'))).find(({ code }) => code === 'old-cipher')?.mendedBy;
    await core.call('certificates.import', { content: base64url(readFileSync(at('bob.pem'))) });
    expect(await found()).toEqual([]); // it is for Bob, and his key is not here
    const { keys: [bob] } = await core.call<{ keys: [{ uri: string }] }>('keys.import', { content: base64url(readFileSync(at('bob.key'))), label: 'Bob' });
    await core.call('keys.update', { key: bob.uri, state: 'suspended' });
    expect(await found()).toEqual([]);
    await core.call('keys.update', { key: bob.uri, state: 'active' });
    const opening = actionFor(await look(at('plan.p7m')), 'old-cipher', 'reencrypt');
    const [, recipient] = /\| keywright files encrypt - --recipient ([0-9a-f]{64}) --format cms --out /.exec(opening.command)!;
    expect(recipient).toBe(new X509Certificate(readFileSync(at('bob.pem'))).fingerprint256.replaceAll(':', '').toLowerCase());
    const { files } = await core.call<{ files: { content: string }[] }>(opening.operation, { ...opening.input, files: [{ path: at('plan.p7m') }], out: { inline: true } });
    expect(opening.next).toEqual({ operation: 'files.encrypt', input: { recipients: [recipient], format: 'cms' } });
    await core.call('files.encrypt', { ...opening.next!.input, files: [{ path: put('opened.txt', Buffer.from(files[0]!.content, 'base64url')) }], out: { path: at('anew.p7m') } });
    expect(await look(at('anew.p7m'))).toEqual([]);
    expect(openssl('cms', '-decrypt', '-inform', 'DER', '-in', 'anew.p7m', '-recip', 'bob.pem', '-inkey', 'bob.key')).toContain('what we do next');
    const signing = actionFor(await look(at('plan.txt.p7s')), 'signature-weak', 'sign');
    expect(signing.command).toContain(`files sign ${at('plan.txt')} --key `);
    await core.call(signing.operation, { ...signing.input, files: [{ path: at('plan.txt') }], out: { path: at('anew.p7s') } });
    expect((await look(at('anew.p7s'))).map(({ code }) => code)).not.toContain('signature-weak');
    expect(openssl('cms', '-verify', '-inform', 'DER', '-in', 'anew.p7s', '-content', 'plan.txt', '-binary', '-CAfile', 'bob.pem', '-purpose', 'any')).toContain('what we do next');
  });
});

test('every finding that has no action says what one can do', async () => {
  const { publicKey } = generateKeyPairSync('dsa', { modulusLength: 1024, divisorLength: 160 });
  for (const content of [publicKey.export({ type: 'spki', format: 'pem' }), 'eyJhbGciOiJub25lIn0.eyJzdWIiOiJhZGEiLCJleHAiOjF9.']) {
    const found = await look(put('other', content));
    expect(found.length).toBeGreaterThan(0);
    for (const { remedy } of found) expect(remedy).toMatch(/^\S.*\.$/);
  }
});
