import { createPublicKey } from 'node:crypto';
import { CompactSign, compactVerify, exportJWK, generateKeyPair, generateSecret, importJWK, type JWK, SignJWT, jwtVerify, calculateJwkThumbprint } from 'jose';
import { describe, expect, test } from 'vitest';
import type { KeyAlgorithmName } from '../contract/index.ts';
import { publicOfPkcs8, readPublicKey, writeKey, writePublicKey } from './index.ts';
import { failure, materialOf, pairOf, read, readOne } from './testing/keys.ts';

const SIGNERS: readonly (readonly [KeyAlgorithmName, string])[] = [
  ['rsa-2048', 'PS256'], ['ec-p256', 'ES256'], ['ec-p384', 'ES384'], ['ec-p521', 'ES512'], ['ed25519', 'EdDSA'], ['ml-dsa-44', 'ML-DSA-44'], ['ml-dsa-65', 'ML-DSA-65'], ['ml-dsa-87', 'ML-DSA-87'],
];
const jwkOf = async (algorithm: KeyAlgorithmName): Promise<JWK> => JSON.parse(Buffer.from(await writeKey(materialOf(algorithm), { format: 'jwk', encoding: 'pem' })).toString()) as JWK;

describe.each(SIGNERS)('%s', (algorithm, alg) => {
  test('jose signs with the JWK that we write, and verifies with the public one', async () => {
    const signed = await new CompactSign(Buffer.from('hello')).setProtectedHeader({ alg }).sign(await importJWK(await jwkOf(algorithm), alg));
    const publicJwk = JSON.parse(Buffer.from(writePublicKey(pairOf(algorithm).spki, algorithm, 'jwk')).toString()) as JWK;
    const { payload } = await compactVerify(signed, await importJWK(publicJwk, alg));
    expect(Buffer.from(payload).toString()).toBe('hello');
  });

  test('we read the JWK that jose exports', async () => {
    const { privateKey, publicKey } = await generateKeyPair(alg, { extractable: true });
    const jwk = { ...(await exportJWK(privateKey)), kid: 'Ada' };
    const key = await readOne(JSON.stringify(jwk));
    expect([key.material.algorithm, key.label]).toEqual([algorithm, 'Ada']);
    const spki = Buffer.from(publicOfPkcs8(key.material.secret.reveal()));
    expect(Buffer.from(readPublicKey(Buffer.from(JSON.stringify(await exportJWK(publicKey)))).spki)).toEqual(spki);
    expect(await calculateJwkThumbprint(createPublicKey({ key: spki, format: 'der', type: 'spki' }).export({ format: 'jwk' }) as JWK)).toBe(await calculateJwkThumbprint(jwk));
  });
});

test('secret keys go both ways', async () => {
  const { k, ...rest } = await jwkOf('hmac-sha256');
  expect(rest).toEqual({ kty: 'oct', alg: 'HS256' });
  const signed = await new SignJWT({ sub: 'ada' }).setProtectedHeader({ alg: 'HS256' }).sign(await importJWK({ kty: 'oct', k: k as string }, 'HS256'));
  expect((await jwtVerify(signed, Buffer.from(k as string, 'base64url'))).payload.sub).toBe('ada');
  const made = await exportJWK(await generateSecret('A256GCM', { extractable: true }));
  expect((await readOne(JSON.stringify({ ...made, alg: 'A256KW' }))).material.algorithm).toBe('aes-256');
});

test('a secret JWK without "alg" needs the algorithm, and its length must fit', async () => {
  const jwk = JSON.stringify({ kty: 'oct', k: Buffer.alloc(32, 1).toString('base64url') });
  expect((await failure(() => read(jwk))).code).toBe('INVALID_INPUT');
  expect((await readOne(jwk, undefined, { algorithm: 'chacha20-poly1305' })).material.algorithm).toBe('chacha20-poly1305');
  expect((await failure(() => read(jwk, undefined, { algorithm: 'aes-128' }))).facts.where).toBe('/k');
});

test('all private keys of a JWK Set are read, and its public ones are passed over', async () => {
  const keys = [{ ...(await jwkOf('ec-p256')), kid: 'one' }, JSON.parse(Buffer.from(writePublicKey(pairOf('ed25519').spki, 'ed25519', 'jwk')).toString()), { ...(await jwkOf('x448')), kid: 'two' }];
  const found = await read(JSON.stringify({ keys }));
  expect(found.map(({ material, label }) => [material.algorithm, label])).toEqual([['ec-p256', 'one'], ['x448', 'two']]);
});

test('a fault in a set is told by a JSON pointer', async () => {
  const good = await jwkOf('ec-p256');
  const error = await failure(async () => read(JSON.stringify({ keys: [good, { ...good, d: 'AAA*' }] })));
  expect([error.code, error.facts.where]).toEqual(['INVALID_INPUT', '/keys/1, /d']);
});

test.each([
  ['a curve that JOSE does not name', { kty: 'EC', crv: 'P-224', x: 'AA', y: 'AA', d: 'AA' }, 'CAPABILITY_MISSING'],
  ['a key type that nobody knows', { kty: 'XYZ', d: 'AA' }, 'CAPABILITY_MISSING'],
  ['several primes', { ...createPublicKey(pairOf('rsa-2048').privateKey).export({ format: 'jwk' }), d: 'AQ', oth: [] }, 'CAPABILITY_MISSING'],
  ['a number in place of a string', { kty: 'OKP', crv: 'Ed25519', x: 5, d: 'AA' }, 'INVALID_INPUT'],
  ['no private key', createPublicKey(pairOf('ed25519').privateKey).export({ format: 'jwk' }), 'CAPABILITY_MISSING'],
  ['no key at all', { hello: 'world' }, 'INVALID_INPUT'],
  ['a set that is none', { keys: 'many' }, 'INVALID_INPUT'],
])('a JWK with %s is refused in words', async (_, jwk, code) => {
  expect((await failure(() => read(JSON.stringify(jwk)))).code).toBe(code);
});
