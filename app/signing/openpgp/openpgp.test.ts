import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createCleartextMessage, createMessage, generateKey, readCleartextMessage, readKey, readSignature, sign, verify } from 'openpgp';
import { describe, expect, test } from 'vitest';
import type { KeyAlgorithmName } from '../../contract/index.ts';
import { hasTool, pairOf, run, temporaryFolder } from '../../formats/testing/keys.ts';
import { contentOf, signAs, signingKey, trusting, trustingSpki, verifyAs } from '../testing/keys.ts';
import { recogniseSigned } from '../recognise.ts';
import { judgeFormat } from '../table.ts';
import { openpgpPublicKey } from './index.ts';
import { openpgpSigningKeys } from './keys.ts';

const TEXT = 'Dear Bob,\n- a dash\nFrom here on \t\ntrailing spaces   \r\nno end';
const ada = 'Ada Example <ada@example.com>';
const algorithmOf = (key: KeyAlgorithmName) => (judgeFormat('openpgp', key) as { algorithms: ['ed25519'] }).algorithms[0];
const publicKeyOf = (key: KeyAlgorithmName, openpgp: 'v4' | 'v6' = 'v4') => openpgpPublicKey(signingKey(key), ada, { algorithm: algorithmOf(key), openpgp });
const V4: readonly KeyAlgorithmName[] = ['rsa-2048', 'ec-p256', 'ec-p384', 'ec-p521', 'ec-brainpoolp256r1', 'ec-brainpoolp384r1', 'ec-brainpoolp512r1', 'ec-secp256k1', 'ed25519'];

describe.skipIf(!hasTool('gpg', '--version'))('version 4, judged by gpg (skipped without it)', () => {
  test.each(V4)('%s: detached, binary and clear-signed', async (key) => {
    using folder = temporaryFolder();
    const { path } = folder;
    const home = join(path, 'home');
    mkdirSync(home, { mode: 0o700 });
    const gpg = (...args: string[]): string => run('gpg', ['--homedir', home, '--batch', '--no-tty', '--status-fd', '1', '--trust-model', 'always', ...args]).toString();
    try {
      writeFileSync(join(path, 'key.asc'), await publicKeyOf(key));
      expect(gpg('--import', join(path, 'key.asc'))).toContain('IMPORT_OK 1');
      const file = await contentOf(path, TEXT);
      for (const [name, form] of [['a.asc', 'armor'], ['a.sig', 'binary']] as const) {
        writeFileSync(join(path, name), await signAs('openpgp', file, signingKey(key), { form }));
        expect(gpg('--verify', join(path, name), file.path)).toContain(`GOODSIG`);
      }
      for (const text of [TEXT, 'one line\n', '', '\n\n', '-----BEGIN PGP SIGNED MESSAGE-----\n']) {
        writeFileSync(join(path, 'clear.asc'), await signAs('openpgp', await contentOf(path, text, 'text'), signingKey(key), { form: 'clear' }));
        expect([text, gpg('--verify', join(path, 'clear.asc'))]).toEqual([text, expect.stringContaining('GOODSIG')]);
        expect(await verifyAs(await contentOf(path, readFileSync(join(path, 'clear.asc')), 'clear'), null, trusting(key))).toMatchObject([{ intact: true }]);
      }
    } finally {
      run('gpgconf', ['--homedir', home, '--kill', 'all']);
    }
  });

  test('what gpg signs with a key of its own, a subkey included, is judged by its public key', async () => {
    using folder = temporaryFolder();
    const { path } = folder;
    const home = join(path, 'home');
    mkdirSync(home, { mode: 0o700 });
    const gpg = (...args: string[]): Buffer => run('gpg', ['--homedir', home, '--batch', '--no-tty', '--passphrase', '', '--pinentry-mode', 'loopback', ...args]);
    try {
      for (const [primary, subkey] of [['rsa2048', 'rsa2048'], ['ed25519', 'ed25519'], ['nistp256', 'rsa2048']] as const) {
        const name = `${primary}@example.com`;
        gpg('--quick-generate-key', name, primary, 'sign,cert', 'never');
        const print = /^fpr:+([0-9A-F]+):/m.exec(gpg('--with-colons', '--list-keys', name).toString())![1]!;
        gpg('--quick-add-key', print, subkey, 'sign', 'never');
        const keys = await openpgpSigningKeys(gpg('--armor', '--export', name), new Date());
        expect(keys).toHaveLength(2);
        const file = await contentOf(path, TEXT);
        for (const options of [['--sign'], ['--sign', '--armor', '--textmode'], ['--sign', '--compress-algo', 'none'], ['--sign', '--compress-algo', 'zip']]) {
          const message = run('gpg', ['--homedir', home, '--batch', '--passphrase', '', '--pinentry-mode', 'loopback', '--local-user', name, ...options], Buffer.from(TEXT));
          expect(recogniseSigned(message)).toBe('openpgp');
          const verdicts = await Promise.all(keys.map((spki) => contentOf(path, message, 'm').then((holder) => verifyAs(holder, null, trustingSpki(spki), 'openpgp'))));
          expect([primary, options, verdicts.flat().filter(({ intact }) => intact).length]).toEqual([primary, options, 1]);
        }
        for (const options of [['--detach-sign'], ['--detach-sign', '--armor'], ['--detach-sign', '--textmode'], ['--clear-sign']]) {
          const signature = run('gpg', ['--homedir', home, '--batch', '--passphrase', '', '--pinentry-mode', 'loopback', '--local-user', name, ...options], Buffer.from(TEXT));
          const clear = options[0] === '--clear-sign';
          const verdicts = await Promise.all(keys.map((spki) => contentOf(path, clear ? signature : TEXT, 'x').then((holder) => verifyAs(holder, clear ? null : signature, trustingSpki(spki)))));
          expect([primary, options, verdicts.flat().filter(({ intact }) => intact).length]).toEqual([primary, options, 1]);
          const other = await contentOf(path, clear ? signature.toString().replace('Bob', 'Eve') : `${TEXT}!`, 'y');
          expect((await verifyAs(other, clear ? null : signature, { ...trustingSpki(keys[0]!), keys: [...trustingSpki(keys[0]!).keys, ...trustingSpki(keys[1]!).keys] }))[0]!.intact).toBe(false);
        }
        expect(file.bytes).toBeGreaterThan(0);
      }
    } finally {
      run('gpgconf', ['--homedir', home, '--kill', 'all']);
    }
  });
});

// Its library has neither brainpool nor secp256k1.
test.skipIf(!hasTool('sqv', '--version')).each(V4.filter((key) => !/secp256k1|brainpool/.test(key)))('sqv verifies %s (skipped without it)', async (key) => {
  using folder = temporaryFolder();
  const { path } = folder;
  writeFileSync(join(path, 'key.asc'), await publicKeyOf(key));
  const file = await contentOf(path, TEXT);
  writeFileSync(join(path, 'a.asc'), await signAs('openpgp', file, signingKey(key)));
  expect(run('sqv', ['--keyring', join(path, 'key.asc'), join(path, 'a.asc'), file.path]).toString()).toMatch(/[0-9A-F]{40}/);
});

describe('version 6, judged by openpgp.js', () => {
  test.each(['rsa-2048', 'ec-p256', 'ec-p521', 'ed25519', 'ed448'] as const)('%s: detached and clear-signed', async (key) => {
    using folder = temporaryFolder();
    const verificationKeys = await readKey({ armoredKey: (await publicKeyOf(key, 'v6')).toString() });
    expect([verificationKeys.keyPacket.version, verificationKeys.getUserIDs()]).toEqual([6, [ada]]);
    await verificationKeys.verifyPrimaryKey();
    const made = await signAs('openpgp', await contentOf(folder.path, TEXT), signingKey(key), { openpgp: 'v6' });
    const { signatures: [only] } = await verify({ message: await createMessage({ binary: Buffer.from(TEXT) }), signature: await readSignature({ armoredSignature: made.toString() }), verificationKeys });
    expect(await only!.verified).toBe(true);
    const clear = await signAs('openpgp', await contentOf(folder.path, TEXT), signingKey(key), { openpgp: 'v6', form: 'clear' });
    const { signatures: [another] } = await verify({ message: await readCleartextMessage({ cleartextMessage: clear.toString() }), verificationKeys });
    expect(await another!.verified).toBe(true);
    expect(await verifyAs(await contentOf(folder.path, TEXT), made, trusting(key))).toMatchObject([{ intact: true, trustedBy: { source: 'held-key' } }]);
  });

  test('what it signs is judged by us, by a key that may sign and by no other', async () => {
    using folder = temporaryFolder();
    for (const v6Keys of [true, false]) {
      const { privateKey, publicKey } = await generateKey({ type: 'curve25519', userIDs: [{ name: 'Ada' }], subkeys: [{ sign: true }], format: 'object', config: { v6Keys } });
      const keys = await openpgpSigningKeys(Buffer.from(publicKey.armor()), new Date());
      expect(keys).toHaveLength(2);
      const signature = Buffer.from((await sign({ message: await createMessage({ binary: Buffer.from(TEXT) }), signingKeys: privateKey, detached: true })) as string);
      const clear = Buffer.from(await sign({ message: await createCleartextMessage({ text: 'hello\nworld' }), signingKeys: privateKey }));
      const verdicts = await Promise.all(keys.map(async (spki) => (await verifyAs(await contentOf(folder.path, TEXT), signature, trustingSpki(spki)))[0]!.intact));
      expect(verdicts.filter(Boolean)).toHaveLength(1);
      const signer = keys[verdicts.indexOf(true)]!;
      expect(await verifyAs(await contentOf(folder.path, clear, 'clear'), null, trustingSpki(signer))).toMatchObject([{ intact: true }]);
    }
    const expired = await generateKey({ type: 'ecc', curve: 'nistP256', userIDs: [{ name: 'Old' }], keyExpirationTime: 10, date: new Date('2020-01-01'), format: 'object' });
    await expect(openpgpSigningKeys(Buffer.from(expired.publicKey.armor()), new Date())).rejects.toMatchObject({ code: 'INVALID_INPUT' });
    await expect(openpgpSigningKeys(Buffer.from('-----BEGIN PGP PUBLIC KEY BLOCK-----\n\nAAAA\n-----END PGP PUBLIC KEY BLOCK-----\n'), new Date())).rejects.toMatchObject({ code: 'INVALID_INPUT' });
  });
});

describe('attacks', () => {
  const clearOf = async (folder: string): Promise<string> => (await signAs('openpgp', await contentOf(folder, 'pay 10\n'), signingKey('ed25519'), { form: 'clear' })).toString();

  test('text outside the signed part is told of; a header that poses as text, and a bare dash, are refused', async () => {
    using folder = temporaryFolder();
    const clear = await clearOf(folder.path);
    const judge = async (text: string) => verifyAs(await contentOf(folder.path, text, 'clear'), null, trusting('ed25519'), 'openpgp');
    expect((await judge(`pay 1000\n${clear}`))[0]!.notes.join()).toContain('not covered');
    await expect(judge(clear.replace('Hash: SHA512\n', 'Hash: SHA512\npay 1000\n'))).rejects.toMatchObject({ code: 'INVALID_INPUT' });
    await expect(judge(clear.replace('pay 10', '-pay 10'))).rejects.toMatchObject({ code: 'INVALID_INPUT' });
    expect((await judge(clear.replace('pay 10', 'pay 99')))[0]!.intact).toBe(false);
  });

  test('a certification of a name is no signature of a file, and a critical unknown subpacket is not passed over', async () => {
    using folder = temporaryFolder();
    const { draftSignature, TYPES, subpacket, signedContent } = await import('./signature.ts');
    const { publicKeyBody } = await import('../../formats/openpgp-key.ts');
    const { createHash } = await import('node:crypto');
    const key = signingKey('ed25519');
    const keyBody = publicKeyBody(key.spki, key.created, 4);
    for (const [type, more, problem] of [[TYPES.certification, [], 'not of a file'], [TYPES.binary, [subpacket(0x80 | 99, Buffer.of(1))], 'must not be ignored']] as const) {
      const draft = draftSignature({ type, algorithm: 'ed25519', key: 'ed25519', keyBody, created: new Date(), salt: Buffer.alloc(32), more });
      const digest = createHash(draft.hash).update(TEXT).update(draft.frame.after!).digest();
      const made = draft.finish(digest, await key.sign('ed25519', signedContent('ed25519', digest)));
      expect(await verifyAs(await contentOf(folder.path, TEXT), made, trusting('ed25519'), 'openpgp')).toMatchObject([{ intact: false, problem: expect.stringContaining(problem) }]);
    }
  });

  test('a key that is none of ours makes nothing', () => {
    expect(pairOf('ed25519').spki.length).toBe(44);
    for (const key of ['x25519', 'ml-dsa-44', 'aes-256', 'rsa-1024'] as const) expect(judgeFormat('openpgp', key)).toHaveProperty('refused.detail');
  });
});
