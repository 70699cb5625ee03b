import { expect, test } from 'vitest';
import { SecretBytes } from '../contract/index.ts';
import { algorithmOfPkcs8, algorithmOfSpki, fingerprint, readKeys, readPublicKey, recognise, RECOGNISED_KINDS, writeKey, writePublicKey } from './index.ts';
import { failure, materialOf, pairOf, read, readOne } from './testing/keys.ts';

const pem = async (algorithm: Parameters<typeof materialOf>[0], format: 'pkcs8' | 'pkcs1' | 'sec1' | 'openssh' = 'pkcs8', word?: string): Promise<string> =>
  Buffer.from(await writeKey(materialOf(algorithm), { format, encoding: 'pem', ...(word === undefined ? {} : { passphrase: SecretBytes.fromText(word) }) })).toString();
const CERTIFICATE = '-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n';

test('a bundle gives its keys in their order, whatever stands between them', async () => {
  const text = `# made by hand\nBag Attributes\n    friendlyName: Ada’s signing key\n    localKeyID: 01\nKey Attributes: <No Attributes>\n${await pem('ec-p256')}\n${CERTIFICATE}subject=CN = Ada\n`
    + `-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n${await pem('ec-p384', 'sec1')}${Buffer.from(writePublicKey(pairOf('ed25519').spki, 'ed25519', 'pem')).toString()}${await pem('rsa-2048', 'pkcs1')}`;
  for (const content of [text, text.replaceAll('\n', '\r\n'), `\ufeff${text}`, text.replaceAll(/^/gm, '   '), text.replaceAll('\n', '\r')]) {
    expect((await read(content)).map(({ material, format, label }) => [material.algorithm, format, label])).toEqual([
      ['ec-p256', 'pkcs8', 'Ada’s signing key'], ['ec-p384', 'sec1', undefined], ['rsa-2048', 'pkcs1', undefined],
    ]);
  }
});

test('the format picks from a bundle, and a format that is not there is refused', async () => {
  const text = `${await pem('ec-p256')}${await pem('rsa-2048', 'pkcs1')}`;
  expect((await read(text, undefined, { format: 'pkcs1' })).map(({ format }) => format)).toEqual(['pkcs1']);
  expect((await failure(() => read(text, undefined, { format: 'openssh' }))).code).toBe('INVALID_INPUT');
  expect((await failure(() => read(pairOf('ec-p256').pkcs8, undefined, { format: 'jwk' }))).message).toContain('pkcs8, not jwk');
});

test('the algorithm, if named, must be that of every key', async () => {
  expect((await failure(async () => read(await pem('ec-p256'), undefined, { algorithm: 'ec-p384' }))).message).toContain('ec-p256, not ec-p384');
});

test('one passphrase that opens the first key is tried on the others before asking again', async () => {
  const text = `${await pem('ec-p256', 'pkcs8', 'first word 1')}${await pem('ed25519', 'openssh', 'first word 1')}${await pem('x25519', 'pkcs8', 'second word 2')}`;
  const notes: (string | undefined)[] = [];
  const given: SecretBytes[] = [];
  const keys = await readKeys(Buffer.from(text), {
    signal: new AbortController().signal,
    passphrase: async (note) => {
      notes.push(note);
      given.push(SecretBytes.fromText(notes.length === 1 ? 'first word 1' : 'second word 2'));
      return given.at(-1) as SecretBytes;
    },
  });
  expect(keys.map(({ material, wasEncrypted }) => [material.algorithm, wasEncrypted])).toEqual([['ec-p256', true], ['ed25519', true], ['x25519', true]]);
  expect(notes).toEqual(['the key at line 1', expect.stringMatching(/^the key at line \d+$/)]);
  for (const secret of given) expect(() => secret.reveal()).toThrow('wiped');
});

test('no passphrase is asked for a file that could not be opened with one', async () => {
  const encrypted = await pem('ec-p256', 'pkcs8', 'some word 1');
  const damaged = encrypted.replace(/\n[A-Za-z0-9+/]{64}\n/, '\n');
  expect((await failure(() => read(damaged))).code).toBe('INVALID_INPUT'); // and not PIN_REQUIRED, which the asking would have thrown
});

test('a cancelled call reads nothing', async () => {
  await expect(read(await pem('ec-p256'), undefined, { signal: AbortSignal.abort() })).rejects.toMatchObject({ name: 'AbortError' });
});

test('raw bytes need an algorithm that they fit', async () => {
  expect((await readOne(Buffer.alloc(32, 5), undefined, { format: 'raw', algorithm: 'aes-256' })).material.secret.length).toBe(32);
  expect((await readOne(Buffer.alloc(100, 5), undefined, { format: 'raw', algorithm: 'hmac-sha512' })).material.secret.length).toBe(100);
  expect((await failure(() => read(Buffer.alloc(32), undefined, { format: 'raw' }))).code).toBe('INVALID_INPUT');
  expect((await failure(() => read(Buffer.alloc(31), undefined, { format: 'raw', algorithm: 'aes-256' }))).code).toBe('INVALID_INPUT');
  expect((await failure(() => read('00112233445566778899aabbccddeeff\n', undefined, { format: 'raw', algorithm: 'aes-128' }))).facts.remedy).toContain('text');
  expect((await failure(() => read(Buffer.alloc(32), undefined, { format: 'raw', algorithm: 'ed25519' }))).code).toBe('CAPABILITY_MISSING');
  expect((await failure(() => read(Buffer.alloc(32, 0xee)))).code).toBe('INVALID_INPUT');
});

test.each([
  ['age', 'age-encryption.org/v1\n-> X25519 abc\n'], ['minisign', 'untrusted comment: minisign encrypted secret key\nRWRT\n'],
  ['openpgp', '-----BEGIN PGP PRIVATE KEY BLOCK-----\n\nlQdG\n=abcd\n-----END PGP PRIVATE KEY BLOCK-----\n'], ['openpgp', Buffer.from('99010d0460000000010800ffff', 'hex')],
  ['certificate', CERTIFICATE], ['certificate-request', '-----BEGIN CERTIFICATE REQUEST-----\nMIIB\n-----END CERTIFICATE REQUEST-----\n'], ['crl', '-----BEGIN X509 CRL-----\nMIIB\n-----END X509 CRL-----\n'],
  ['cms', '-----BEGIN CMS-----\nMIIB\n-----END CMS-----\n'], ['tss2', '-----BEGIN TSS2 PRIVATE KEY-----\nMIIB\n-----END TSS2 PRIVATE KEY-----\n'], ['sshsig', '-----BEGIN SSH SIGNATURE-----\nU1NI\n-----END SSH SIGNATURE-----\n'],
  ['ssh2-public', '---- BEGIN SSH2 PUBLIC KEY ----\nAAAA\n---- END SSH2 PUBLIC KEY ----\n'], ['jwe', 'eyJhbGciOiJQ.abc.def.ghi.jkl'], ['jws', 'eyJhbGciOiJQ.abc.def'], ['other-pem', '-----BEGIN SOMETHING-----\nAAAA\n-----END SOMETHING-----\n'],
])('%s is named and refused as something that is not read, not as malformed', async (what, content) => {
  const bytes = typeof content === 'string' ? Buffer.from(content) : content;
  expect(recognise(bytes)).toMatchObject({ what, readable: false });
  expect((await failure(() => read(bytes))).code).toBe('CAPABILITY_MISSING');
});

test('what is readable is said to be so', async () => {
  for (const [what, content] of [
    ['pkcs8', pairOf('ed25519').pkcs8], ['pkcs8-encrypted', await pem('ed25519', 'pkcs8', 'some word 1')], ['pkcs1', await pem('rsa-2048', 'pkcs1')], ['sec1', await pem('ec-p256', 'sec1')],
    ['openssh-private', await pem('ed25519', 'openssh')], ['jwk', '{ "kty": "OKP" }'], ['jwk-set', '{ "keys": [ { "kty": "OKP" } ] }'],
    ['pkcs12', Buffer.from('3010020103300b06092a864886f70d010701', 'hex')], ['jks', Buffer.from('feedfeed0000000200000001', 'hex')], ['ppk', 'PuTTY-User-Key-File-3: ssh-ed25519\nEncryption: none\n'],
    ['age-identity', '# created: 2026-01-01\nAGE-SECRET-KEY-1QQQQ\n'], ['cose-key', Buffer.from('a10104', 'hex')],
  ] as const) expect(recognise(Buffer.from(content as string))).toMatchObject({ what, readable: true });
  expect(recognise(new Uint8Array())).toMatchObject({ what: 'empty', readable: false });
  expect(new Set(RECOGNISED_KINDS).size).toBe(RECOGNISED_KINDS.length);
});

test('a public key is recognised by what it is, and gives no private one', async () => {
  const { spki } = pairOf('ec-p256');
  for (const format of ['pem', 'der', 'jwk', 'openssh'] as const) {
    const content = writePublicKey(spki, 'ec-p256', format);
    expect((await failure(() => read(content))).code).toBe('CAPABILITY_MISSING');
    expect(readPublicKey(content).algorithm).toBe('ec-p256');
  }
  expect((await failure(() => readPublicKey(pairOf('ec-p256').pkcs8))).message).toContain('A public key is needed');
  expect((await failure(() => writePublicKey(spki, 'ec-p384', 'pem'))).code).toBe('INVALID_INPUT');
});

test('the algorithm of a key is told without trusting its name', async () => {
  expect(algorithmOfSpki(pairOf('rsa-3072').spki)).toBe('rsa-3072');
  expect(algorithmOfPkcs8(pairOf('rsa-3072').pkcs8)).toBe('rsa-3072');
  expect(algorithmOfPkcs8(pairOf('slh-dsa-shake-192f').pkcs8)).toBe('slh-dsa-shake-192f');
  const old = Buffer.from('30819f300d06092a864886f70d010101050003818d0030818902818100', 'hex');
  expect(algorithmOfSpki(Buffer.concat([old, Buffer.alloc(128, 0xff), Buffer.from('0203010001', 'hex')]))).toBe('rsa-1024');
  const weak = Buffer.from('307c300d06092a864886f70d0101010500036b003068026100', 'hex');
  const error = await failure(() => algorithmOfSpki(Buffer.concat([weak, Buffer.alloc(96, 0xff), Buffer.from('0203010001', 'hex')])));
  expect([error.code, error.message]).toEqual(['CAPABILITY_MISSING', expect.stringContaining('768 bits')]);
  expect(fingerprint(pairOf('ed25519').spki)).toMatch(/^SHA256:[0-9a-f]{64}$/);
});

test('white space within base64 is nothing, brackets make no JSON, and what begins as other programs name it is told', async () => {
  const text = await pem('ec-p256');
  expect((await readOne(text.replace(/\n([A-Za-z0-9+/]{20})([A-Za-z0-9+/]{20})/, '\n$1 \t$2'))).material.algorithm).toBe('ec-p256');
  const line = Buffer.from(writePublicKey(pairOf('ed25519').spki, 'ed25519', 'openssh', 'ada')).toString();
  expect(recognise(Buffer.from(`[git.example.com]:2222 ${line}`)).what).toBe('known-hosts');
  for (const other of ['[section]\nkey = 1\n', '{ no json }', '[Date] x']) expect([other, recognise(Buffer.from(other)).what]).toEqual([other, 'unknown']);
  for (const json of ['{}', '[1]', '{\n "a": 1', '[ {"a": 1} ]', '{', '[null]']) expect([json, recognise(Buffer.from(json)).what]).toEqual([json, 'json']);
  for (const [label, kind] of [['SIGNED MESSAGE', 'cms'], ['ENCRYPTED MESSAGE', 'cms'], ['PGP ARMORED FILE', 'openpgp'], ['ENCRYPTED SIGSTORE PRIVATE KEY', 'sigstore-private']] as const) expect(recognise(Buffer.from(`-----BEGIN ${label}-----\nMIIB\n-----END ${label}-----\n`)).what).toBe(kind);
  expect(recognise(Buffer.from('{"signed": {"_type": "link"}, "signatures": [{"keyid": "a", "sig": "b"}]}')).what).toBe('signed-metadata');
  // A COSE_Key of three entries begins as compressed data of OpenPGP does.
  expect(recognise(Buffer.of(0xa3, 1, 2, 0x20, 1, 0x21, 0x41, 0)).what).toBe('cose-key');
});
