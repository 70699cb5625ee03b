import { execFileSync } from 'node:child_process';
import { generateKeyPairSync, X509Certificate } from 'node:crypto';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createSecureContext } from 'node:tls';
import { describe, expect, test } from 'vitest';
import { corpus } from '../../scripts/corpora.ts';
import { KeywrightError, SecretBytes } from '../contract/index.ts';
import { JCEKS_OF_KEYTOOL, JCEKS_OF_SPECS } from './testing/jceks.ts';
import { parsePkcs12 } from './pkcs12.ts';
import { readPkcs7, writePkcs7 } from './pkcs7.ts';
import { readContents } from './read.ts';
import { failure, HAS_OPENSSL, hasTool, pairOf, run, temporaryFolder } from './testing/keys.ts';
import type { FileContents, ReadKeysOptions } from './types.ts';
import { type Pkcs12Profile, writePkcs12 } from './pkcs12-write.ts';

const [PYCA, PBMAC1] = [corpus('pyca'), corpus('rfc9579')];
const HAS_KEYTOOL = hasTool('keytool', '-help');
const HAS_CERTTOOL = hasTool('certtool', '--version');
const WORD = 'another pass phrase 99';

function contentsOf(content: Uint8Array, passphrase?: string, options: Partial<ReadKeysOptions> = {}): Promise<FileContents> {
  return readContents(content, {
    signal: new AbortController().signal,
    passphrase: async () => {
      if (passphrase === undefined) throw new KeywrightError('PIN_REQUIRED', 'There is nobody to ask.');
      return SecretBytes.fromText(passphrase);
    },
    ...options,
  });
}

/** A key and its certificate by openssl. */
function identity(folder: string): { key: string; certificate: string; der: Buffer } {
  const [key, certificate] = [join(folder, 'key.pem'), join(folder, 'certificate.pem')];
  execFileSync('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', key, '-out', certificate, '-subj', '/CN=Ada Example', '-days', '30'], { stdio: 'ignore' });
  return { key, certificate, der: Buffer.from(new X509Certificate(readFileSync(certificate)).raw) };
}

describe.skipIf(PYCA === undefined)('PKCS#12 of pyca (skipped without the corpora)', () => {
  test('every file gives the keys and certificates that pyca/cryptography finds, with their names', async () => {
    const lines = readFileSync(join(PYCA as string, 'PASSWORDS.tsv'), 'utf8').split('\n').filter((line) => /^pkcs12\/[^/]+\.p12/.test(line));
    expect(lines.length).toBeGreaterThan(25);
    const differences: string[] = [];
    for (const line of lines) {
      const [file, password, theirs] = line.split('\t') as [string, string, string];
      const { keys, certificates } = await contentsOf(readFileSync(join(PYCA as string, file)), password === '-' ? undefined : password, { want: theirs.includes('key=None') ? 'certificates' : 'all' });
      const [, hasKey, hasCertificate, extra] = /key=(\w+) cert=(\w+) extra=(\d)/.exec(theirs) as unknown as [string, string, string, string];
      const ours = `${keys.length} ${certificates.length}`;
      const wanted = `${hasKey === 'None' ? 0 : 1} ${Number(extra) + (hasCertificate === 'True' ? 1 : 0)}`;
      if (ours !== wanted) differences.push(`${file}: ${ours}, theirs ${theirs}`);
    }
    expect(differences).toEqual([]);
    const named = await contentsOf(readFileSync(join(PYCA as string, 'pkcs12', 'name-unicode-pwd.p12')), 'password');
    expect([named.keys[0]?.label, ...named.certificates.map(({ label }) => label)]).toEqual(['☺', '☺', 'ä', 'ç']);
  });

  test('a wrong passphrase is PIN_INCORRECT, also where nothing but padding tells', async () => {
    for (const file of ['cert-key-aes256cbc.p12', 'cert-rc2-key-3des.p12', 'name-all-pwd.p12']) {
      expect([file, (await failure(() => contentsOf(readFileSync(join(PYCA as string, 'pkcs12', file)), 'not this one'))).code]).toEqual([file, 'PIN_INCORRECT']);
    }
  });

  test('PKCS#7 bundles give their certificates', async () => {
    for (const [file, count] of [['amazon-roots.p7b', 2], ['amazon-roots.der', 2], ['isrg.pem', 1]] as const) {
      const { certificates } = await contentsOf(readFileSync(join(PYCA as string, 'pkcs7', file)), undefined, { want: 'certificates' });
      expect([file, certificates.length]).toEqual([file, count]);
      for (const { der } of certificates) expect(new X509Certificate(der).ca).toBe(true);
    }
    for (const file of ['enveloped.pem', 'enveloped-no-content.der']) expect((await failure(() => contentsOf(readFileSync(join(PYCA as string, 'pkcs7', file)), undefined, { want: 'certificates' }))).code).toBe('CAPABILITY_MISSING');
  });
});

describe.skipIf(PBMAC1 === undefined)('PBMAC1 (RFC 9579; skipped without the corpora)', () => {
  const verdict = async (content: Uint8Array, passphrase: string): Promise<string> => {
    try {
      return String((await contentsOf(content, passphrase)).keys.length);
    } catch (thrown) {
      if (thrown instanceof KeywrightError) return thrown.code;
      throw thrown;
    }
  };

  test('good files open, bad ones do not, whatever the platform says of them', async () => {
    const folder = join(PBMAC1 as string, 'openssl');
    for (const file of readdirSync(folder)) {
      const good = /good|sha1_hmac_and_prf/.test(file);
      const found = await verdict(readFileSync(join(folder, file)), '1234');
      expect([file, good ? found : found === 'INVALID_INPUT' || found === 'PIN_INCORRECT']).toEqual([file, good ? '1' : true]);
    }
    for (const [file, passphrase, expected] of [['a1', '1234', '1'], ['a2', '1234', '1'], ['a3', '1234', '1'], ['a4', '1234', 'PIN_INCORRECT'], ['a5', '1234', 'PIN_INCORRECT'], ['a6', '1234', 'INVALID_INPUT']] as const) {
      expect([file, await verdict(Buffer.from(readFileSync(join(PBMAC1 as string, 'go-pkcs12', `rfc9579-${file}.txt`), 'latin1'), 'base64'), passphrase)]).toEqual([file, expected]);
    }
    expect(await verdict(readFileSync(join(PBMAC1 as string, 'bouncycastle', 'test_key_pbmac1_openssl.pfx')), 'xxxxxx')).toBe('1');
  });

  test('a key of the MAC that is too short is refused with its place, before any passphrase is asked for', async () => {
    const error = await failure(() => contentsOf(readFileSync(join(PBMAC1 as string, 'openssl', 'pbmac1_256_256.bad-key-len.p12'))));
    expect([error.code, error.facts.where]).toEqual(['INVALID_INPUT', 'offset 2716']);
    const bypass = Buffer.from(readFileSync(join(PBMAC1 as string, 'go-pkcs12', 'pbmac1-short-key-bypass.txt'), 'latin1'), 'base64');
    expect((await failure(() => contentsOf(bypass, 'realpassword'))).code).toBe('INVALID_INPUT');
  });
});

describe.skipIf(!HAS_OPENSSL)('PKCS#12 and openssl', () => {
  test.each(['modern', 'legacy'] satisfies Pkcs12Profile[])('openssl opens what we write for %s', async (profile) => {
    using folder = temporaryFolder();
    const { key, certificate, der } = identity(folder.path);
    const pkcs8 = run('openssl', ['pkcs8', '-topk8', '-nocrypt', '-in', key, '-outform', 'DER']);
    const file = join(folder.path, 'out.p12');
    writeFileSync(file, await writePkcs12([{ pkcs8, certificate: der, friendlyName: 'Ada’s key' }], SecretBytes.fromText(WORD), profile));
    const pem = run('openssl', ['pkcs12', '-in', file, '-passin', `pass:${WORD}`, '-nodes']).toString();
    expect(pem).toContain('localKeyID');
    expect(pem).toContain('BEGIN PRIVATE KEY');
    expect(pem.replaceAll(/\s/g, '')).toContain(readFileSync(certificate, 'latin1').split('-----')[2]?.replaceAll(/\s/g, ''));
    expect(() => run('openssl', ['pkcs12', '-in', file, '-passin', 'pass:wrong', '-noout'])).toThrow();
  });

  test('Node’s OpenSSL opens what we write strictly', async () => {
    using folder = temporaryFolder();
    const { key, der } = identity(folder.path);
    const pfx = Buffer.from(await writePkcs12([{ pkcs8: run('openssl', ['pkcs8', '-topk8', '-nocrypt', '-in', key, '-outform', 'DER']), certificate: der }], SecretBytes.fromText(WORD), 'strict'));
    expect(() => createSecureContext({ pfx, passphrase: WORD })).not.toThrow();
    expect(() => createSecureContext({ pfx, passphrase: 'wrong' })).toThrow();
  });

  test.each([
    ['AES-256', ['-keypbe', 'AES-256-CBC', '-certpbe', 'AES-256-CBC', '-macalg', 'sha512']], ['3DES', ['-keypbe', 'PBE-SHA1-3DES', '-certpbe', 'PBE-SHA1-3DES', '-macalg', 'sha1']],
    ['RC2', ['-legacy']], ['no encryption and a MAC', ['-keypbe', 'NONE', '-certpbe', 'NONE']], ['no MAC', ['-nomac']],
  ])('we open what openssl writes with %s', async (_, args) => {
    using folder = temporaryFolder();
    const { key, certificate, der } = identity(folder.path);
    const file = join(folder.path, 'theirs.p12');
    run('openssl', ['pkcs12', '-export', '-inkey', key, '-in', certificate, '-name', 'theirs', '-passout', `pass:${WORD}`, '-out', file, ...args]);
    const { keys, certificates } = await contentsOf(readFileSync(file), WORD);
    expect(keys.map(({ label, material }) => [label, material.algorithm])).toEqual([['theirs', 'ec-p256']]);
    expect(certificates.map((one) => Buffer.from(one.der))).toEqual([der]);
    expect((await failure(() => contentsOf(readFileSync(file), 'wrong one'))).code).toBe('PIN_INCORRECT');
  });

  test('openssl reads a bundle of ours, and we read its', async () => {
    using folder = temporaryFolder();
    const { certificate, der } = identity(folder.path);
    expect(run('openssl', ['pkcs7', '-inform', 'DER', '-print_certs', '-noout'], writePkcs7([der, der])).toString().match(/subject/g)).toHaveLength(2);
    expect(readPkcs7(run('openssl', ['crl2pkcs7', '-nocrl', '-certfile', certificate, '-outform', 'DER'])).certificates.map((one) => Buffer.from(one))).toEqual([der]);
  });

  test.skipIf(!HAS_CERTTOOL)('GnuTLS opens what we write, and we what it writes', async () => {
    using folder = temporaryFolder();
    const { key, certificate, der } = identity(folder.path);
    const pkcs8 = run('openssl', ['pkcs8', '-topk8', '-nocrypt', '-in', key, '-outform', 'DER']);
    const ours = join(folder.path, 'ours.p12');
    writeFileSync(ours, await writePkcs12([{ pkcs8, certificate: der, friendlyName: 'ours' }], SecretBytes.fromText(WORD), 'modern'));
    expect(run('certtool', ['--p12-info', '--inder', '--infile', ours, '--password', WORD]).toString()).toContain('BEGIN CERTIFICATE');
    const theirs = join(folder.path, 'theirs.p12');
    run('certtool', ['--to-p12', '--load-privkey', key, '--load-certificate', certificate, '--p12-name', 'theirs', '--password', WORD, '--outder', '--outfile', theirs]);
    expect((await contentsOf(readFileSync(theirs), WORD)).keys.map(({ label }) => label)).toEqual(['theirs']);
  });

  test.skipIf(!HAS_KEYTOOL)('Java opens what we write; its PKCS#12, JKS and JCEKS are read', async () => {
    using folder = temporaryFolder();
    const { key, der } = identity(folder.path);
    const pkcs8 = run('openssl', ['pkcs8', '-topk8', '-nocrypt', '-in', key, '-outform', 'DER']);
    const ours = join(folder.path, 'ours.p12');
    writeFileSync(ours, await writePkcs12([{ pkcs8, certificate: der, friendlyName: 'ours' }], SecretBytes.fromText(WORD), 'modern'));
    expect(run('keytool', ['-list', '-keystore', ours, '-storetype', 'PKCS12', '-storepass', WORD]).toString()).toContain('PrivateKeyEntry');
    for (const type of ['PKCS12', 'JKS', 'JCEKS']) {
      const file = join(folder.path, `theirs.${type}`);
      run('keytool', ['-importkeystore', '-srckeystore', ours, '-srcstoretype', 'PKCS12', '-srcstorepass', WORD, '-destkeystore', file, '-deststoretype', type, '-deststorepass', WORD]);
      const { keys, certificates } = await contentsOf(readFileSync(file), WORD);
      expect([type, ...keys.map(({ label, material, wasEncrypted }) => [label, material.algorithm, wasEncrypted])]).toEqual([type, ['ours', 'ec-p256', true]]);
      expect(Buffer.from(keys[0]?.material.secret.reveal() ?? '')).toEqual(pkcs8);
      expect(certificates.map((one) => Buffer.from(one.der))).toEqual([der]);
      expect((await failure(() => contentsOf(readFileSync(file), 'not this one'))).code).toBe('PIN_INCORRECT');
    }
  });
});

test('secret keys of JCEKS are read, and what is no algorithm of ours is said', async () => {
  const store = (base64: string): Promise<FileContents> => contentsOf(Buffer.from(base64, 'base64'), 'changeit');
  expect((await store(JCEKS_OF_KEYTOOL)).keys.map(({ label, material }) => [label, material.algorithm])).toEqual([['aes', 'aes-256']]);
  const { keys, notes } = await store(JCEKS_OF_SPECS);
  const bytes = Buffer.from(Array.from({ length: 32 }, (_, index) => index));
  expect(keys.map(({ label, material }) => [label, material.algorithm, Buffer.from(material.secret.reveal())])).toEqual([['my-hmac', 'hmac-sha256', bytes], ['my-aes', 'aes-256', bytes]]);
  expect(notes).toEqual(['A secret key for DESede (“des”) was passed over: Keywright does not handle it.']);
  expect((await failure(() => contentsOf(Buffer.from(JCEKS_OF_KEYTOOL, 'base64'), 'not this one'))).code).toBe('PIN_INCORRECT');
});

test('several keys and nested names come back from one file in their order', async () => {
  const file = await writePkcs12([{ pkcs8: pairOf('ec-p256').pkcs8, friendlyName: 'one' }, { pkcs8: pairOf('ed25519').pkcs8, friendlyName: 'two 🔑' }], SecretBytes.fromText(WORD), 'modern');
  const { keys } = await contentsOf(file, WORD);
  expect(keys.map(({ label, material }) => [label, material.algorithm])).toEqual([['one', 'ec-p256'], ['two 🔑', 'ed25519']]);
});

test('a file truncated at any length, or with any byte changed, is refused with an error of ours and never opens as another', async () => {
  const file = await writePkcs12([{ pkcs8: pairOf('ed25519').pkcs8, friendlyName: 'one' }], SecretBytes.fromText(WORD), 'modern');
  const passphrase = Buffer.from(WORD);
  const parse = (bytes: Uint8Array): void => {
    try {
      parsePkcs12(bytes);
    } catch (thrown) {
      if (!(thrown instanceof KeywrightError)) throw thrown;
    }
  };
  for (let length = 0; length < file.length; length++) parse(file.subarray(0, length));
  for (let at = 0; at < file.length; at++) {
    for (const bit of [1, 0x80]) {
      const changed = Uint8Array.from(file);
      changed[at] = (changed[at] as number) ^ bit;
      parse(changed);
    }
  }
  const changed = Uint8Array.from(file);
  changed[150] = (changed[150] as number) ^ 1;
  await expect((async () => parsePkcs12(changed).open(passphrase, new AbortController().signal))()).rejects.toBeInstanceOf(KeywrightError);
});

test('a foreign key in a container is told, and keeps nothing from what lies beside it', async () => {
  const foreign = generateKeyPairSync('rsa', { modulusLength: 512 }).privateKey.export({ type: 'pkcs8', format: 'der' });
  const { pkcs8 } = pairOf('ec-p256');
  const both = await contentsOf(await writePkcs12([{ pkcs8: foreign, friendlyName: 'old' }, { pkcs8, friendlyName: 'new' }], SecretBytes.fromText(WORD), 'modern'), WORD);
  expect([both.keys.map(({ label }) => label), both.notes]).toEqual([['new'], [expect.stringMatching(/^A private key \(bag \d\) was passed over: An RSA key of 512 bits is too weak/)]]);
  for (const { material } of both.keys) material.secret.wipe();
  const alone = await writePkcs12([{ pkcs8: foreign }], SecretBytes.fromText(WORD), 'modern');
  for (const want of ['all', 'anything'] as const) expect((await failure(() => contentsOf(alone, WORD, { want }))).message).toContain('512 bits');
});
