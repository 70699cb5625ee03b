import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { corpus } from '../../scripts/corpora.ts';
import { SecretBytes } from '../contract/index.ts';
import { writeKey, writePublicKey } from './index.ts';
import { failure, hasTool, materialOf, pairOf, readOne, run, temporaryFolder } from './testing/keys.ts';

const WORD = 'another pass phrase 99';
const MINISIGN = corpus('minisign');

describe.skipIf(!hasTool('puttygen', '--version'))('PuTTY (skipped without puttygen)', () => {
  test.each(['rsa-2048', 'ec-p256', 'ec-p521', 'ed25519'] as const)('puttygen opens our %s, and we open its versions 2 and 3', async (algorithm) => {
    using folder = temporaryFolder();
    const [file, word] = [join(folder.path, 'key.ppk'), join(folder.path, 'word')];
    writeFileSync(word, WORD);
    writeFileSync(file, await writeKey(materialOf(algorithm), { format: 'ppk', encoding: 'pem', label: 'Ada', passphrase: SecretBytes.fromText(WORD) }), { mode: 0o600 });
    expect(run('puttygen', [file, '--old-passphrase', word, '-L']).toString().split(' ').slice(0, 2)).toEqual(Buffer.from(writePublicKey(pairOf(algorithm).spki, algorithm, 'openssh')).toString().trim().split(' '));
    for (const version of ['2', '3']) {
      const theirs = join(folder.path, `theirs${version}.ppk`);
      run('puttygen', [file, '--old-passphrase', word, '--new-passphrase', word, '-C', 'theirs', '-O', 'private', '--ppk-param', `version=${version}`, '-o', theirs]);
      const key = await readOne(readFileSync(theirs), WORD);
      expect([version, Buffer.from(key.material.secret.reveal()), key.label]).toEqual([version, pairOf(algorithm).pkcs8, 'theirs']);
      expect((await failure(() => readOne(readFileSync(theirs), 'wrong one'))).code).toBe('PIN_INCORRECT');
    }
  });
});

test.skipIf(MINISIGN === undefined)('minisign keys of others open (skipped without the corpora)', async () => {
  const folder = join(MINISIGN as string, 'aead');
  expect((await readOne(readFileSync(join(folder, 'minisign.key')), 'correct horse battery staple')).material.algorithm).toBe('ed25519');
  expect((await failure(() => readOne(readFileSync(join(folder, 'minisign.key')), 'wrong one'))).code).toBe('PIN_INCORRECT');
  for (const file of ['minisign-nopassword-0.key', 'minisign-nopassword-1.key']) expect((await readOne(readFileSync(join(folder, file)))).wasEncrypted).toBe(false);
});

test.skipIf(!hasTool('minisign', '-v'))('minisign signs with a key of ours (skipped without minisign)', async () => {
  using folder = temporaryFolder();
  const at = (name: string): string => join(folder.path, name);
  writeFileSync(at('key'), await writeKey(materialOf('ed25519'), { format: 'minisign', encoding: 'pem', passphrase: SecretBytes.fromText(WORD) }));
  writeFileSync(at('key.pub'), writePublicKey(pairOf('ed25519').spki, 'ed25519', 'minisign'));
  writeFileSync(at('file'), 'hello');
  run('minisign', ['-S', '-s', at('key'), '-m', at('file')], Buffer.from(`${WORD}\n`));
  expect(run('minisign', ['-V', '-p', at('key.pub'), '-m', at('file')]).toString()).toContain('verified');
});

test.skipIf(!hasTool('signify-openbsd'))('signify signs with a key of ours, and we open its (skipped without signify)', async () => {
  using folder = temporaryFolder();
  const at = (name: string): string => join(folder.path, name);
  writeFileSync(at('file'), 'hello');
  writeFileSync(at('key.sec'), await writeKey(materialOf('ed25519'), { format: 'signify', encoding: 'pem' }));
  writeFileSync(at('key.pub'), writePublicKey(pairOf('ed25519').spki, 'ed25519', 'minisign'));
  run('signify-openbsd', ['-S', '-s', at('key.sec'), '-m', at('file')]);
  expect(run('signify-openbsd', ['-V', '-p', at('key.pub'), '-m', at('file')]).toString()).toContain('Signature Verified');
  run('signify-openbsd', ['-G', '-n', '-p', at('theirs.pub'), '-s', at('theirs.sec')]);
  expect((await readOne(readFileSync(at('theirs.sec')))).material.algorithm).toBe('ed25519');
});

test.skipIf(!hasTool('age-keygen', '--version'))('age-keygen names the recipient of our identity, and we open its (skipped without age)', async () => {
  using folder = temporaryFolder();
  const identity = await writeKey(materialOf('x25519'), { format: 'age', encoding: 'pem' });
  expect(run('age-keygen', ['-y'], identity).toString()).toBe(Buffer.from(writePublicKey(pairOf('x25519').spki, 'x25519', 'age')).toString());
  execFileSync('age-keygen', ['-o', join(folder.path, 'theirs')], { stdio: 'ignore' });
  expect((await readOne(readFileSync(join(folder.path, 'theirs')))).material.algorithm).toBe('x25519');
});
