import { createPublicKey, generateKeyPairSync } from 'node:crypto';
import { expect, test } from 'vitest';
import { publicSet } from './public-keys.ts';

const pairs = ['One', 'Two\n-----BEGIN'].map((label) => ({ key: { label, algorithm: 'ed25519' as const }, publicKey: generateKeyPairSync('ed25519').publicKey }));

test('public keys in one PEM file are told apart by their names, and no name passes for a key', () => {
  const file = publicSet('pem', pairs.map(({ key, publicKey }) => ({ key, text: publicKey.export({ type: 'spki', format: 'pem' }).toString() })));
  const blocks = file.match(/-----BEGIN PUBLIC KEY-----[^-]+-----END PUBLIC KEY-----/g) ?? [];
  expect(blocks.map((block) => createPublicKey(block).export({ format: 'jwk' }))).toEqual(pairs.map(({ publicKey }) => publicKey.export({ format: 'jwk' })));
  expect(file.match(/-----BEGIN/g)).toHaveLength(2);
  expect(file).toMatch(/^One \(Ed25519\)\n-----BEGIN/);
});

test('as JWK they are a set, and as OpenSSH a line each', () => {
  const set = publicSet('jwk', pairs.map(({ key, publicKey }) => ({ key, text: JSON.stringify(publicKey.export({ format: 'jwk' })) })));
  expect(JSON.parse(set)).toEqual({ keys: pairs.map(({ publicKey }) => publicKey.export({ format: 'jwk' })) });
  expect(publicSet('openssh', [{ key: pairs[0]!.key, text: 'ssh-ed25519 AAAA One' }, { key: pairs[1]!.key, text: 'ssh-ed25519 BBBB Two\n' }])).toBe('ssh-ed25519 AAAA One\nssh-ed25519 BBBB Two\n');
});
