import { createPrivateKey, type KeyObject } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { type KeyAlgorithmName, SecretBytes } from '../contract/index.ts';
import { decryptPkcs8, encryptPkcs8, readPublicKey, writeKey, writePublicKey } from './index.ts';
import { failure, HAS_OPENSSL, materialOf, pairOf, PAIRS, readOne, run, temporaryFolder } from './testing/keys.ts';

const WORD = 'another pass phrase 99';
/** The command of Debian 12 (OpenSSL 3.0) knows no post-quantum algorithms: node:crypto, OpenSSL 3.5, judges those. */
const KNOWN_TO_COMMAND = PAIRS.filter((name) => !/^(?:ml|slh)-/.test(name));
const openssl = (...args: string[]): Buffer => run('openssl', args);

describe.skipIf(!HAS_OPENSSL)('with the command openssl (skipped where it is not installed)', () => {
  test.each(KNOWN_TO_COMMAND)('openssl reads the PKCS#8 of %s that we write, plain and encrypted', async (algorithm) => {
    using folder = temporaryFolder();
    const file = join(folder.path, 'key.pem');
    for (const passphrase of [undefined, SecretBytes.fromText(WORD)]) {
      writeFileSync(file, await writeKey(materialOf(algorithm), { format: 'pkcs8', encoding: 'pem', ...(passphrase === undefined ? {} : { passphrase }) }));
      const spki = openssl('pkey', '-in', file, ...(passphrase === undefined ? [] : ['-passin', `pass:${WORD}`]), '-pubout', '-outform', 'DER');
      expect(spki).toEqual(pairOf(algorithm).spki);
    }
  });

  test('an encrypted PKCS#8 of ours has PBES2, AES-256-CBC and PBKDF2-HMAC-SHA256 with at least 600,000 rounds, as openssl reads it back', async () => {
    using folder = temporaryFolder();
    const file = join(folder.path, 'key.pem');
    writeFileSync(file, await writeKey(materialOf('ec-p256'), { format: 'pkcs8', encoding: 'pem', passphrase: SecretBytes.fromText(WORD) }));
    const tree = openssl('asn1parse', '-in', file).toString();
    expect(tree).toMatch(/:PBES2[\s\S]*:PBKDF2[\s\S]*:hmacWithSHA256[\s\S]*:aes-256-cbc/);
    const rounds = Number.parseInt(/INTEGER\s+:([0-9A-F]+)/.exec(tree)?.[1] ?? '0', 16);
    expect(rounds).toBeGreaterThanOrEqual(600_000);
  });

  test.each(['rsa-2048', 'ec-p256', 'ec-brainpoolp512r1', 'ec-secp256k1'] as const)('openssl reads the traditional form of %s that we write', async (algorithm) => {
    using folder = temporaryFolder();
    const file = join(folder.path, 'key.pem');
    const format = algorithm === 'rsa-2048' ? 'pkcs1' : 'sec1';
    writeFileSync(file, await writeKey(materialOf(algorithm), { format, encoding: 'pem' }));
    expect(openssl('pkey', '-in', file, '-pubout', '-outform', 'DER')).toEqual(pairOf(algorithm).spki);
    expect(openssl('pkey', '-in', file, '-check', '-noout').toString()).toContain('valid');
  });

  test.each([
    '-v2 aes-256-cbc', '-v2 aes-192-cbc -v2prf hmacWithSHA1', '-v2 aes-128-cbc -v2prf hmacWithSHA512', '-v2 des3', '-v2 aes-256-cbc -iter 100000',
    '-scrypt', '-scrypt -scrypt_N 8192 -scrypt_r 4 -scrypt_p 2', '-v1 PBE-SHA1-3DES', '-v1 PBE-SHA1-2DES',
  ])('we read what openssl pkcs8 %s encrypts', async (options) => {
    using folder = temporaryFolder();
    const [plain, file] = [join(folder.path, 'plain.pem'), join(folder.path, 'key.pem')];
    writeFileSync(plain, pairOf('ec-p256').privateKey.export({ type: 'pkcs8', format: 'pem' }));
    openssl('pkcs8', '-topk8', '-in', plain, '-out', file, '-passout', `pass:${WORD}`, ...options.split(' '));
    const key = await readOne(readFileSync(file), WORD);
    expect(Buffer.from(key.material.secret.reveal())).toEqual(pairOf('ec-p256').pkcs8);
    expect((await failure(() => readOne(readFileSync(file), 'wrong'))).code).toBe('PIN_INCORRECT');
  });

  test.each(['aes128', 'aes192', 'aes256', 'des3'])('we read a traditional key that openssl encrypts with %s', async (cipher) => {
    using folder = temporaryFolder();
    const [plain, file] = [join(folder.path, 'plain.pem'), join(folder.path, 'key.pem')];
    for (const [algorithm, command] of [['rsa-2048', 'rsa'], ['ec-p384', 'ec']] as const) {
      writeFileSync(plain, pairOf(algorithm).privateKey.export({ type: 'pkcs8', format: 'pem' }));
      openssl(command, `-${cipher}`, '-in', plain, '-out', file, '-passout', `pass:${WORD}`, ...(command === 'rsa' ? ['-traditional'] : []));
      expect(readFileSync(file, 'latin1')).toContain('Proc-Type: 4,ENCRYPTED');
      const key = await readOne(readFileSync(file), WORD);
      expect(key.wasEncrypted).toBe(true);
      expect(Buffer.from(key.material.secret.reveal())).toEqual(pairOf(algorithm).pkcs8);
      expect((await failure(() => readOne(readFileSync(file), 'wrong'))).code).toBe('PIN_INCORRECT');
    }
  });

  test.each(KNOWN_TO_COMMAND)('openssl reads the public key of %s that we write, and we what it writes', (algorithm) => {
    const { spki } = pairOf(algorithm);
    expect(run('openssl', ['pkey', '-pubin', '-outform', 'DER'], writePublicKey(spki, algorithm, 'pem'))).toEqual(spki);
    expect(Buffer.from(readPublicKey(run('openssl', ['pkey', '-pubin', '-inform', 'DER'], spki)).spki)).toEqual(spki);
  });

  test('public keys in PKCS#1, and points in compressed form, come to the same canonical SPKI', () => {
    const rsa = pairOf('rsa-2048').spki;
    for (const form of ['PEM', 'DER']) {
      expect(Buffer.from(readPublicKey(run('openssl', ['rsa', '-pubin', '-inform', 'DER', '-RSAPublicKey_out', '-outform', form], rsa)).spki)).toEqual(rsa);
    }
    const ec = pairOf('ec-p256').spki;
    const compressed = run('openssl', ['ec', '-pubin', '-inform', 'DER', '-conv_form', 'compressed', '-outform', 'DER'], ec);
    expect(compressed.length).toBeLessThan(ec.length);
    expect(Buffer.from(readPublicKey(compressed).spki)).toEqual(ec);
  });
});

test.each(PAIRS)('node:crypto reads the encrypted PKCS#8 of %s that we write, and we what it writes', async (algorithm: KeyAlgorithmName) => {
  const { pkcs8, privateKey } = pairOf(algorithm);
  const passphrase = SecretBytes.fromText(WORD);
  const ours: KeyObject = createPrivateKey({ key: Buffer.from(await encryptPkcs8(pkcs8, passphrase)), format: 'der', type: 'pkcs8', passphrase: WORD });
  expect(ours.equals(privateKey)).toBe(true);
  const theirs = privateKey.export({ type: 'pkcs8', format: 'der', cipher: 'aes-256-cbc', passphrase: WORD }) as Buffer;
  expect(Buffer.from(await decryptPkcs8(theirs, passphrase))).toEqual(pkcs8);
});
