import { checkPrimeSync, createPublicKey, generateKeyPairSync, generatePrimeSync, randomBytes } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { forged } from '../../certificates/testing/forge.ts';
import { SecretBytes } from '../../contract/index.ts';
import { fingerprint, writePkcs12 } from '../../formats/index.ts';
import { temporaryFolder } from '../../formats/testing/keys.ts';
import { certifiedKey, certify } from '../../signing/testing/certificates.ts';
import { contentOf, signAs } from '../../signing/testing/keys.ts';
import { addVersion, buildPdf, objectsOf } from '../../signing/pdf/testing/documents.ts';
import { signedByHand } from '../../signing/pdf/testing/signed.ts';
import { sampleFor } from '../../signing/testing/samples.ts';
import { inspect } from './inspect.ts';
import { Tree } from './tree.ts';
import { isOfClosePrimes, isRoca, weaknessesOf } from './weaknesses.ts';

async function look(content: Uint8Array | string, passphrase?: string, held: (fingerprint: string) => string[] = () => []): Promise<{ kind: string; tree: Tree }> {
  const tree = new Tree(held);
  const bytes = typeof content === 'string' ? Buffer.from(content) : content;
  const { kind } = await inspect(bytes, { tree, signal: new AbortController().signal, passphrase: passphrase === undefined ? undefined : async () => SecretBytes.fromText(passphrase) });
  return { kind, tree };
}

test('of a bundle of thousands the first are told, and that there are more', async () => {
  const { certificate } = forged({ subject: 'CN=one of many' }, undefined);
  const { kind, tree } = await look(certificate.toPem().repeat(2500));
  expect([kind, tree.problems, tree.items.length]).toEqual(['pem', [], 2001]);
  expect(tree.items[1]).toMatchObject({ kind: 'certificate', title: 'one of many', where: 'line 1' });
  expect(tree.items.at(-1)).toMatchObject({ kind: 'more', detail: expect.stringContaining('more than 2000') as unknown });
});

test('a container stays closed until its passphrase is given, and is then explained key by key', async () => {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  const file = await writePkcs12([{ pkcs8: privateKey.export({ type: 'pkcs8', format: 'der' }), friendlyName: 'Ada’s key' }], SecretBytes.fromText('another pass phrase 99'), 'modern');
  const closed = await look(file);
  expect(closed.tree.items).toMatchObject([{ kind: 'pkcs12', locked: true, findings: [] }]);
  const uri = 'pkcs8:held';
  const spki = publicKey.export({ type: 'spki', format: 'der' });
  const { tree } = await look(file, 'another pass phrase 99', (found) => (found === fingerprint(spki) ? [uri] : []));
  expect(tree.items).toMatchObject([{ kind: 'pkcs12', locked: false }, { kind: 'private-key', title: 'Ada’s key', parent: 0, held: [uri] }]);
  await expect(look(file, 'not this one')).rejects.toMatchObject({ code: 'PIN_INCORRECT' });
});

test('nothing of a private key is in what is told', async () => {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
  const { d } = privateKey.export({ format: 'jwk' }) as { d: string };
  for (const content of [privateKey.export({ type: 'pkcs8', format: 'pem' }) as string, JSON.stringify(privateKey.export({ format: 'jwk' }))]) {
    const told = JSON.stringify((await look(content)).tree);
    expect(told).not.toContain(d);
    expect(told).not.toContain(Buffer.from(d, 'base64url').toString('hex'));
    expect(told).toContain('not-encrypted');
  }
});

test('a damaged part of a bundle is told with its place, and the others are explained', async () => {
  const { publicKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
  const good = publicKey.export({ type: 'spki', format: 'pem' }) as string;
  const { tree } = await look(`${good}-----BEGIN CERTIFICATE-----\nMAMCAQU=\n-----END CERTIFICATE-----\n${good}`);
  expect(tree.items.map(({ kind, where }) => [kind, where])).toEqual([['pem', null], ['public-key', 'line 1'], ['certificate', 'line 5'], ['public-key', 'line 8']]);
  expect(tree.problems).toMatchObject([{ code: 'INVALID_INPUT', where: expect.stringContaining('line 5, offset') }]);
});

test('what was cut off is told with the place where it ends', async () => {
  const der = generateKeyPairSync('rsa', { modulusLength: 2048 }).publicKey.export({ type: 'spki', format: 'der' });
  expect((await look(der.subarray(0, 100))).tree.problems).toMatchObject([{ code: 'INVALID_INPUT', where: expect.stringMatching(/^offset \d+$/) as unknown }]);
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const certificate = (await certify('ec-p256', 'CN=Ada')).der;
  const files: [string, Buffer][] = [
    ['public-key', der], ['pkcs8', privateKey.export({ type: 'pkcs8', format: 'der' })], ['pkcs1', privateKey.export({ type: 'pkcs1', format: 'der' })], ['certificate', Buffer.from(certificate)],
    ['pkcs8-encrypted', privateKey.export({ type: 'pkcs8', format: 'der', cipher: 'aes-256-cbc', passphrase: 'some passphrase' })],
    ['sec1', generateKeyPairSync('ec', { namedCurve: 'prime256v1' }).privateKey.export({ type: 'sec1', format: 'der' })],
  ];
  for (const [kind, whole] of files) {
    for (const length of [60, whole.length - 1]) expect((await look(whole.subarray(0, length))).tree.items).toMatchObject([{ kind, detail: expect.stringContaining(`It is cut off: ${length} of ${whole.length} bytes are there.`) as unknown }]);
  }
  const pem = generateKeyPairSync('ed25519').publicKey.export({ type: 'spki', format: 'pem' }) as string;
  expect((await look(pem.slice(0, 60))).tree.problems).toMatchObject([{ code: 'INVALID_INPUT', where: 'line 1' }]);
});

test('DER in a row is told part by part, and what follows it and is none is told with its place', async () => {
  const der = generateKeyPairSync('ed25519').publicKey.export({ type: 'spki', format: 'der' });
  const certificate = (await certify('ec-p256', 'CN=Ada')).der;
  const { tree } = await look(Buffer.concat([certificate, der, Buffer.from('\r\n')]));
  expect(tree.items.filter(({ parent }) => parent === null).map(({ kind, title, where }) => [kind, title, where])).toEqual([['certificate', 'Ada', 'offset 0'], ['public-key', expect.any(String), `offset ${certificate.length}`]]);
  expect(tree.problems).toMatchObject([{ detail: expect.stringContaining('2 bytes follow') as unknown, where: `offset ${certificate.length + der.length}` }]);
});

test('a set of JWKs is told key by key, each with its certificates', async () => {
  const [one, two] = [generateKeyPairSync('ed25519'), generateKeyPairSync('ec', { namedCurve: 'P-256' })];
  const { kind, tree } = await look(JSON.stringify({ keys: [{ ...one.publicKey.export({ format: 'jwk' }), kid: 'first' }, { kty: 'EC', crv: 'P-256', x: 'AAAA', y: 'AAAA' }, two.privateKey.export({ format: 'jwk' })] }));
  expect([kind, ...tree.items.map(({ kind: each, title, where }) => [each, title, where])]).toEqual(['jwk-set', ['jwk-set', '3 keys', null], ['jwk', 'first', '/keys/0'], ['jwk', 'A private or secret key as JWK', '/keys/2'], ['private-key', 'ec-p256', null]]);
  expect(tree.problems).toMatchObject([{ where: expect.stringContaining('/keys/1') as unknown }]);
});

test('random bytes that begin as XML does are not taken for it', async () => {
  const bytes = Buffer.concat([Buffer.from('<a'), Buffer.from(Array.from({ length: 254 }, (_, at) => (at * 89 + 7) % 256))]);
  expect((await look(bytes)).kind).toBe('unknown');
  expect((await look('<a>é\t</a>')).kind).toBe('xml');
});

test('names cannot dress up what is shown', async () => {
  const { tree } = await look('untrusted comment: evil\u202efdp.exe\u0007\nRWQf6LRCGA9i53mlYecO4IzT51TGPpvWucNSCh1CBM0QTaLn73Y7GFO3\n');
  expect(JSON.stringify(tree.items)).not.toMatch(/[\u202e\u0007]/);
});

test('archives, containers and XML are told by content, with their signers', async () => {
  using folder = temporaryFolder();
  const key = await certifiedKey('ec-p256', await certify('ec-p256', 'CN=Ada'));
  for (const [format, options, title] of [['jar', {}, 'JAR'], ['asic', {}, 'application/vnd.etsi.asic-e+zip'], ['xml', { detached: false }, 'invoice']] as const) {
    const file = await contentOf(folder.path, format === 'xml' ? '<invoice/>' : await sampleFor(format, 'text'));
    const made = await signAs(format, file, key, options);
    const { kind, tree } = await look(made);
    expect([kind, ...tree.items]).toMatchObject([format, { kind: format, title, actions: ['files.verify'] }, { kind: 'signer', title: 'CN=Ada', parent: 0 }]);
    const { tree: cut } = await look(made.subarray(0, made.length - 9));
    expect(cut.problems).toMatchObject([{ code: 'INVALID_INPUT' }]);
  }
  expect((await look(await sampleFor('jar', 'text'))).tree.items).toMatchObject([{ kind: 'jar', title: 'ZIP', actions: ['files.sign'] }]);
  expect((await look('<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>')).tree.problems).toMatchObject([{ code: 'CAPABILITY_MISSING' }]);
});

describe('weak keys', () => {
  test('a modulus made as Infineon’s library made them bears the fingerprint, and others do not', () => {
    const primes = [2n, 3n, 5n, 7n, 11n, 13n, 17n, 19n, 23n, 29n, 31n, 37n, 41n, 43n, 47n, 53n, 59n, 61n, 67n, 71n, 73n, 79n, 83n, 89n, 97n, 101n, 103n, 107n, 109n, 113n, 127n, 131n, 137n, 139n, 149n, 151n, 157n, 163n, 167n];
    const product = primes.reduce((all, prime) => all * prime, 1n);
    const vulnerablePrime = (): bigint => {
      for (;;) {
        let residue = 1n;
        for (let power = randomBytes(2).readUInt16BE(0); power > 0; power--) residue = (residue * 65537n) % product;
        const candidate = BigInt(`0x${randomBytes(37).toString('hex')}`) * product + residue;
        if (checkPrimeSync(candidate)) return candidate;
      }
    };
    expect(isRoca(vulnerablePrime() * vulnerablePrime())).toBe(true);
    const { publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
    expect(weaknessesOf(publicKey.export({ type: 'spki', format: 'der' }))).toEqual([]);
  });

  test('a modulus whose primes are neighbours is told, and others are not', () => {
    const first = generatePrimeSync(1024, { bigint: true });
    let second = first + 2n;
    while (!checkPrimeSync(second)) second += 2n;
    expect(isOfClosePrimes(first * second)).toBe(true);
    expect(isOfClosePrimes(first * first)).toBe(true);
    expect(isOfClosePrimes(15n)).toBe(true);
    expect(isOfClosePrimes(first * generatePrimeSync(1024, { bigint: true }))).toBe(false);
    for (const none of [0n, 1n, 7n, 4n]) expect(isOfClosePrimes(none)).toBe(false);
    const base64url = (value: bigint): string => Buffer.from(value.toString(16), 'hex').toString('base64url');
    const key = createPublicKey({ key: { kty: 'RSA', n: base64url(first * second), e: 'AQAB' }, format: 'jwk' });
    expect(weaknessesOf(key.export({ type: 'spki', format: 'der' })).map(({ code }) => code)).toEqual(['close-primes']);
  });

  test('short moduli and small exponents are told', () => {
    const { publicKey: short } = generateKeyPairSync('rsa', { modulusLength: 1024 });
    expect(weaknessesOf(short.export({ type: 'spki', format: 'der' })).map(({ code }) => code)).toEqual(['rsa-short']);
    const { publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048, publicExponent: 3 });
    expect(weaknessesOf(publicKey.export({ type: 'spki', format: 'der' })).map(({ code }) => code)).toEqual(['rsa-exponent']);
  });
});

test('a PDF is told with what each signature covers, whose it is, and what came afterwards', async () => {
  const signed = await signedByHand();
  const { tree } = await look(signed);
  expect(tree.items.slice(0, 5).map(({ kind }) => kind)).toEqual(['pdf', 'signer', 'cms', 'signer', 'certificate']);
  expect(tree.items[1]).toMatchObject({ parent: 0, facts: expect.arrayContaining([{ name: 'Kind', value: 'PAdES' }, { name: 'Covers', value: 'It covers the whole document.' }]), findings: [] });
  const forged = await look(addVersion(signed, { 4: '<</Length 20>>\nstream\nBT (900 euros) Tj ET\nendstream' }));
  expect(forged.tree.items[1]).toMatchObject({ findings: [{ level: 'broken', code: 'changed-afterwards' }] });
  const moved = await look(Buffer.concat([signed, Buffer.from('900 euros')]));
  expect(moved.tree.items[1]).toMatchObject({ findings: [{ level: 'broken', detail: expect.stringContaining('belong to no version') }] });
  // What only looks like a signature is none.
  const plain = await look(buildPdf(objectsOf({ 6: '(/ByteRange [0 1 2 3])' })));
  expect(plain.tree.items).toMatchObject([{ kind: 'pdf', detail: 'A PDF document without a signature.', findings: [{ code: 'signature-removed' }] }]);
});
