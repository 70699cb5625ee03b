import { execFileSync, spawnSync } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { fileOperations, KeyAlgorithmName, WireOutputOf } from '../../contract/index.ts';
import { der, derInteger, derSequence, TAG } from '../../formats/der.ts';
import { keyIdentifier } from '../../formats/identifiers.ts';
import { openTestCore, somebody, type TestCore } from '../testing/core.ts';

/** From one kind of file to another, through the dispatcher; what a file becomes is read again, and by the tools that it is for. */

type Answer = WireOutputOf<typeof fileOperations.convert>;
const [IN, OUT] = ['another pass phrase 99', 'paper boats on a lake 31'];
const ASKED = { 'import-passphrase': IN, 'export-passphrase': OUT, confirm: true } as const;
const folder = mkdtempSync(join(tmpdir(), 'keywright-convert-'));
let core: TestCore;
beforeAll(async () => {
  core = await openTestCore();
});
afterAll(async () => {
  await core[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true, force: true });
});

const base64url = (content: Uint8Array | string): string => Buffer.from(content).toString('base64url');
const convert = (content: Uint8Array | string, input: object = {}, answers: object = ASKED): Promise<Answer> => core.call<Answer>('files.convert', { content: base64url(content), ...input }, answers);
const bytesOf = ({ content }: Answer): Buffer => Buffer.from(content as string, 'base64url');
const textOf = (answer: Answer): string => bytesOf(answer).toString('utf8');
const available = ({ formats }: Answer): string[] => formats.filter((one) => one.available).map(({ format }) => format);
let files = 0;
function file(content: Uint8Array | string): string {
  const path = join(folder, `f${files++}`);
  writeFileSync(path, content);
  chmodSync(path, 0o600);
  return path;
}
const has = (command: string, ...args: string[]): boolean => spawnSync(command, args).error === undefined;
const openssl = (...args: string[]): string => execFileSync('openssl', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });

/** @returns a PEM file of a key, its certificate and its root, with the name of the key, and nothing encrypted: deriving keys is for the tests of the formats. */
async function identity(algorithm: string): Promise<string> {
  const name = `${algorithm} ${files++}`;
  await core.call('keys.generate', { algorithm: 'ec-p256', label: `Root ${name}` });
  const root = await core.call<{ id: string; pem: string }>('certificates.self-sign', { key: `Root ${name}`, subject: `CN=Root ${name}`, profile: 'root' });
  await core.call('keys.generate', { algorithm, label: `Ada ${name}` });
  const own = await core.call<{ pem: string }>('certificates.issue', { key: `Ada ${name}`, issuer: root.id, subject: `CN=Ada ${name}` });
  const { content } = await core.call<{ content: string }>('keys.export', { key: `Ada ${name}`, encrypt: false });
  return `friendlyName: Ada ${name}\n${Buffer.from(content, 'base64url').toString('utf8')}${own.pem}${root.pem}`;
}

describe('a file with a key, its certificate and its root', () => {
  test.each(['ed25519', 'ec-p384', 'rsa-2048'])('%s becomes every format that is offered, each of which is read again', async (algorithm) => {
    const pem = await identity(algorithm);
    const list = await convert(pem);
    expect(list).toMatchObject({ kind: 'pkcs8', keys: 1, certificates: 2, format: null });
    for (const { available: fits, reason, format } of list.formats) expect([format, fits ? null : typeof reason]).toEqual([format, fits ? null : 'string']);
    for (const format of available(list).filter((one) => one !== 'pkcs12' && one !== 'jwe')) {
      const made = await convert(pem, { format, encrypt: false });
      expect(made.format).toBe(format);
      const again = await convert(bytesOf(made));
      const row = list.formats.find((one) => one.format === format)!;
      expect([format, again.keys, again.certificates === 2 || row.loses.includes('2 certificates are left out.')]).toEqual([format, ['all', 'private'].includes(row.part) ? 1 : 0, true]);
    }
  });

  test('what has no place is said, and nothing else is lost', async () => {
    const pem = await identity('ed25519');
    const { formats } = await convert(pem);
    const loses = (format: string): string[] | undefined => formats.find((one) => one.format === format)?.loses;
    expect(loses('pkcs8')).toEqual(['2 certificates are left out.', expect.stringMatching(/^It has no place for the name “Ada ed25519 \d+”\.$/)]);
    expect(loses('openssh')).toEqual(['2 certificates are left out.']);
    for (const whole of ['pem', 'pkcs12', 'jwk', 'jwe']) expect([whole, loses(whole)]).toEqual([whole, []]);
    expect(loses('pkcs7')).toEqual(['The private key is left out.']);
    expect((await convert(pem, { format: 'openssh', encrypt: false })).notes).toEqual(loses('openssh'));
  });

  test('PKCS#12 and encrypted PEM are there and back again with the names', async () => {
    const pem = await identity('ec-p256');
    const p12 = bytesOf(await convert(pem, { format: 'pkcs12' }));
    const back = await convert(p12, { format: 'pem' }, { ...ASKED, 'import-passphrase': OUT });
    expect(back).toMatchObject({ kind: 'pkcs12', keys: 1, certificates: 2, encrypted: true, notes: [] });
    expect(textOf(back)).toMatch(/^friendlyName: Ada ec-p256 \d+\n-----BEGIN ENCRYPTED PRIVATE KEY/);
    if (has('openssl', 'version')) {
      expect(openssl('pkcs12', '-in', file(p12), '-passin', `file:${file(OUT)}`, '-nodes')).toMatch(/friendlyName: Ada ec-p256/);
      expect(openssl('pkey', '-in', file(bytesOf(back)), '-passin', `file:${file(OUT)}`, '-noout', '-text')).toContain('Private-Key: (256 bit)');
    }
  });

  test.skipIf(!has('openssl', 'version'))('openssl opens what it becomes (skipped without openssl)', async () => {
    const pem = await identity('rsa-2048');
    expect(openssl('rsa', '-in', file(bytesOf(await convert(pem, { format: 'pkcs1', encrypt: false }))), '-noout', '-check')).toContain('RSA key ok');
    expect(openssl('pkcs7', '-in', file(bytesOf(await convert(pem, { format: 'pkcs7' }))), '-print_certs', '-noout').match(/subject=/g)).toHaveLength(2);
    const whole = file(bytesOf(await convert(pem, { format: 'pem', encrypt: false })));
    expect(openssl('verify', '-CAfile', whole, whole)).toContain('OK');
  });

  test.skipIf(!has('ssh-keygen', '-?'))('ssh-keygen opens the OpenSSH key, and its public line is the same (skipped without ssh-keygen)', async () => {
    const pem = await identity('ed25519');
    const path = file(bytesOf(await convert(pem, { format: 'openssh' })));
    const line = execFileSync('ssh-keygen', ['-y', '-P', OUT, '-f', path], { encoding: 'utf8' });
    expect(textOf(await convert(pem, { format: 'public-openssh' }))).toBe(line);
  });
});

test('several keys go where several have a place, and one is chosen where they have not', async () => {
  const pem = ['ed25519', 'ec'].map((type) => (type === 'ec' ? generateKeyPairSync('ec', { namedCurve: 'P-256' }) : generateKeyPairSync('ed25519')).privateKey.export({ type: 'pkcs8', format: 'pem' }) as string).join('');
  const list = await convert(pem);
  expect(list.formats.find(({ format }) => format === 'openssh')).toMatchObject({ available: false, reason: 'The file holds 2 keys, and OpenSSH\'s format has a place for one: choose one (--item).' });
  expect(list.formats.find(({ format }) => format === 'minisign')).toMatchObject({ available: false, reason: 'Of 2 keys, number 2 does not fit: minisign has Ed25519 keys alone.' });
  await expect(convert(pem, { format: 'openssh' })).rejects.toMatchObject({ code: 'CAPABILITY_MISSING', facts: { alternatives: expect.arrayContaining(['jwk', 'pkcs12']) as unknown } });
  await expect(convert(pem, { format: 'openssh', item: 3 })).rejects.toMatchObject({ code: 'INVALID_INPUT', facts: { where: '/item' } });
  expect((await convert(pem, { format: 'openssh', item: 2 })).notes).toEqual(['The private key is left out.']);
  const set = JSON.parse(textOf(await convert(pem, { format: 'jwk' }))) as { keys: { kty: string; d: string }[] };
  expect(set.keys.map(({ kty }) => kty)).toEqual(['OKP', 'EC']);
  expect(await convert(JSON.stringify(set))).toMatchObject({ keys: 2 });
  expect(await convert(bytesOf(await convert(pem, { format: 'jwe' })), {}, { 'import-passphrase': OUT })).toMatchObject({ kind: 'jwe-passphrase', keys: 2 });
});

test('a JWK Set with public and private keys and members of its own keeps what a format can keep', async () => {
  const [one, two] = [generateKeyPairSync('ed25519'), generateKeyPairSync('ed25519')];
  const set = JSON.stringify({ keys: [{ ...one.privateKey.export({ format: 'jwk' }), kid: 'mine', use: 'sig' }, { ...two.publicKey.export({ format: 'jwk' }), kid: 'theirs' }] });
  expect(await convert(set)).toMatchObject({ keys: 1, publicKeys: 1 });
  expect((await convert(set, { format: 'pkcs8' })).notes).toEqual(['A public key is left out.', 'It has no place for the name “mine”.', 'Left out: Members of the JWK: use.']);
  expect(textOf(await convert(set, { format: 'public-openssh' }))).toMatch(/^ssh-ed25519 \S+ mine\nssh-ed25519 \S+ theirs\n$/);
});

test('public keys, certificates and requests are read as what they are', async () => {
  const { publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const spki = publicKey.export({ type: 'spki', format: 'pem' }) as string;
  const list = await convert(spki);
  expect(list).toMatchObject({ kind: 'public-key', keys: 0, publicKeys: 1 });
  expect(list.formats.find(({ format }) => format === 'pkcs8')).toMatchObject({ available: false, reason: 'The file holds no private or secret key.' });
  expect(available(list)).toEqual(['pem', 'spki', 'public-jwk', 'public-openssh', 'public-cose']);
  const line = textOf(await convert(spki, { format: 'public-openssh' }));
  expect(textOf(await convert(`@cert-authority *.example.org ${line.trim()} root@web\n`, { format: 'spki' }))).toBe(spki);
  expect((await convert(`no-pty ${line.trim()} ada\n`, { format: 'public-jwk' })).notes).toEqual(['Left out: Line 1: what stands before the key (options).']);
  await core.call('keys.generate', { algorithm: 'ec-p256', label: 'Web' });
  const { request } = await core.call<{ request: string }>('certificates.request', { key: 'Web', subject: 'CN=web' });
  const csr = Buffer.from(request, 'base64url');
  expect(available(await convert(csr))).toEqual(['pem', 'spki', 'public-jwk', 'public-openssh', 'public-cose', 'request']);
  expect((await convert(csr, { format: 'request', encoding: 'der' })).fileName).toBe('converted.der');
});

test('raw bytes become a JWK once their algorithm is named', async () => {
  const key = Buffer.alloc(32, 0x6b);
  await expect(convert(key)).rejects.toMatchObject({ code: 'INVALID_INPUT' });
  const jwk = JSON.parse(textOf(await convert(key, { algorithm: 'aes-256', format: 'jwk' }))) as { k: string };
  expect(Buffer.from(jwk.k, 'base64url')).toEqual(key);
  expect(available(await convert(key, { algorithm: 'aes-256' }))).toEqual(['jwk', 'jwe', 'cose', 'raw']);
});

describe.each(['ml-dsa-65', 'ml-kem-768'])('a key of %s that came in its expanded form, without its seed', (algorithm) => {
  const BY_SEED = ['jwk', 'jwe', 'cose'];
  const reason = 'JWK and COSE hold such a key by its seed, and this one came in its expanded form, without the seed.';
  interface Formats { formats: { format: string; part: string; available: boolean; reason: string | null }[] }
  /** PKCS#8 with both, of which the expanded key stands last: an OCTET STRING. */
  const expanded = (): Buffer => {
    const both = generateKeyPairSync(algorithm as 'ml-dsa-65').privateKey.export({ type: 'pkcs8', format: 'der' });
    return derSequence(derInteger(0n), keyIdentifier(algorithm as KeyAlgorithmName), der(TAG.octetString, both.subarray(both.length - (algorithm === 'ml-dsa-65' ? 4036 : 2404))));
  };
  const unfit = ({ formats }: Formats): unknown => formats.filter(({ part, reason: why }) => part === 'private' && why === reason).map(({ format, available }) => [format, available]);
  const fits = BY_SEED.filter((format) => format !== 'cose' || algorithm === 'ml-dsa-65').map((format) => [format, false]);

  test('is not offered as JWK, JWE or COSE, and refused before anybody is asked for anything', async () => {
    const { keys: [key] } = await core.call<{ keys: { uri: string; label: string }[] }>('keys.import', { content: base64url(expanded()), label: `Expanded ${algorithm}` });
    expect(unfit(await core.call<Formats>('keys.formats', { key: key!.uri }))).toEqual(fits);
    for (const [format] of fits) await expect(core.call('keys.export', { key: key!.uri, format }, {})).rejects.toMatchObject({ code: 'CAPABILITY_MISSING', facts: { alternatives: ['pkcs8', 'pkcs12'] } });
    await core.call('keys.export', { key: key!.uri, format: 'pkcs8', encrypt: false });
    await core.call('keys.rotate', { key: key!.uri });
    expect(unfit(await core.call<Formats>('keys.formats', { key: key!.uri }))).toEqual([]);
    await core.call('keys.export', { key: key!.uri, format: 'jwk' });
    await expect(core.call('keys.export', { key: key!.uri, format: 'jwk', version: 1 }, {})).rejects.toMatchObject({ code: 'CAPABILITY_MISSING' });
  });

  test('is known for what it is under a passphrase of its own, and while it is still a file', async () => {
    const { keys: [key] } = await core.call<{ keys: { uri: string }[] }>('keys.import', { content: base64url(expanded()), label: `Locked ${algorithm}`, ownPassphrase: true }, { 'new-key-passphrase': OUT });
    expect(unfit(await core.call<Formats>('keys.formats', { key: key!.uri }))).toEqual(fits);
    const list = await convert(expanded());
    expect(unfit(list)).toEqual(fits);
    await expect(convert(expanded(), { format: 'jwe' }, {})).rejects.toMatchObject({ code: 'CAPABILITY_MISSING', message: reason });
  });
});

test('what is not converted is named with its reason', async () => {
  await expect(convert('%PDF-1.4 …')).rejects.toMatchObject({ code: 'CAPABILITY_MISSING' });
  await expect(convert('-----BEGIN TSS2 PRIVATE KEY-----\nMAMCAQU=\n-----END TSS2 PRIVATE KEY-----\n')).rejects.toMatchObject({ code: 'CAPABILITY_MISSING' });
  await expect(convert('-----BEGIN PRIVATE KEY-----\nMAMCAQU=\n-----END PRIVATE KEY-----\n')).rejects.toMatchObject({ code: 'INVALID_INPUT', facts: { where: expect.stringContaining('line 1') as unknown } });
  await expect(convert(generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: IN }), {}, { 'import-passphrase': 'not this one' })).rejects.toMatchObject({ code: 'PIN_INCORRECT' });
});

test('no private key passes through the window, and none is written in clear without a confirmation', async () => {
  const pem = generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' }) as string;
  const window = { principal: somebody(undefined, 'ipc') };
  const ask = (input: object, answers: object): Promise<Answer> => core.call<Answer>('files.convert', { content: base64url(pem), ...input }, answers, window);
  await expect(ask({ format: 'openssh' }, ASKED)).rejects.toMatchObject({ code: 'PERMISSION_DENIED' });
  expect(await ask({ format: 'openssh', to: { path: join(folder, 'from-window') } }, ASKED)).toMatchObject({ written: { path: join(folder, 'from-window') }, encrypted: true });
  expect(await ask({ format: 'public-openssh' }, ASKED)).toMatchObject({ content: expect.any(String) as unknown });
  await expect(core.call('files.convert', { content: base64url(pem), format: 'jwk' }, { confirm: undefined } as never)).rejects.toMatchObject({ code: expect.stringMatching(/CANCELLED|PIN_REQUIRED|INTERNAL/) as unknown });
});
