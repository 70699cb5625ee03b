import { constants, createHash, generateKeyPairSync, type KeyObject, randomBytes, sign } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { KEY_ALGORITHM_NAMES, KEY_ALGORITHMS, type KeyAlgorithmName, SIGNATURE_ALGORITHMS, type SignatureAlgorithmFacts, signatureAlgorithmsOf } from '../contract/index.ts';
import { verifySignature } from './verify.ts';

/** SLH-DSA's slow sets and RSA-8192 go the same way as the quick ones, and take seconds. */
const SIGNERS = KEY_ALGORITHM_NAMES.filter((name) => (KEY_ALGORITHMS[name].usages as readonly string[]).includes('sign') && !/^slh.*s$|8192/.test(name));
const message = Buffer.from('The Magic Words are Squeamish Ossifrage');

function pairOf(name: KeyAlgorithmName): { privateKey: KeyObject; spki: Buffer } {
  const { family, bits, openssl } = KEY_ALGORITHMS[name];
  const { privateKey, publicKey } = (family === 'rsa' ? generateKeyPairSync('rsa', { modulusLength: bits })
    : family === 'ec' ? generateKeyPairSync('ec', { namedCurve: openssl }) : generateKeyPairSync(openssl as 'ed25519')) as { privateKey: KeyObject; publicKey: KeyObject };
  return { privateKey, spki: publicKey.export({ type: 'spki', format: 'der' }) as Buffer };
}

test.each(['rsa-pkcs1-sha256', 'rsa-pss-sha256'] as const)('a signature by %s whose leading zero is left out is none', async (algorithm) => {
  const { privateKey, spki } = pairOf('rsa-2048');
  const padding = algorithm === 'rsa-pss-sha256' ? { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_DIGEST } : {};
  for (let count = 0; ; count++) {
    const counted = Buffer.from(`message ${count}`);
    const signature = sign('sha256', counted, { key: privateKey, ...padding });
    if (signature[0] !== 0) continue;
    expect(await verifySignature(spki, algorithm, { message: counted }, signature)).toBe(true);
    expect(await verifySignature(spki, algorithm, { message: counted }, signature.subarray(1))).toBe(false);
    break;
  }
});

describe.each(SIGNERS)('%s', (name) => {
  const { privateKey, spki } = pairOf(name);

  test.each(signatureAlgorithmsOf(name))('%s by node:crypto verifies as message and as digest, and nothing else does', async (algorithm) => {
    const { family, hash }: SignatureAlgorithmFacts = SIGNATURE_ALGORITHMS[algorithm];
    const signature = sign(hash, message, { key: privateKey, ...(family === 'rsa-pss' ? { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_DIGEST } : {}) });
    const contents = [{ message }, ...(hash === null ? [] : [{ digest: createHash(hash).update(message).digest() }])];
    for (const content of contents) {
      expect(await verifySignature(spki, algorithm, content, signature)).toBe(true);
      for (const at of [0, 1, 5, signature.length >> 1, signature.length - 1]) {
        const changed = Buffer.from(signature);
        changed[at] = (changed[at] as number) ^ 1;
        expect(await verifySignature(spki, algorithm, content, changed)).toBe(false);
      }
      for (const wrong of [Buffer.alloc(0), signature.subarray(1), signature.subarray(0, -1), Buffer.concat([signature, Buffer.of(0)]), randomBytes(signature.length)]) {
        expect(await verifySignature(spki, algorithm, content, wrong)).toBe(false);
      }
    }
    const others = [{ message: Buffer.concat([message, Buffer.of(0)]) }, ...(hash === null ? [{ digest: Buffer.alloc(32) }] : [{ digest: createHash(hash).update('other').digest() }, { digest: Buffer.alloc(20) }])];
    for (const content of others) expect(await verifySignature(spki, algorithm, content, signature)).toBe(false);
  });
});

test('PSS is accepted with any length of salt, as other programs choose it', async () => {
  const { privateKey, spki } = pairOf('rsa-2048');
  const digest = createHash('sha384').update(message).digest();
  for (const saltLength of [0, 20, 48, constants.RSA_PSS_SALTLEN_MAX_SIGN]) {
    const signature = sign('sha384', message, { key: privateKey, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength });
    for (const content of [{ message }, { digest }]) expect(await verifySignature(spki, 'rsa-pss-sha384', content, signature)).toBe(true);
  }
});

test('a key of another algorithm, and what is no key, verify nothing', async () => {
  const ec = pairOf('ec-p256');
  const signature = sign('sha256', message, ec.privateKey);
  expect(await verifySignature(pairOf('ec-secp256k1').spki, 'ecdsa-sha256', { message }, signature)).toBe(false);
  expect(await verifySignature(pairOf('rsa-2048').spki, 'ecdsa-sha256', { message }, signature)).toBe(false);
  expect(await verifySignature(ec.spki, 'ed25519', { message }, signature)).toBe(false);
  expect(await verifySignature(Buffer.from('not a key'), 'ecdsa-sha256', { message }, signature)).toBe(false);
});
