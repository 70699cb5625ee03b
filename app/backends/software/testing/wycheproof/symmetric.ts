import { SecretBytes, type EncryptionAlgorithmName, type KeyAlgorithmName, type WrapAlgorithmName } from '../../../../contract/index.ts';
import { hkdf as hkdfOfSecret } from '../../../../keychain/password-derivation.ts';
import { bytes, number, type TestVector } from './corpus.ts';
import { imported } from './stores.ts';
import { LeftOut, same, type Runner } from './tally.ts';

/** AES-GCM and ChaCha20-Poly1305: decryption, since encryption draws its own nonce. */
export const aead = (algorithm: EncryptionAlgorithmName): Runner => async (group) => {
  if (number(group, 'ivSize') !== 96) return new LeftOut('nonces have 96 bits here, and others are refused');
  if (number(group, 'tagSize') !== 128) return new LeftOut('tags have 128 bits here, and others are refused');
  return async (test) => {
    const key = await imported(keyName(algorithm, test), bytes(test, 'key'));
    const sealed = { ciphertext: bytes(test, 'ct'), nonce: bytes(test, 'iv'), tag: bytes(test, 'tag'), aad: bytes(test, 'aad') };
    return same(await key.store.decrypter!.decrypt(key.ref, algorithm, sealed, key.call()), bytes(test, 'msg'));
  };
};

export const cbc: Runner = async () => async (test) => {
  const key = await imported(keyName('aes-cbc', test), bytes(test, 'key'));
  return same(await key.store.decrypter!.decrypt(key.ref, 'aes-cbc', { ciphertext: bytes(test, 'ct'), nonce: bytes(test, 'iv') }, key.call()), bytes(test, 'msg'));
};

const keyName = (algorithm: string, test: TestVector): KeyAlgorithmName => (algorithm.startsWith('aes') ? `aes-${bytes(test, 'key').length * 8 as 128}` : 'chacha20-poly1305');

/** Both ways: wrapping is deterministic. */
export const keyWrap = (algorithm: WrapAlgorithmName): Runner => async () => async (test) => {
  const key = await imported(keyName(algorithm, test), bytes(test, 'key'));
  using unwrapped = await key.store.wrapper!.unwrap(key.ref, algorithm, bytes(test, 'ct'), key.call());
  const opened = same(unwrapped.reveal(), bytes(test, 'msg'));
  if (test.result !== 'valid' || opened !== 'right') return opened;
  using material = new SecretBytes(bytes(test, 'msg'));
  return same(await key.store.wrapper!.wrap(key.ref, algorithm, material, key.call()), bytes(test, 'ct'));
};

/** A tag that is cut short is compared with as many bytes of ours. */
export const hmac = (algorithm: KeyAlgorithmName): Runner => async (group) => {
  const least = Number(/\d+/.exec(algorithm.slice('hmac-sha'.length))?.[0]) / 8;
  if (number(group, 'keySize') / 8 < least) return new LeftOut(`keys shorter than the hash are refused (RFC 7518 §3.2)`);
  return async (test) => {
    const key = await imported(algorithm, bytes(test, 'key'));
    const mac = await key.store.macMaker!.mac(key.ref, bytes(test, 'msg'), key.call());
    const tag = bytes(test, 'tag');
    return same(mac.subarray(0, tag.length), tag);
  };
};

/** With a key where it is long enough to be one, else as `keys agree` derives from a shared secret. */
export const hkdf = (hash: 'sha256' | 'sha384' | 'sha512'): Runner => async () => async (test) => {
  const secret = bytes(test, 'ikm');
  const request = { hash, salt: bytes(test, 'salt'), info: bytes(test, 'info'), length: number(test, 'size') };
  if (secret.length < 32) return same(await hkdfOfSecret(secret, request), bytes(test, 'okm'));
  const key = await imported('hmac-sha256', secret);
  using derived = await key.store.deriver!.hkdf(key.ref, request, key.call());
  return same(derived.reveal(), bytes(test, 'okm'));
};
