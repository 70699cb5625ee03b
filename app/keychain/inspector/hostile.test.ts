import { createPrivateKey, generateKeyPairSync, sign as signBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { KeywrightError, SecretBytes } from '../../contract/index.ts';
import { writeKey, writePublicKey } from '../../formats/index.ts';
import { JCEKS_OF_SPECS } from '../../formats/testing/jceks.ts';
import { materialOf, pairOf } from '../../formats/testing/keys.ts';
import { sshBlob } from '../../formats/openssh-public.ts';
import { parseSpki } from '../../formats/spki.ts';
import { signSshCertificate, sshContent } from '../../signing/ssh-certificate-make.ts';
import { sshCertificateLine } from '../../signing/ssh-certificate.ts';
import { inspect } from './inspect.ts';
import { Tree } from './tree.ts';

/** Files that were cut off or changed anywhere: an error of ours with a place, or something whole; never a crash. */


async function look(content: Uint8Array, passphrase?: string): Promise<Tree> {
  const tree = new Tree(() => []);
  try {
    await inspect(content, { tree, signal: new AbortController().signal, passphrase: passphrase === undefined ? undefined : async () => SecretBytes.fromText(passphrase) });
  } catch (thrown) {
    if (!(thrown instanceof KeywrightError) || thrown.code !== 'PIN_INCORRECT') throw thrown;
  }
  return tree;
}

async function sshCertificate(): Promise<Buffer> {
  const spki = pairOf('ed25519').spki;
  const key = createPrivateKey({ key: Buffer.from(pairOf('ed25519').pkcs8), format: 'der', type: 'pkcs8' });
  const content = sshContent({ principals: ['ada'], keyId: 'ada', serial: '1', forceCommand: 'ls' }, true, sshBlob(parseSpki(spki)), 'ada');
  const { blob } = await signSshCertificate({ ...content, notBefore: new Date(), notAfter: new Date(Date.now() + 86_400_000) }, spki, 'ed25519', async (_algorithm, message) => signBytes(null, message, key));
  return Buffer.from(sshCertificateLine(blob, 'ada'));
}

async function openpgp(): Promise<Buffer> {
  const { generateKey } = await import('openpgp');
  const { publicKey } = await generateKey({ type: 'curve25519', userIDs: [{ name: 'Ada', email: 'ada@example.com' }], format: 'binary' });
  return Buffer.from(publicKey);
}

const plain = (format: 'ppk' | 'minisign' | 'signify' | 'age' | 'cose' | 'jwk' | 'openssh', algorithm: 'ed25519' | 'x25519' = 'ed25519'): Promise<Uint8Array> => writeKey(materialOf(algorithm), { format, encoding: 'pem', label: 'ada' });
const SAMPLES: readonly (readonly [name: string, make: () => Promise<Uint8Array>, step: number])[] = [
  ['PuTTY key', () => plain('ppk'), 1], ['minisign secret key', () => plain('minisign'), 1], ['signify secret key', () => plain('signify'), 1], ['age identity', () => plain('age', 'x25519'), 1], ['COSE key', () => plain('cose'), 1], ['JWK', () => plain('jwk'), 1],
  ['OpenSSH key', () => plain('openssh'), 1], ['OpenSSH key without PEM', async () => Buffer.from(Buffer.from(await plain('openssh')).toString().split('\n').slice(1, -2).join(''), 'base64'), 1], ['OpenSSH certificate', sshCertificate, 1], ['OpenPGP key', openpgp, 2], ['Java key store', async () => Buffer.from(JCEKS_OF_SPECS, 'base64'), 3],
  ['key store of Bouncy Castle', async () => readFileSync(new URL('../../formats/testing/bouncy-castle/bks-2.bks', import.meta.url)), 6],
  ['line of OpenSSH', async () => writePublicKey(pairOf('ed25519').spki, 'ed25519', 'openssh', 'ada'), 1], ['minisign public key', async () => writePublicKey(pairOf('ed25519').spki, 'ed25519', 'minisign'), 1],
];

test.each(SAMPLES)('a %s that is cut off at any length or changed anywhere is told, or refused with an error of ours', async (_name, make, step) => {
  const whole = await make();
  expect((await look(whole)).problems).toEqual([]);
  for (let length = 0; length < whole.length; length += step) await look(whole.subarray(0, length));
  for (let at = 0; at < whole.length; at += step) {
    for (const bits of [1, 0x80]) {
      const changed = Uint8Array.from(whole);
      changed[at] = (changed[at] as number) ^ bits;
      await look(changed);
    }
  }
});

test('a key store of Bouncy Castle with more rounds than are computed is told with them, and how to allow them', async () => {
  const store = readFileSync(new URL('../../formats/testing/bouncy-castle/bks-2.bks', import.meta.url));
  const roundsAt = 8 + store.readUInt32BE(4);
  for (const [rounds, remedy] of [[50_000_000, /config set formats\.maxRounds 500000000/], [0x7fff_ffff, /with fewer/]] as const) {
    store.writeUInt32BE(rounds, roundsAt);
    const { items: [item], problems } = await look(store);
    expect(item).toMatchObject({ kind: 'bks', findings: [{ code: 'many-rounds', detail: expect.stringContaining(String(rounds)) as unknown, remedy: expect.stringMatching(remedy) as unknown }] });
    expect(problems).toEqual([{ code: 'CAPABILITY_MISSING', detail: expect.stringContaining('rounds') as unknown, where: null }]);
  }
});

test('a certificate of OpenSSH of which any byte was changed is never told as genuine and the same', async () => {
  const line = (await sshCertificate()).toString('utf8');
  const [type = '', base64 = ''] = line.split(' ');
  const blob = Buffer.from(base64, 'base64');
  const told = async (bytes: Buffer): Promise<boolean> => {
    const tree = await look(Buffer.from(`${type} ${bytes.toString('base64')} ada\n`));
    return tree.problems.length === 0 && tree.items[0]?.kind === 'openssh-certificate' && tree.items[0].findings.every(({ code }) => code !== 'signature');
  };
  expect(await told(blob)).toBe(true);
  for (let at = 0; at < blob.length; at++) {
    const changed = Buffer.from(blob);
    changed[at] = (changed[at] as number) ^ 1;
    expect([at, await told(changed)]).toEqual([at, false]);
  }
});

test('a text made to keep patterns busy is told before the test runs out of time', async () => {
  for (const evil of [`restrict${'x'.repeat(300_000)}`, 'A: b\r\n'.repeat(40_000), `{${'"\\"'.repeat(100_000)}`, `{"a":${'['.repeat(200_000)}`, 'no-pty '.repeat(50_000), `environment="${' '.repeat(300_000)}`]) {
    expect((await look(Buffer.from(evil))).items.length).toBeGreaterThan(0);
  }
});

test('the same key in two things of a kind is told', async () => {
  const pem = generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' }) as string;
  const { items } = await look(Buffer.from(pem + pem));
  const found = items.flatMap(({ findings }) => findings).filter(({ code }) => code === 'same-key');
  expect(found).toMatchObject([{ level: 'odd', detail: expect.stringContaining('number') as unknown }]);
});
