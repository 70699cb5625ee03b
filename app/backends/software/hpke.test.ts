import { createPrivateKey, createPublicKey, generateKeyPairSync } from 'node:crypto';
import { Aes128Gcm, Aes256Gcm, CipherSuite, DhkemP256HkdfSha256, DhkemP384HkdfSha384, DhkemP521HkdfSha512, DhkemX25519HkdfSha256, DhkemX448HkdfSha512, HkdfSha256, HkdfSha384, HkdfSha512 } from '@hpke/core';
import { describe, expect, test } from 'vitest';
import { KEY_ALGORITHMS, type HashName, type KeyAlgorithmName, type SecretBytes } from '../../contract/index.ts';
import { refusalOf } from '../../keystore/testing/calls.ts';
import { agreeWith } from '../pkcs8/agreement.ts';
import { hpkeOpen, hpkeSeal, type HpkeAead } from './hpke.ts';

const KEMS: Partial<Record<KeyAlgorithmName, () => ConstructorParameters<typeof CipherSuite>[0]['kem']>> = {
  'ec-p256': () => new DhkemP256HkdfSha256(), 'ec-p384': () => new DhkemP384HkdfSha384(), 'ec-p521': () => new DhkemP521HkdfSha512(),
  x25519: () => new DhkemX25519HkdfSha256(), x448: () => new DhkemX448HkdfSha512(),
};
const KDFS = { sha256: () => new HkdfSha256(), sha384: () => new HkdfSha384(), sha512: () => new HkdfSha512() };
const AEADS = { 'aes-128-gcm': () => new Aes128Gcm(), 'aes-256-gcm': () => new Aes256Gcm() };
const OWN_KDF: Partial<Record<KeyAlgorithmName, HashName>> = { 'ec-p256': 'sha256', 'ec-p384': 'sha384', 'ec-p521': 'sha512', x25519: 'sha256', x448: 'sha512' };

const MESSAGE = Buffer.from('meet me at the usual place');
const INFO = Buffer.from('what this is for');
const AAD = Buffer.from('and what goes with it');

const buffer = (bytes: Uint8Array): ArrayBuffer => Uint8Array.from(bytes).buffer;

function newPair(algorithm: KeyAlgorithmName) {
  const { family, openssl } = KEY_ALGORITHMS[algorithm];
  const { privateKey, publicKey } = family === 'ec' ? generateKeyPairSync('ec', { namedCurve: openssl }) : generateKeyPairSync(openssl as 'x25519');
  const spki = publicKey.export({ type: 'spki', format: 'der' });
  const agree = (peer: Uint8Array): Promise<SecretBytes> => agreeWith(algorithm, privateKey, peer);
  return { spki, agree, privateKey, publicKey };
}

async function judge(algorithm: KeyAlgorithmName, kdf: HashName, aead: keyof typeof AEADS, pair: ReturnType<typeof newPair>) {
  const suite = new CipherSuite({ kem: KEMS[algorithm]!(), kdf: KDFS[kdf](), aead: AEADS[aead]() });
  const jwk = pair.privateKey.export({ format: 'jwk' }) as JsonWebKey;
  const privateKey = await suite.kem.importKey('jwk', jwk, false);
  const { d: _d, ...publicJwk } = jwk;
  return { suite, privateKey, publicKey: await suite.kem.importKey('jwk', publicJwk, true) };
}

describe.each(Object.keys(KEMS) as KeyAlgorithmName[])('HPKE for %s', (algorithm) => {
  const own = OWN_KDF[algorithm]!;
  const suites: [HashName, keyof typeof AEADS][] = [[own, 'aes-256-gcm'], [own, 'aes-128-gcm'], ['sha256', 'aes-128-gcm'], ['sha512', 'aes-256-gcm']];

  test.each(suites)('an independent implementation opens what we seal, and we open what it seals (HKDF-%s, %s)', async (kdf, aead) => {
    const pair = newPair(algorithm);
    const { suite, privateKey, publicKey } = await judge(algorithm, kdf, aead, pair);
    const sealed = await hpkeSeal({ recipient: pair.spki, kdf, aead, info: INFO, aad: AAD }, MESSAGE);
    const encSize = suite.kem.publicKeySize;
    const opened = await suite.open({ recipientKey: privateKey, enc: buffer(sealed.subarray(0, encSize)), info: buffer(INFO) }, buffer(sealed.subarray(encSize)), buffer(AAD));
    expect(Buffer.from(opened).equals(MESSAGE)).toBe(true);

    const theirs = await suite.seal({ recipientPublicKey: publicKey, info: buffer(INFO) }, buffer(MESSAGE), buffer(AAD));
    const both = Buffer.concat([Buffer.from(theirs.enc), Buffer.from(theirs.ct)]);
    expect((await hpkeOpen({ recipient: pair.spki, kdf, aead, info: INFO, aad: AAD }, pair.agree, both)).equals(MESSAGE)).toBe(true);
  });

  test.each<HpkeAead>(['aes-128-gcm', 'aes-256-gcm', 'chacha20-poly1305'])('what was changed, or belongs elsewhere, does not open, always in the same words (%s)', async (aead) => {
    const pair = newPair(algorithm);
    const sealed = await hpkeSeal({ recipient: pair.spki, aead, info: INFO, aad: AAD }, MESSAGE);
    expect((await hpkeOpen({ recipient: pair.spki, aead, info: INFO, aad: AAD }, pair.agree, sealed)).equals(MESSAGE)).toBe(true);
    const changed = (at: number): Buffer => {
      const copy = Buffer.from(sealed);
      copy[at] = (copy[at] as number) ^ 1;
      return copy;
    };
    const words = new Set<string>();
    for (const attempt of [
      () => hpkeOpen({ recipient: pair.spki, aead, info: INFO, aad: AAD }, pair.agree, changed(5)),
      () => hpkeOpen({ recipient: pair.spki, aead, info: INFO, aad: AAD }, pair.agree, changed(sealed.length - 1)),
      () => hpkeOpen({ recipient: pair.spki, aead, info: INFO, aad: AAD }, pair.agree, sealed.subarray(0, 40)),
      () => hpkeOpen({ recipient: pair.spki, aead, info: INFO, aad: AAD }, pair.agree, Buffer.alloc(sealed.length)),
      () => hpkeOpen({ recipient: pair.spki, aead, info: AAD, aad: AAD }, pair.agree, sealed),
      () => hpkeOpen({ recipient: pair.spki, aead, info: INFO }, pair.agree, sealed),
    ]) {
      const refusal = await refusalOf(attempt());
      words.add(`${refusal.code} ${JSON.stringify(refusal.facts)}`);
    }
    expect(words.size).toBe(1);
    expect([...words][0]).toContain('INVALID_INPUT');
  });
});

describe('vectors of RFC 9180', () => {
  test('appendix A.1.1: the first message of the base mode with X25519, HKDF-SHA256 and AES-128-GCM', async () => {
    const secret = Buffer.from('4612c550263fc8ad58375df3f557aac531d26850903e55a9f23f21d8534e8ac8', 'hex');
    const privateKey = createPrivateKey({ key: Buffer.concat([Buffer.from('302e020100300506032b656e04220420', 'hex'), secret]), format: 'der', type: 'pkcs8' });
    const recipient = createPublicKey(privateKey).export({ type: 'spki', format: 'der' });
    const sealed = Buffer.from(
      '37fda3567bdbd628e88668c3c8d7e97d1d1253b6d4ea6d44c150f741f1bf4431'
      + 'f938558b5d72f1a23810b4be2ab4f84331acc02fc97babc53a52ae8218a355a96d8770ac83d07bea87e13c512a', 'hex');
    const opened = await hpkeOpen(
      { recipient, kdf: 'sha256', aead: 'aes-128-gcm', info: Buffer.from('4f6465206f6e2061204772656369616e2055726e', 'hex'), aad: Buffer.from('436f756e742d30', 'hex') },
      (peer) => agreeWith('x25519', privateKey, peer), sealed);
    expect(opened.toString('hex')).toBe('4265617574792069732074727574682c20747275746820626561757479');
  });
});

test('a key without HPKE is refused with those that have it', async () => {
  const { publicKey } = generateKeyPairSync('ec', { namedCurve: 'brainpoolP256r1' });
  const refusal = await refusalOf(hpkeSeal({ recipient: publicKey.export({ type: 'spki', format: 'der' }) }, MESSAGE));
  expect(refusal).toMatchObject({ code: 'CAPABILITY_MISSING', facts: { alternatives: ['ec-p256', 'ec-p384', 'ec-p521', 'x25519', 'x448'] } });
});
