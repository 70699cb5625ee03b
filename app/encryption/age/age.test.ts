import { execFileSync } from 'node:child_process';
import { createHash, createPublicKey, diffieHellman, privateDecrypt, constants, randomBytes } from 'node:crypto';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { inflateSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { corpus } from '../../../scripts/corpora.ts';
import { type KeyAlgorithmName, KeywrightError, SecretBytes } from '../../contract/index.ts';
import { hasTool, materialOf, pairOf, temporaryFolder } from '../../formats/testing/keys.ts';
import { writeKey } from '../../formats/index.ts';
import { MemorySource } from '../source.ts';
import { decryptAge, encryptAge, hybridIdentityOf, type Identity, type Recipient, x25519IdentityOf } from './index.ts';
import { p256Identity, p256Point, p256Recipient, writeP256Recipient } from './p256.ts';
import { scryptIdentity, scryptRecipient } from './scrypt.ts';
import { RSA_LABEL, sshEd25519Identity, sshRecipient, sshRsaIdentity } from './ssh.ts';
import { writeX25519Recipient, x25519Raw, x25519Recipient } from './x25519.ts';

const AGE = hasTool('age', '--version') && hasTool('age-keygen', '--version');
const secret = (text: string): SecretBytes => SecretBytes.fromText(text);

async function encrypted(plaintext: Uint8Array, recipients: readonly Recipient[], armor = false): Promise<Buffer> {
  const pieces: Buffer[] = [];
  await encryptAge(new MemorySource(plaintext), recipients, { armor }, async (piece) => void pieces.push(Buffer.from(piece)));
  return Buffer.concat(pieces);
}

async function decrypted(file: Uint8Array, ...identities: readonly Identity[]): Promise<Buffer> {
  const pieces: Buffer[] = [];
  await decryptAge(new MemorySource(file), file.subarray(0, 2000), identities, async (piece) => void pieces.push(Buffer.from(piece)));
  return Buffer.concat(pieces);
}

/** What becomes of a file of the testkit, in its own words. */
async function verdictOf(file: Uint8Array, identities: readonly Identity[]): Promise<string> {
  try {
    return `success ${createHash('sha256').update(await decrypted(file, ...identities)).digest('hex')}`;
  } catch (thrown) {
    if (!(thrown instanceof KeywrightError)) throw thrown;
    if (thrown.code === 'NOT_FOUND' || thrown.code === 'PIN_INCORRECT') return 'no match';
    expect(thrown.code).toBe('INVALID_INPUT');
    return /its MAC does not fit/.test(thrown.message) ? 'HMAC failure' : /text form/.test(thrown.message) ? 'armor failure' : /The content/.test(thrown.message) ? 'payload failure' : 'header failure';
  }
}

/** Refused all the same, at another place than the testkit has in mind. */
const REFUSED_ELSEWHERE: Readonly<Record<string, string>> = {
  // What does not begin as armour is read as what it would be without.
  armor_garbage_leading: 'header failure', armor_lowercase: 'header failure', armor_whitespace_begin: 'header failure',
  // The nonce is taken for the payload's beginning.
  stream_no_nonce: 'payload failure', stream_short_nonce: 'payload failure',
};

describe.skipIf(corpus('age') === undefined)('the testkit of C2SP (skipped without the corpora)', () => {
  const folder = join(corpus('age') ?? '', 'testdata');
  test.each(corpus('age') === undefined ? [] : readdirSync(folder))('%s', async (name) => {
    const whole = readFileSync(join(folder, name));
    const split = whole.indexOf('\n\n');
    const facts = whole.subarray(0, split).toString().split('\n').map((line) => line.split(': ') as [string, string]);
    const all = (field: string): string[] => facts.filter(([key]) => key === field).map(([, value]) => value);
    const raw = whole.subarray(split + 2);
    const file = all('compressed').includes('zlib') ? inflateSync(raw) : raw;
    const identities = [
      ...all('identity').map((text) => (text.startsWith('AGE-SECRET-KEY-PQ-') ? hybridIdentityOf(text) : x25519IdentityOf(text))),
      ...all('passphrase').map((text) => scryptIdentity(async () => secret(text))),
    ];
    const [expected = ''] = all('expect');
    expect(await verdictOf(file, identities)).toBe(REFUSED_ELSEWHERE[name] ?? (expected === 'success' ? `success ${all('payload')[0]}` : expected));
  });
});

const plaintext = randomBytes(200_000);
/** More than is read, or written, at once. */
const large = randomBytes(2_100_000);
const agreeing = (name: KeyAlgorithmName) => async (peer: Uint8Array): Promise<SecretBytes> => new SecretBytes(diffieHellman({ privateKey: pairOf(name).privateKey, publicKey: createPublicKey({ key: Buffer.from(peer), format: 'der', type: 'spki' }) }));

test.each([0, 1, 65_535, 65_536, 65_537, 131_072, 200_000, 15 * 65_536, 16 * 65_536, 2_100_000])('%i bytes come back, in armour and without', async (length) => {
  const content = large.subarray(0, length);
  const identity = p256Identity('own', p256Point(pairOf('ec-p256').spki), agreeing('ec-p256'));
  const recipient = p256Recipient(writeP256Recipient(p256Point(pairOf('ec-p256').spki)));
  for (const armor of [false, true]) expect((await decrypted(await encrypted(content, [recipient], armor), identity)).equals(content)).toBe(true);
});

test('armour of any size has either kind of line end, and one wrong line anywhere in it is refused', async () => {
  const identity = p256Identity('own', p256Point(pairOf('ec-p256').spki), agreeing('ec-p256'));
  const text = (await encrypted(plaintext, [p256Recipient(writeP256Recipient(p256Point(pairOf('ec-p256').spki)))], true)).toString();
  const lines = text.split('\n');
  expect((await decrypted(Buffer.from(lines.join('\r\n')), identity)).equals(plaintext)).toBe(true);
  const changed = lines.map((line, index) => (index % 3 === 0 ? `${line}\r` : line)).join('\n');
  expect((await decrypted(Buffer.from(changed), identity)).equals(plaintext)).toBe(true);
  for (const at of [1, 2100]) {
    const line = lines[at] as string;
    for (const wrong of [line.slice(0, 63), `${line}AAAA`, ` ${line.slice(1)}`, `${line.slice(0, 60)}AA==`, `${line.slice(0, 30)}-${line.slice(31)}`, '']) {
      await expect(decrypted(Buffer.from(lines.with(at, wrong).join('\n')), identity), `line ${at} as ${wrong}`).rejects.toMatchObject({ code: 'INVALID_INPUT', message: expect.stringMatching(/text form|The content/) });
    }
  }
});

test('each of several recipients opens the file, and nobody else', async () => {
  const ed25519 = pairOf('ed25519');
  const rsa = pairOf('rsa-2048');
  const file = await encrypted(plaintext, [p256Recipient(writeP256Recipient(p256Point(pairOf('ec-p256').spki))), sshRecipient('ada', ed25519.spki, 'ed25519'), sshRecipient('bob', rsa.spki, 'rsa-2048')]);
  const seed = async (): Promise<SecretBytes> => new SecretBytes(Buffer.from(ed25519.pkcs8.subarray(-32)));
  expect(await decrypted(file, sshEd25519Identity('ada', ed25519.spki, seed))).toEqual(plaintext);
  expect(await decrypted(file, sshRsaIdentity('bob', rsa.spki, 'rsa-2048', async (body) => privateDecrypt({ key: rsa.privateKey, padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash: 'sha256', oaepLabel: RSA_LABEL }, body)))).toEqual(plaintext);
  await expect(decrypted(file, x25519IdentityOf('AGE-SECRET-KEY-1EGTZVFFV20835NWYV6270LXYVK2VKNX2MMDKWYKLMGR48UAWX40Q2P2LM0'))).rejects.toMatchObject({ code: 'NOT_FOUND', message: expect.stringContaining('piv-p256') });
});

test('a passphrase is alone, and post-quantum recipients are not mixed with others', async () => {
  const x = x25519Recipient(writeX25519Recipient(x25519Raw(pairOf('x25519').spki)));
  await expect(encrypted(plaintext, [x, scryptRecipient(async () => secret('word'), 10)])).rejects.toMatchObject({ code: 'INVALID_INPUT', message: expect.stringContaining('passphrase alone') });
  await expect(encrypted(plaintext, [])).rejects.toMatchObject({ code: 'INVALID_INPUT' });
});

test('a wrong passphrase is told as such', async () => {
  const file = await encrypted(plaintext, [scryptRecipient(async () => secret('right'), 10)]);
  await expect(decrypted(file, scryptIdentity(async () => secret('wrong')))).rejects.toMatchObject({ code: 'PIN_INCORRECT' });
  expect(await decrypted(file, scryptIdentity(async () => secret('right')))).toEqual(plaintext);
});

test('a file that was cut anywhere opens nowhere', async () => {
  const identity = p256Identity('own', p256Point(pairOf('ec-p256').spki), agreeing('ec-p256'));
  const file = await encrypted(plaintext.subarray(0, 500), [p256Recipient(writeP256Recipient(p256Point(pairOf('ec-p256').spki)))]);
  for (let length = 0; length < file.length; length += 1) await expect(decrypted(file.subarray(0, length), identity)).rejects.toMatchObject({ code: 'INVALID_INPUT' });
});

describe.skipIf(!AGE)('with age itself (skipped without the Debian package age)', () => {
  test('age opens what we encrypt to its recipients and to SSH keys, and we open what age makes', async () => {
    using folder = temporaryFolder();
    const at = (name: string): string => join(folder.path, name);
    execFileSync('age-keygen', ['-o', at('identity')], { stdio: 'ignore' });
    const identity = readFileSync(at('identity'), 'utf8');
    const recipient = /public key: (age1\w+)/.exec(identity)?.[1] ?? '';
    for (const armor of [false, true]) {
      writeFileSync(at('ours.age'), await encrypted(plaintext, [x25519Recipient(recipient)], armor));
      expect(execFileSync('age', ['-d', '-i', at('identity'), at('ours.age')])).toEqual(plaintext);
      writeFileSync(at('theirs.age'), execFileSync('age', ['-r', recipient, ...(armor ? ['-a'] : [])], { input: plaintext }));
      expect(await decrypted(readFileSync(at('theirs.age')), x25519IdentityOf(/AGE-SECRET-KEY-\w+/.exec(identity)?.[0] ?? ''))).toEqual(plaintext);
    }
    for (const name of ['ed25519', 'rsa-2048'] as const) {
      const { spki, pkcs8, privateKey } = pairOf(name);
      writeFileSync(at(`id-${name}`), await writeKey(materialOf(name), { format: 'openssh', encoding: 'pem' }), { mode: 0o600 });
      writeFileSync(at('ours.age'), await encrypted(plaintext, [sshRecipient('own', spki, name)]));
      expect(execFileSync('age', ['-d', '-i', at(`id-${name}`), at('ours.age')])).toEqual(plaintext);
      const line = execFileSync('ssh-keygen', ['-y', '-f', at(`id-${name}`)], { encoding: 'utf8' }).trim();
      writeFileSync(at('theirs.age'), execFileSync('age', ['-r', line], { input: plaintext }));
      const own = name === 'ed25519' ? sshEd25519Identity('own', spki, async () => new SecretBytes(Buffer.from(pkcs8.subarray(-32))))
        : sshRsaIdentity('own', spki, name, async (body) => privateDecrypt({ key: privateKey, padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash: 'sha256', oaepLabel: RSA_LABEL }, body));
      expect(await decrypted(readFileSync(at('theirs.age')), own)).toEqual(plaintext);
    }
  });
});
