import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { CompactSign, FlattenedSign, GeneralSign, importPKCS8, SignJWT } from 'jose';
import { expect, test } from 'vitest';
import { readCertificates } from '../certificates/index.ts';
import { type KeyAlgorithmName, SecretBytes, type SignatureFormatName } from '../contract/index.ts';
import { writeKey } from '../formats/index.ts';
import { HAS_OPENSSL, HAS_SSH_KEYGEN, hasTool, materialOf, pairOf, run, temporaryFolder } from '../formats/testing/keys.ts';
import { type SignatureVerdict, type Trust } from './format.ts';
import { trustingCertificates } from './testing/certificates.ts';
import { contentOf, trusting, verifyAs } from './testing/keys.ts';
import { recogniseSignature } from './recognise.ts';

/** The other way of `table.test.ts`: the program that judges ours there signs here, and we judge it. What xmlsec1, jarsigner, gpg and `openssl cms` make is beside their formats. */

const TEXT = '{"sub":"ada","iss":"The Magic Words are Squeamish Ossifrage"}';

interface Maker {
  readonly folder: string;
  readonly at: (name: string) => string;
  /** The file that is signed. */
  readonly file: string;
  /** The key, PKCS#8 in PEM. */
  readonly pem: string;
}
interface Row {
  readonly by: string;
  readonly format: SignatureFormatName;
  readonly key: KeyAlgorithmName;
  readonly missing?: boolean;
  /** The file is in it. */
  readonly holds?: true;
  make(maker: Maker): Promise<Uint8Array | string> | Uint8Array | string;
}

const dgst = (key: KeyAlgorithmName, ...options: string[]): Row => ({
  by: `openssl dgst ${options.join(' ')}`, format: 'raw', key, missing: !HAS_OPENSSL, make: ({ file, pem, at }) => { run('openssl', ['dgst', ...options, '-sign', pem, '-out', at('sig'), file]); return readFileSync(at('sig')); },
});
const jose = (key: KeyAlgorithmName, alg: string, form: string, make: (key: Awaited<ReturnType<typeof importPKCS8>>, alg: string) => Promise<string>, format: 'jws' | 'jwt' = 'jws'): Row => ({
  by: `jose, ${alg}, ${form}`, format, key, holds: true, make: async ({ pem }) => make(await importPKCS8(readFileSync(pem, 'utf8'), alg), alg),
});
const payload = Buffer.from(TEXT);

const ROWS: readonly Row[] = [
  dgst('ec-p256', '-sha256'), dgst('ec-p384', '-sha384'), dgst('rsa-2048', '-sha256', '-sigopt', 'rsa_padding_mode:pss', '-sigopt', 'rsa_pss_saltlen:-1'),
  { by: 'openssl pkeyutl', format: 'raw', key: 'ed25519', missing: !HAS_OPENSSL, make: ({ file, pem, at }) => { run('openssl', ['pkeyutl', '-sign', '-rawin', '-in', file, '-inkey', pem, '-out', at('sig')]); return readFileSync(at('sig')); } },
  ...(['ed25519', 'ec-p256', 'rsa-3072'] as const).map((key): Row => ({ by: 'ssh-keygen -Y sign', format: 'sshsig', key, missing: !HAS_SSH_KEYGEN, async make({ at, file }) {
    writeFileSync(at('id'), await writeKey(materialOf(key), { format: 'openssh', encoding: 'pem' }), { mode: 0o600 });
    run('ssh-keygen', ['-Y', 'sign', '-f', at('id'), '-n', 'file', file]);
    return readFileSync(`${file}.sig`);
  } })),
  ...[[], ['-l']].map((more): Row => ({ by: `minisign -S ${more.join('')}`, format: 'minisign', key: 'ed25519', missing: !hasTool('minisign', '-v'), async make({ at, file }) {
    writeFileSync(at('key'), await writeKey(materialOf('ed25519'), { format: 'minisign', encoding: 'pem', passphrase: SecretBytes.fromText('a long word') }));
    run('minisign', ['-S', ...more, '-s', at('key'), '-m', file, '-t', 'a trusted comment'], Buffer.from('a long word\n'));
    return readFileSync(`${file}.minisig`);
  } })),
  { by: 'signify -S', format: 'signify', key: 'ed25519', missing: !hasTool('signify-openbsd'), async make({ at, file }) {
    writeFileSync(at('key.sec'), await writeKey(materialOf('ed25519'), { format: 'signify', encoding: 'pem' }));
    run('signify-openbsd', ['-S', '-s', at('key.sec'), '-m', file]);
    return readFileSync(`${file}.sig`);
  } },
  jose('ec-p256', 'ES256', 'compact', (key, alg) => new CompactSign(payload).setProtectedHeader({ alg }).sign(key)),
  jose('rsa-2048', 'PS384', 'compact', (key, alg) => new CompactSign(payload).setProtectedHeader({ alg }).sign(key)),
  jose('ed25519', 'EdDSA', 'flattened', async (key, alg) => JSON.stringify(await new FlattenedSign(payload).setProtectedHeader({ alg }).sign(key))),
  jose('ec-p521', 'ES512', 'general', async (key, alg) => JSON.stringify(await new GeneralSign(payload).addSignature(key).setProtectedHeader({ alg }).sign())),
  jose('ec-p384', 'ES384', 'JWT', (key, alg) => new SignJWT({ sub: 'ada' }).setProtectedHeader({ alg, typ: 'JWT' }).setIssuedAt().setExpirationTime('5m').sign(key), 'jwt'),
  { by: 'jose, ES256, detached with b64 false', format: 'jws', key: 'ec-p256', async make({ pem }) {
    const { payload: _, ...rest } = await new FlattenedSign(payload).setProtectedHeader({ alg: 'ES256', b64: false, crit: ['b64'] }).sign(await importPKCS8(readFileSync(pem, 'utf8'), 'ES256'));
    return JSON.stringify(rest);
  } },
];

/** @returns a JWS with the first letter of its signature changed. */
function otherSignature(text: string): string {
  return text.replace(text.startsWith('{') ? /("signature":")(.)/ : /^([^.]*\.[^.]*\.)(.)/, (_, before: string, letter: string) => before + (letter === 'A' ? 'B' : 'A'));
}

test.each(ROWS)('$by signs with $key as $format: it holds, by that key alone, and not when anything was changed', async ({ format, key, missing = false, holds = false, make }) => {
  if (missing) return; // the program is not here; which are missing is said by table.test.ts
  using folder = temporaryFolder();
  const at = (name: string): string => join(folder.path, name);
  const file = await contentOf(folder.path, TEXT);
  writeFileSync(at('key.pem'), pairOf(key).privateKey.export({ type: 'pkcs8', format: 'pem' }), { mode: 0o600 });
  const made = Buffer.from(await make({ folder: folder.path, at, file: file.path, pem: at('key.pem') }));
  if (format !== 'raw') expect(recogniseSignature(made)).toBe(format);
  const judge = async (signature: Buffer, by: Trust, content = TEXT): Promise<SignatureVerdict> => (await (holds ? verifyAs(await contentOf(folder.path, signature, 'holder'), null, by) : verifyAs(await contentOf(folder.path, content, 'judged'), signature, by, format)))[0]!;
  expect(await judge(made, trusting(key))).toMatchObject({ intact: true, trustedBy: { source: 'held-key' }, problem: null });
  expect((await judge(made, trusting('ec-brainpoolp256r1'))).trustedBy).toBeNull();
  if (holds) expect(await judge(Buffer.from(otherSignature(made.toString())), trusting(key))).toMatchObject({ intact: false, trustedBy: null });
  else expect(await judge(made, trusting(key), TEXT.replace('ada', 'eve'))).toMatchObject({ intact: false, trustedBy: null });
});

test.skipIf(!hasTool('gpgsm', '--version') || !HAS_OPENSSL)('gpgsm signs, with the file inside and beside it: we say by whom (skipped without gpgsm)', async () => {
  using folder = temporaryFolder();
  const { path } = folder;
  const at = (name: string): string => join(path, name);
  const gpgsm = (args: readonly string[]): Buffer => run('gpgsm', ['--homedir', path, '--batch', '--disable-crl-checks', '--disable-dirmngr', '--no-secmem-warning', '--pinentry-mode', 'loopback', '--passphrase-fd', '0', ...args], Buffer.from('word\n'));
  const file = await contentOf(path, TEXT);
  writeFileSync(at('key.pem'), pairOf('rsa-2048').privateKey.export({ type: 'pkcs8', format: 'pem' }));
  // With the older padding: gpgsm hashes by SHA-1 for a certificate that is signed by PSS.
  run('openssl', ['req', '-x509', '-new', '-key', at('key.pem'), '-subj', '/CN=Ada', '-days', '30', '-sha256', '-out', at('ada.pem')]);
  const trust = trustingCertificates(readCertificates(readFileSync(at('ada.pem'))));
  run('openssl', ['pkcs12', '-export', '-legacy', '-in', at('ada.pem'), '-inkey', at('key.pem'), '-out', at('ada.p12'), '-passout', 'pass:word', '-name', 'ada']);
  try {
    gpgsm(['--import', at('ada.p12')]);
    writeFileSync(at('trustlist.txt'), `${run('openssl', ['x509', '-in', at('ada.pem'), '-noout', '-fingerprint', '-sha1']).toString().replace(/.*=/, '').trim()} S relax\n`);
    for (const options of [['--detach-sign'], ['--armor', '--detach-sign'], ['--sign'], ['--armor', '--sign']]) {
      gpgsm(['--yes', '--output', at('sig'), ...options, file.path]);
      const made = readFileSync(at('sig'));
      const beside = options.includes('--detach-sign');
      const holder = beside ? file : await contentOf(path, made, 'holder');
      expect(await verifyAs(holder, beside ? made : null, trust)).toMatchObject([{ intact: true, name: 'CN=Ada', trustedBy: { source: 'root' } }]);
      if (beside) expect(await verifyAs(await contentOf(path, `${TEXT} `, 'other'), made, trust)).toMatchObject([{ intact: false }]);
    }
  } finally {
    run('gpgconf', ['--homedir', path, '--kill', 'all']);
  }
});
