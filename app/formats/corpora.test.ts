import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { describe, expect, test } from 'vitest';
import { corpus, filesIn } from '../../scripts/corpora.ts';
import { KeywrightError } from '../contract/index.ts';
import { publicOfPkcs8, readPublicKey, recognise } from './index.ts';
import { failure, read, readOne } from './testing/keys.ts';
import { EXPECTED_KINDS, JUDGED_DIFFERENTLY } from './testing/verdicts.ts';

const [PYCA, SSH, PQ] = [corpus('pyca'), corpus('ssh'), corpus('lamps-pq')];
const NAMES = { pyca: PYCA, ssh: SSH, 'lamps-pq': PQ, tss2: corpus('tss2'), cms: corpus('cms'), minisign: corpus('minisign'), rfc9579: corpus('rfc9579') } as const;
const WITHOUT = '(skipped without the corpora)';

/** @returns the algorithms of the keys in a file, or the code of the error. */
async function verdict(path: string, passphrase: string): Promise<string> {
  try {
    const keys = await read(readFileSync(path), passphrase);
    return keys.map(({ material }) => material.algorithm).join(' ');
  } catch (thrown) {
    if (thrown instanceof KeywrightError) return thrown.code;
    throw thrown;
  }
}

describe.skipIf(PYCA === undefined)(`pyca ${WITHOUT}`, () => {
  test('every private key is accepted or refused as pyca/cryptography does, but for those with a reason', async () => {
    const lines = readFileSync(join(PYCA as string, 'PASSWORDS.tsv'), 'utf8').split('\n').filter((line) => line.startsWith('asymmetric/'));
    const differences: string[] = [];
    for (const line of lines) {
      const [file, password, theirs] = line.split('\t') as [string, string, string];
      const ours = await verdict(join(PYCA as string, file), password === '?' ? 'password' : password);
      const accepted = !['INVALID_INPUT', 'CAPABILITY_MISSING', 'PIN_INCORRECT'].includes(ours);
      const reason = JUDGED_DIFFERENTLY.find(({ pattern }) => pattern.test(file));
      if (reason === undefined ? accepted === theirs.startsWith('refused') : ours !== reason.verdict) differences.push(`${file}: ${ours}, theirs ${theirs}`);
    }
    expect(differences).toEqual([]);
    expect(lines.length).toBeGreaterThan(100);
  });

  test('an encrypted file asks for its passphrase, and a wrong one is PIN_INCORRECT', async () => {
    for (const file of ['PKCS8/ed25519-scrypt.pem', 'PKCS8/enc-rsa-3des.pem', 'PKCS8/rsa-pbewithmd5anddescbc.pem', 'Traditional_OpenSSL_Serialization/key1.pem', 'OpenSSH/ed25519-aesgcm-psw.key']) {
      const path = join(PYCA as string, 'asymmetric', file);
      expect([file, await verdict(path, 'not this one')]).toEqual([file, 'PIN_INCORRECT']);
      expect((await failure(() => read(readFileSync(path)))).code).toBe('PIN_REQUIRED');
    }
  });

  test('bad input is told with its place', async () => {
    const places = Object.fromEntries(await Promise.all(['PKCS8/enc-rsa-pkcs8-pbkdf2-0iter.pem', 'PKCS8/ec-invalid-private-scalar.pem', 'PKCS8/wrong-pem-delimiter-rsa.pem', 'EC/ec-missing-curve.pem', 'PKCS8/invalid-version.der'].map(async (file) =>
      [file, (await failure(() => read(readFileSync(join(PYCA as string, 'asymmetric', file)), 'password'))).facts.where])));
    expect(places).toEqual({
      'PKCS8/enc-rsa-pkcs8-pbkdf2-0iter.pem': 'line 1, offset 44', 'PKCS8/ec-invalid-private-scalar.pem': 'line 1, offset 34', 'PKCS8/wrong-pem-delimiter-rsa.pem': 'line 1, offset 7',
      'EC/ec-missing-curve.pem': 'line 1, offset 39', 'PKCS8/invalid-version.der': 'offset 138',
    });
  });
});

describe.skipIf(PQ === undefined)(`lamps-pq ${WITHOUT}`, () => {
  test.each([['ml-dsa', ['44', '65', '87']], ['ml-kem', ['512', '768', '1024']]] as const)('%s: seed, expanded and both give the public key that goes with them', async (family, sizes) => {
    for (const size of sizes) {
      const name = `${family.toUpperCase()}-${size}`;
      const { spki, algorithm } = readPublicKey(readFileSync(join(PQ as string, family, `${name}.pub`)));
      expect(algorithm).toBe(`${family}-${size}`);
      for (const form of ['seed', 'expanded', 'both']) {
        const key = await readOne(readFileSync(join(PQ as string, family, `${name}-${form}.priv`)));
        expect([form, key.material.algorithm, Buffer.from(publicOfPkcs8(key.material.secret.reveal()))]).toEqual([form, algorithm, Buffer.from(spki)]);
      }
    }
  });

  test('SLH-DSA is read', async () => {
    const folder = join(PQ as string, 'slh-dsa');
    const key = await readOne(readFileSync(join(folder, 'id-slh-dsa-sha2-128s.priv')));
    expect(Buffer.from(publicOfPkcs8(key.material.secret.reveal()))).toEqual(Buffer.from(readPublicKey(readFileSync(join(folder, 'id-slh-dsa-sha2-128s.pub'))).spki));
  });

  test('all seven bad keys are refused', async () => {
    const bad = [...filesIn(PQ as string)].filter((path) => /bad-[^/]*\.priv$/.test(path));
    expect(bad).toHaveLength(7);
    for (const path of bad) expect([path, await verdict(path, '')]).toEqual([path, 'INVALID_INPUT']);
  });
});

describe.skipIf(SSH === undefined)(`openssh-portable ${WITHOUT}`, () => {
  const data = join(SSH ?? '', 'sshkey', 'testdata');

  test.each([['ecdsa_1', 'ec-p256'], ['ecdsa_2', 'ec-p521'], ['ecdsa_n', 'ec-p256'], ['ed25519_1', 'ed25519'], ['ed25519_2', 'ed25519'], ['rsa_1', 'rsa-1024'], ['rsa_n', 'rsa-1024'], ['rsa_2', 'rsa-2048']])('%s is read and belongs to its public key', async (name, algorithm) => {
    const passphrase = readFileSync(join(data, 'pw'), 'utf8').trim();
    const key = await readOne(readFileSync(join(data, name)));
    expect(key.material.algorithm).toBe(algorithm);
    const spki = Buffer.from(publicOfPkcs8(key.material.secret.reveal()));
    const shown = readdirSync(data).includes(`${name}.pub`) ? name : name.replace('_n', '_1');
    expect(Buffer.from(readPublicKey(readFileSync(join(data, `${shown}.pub`))).spki)).toEqual(spki);
    if (!readdirSync(data).includes(`${name}_pw`)) return;
    const encrypted = await readOne(readFileSync(join(data, `${name}_pw`)), passphrase);
    expect(encrypted.wasEncrypted).toBe(true);
    expect(Buffer.from(encrypted.material.secret.reveal())).toEqual(Buffer.from(key.material.secret.reveal()));
  });

  test('what lives elsewhere is named, not called malformed', async () => {
    for (const name of ['ecdsa_sk1', 'ed25519_sk1', 'ed25519_sk2', 'mldsa44_ed25519_1', 'ed25519_1-cert.pub', 'ed25519_1.pub']) {
      expect([name, await verdict(join(data, name), 'mekmitasdigoat')]).toEqual([name, 'CAPABILITY_MISSING']);
    }
  });
});

describe.each(Object.entries(NAMES).filter(([, folder]) => folder !== undefined) as [string, string][])('every file of %s', (name, folder) => {
  test('gets a verdict of ours from each reader, and is named', async () => {
    const wrong: string[] = [];
    for (const path of filesIn(folder)) {
      const content = readFileSync(path);
      await verdict(path, 'password');
      try {
        readPublicKey(content);
      } catch (thrown) {
        if (!(thrown instanceof KeywrightError)) throw thrown;
      }
      const file = `${name}/${relative(folder, path)}`;
      const expected = EXPECTED_KINDS.find(({ pattern }) => pattern.test(file));
      const { what } = recognise(content);
      if (expected !== undefined && !expected.kinds.includes(what)) wrong.push(`${file}: ${what}`);
    }
    expect(wrong).toEqual([]);
  });
});
