import { createHash } from 'node:crypto';
import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { type KeyAlgorithmName, SecretBytes } from '../contract/index.ts';
import { bcryptPbkdf } from './bcrypt-pbkdf.ts';
import { publicOfPkcs8, readPublicKey, writeKey, writePublicKey } from './index.ts';
import { SSH_CIPHERS } from './openssh-ciphers.ts';
import { failure, HAS_SSH_KEYGEN, materialOf, pairOf, readOne, run, temporaryFolder } from './testing/keys.ts';

const WORD = 'another pass phrase 99';
const TYPES: readonly (readonly [KeyAlgorithmName, string, string])[] = [
  ['rsa-2048', 'rsa', '2048'], ['rsa-3072', 'rsa', '3072'], ['ec-p256', 'ecdsa', '256'], ['ec-p384', 'ecdsa', '384'], ['ec-p521', 'ecdsa', '521'], ['ed25519', 'ed25519', '256'],
];
const sshKeygen = (...args: string[]): Buffer => run('ssh-keygen', args);

describe.skipIf(!HAS_SSH_KEYGEN)('with ssh-keygen (skipped where it is not installed)', () => {
  test.each(TYPES)('ssh-keygen reads the key of %s that we write, plain and encrypted', async (algorithm) => {
    using folder = temporaryFolder();
    const line = Buffer.from(writePublicKey(pairOf(algorithm).spki, algorithm, 'openssh', 'ada@example')).toString();
    for (const word of ['', WORD]) {
      const file = join(folder.path, `key${word.length}`);
      writeFileSync(file, await writeKey(materialOf(algorithm), { format: 'openssh', encoding: 'pem', label: 'ada@example', ...(word === '' ? {} : { passphrase: SecretBytes.fromText(word) }) }));
      chmodSync(file, 0o600);
      expect(sshKeygen('-y', '-P', word, '-f', file).toString()).toBe(line);
    }
  });

  test.each(TYPES)('we read the key of %s that ssh-keygen writes', async (algorithm, type, bits) => {
    using folder = temporaryFolder();
    const file = join(folder.path, 'key');
    sshKeygen('-q', '-t', type, '-b', bits, '-N', '', '-C', 'ada@example', '-f', file);
    const key = await readOne(readFileSync(file));
    expect([key.material.algorithm, key.label, key.wasEncrypted]).toEqual([algorithm, 'ada@example', false]);
    const { spki } = readPublicKey(readFileSync(`${file}.pub`));
    expect(publicOfPkcs8(key.material.secret.reveal())).toEqual(spki);
    const ssh = createHash('sha256').update(Buffer.from(readFileSync(`${file}.pub`, 'latin1').split(' ')[1] as string, 'base64')).digest('base64').replace('=', '');
    expect(sshKeygen('-l', '-f', `${file}.pub`).toString()).toContain(`SHA256:${ssh}`);
  });

  test.each(Object.keys(SSH_CIPHERS))('we read a key that ssh-keygen encrypts with %s', async (cipher) => {
    using folder = temporaryFolder();
    const file = join(folder.path, 'key');
    sshKeygen('-q', '-t', 'ecdsa', '-b', '521', '-N', WORD, '-Z', cipher, '-a', '4', '-C', '', '-f', file);
    const key = await readOne(readFileSync(file), WORD);
    expect([key.material.algorithm, key.label, key.wasEncrypted]).toEqual(['ec-p521', undefined, true]);
    expect(Buffer.from(publicOfPkcs8(key.material.secret.reveal()))).toEqual(Buffer.from(readPublicKey(readFileSync(`${file}.pub`)).spki));
    expect((await failure(() => readOne(readFileSync(file), 'wrong'))).code).toBe('PIN_INCORRECT');
  });

  test('the other forms that ssh-keygen exports are read too', async () => {
    using folder = temporaryFolder();
    const file = join(folder.path, 'key');
    for (const [form, expected] of [['PEM', 'pkcs1'], ['PKCS8', 'pkcs8']] as const) {
      writeFileSync(file, pairOf('rsa-2048').privateKey.export({ type: 'pkcs8', format: 'pem' }));
      chmodSync(file, 0o600);
      sshKeygen('-q', '-p', '-N', WORD, '-P', '', '-m', form, '-f', file);
      expect((await readOne(readFileSync(file), WORD)).format).toBe(expected);
    }
  });
});

test('bcrypt_pbkdf gives the published answers', async () => {
  const signal = new AbortController().signal;
  const answer = async (word: string, salt: string, rounds: number, length: number): Promise<string> => (await bcryptPbkdf(Buffer.from(word), Buffer.from(salt), rounds, length, signal)).toString('hex');
  expect(await answer('password', 'salt', 4, 32)).toBe('5bbf0cc293587f1c3635555c27796598d47e579071bf427e9d8fbe842aba34d9');
});

test('a comment cannot break out of its line', () => {
  const line = Buffer.from(writePublicKey(pairOf('ed25519').spki, 'ed25519', 'openssh', 'ada\nssh-rsa AAAA mallory')).toString();
  expect(line.split('\n')).toHaveLength(2);
});

test('opening an OpenSSH key stops when the call is cancelled', async () => {
  const content = await writeKey(materialOf('ed25519'), { format: 'openssh', encoding: 'pem', passphrase: SecretBytes.fromText(WORD) });
  const controller = new AbortController();
  const reading = readOne(content, WORD, { signal: controller.signal });
  setTimeout(() => controller.abort(), 5);
  await expect(reading).rejects.toMatchObject({ name: 'AbortError' });
});
