import { randomBytes } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { KeyAlgorithmName, KeywrightError } from '../../contract/index.ts';
import { HAS_OPENSSL, materialOf, run, temporaryFolder } from '../../formats/testing/keys.ts';
import { writeKey } from '../../formats/index.ts';
import type { Party } from '../parties.ts';
import { decrypted, encrypted as encryptedAs, held, openers, partyOf, passphrase, PASSPHRASE } from '../testing/parties.ts';

const plaintext = randomBytes(300_000);
const encrypted = (folder: string, parties: readonly Party[], armor = false, content = plaintext): Promise<string> => encryptedAs(folder, 'cms', parties, content, { armor });

const ALGORITHMS = ['rsa-2048', 'ec-p256', 'ec-p384', 'ec-p521', 'ec-brainpoolp256r1', 'ec-secp256k1', 'x25519'] as const;

test.each(ALGORITHMS)('what is encrypted for %s opens with it, and with nothing else', async (algorithm) => {
  using folder = temporaryFolder();
  for (const armor of [false, true]) {
    const path = await encrypted(folder.path, [partyOf(algorithm)], armor);
    expect((await decrypted(path, openers([held(algorithm)]))).equals(plaintext)).toBe(true);
    const others = ALGORITHMS.filter((other) => other !== algorithm).map((other) => held(other));
    await expect(decrypted(path, openers(others))).rejects.toMatchObject({ code: 'NOT_FOUND' });
  }
});

test('each of several recipients opens it, the passphrase among them', async () => {
  using folder = temporaryFolder();
  const path = await encrypted(folder.path, [partyOf('rsa-2048'), partyOf('ec-p256'), passphrase]);
  for (const by of [openers([held('rsa-2048')]), openers([held('ec-p256')]), openers([])]) expect((await decrypted(path, by)).equals(plaintext)).toBe(true);
  await expect(decrypted(path, openers([], 'not this one'))).rejects.toMatchObject({ code: 'PIN_INCORRECT' });
});

test('a message that was changed or cut anywhere is refused', async () => {
  using folder = temporaryFolder();
  const path = await encrypted(folder.path, [partyOf('ec-p256')], false, plaintext.subarray(0, 400));
  const whole = readFileSync(path);
  for (let at = 0; at < whole.length; at += 1) {
    for (const changed of [whole.subarray(0, at), Buffer.concat([whole.subarray(0, at), Buffer.of((whole[at] as number) ^ 0x40), whole.subarray(at + 1)])]) {
      writeFileSync(path, changed);
      const opened = await decrypted(path, openers([held('ec-p256')])).catch((thrown: KeywrightError) => thrown.code);
      // What names the recipient and the type of the content is not under the MAC (RFC 5083 §2): changing it changes nothing of the content.
      expect(typeof opened === 'string' ? ['INVALID_INPUT', 'NOT_FOUND', 'CAPABILITY_MISSING'] : [plaintext.subarray(0, 400)]).toContainEqual(opened);
      if (changed.length < whole.length) expect(typeof opened).toBe('string');
    }
  }
});

describe.skipIf(!HAS_OPENSSL)('with openssl (skipped without it)', () => {
  const prepared = async (folder: string, algorithm: KeyAlgorithmName): Promise<{ key: string; certificate: string; der: Buffer }> => {
    const [key, certificate] = [join(folder, 'key.pem'), join(folder, 'cert.pem')];
    writeFileSync(key, await writeKey(materialOf(algorithm), { format: 'pkcs8', encoding: 'pem' }), { mode: 0o600 });
    run('openssl', ['req', '-x509', '-key', key, '-subj', '/CN=Ada Example', '-days', '30', '-out', certificate]);
    return { key, certificate, der: run('openssl', ['x509', '-in', certificate, '-outform', 'DER']) };
  };

  test.each(['rsa-2048', 'ec-p256', 'ec-p384', 'ec-brainpoolp256r1'] as const)('it opens what we encrypt for a certificate of %s, and we open what it encrypts', async (algorithm) => {
    using folder = temporaryFolder();
    const { key, certificate, der } = await prepared(folder.path, algorithm);
    for (const armor of [false, true]) {
      const path = await encrypted(folder.path, [partyOf(algorithm, der), partyOf('x25519')], armor);
      const back = join(folder.path, 'back');
      run('openssl', ['cms', '-decrypt', '-binary', '-inform', armor ? 'PEM' : 'DER', '-in', path, '-recip', certificate, '-inkey', key, '-out', back]);
      expect(readFileSync(back).equals(plaintext)).toBe(true);
    }
    const theirs = join(folder.path, 'theirs');
    // For EC keys, openssl wraps the key of 3DES in 3DES (RFC 3217), which is not handled.
    for (const cipher of ['-aes-256-gcm', '-aes-128-gcm', '-aes-256-cbc', ...(algorithm === 'rsa-2048' ? ['-des3'] : [])]) {
      for (const form of ['DER', 'PEM', 'SMIME']) {
        for (const more of [[], ['-keyid']]) {
          run('openssl', ['cms', '-encrypt', '-binary', cipher, '-outform', form, ...more, '-in', join(folder.path, 'plain'), '-out', theirs, certificate]);
          expect((await decrypted(theirs, openers([held('ec-p521'), held('rsa-3072'), held(algorithm, [der])]))).equals(plaintext)).toBe(true);
          expect((await decrypted(theirs, openers([held(algorithm)]))).equals(plaintext)).toBe(true);
        }
      }
    }
  });

  test('old RSA encryption and OAEP of other hashes are read', async () => {
    using folder = temporaryFolder();
    const { certificate, der } = await prepared(folder.path, 'rsa-2048');
    writeFileSync(join(folder.path, 'plain'), plaintext);
    const theirs = join(folder.path, 'theirs');
    for (const options of [[], ['-keyopt', 'rsa_padding_mode:oaep'], ['-keyopt', 'rsa_padding_mode:oaep', '-keyopt', 'rsa_oaep_md:sha384', '-keyopt', 'rsa_mgf1_md:sha384']]) {
      run('openssl', ['cms', '-encrypt', '-binary', '-aes-256-cbc', '-outform', 'DER', '-in', join(folder.path, 'plain'), '-out', theirs, '-recip', certificate, ...options]);
      expect((await decrypted(theirs, openers([held('rsa-2048', [der])]))).equals(plaintext)).toBe(true);
    }
  });

  test('it opens what we encrypt to a passphrase, and we open what it encrypts', async () => {
    using folder = temporaryFolder();
    const path = await encrypted(folder.path, [passphrase]);
    const back = join(folder.path, 'back');
    run('openssl', ['cms', '-decrypt', '-binary', '-inform', 'DER', '-in', path, '-pwri_password', PASSPHRASE, '-out', back]);
    expect(readFileSync(back).equals(plaintext)).toBe(true);
    const theirs = join(folder.path, 'theirs');
    run('openssl', ['cms', '-encrypt', '-binary', '-aes-256-cbc', '-outform', 'DER', '-in', join(folder.path, 'plain'), '-pwri_password', PASSPHRASE, '-out', theirs]);
    expect((await decrypted(theirs, openers([]))).equals(plaintext)).toBe(true);
  });
});
