import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { hasTool, run, temporaryFolder } from '../formats/testing/keys.ts';
import { KeywrightError, type Job } from '../contract/index.ts';
import { openTestCore, type TestCore } from './testing/core.ts';

interface Encrypted { files: { written: { path: string } }[]; recipients: string[] }
interface Decrypted { files: { written: { path: string }; openedBy: string }[] }

const plaintext = randomBytes(300_000);
const generate = ({ call }: TestCore, algorithm: string, more: object = {}): Promise<{ uri: string; label: string }> => call('keys.generate', { algorithm, label: `A ${algorithm} key`, ...more });

test.each(['x25519', 'ec-p256', 'ed25519', 'rsa-2048'])('what is encrypted for a key of type %s opens with it, after a rotation too', async (algorithm) => {
  await using core = await openTestCore();
  using folder = temporaryFolder();
  const path = join(folder.path, 'plan.pdf');
  writeFileSync(path, plaintext);
  const key = await generate(core, algorithm);
  const { files: [made], recipients } = await core.call<Encrypted>('files.encrypt', { files: [{ path }], recipients: [key.label] });
  expect([made?.written.path, recipients]).toEqual([`${path}.age`, [key.label]]);
  await core.call('keys.rotate', { key: key.uri });
  const { files: [opened] } = await core.call<Decrypted>('files.decrypt', { files: [{ path: `${path}.age` }], out: { path: join(folder.path, 'again.pdf') } });
  expect(opened?.openedBy).toBe(key.label);
  expect(readFileSync(join(folder.path, 'again.pdf'))).toEqual(plaintext);
  expect(statSync(join(folder.path, 'again.pdf')).mode & 0o777).toBe(0o600);
});

test('a passphrase is asked for once for all files, and a wrong one opens nothing', async () => {
  await using core = await openTestCore();
  using folder = temporaryFolder();
  const paths = ['a', 'b'].map((name) => join(folder.path, name));
  for (const path of paths) writeFileSync(path, plaintext);
  await core.call('files.encrypt', { files: paths.map((path) => ({ path })) }, { 'new-recipient-passphrase': 'another pass phrase 99' });
  const encrypted = paths.map((path) => ({ path: `${path}.age` }));
  await expect(core.call('files.decrypt', { files: encrypted, out: { beside: true, overwrite: true } }, { 'recipient-passphrase': 'not this one' })).rejects.toMatchObject({ code: 'PIN_INCORRECT' });
  for (const path of paths) writeFileSync(path, '');
  await core.call('files.decrypt', { files: encrypted, out: { beside: true, overwrite: true } }, { 'recipient-passphrase': 'another pass phrase 99' });
  for (const path of paths) expect(readFileSync(path)).toEqual(plaintext);
});

test('a changed file leaves nothing behind, and neither does one for somebody else', async () => {
  await using core = await openTestCore();
  using folder = temporaryFolder();
  const path = join(folder.path, 'plan');
  writeFileSync(path, plaintext);
  const [ours, theirs] = [await generate(core, 'x25519'), await generate(core, 'ec-p256')];
  await core.call('files.encrypt', { files: [{ path }], recipients: [ours.uri] });
  const file = readFileSync(`${path}.age`);
  file[file.length - 100_000] = (file[file.length - 100_000] as number) ^ 1;
  writeFileSync(`${path}.changed.age`, file);
  const out = { path: join(folder.path, 'out') };
  await expect(core.call('files.decrypt', { files: [{ path: `${path}.changed.age` }], out })).rejects.toMatchObject({ code: 'INVALID_INPUT' });
  await expect(core.call('files.decrypt', { files: [{ path: `${path}.age` }], key: theirs.uri, out })).rejects.toMatchObject({ code: 'NOT_FOUND' });
  expect(readdirSync(folder.path).sort()).toEqual(['plan', 'plan.age', 'plan.changed.age']);
});

test.each(['rsa-2048', 'ec-p256'])('what is encrypted for a certificate of %s by its name opens with its key', async (algorithm) => {
  await using core = await openTestCore();
  using folder = temporaryFolder();
  const path = join(folder.path, 'plan');
  writeFileSync(path, plaintext);
  const key = await generate(core, algorithm);
  await core.call('certificates.self-sign', { key: key.uri, subject: 'CN=Ada Example', profile: 'email', san: ['email:ada@example.org'] });
  const { files: [made] } = await core.call<Encrypted>('files.encrypt', { files: [{ path }], recipients: ['Ada Example'] });
  expect(made?.written.path).toBe(`${path}.p7m`);
  const { files: [opened] } = await core.call<Decrypted>('files.decrypt', { files: [{ path: `${path}.p7m` }], out: { path: join(folder.path, 'again') } });
  expect([opened?.openedBy, readFileSync(join(folder.path, 'again')).equals(plaintext)]).toEqual([key.label, true]);
});

test.each(['rsa-2048', 'ec-p384', 'ec-p521', 'x25519', 'aes-256'])('a JWE for a key of type %s opens with it, after a rotation too', async (algorithm) => {
  await using core = await openTestCore();
  using folder = temporaryFolder();
  const path = join(folder.path, 'plan');
  writeFileSync(path, plaintext);
  const key = await generate(core, algorithm);
  // A symmetric key has a place in JWE alone: it need not be asked for.
  const { files: [made] } = await core.call<Encrypted>('files.encrypt', { files: [{ path }], recipients: [key.label], ...(algorithm === 'aes-256' ? {} : { format: 'jwe' }) });
  expect(made?.written.path).toBe(`${path}.jwe`);
  await core.call('keys.rotate', { key: key.uri });
  const { files: [opened] } = await core.call<Decrypted>('files.decrypt', { files: [{ path: `${path}.jwe` }], out: { path: join(folder.path, 'again') } });
  expect([opened?.openedBy, readFileSync(join(folder.path, 'again')).equals(plaintext)]).toEqual([key.label, true]);
});

test.each(['rsa-2048', 'ec-p384', 'x25519'])('an OpenPGP message for a key of type %s opens with it, after a rotation too', async (algorithm) => {
  await using core = await openTestCore();
  using folder = temporaryFolder();
  const path = join(folder.path, 'plan');
  writeFileSync(path, plaintext);
  const key = await generate(core, algorithm);
  for (const [openpgp, armor] of [['v4', false], ['v6', true]] as const) {
    const { files: [made] } = await core.call<Encrypted>('files.encrypt', { files: [{ path }], recipients: [key.label], format: 'openpgp', openpgp, armor });
    await core.call('keys.rotate', { key: key.uri });
    const { files: [opened] } = await core.call<Decrypted>('files.decrypt', { files: [{ path: made?.written.path ?? '' }], out: { path: join(folder.path, `again-${openpgp}`) } });
    expect([opened?.openedBy, readFileSync(join(folder.path, `again-${openpgp}`)).equals(plaintext)]).toEqual([key.label, true]);
  }
  expect(readdirSync(folder.path).sort()).toEqual(['again-v4', 'again-v6', 'plan', 'plan.asc', 'plan.pgp']);
  await expect(core.call('files.encrypt', { files: [{ path }], recipients: [key.label], openpgp: 'v6', format: 'jwe' })).rejects.toMatchObject({ code: 'INVALID_INPUT' });
});

test.skipIf(!hasTool('gpg', '--version'))('gpg encrypts for the OpenPGP form of our keys, and we open it (skipped without gpg)', async () => {
  await using core = await openTestCore();
  using folder = temporaryFolder();
  const [path, home] = [join(folder.path, 'plan'), join(folder.path, 'home')];
  writeFileSync(path, plaintext);
  mkdirSync(home, { mode: 0o700 });
  const gpg = (...args: string[]): Buffer => run('gpg', ['--homedir', home, '--batch', '--yes', '--no-tty', '--trust-model', 'always', ...args]);
  try {
    for (const [signs, receives] of [['ed25519', 'x25519'], ['rsa-2048', 'rsa-2048'], ['ec-p256', 'ec-p256'], ['ed25519', 'ec-p521']] as const) {
      const primary = await generate(core, signs, { label: `Signing ${signs} ${receives}` });
      const files = receives === signs ? primary : await generate(core, receives, { label: `Files ${signs} ${receives}` });
      const { content } = await core.call<{ content: string }>('keys.public', { key: primary.uri, format: 'openpgp', userId: `Ada <${signs}-${receives}@example.com>`, encryptionKey: files.uri });
      writeFileSync(join(folder.path, 'key.asc'), Buffer.from(content, 'base64url'));
      gpg('--import', join(folder.path, 'key.asc'));
      gpg('--recipient', `${signs}-${receives}@example.com`, '--output', join(folder.path, 'theirs.gpg'), '--encrypt', path);
      const out = { path: join(folder.path, 'back'), overwrite: true };
      const { files: [opened] } = await core.call<Decrypted>('files.decrypt', { files: [{ path: join(folder.path, 'theirs.gpg') }], out });
      expect([opened?.openedBy, readFileSync(join(folder.path, 'back')).equals(plaintext)]).toEqual([files.label, true]);
      // And anybody's Keywright does, by the key's file.
      const { files: [ours], recipients } = await core.call<Encrypted>('files.encrypt', { files: [{ path }], recipientFiles: [{ path: join(folder.path, 'key.asc') }], out: { path: join(folder.path, 'ours.pgp'), overwrite: true } });
      expect([ours?.written.path, recipients]).toEqual([join(folder.path, 'ours.pgp'), [`Ada <${signs}-${receives}@example.com>`]]);
      expect((await core.call<Decrypted>('files.decrypt', { files: [{ path: join(folder.path, 'ours.pgp') }], key: files.uri, out })).files[0]?.openedBy).toBe(files.label);
    }
    const ed25519 = await generate(core, 'ed25519');
    await expect(core.call('keys.public', { key: ed25519.uri, format: 'openpgp', encryptionKey: ed25519.uri })).rejects.toMatchObject({ code: 'CAPABILITY_MISSING' });
  } finally {
    run('gpgconf', ['--homedir', home, '--kill', 'all']);
  }
});

test('a key that cannot receive is refused with the reason', async () => {
  await using core = await openTestCore();
  using folder = temporaryFolder();
  const path = join(folder.path, 'plan');
  writeFileSync(path, plaintext);
  for (const [algorithm, more, why] of [['ec-p384', {}, 'ec-p384'], ['ed25519', { extractable: false }, 'not extractable'], ['ec-p256', { usages: ['sign', 'verify'] }, 'agree on a secret'], ['aes-256', { usages: ['encrypt', 'decrypt'] }, 'made to unwrap'], ['hmac-sha256', {}, 'cannot decrypt']] as const) {
    const key = await generate(core, algorithm, more);
    await expect(core.call('files.encrypt', { files: [{ path }], recipients: [key.uri] })).rejects.toMatchObject({ code: 'CAPABILITY_MISSING', message: expect.stringContaining(why) });
  }
});

test('a batch that was cancelled is gone on with, and what is done is not done again', async () => {
  await using core = await openTestCore();
  using folder = temporaryFolder();
  const paths = Array.from({ length: 20 }, (_, index) => join(folder.path, `file-${String(index).padStart(2, '0')}`));
  for (const path of paths) writeFileSync(path, plaintext);
  const key = await generate(core, 'x25519');
  const controller = new AbortController();
  const watch = (event: unknown): void => {
    if ((event as { index: number }).index === 8) controller.abort(new KeywrightError('CANCELLED', 'enough'));
  };
  await expect(core.call('files.encrypt', { files: paths.map((path) => ({ path })), recipients: [key.uri] }, {}, { signal: controller.signal, progress: watch })).rejects.toThrow();
  const made = paths.filter((path) => existsSync(`${path}.age`));
  expect(made.length).toBeLessThan(20);
  expect(readdirSync(folder.path).length).toBe(20 + made.length);
  const before = made.map((path) => readFileSync(`${path}.age`));
  const { jobs: [job] } = await core.call<{ jobs: Job[] }>('jobs.list');
  expect(job).toMatchObject({ operation: 'files.encrypt', resumable: true, items: { done: made.length, total: 20 } });
  expect(await core.call<Job>('jobs.resume', { id: job?.id })).toMatchObject({ state: 'done', items: { done: 20, total: 20 }, resumable: false });
  expect(paths.every((path) => existsSync(`${path}.age`))).toBe(true);
  expect(made.map((path) => readFileSync(`${path}.age`))).toEqual(before);
  expect(readdirSync(folder.path).length).toBe(40);
});

test('the table of recipients says of each kind of key what encrypting does, and why not', async () => {
  await using core = await openTestCore();
  using folder = temporaryFolder();
  const path = join(folder.path, 'plan');
  writeFileSync(path, 'a plan');
  for (const algorithm of ['x25519', 'x448', 'ec-p256', 'ec-secp256k1', 'ec-brainpoolp256r1', 'ed25519', 'rsa-2048', 'aes-256', 'hmac-sha256', 'ml-kem-768']) await generate(core, algorithm);
  await core.call('keys.generate', { algorithm: 'ed25519', label: 'Stays here', extractable: false });
  for (const format of ['age', 'cms', 'jwe', 'openpgp']) {
    const { rows } = await core.call<{ rows: { key: string; label: string; available: boolean; reason: string | null }[] }>('files.recipients', { format });
    expect(rows.length).toBe(11);
    for (const { key, label, available, reason } of rows) {
      const encrypted = await core.call('files.encrypt', { files: [{ path }], recipients: [key], format, out: { inline: true } }).then(() => true, () => false);
      expect([format, label, available, reason === null]).toEqual([format, label, encrypted, encrypted]);
    }
  }
  expect(await core.call('files.recipients', { format: 'age', limit: 1 })).toMatchObject({ rows: [{ available: true }], total: 11 });
});
