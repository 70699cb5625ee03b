import { createPrivateKey } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { KEY_ALGORITHMS, type KeyAlgorithmName, SecretBytes } from '../contract/index.ts';
import { keyFormatsOf, publicFormatsOf, readPublicKey, writeKey, writePublicKey } from './index.ts';
import { failure, materialOf, pairOf, PAIRS, readOne, SECRETS } from './testing/keys.ts';
import { KEY_FILE_FORMATS, type KeyFileFormat } from './types.ts';
import { MUST_ENCRYPT } from './write.ts';

/** Formats with a passphrase derive keys at length: one algorithm of a family is enough there. */
const ENCRYPTED_FOR: readonly KeyAlgorithmName[] = ['rsa-2048', 'ec-p521', 'ed448', 'ml-kem-768', 'slh-dsa-sha2-128f', 'hmac-sha384'];
const WITH_LABEL: ReadonlySet<KeyFileFormat> = new Set(['jwk', 'jwe', 'openssh', 'pkcs12']);
const WORD = 'another pass phrase 99';
const passphrase = (): SecretBytes => SecretBytes.fromText(WORD);

describe.each([...PAIRS, ...SECRETS])('%s', (algorithm: KeyAlgorithmName) => {
  const formats = keyFormatsOf(algorithm).filter((format) => !MUST_ENCRYPT.has(format) || ENCRYPTED_FOR.includes(algorithm));
  test.each(formats)('comes back from %s as it went', async (format) => {
    const material = materialOf(algorithm);
    const wasEncrypted = MUST_ENCRYPT.has(format);
    const content = await writeKey(material, { format, encoding: 'pem', label: 'Ada’s key', ...(wasEncrypted ? { passphrase: passphrase() } : {}) });
    const key = await readOne(content, WORD, format === 'raw' ? { format, algorithm } : {});
    expect(key).toMatchObject({ format, wasEncrypted, ...(WITH_LABEL.has(format) ? { label: 'Ada’s key' } : {}) });
    expect(key.material.algorithm).toBe(algorithm);
    expect(Buffer.from(key.material.secret.reveal())).toEqual(Buffer.from(material.secret.reveal()));
  });

  test('is refused by every other format, with the reason and what serves', async () => {
    for (const format of KEY_FILE_FORMATS.filter((name) => !keyFormatsOf(algorithm).includes(name))) {
      const error = await failure(() => writeKey(materialOf(algorithm), { format, encoding: 'pem' }));
      expect([error.code, error.facts.alternatives]).toEqual(['CAPABILITY_MISSING', keyFormatsOf(algorithm)]);
    }
  });
});

describe.each(PAIRS)('the public key of %s', (algorithm) => {
  test.each(publicFormatsOf(algorithm))('comes back from %s as it went', (format) => {
    const { spki } = pairOf(algorithm);
    const { spki: back, algorithm: told } = readPublicKey(writePublicKey(spki, algorithm, format, 'Ada'));
    expect([Buffer.from(back), told]).toEqual([spki, algorithm]);
  });

  test('is refused by a format that has no name for it', async () => {
    for (const format of (['jwk', 'openssh'] as const).filter((name) => !publicFormatsOf(algorithm).includes(name))) {
      expect((await failure(() => writePublicKey(pairOf(algorithm).spki, algorithm, format))).code).toBe('CAPABILITY_MISSING');
    }
  });
});

test.each(['pkcs8', 'pkcs1', 'sec1'] as const)('%s in DER comes back as it went', async (format) => {
  const algorithm = format === 'pkcs1' ? 'rsa-2048' : 'ec-p384';
  const key = await readOne(await writeKey(materialOf(algorithm), { format, encoding: 'der' }));
  expect(Buffer.from(key.material.secret.reveal())).toEqual(pairOf(algorithm).pkcs8);
});

test.each(['pkcs8', 'openssh', 'ppk', 'pkcs12', 'jwe', 'minisign', 'signify'] as const)('an encrypted %s opens with its passphrase alone', async (format) => {
  const content = await writeKey(materialOf('ed25519'), { format, encoding: 'pem', passphrase: passphrase() });
  const key = await readOne(content, 'another pass phrase 99');
  expect(key.wasEncrypted).toBe(true);
  expect(Buffer.from(key.material.secret.reveal())).toEqual(pairOf('ed25519').pkcs8);
  expect((await failure(() => readOne(content, 'another pass phrase 98'))).code).toBe('PIN_INCORRECT');
});

test('formats without a safe encryption refuse a passphrase instead of ignoring it', async () => {
  for (const [algorithm, format] of [['rsa-2048', 'pkcs1'], ['ec-p256', 'sec1'], ['ec-p256', 'jwk'], ['aes-256', 'jwk'], ['aes-256', 'raw']] as const) {
    expect((await failure(() => writeKey(materialOf(algorithm), { format, encoding: 'pem', passphrase: passphrase() }))).code).toBe('CAPABILITY_MISSING');
  }
  expect((await failure(() => writeKey(materialOf('ec-p256'), { format: 'pkcs8', encoding: 'pem', passphrase: SecretBytes.fromText('') }))).code).toBe('INVALID_INPUT');
});

test('an ML-DSA key without its seed has no JWK, and says so', async () => {
  const both = createPrivateKey({ key: pairOf('ml-dsa-44').pkcs8, format: 'der', type: 'pkcs8' }).export({ type: 'pkcs8', format: 'der' }) as Buffer;
  // PrivateKeyInfo { 0, algorithm, OCTET STRING { SEQUENCE { seed 32, expanded 2560 } } }: only the expanded key is put back.
  const expanded = both.subarray(both.length - 2564);
  const header = Buffer.from('30820a18020100300b060960864801650304031104820a04', 'hex');
  const key = await readOne(Buffer.concat([header, expanded]));
  expect(key.material.algorithm).toBe('ml-dsa-44');
  const error = await failure(() => writeKey(key.material, { format: 'jwk', encoding: 'pem' }));
  expect([error.code, error.facts.alternatives]).toEqual(['CAPABILITY_MISSING', ['pkcs8', 'pkcs12']]);
});

test('a key for ChaCha20-Poly1305 is a COSE_Key of the algorithm 24 (RFC 9053 §4.3)', async () => {
  const material = materialOf('chacha20-poly1305');
  const content = await writeKey(material, { format: 'cose', encoding: 'der' });
  expect(Buffer.from(content).toString('hex')).toBe(`a30104031818205820${Buffer.from(material.secret.reveal()).toString('hex')}`);
});

test('what a format can hold is what the lists of formats say', () => {
  expect(keyFormatsOf('ec-brainpoolp256r1')).toEqual(['pkcs8', 'sec1', 'pkcs12']);
  expect(publicFormatsOf('ec-brainpoolp256r1')).toEqual(['pem', 'der']);
  expect(keyFormatsOf('chacha20-poly1305')).toEqual(['cose', 'raw']);
  for (const name of SECRETS) expect(publicFormatsOf(name)).toEqual([]);
  expect(PAIRS.every((name) => KEY_ALGORITHMS[name].kind === 'pair' && keyFormatsOf(name)[0] === 'pkcs8')).toBe(true);
});
