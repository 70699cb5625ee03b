import { ENCRYPTION_ALGORITHMS, encryptionAlgorithmsOf, KEY_ALGORITHMS, KeywrightError, SecretBytes, wrapAlgorithmsOf, type EncryptionAlgorithmName, type KeyAlgorithmName, type WrapAlgorithmName } from '../../contract/index.ts';
import type { Decrypter, Encrypter, KeyRef, KeyWrapper } from '../../keystore/keystore.ts';
import { hpkeOpen, hpkeSeal } from '../software/hpke.ts';
import { spkiOf, type SoftwareKeys } from '../software/keys.ts';
import { assertNoAad, cannot } from '../software/refusals.ts';
import { agreeWith } from './agreement.ts';
import { decryptOaep, decryptPkcs1, encryptOaep, mostForOaep, tooLongForOaep, unwrapRsaAes, wrapRsaAes } from './rsa.ts';

/** Encryption to key pairs: RSA for little, HPKE for anything. */

type OaepName = 'rsa-oaep-sha256' | 'rsa-oaep-sha384' | 'rsa-oaep-sha512';
const hashOf = (algorithm: OaepName): 'sha256' | 'sha384' | 'sha512' => algorithm.slice('rsa-oaep-'.length) as 'sha256';

export function encrypterOf(keys: SoftwareKeys): Encrypter {
  return {
    async encrypt(ref, algorithm, { plaintext, aad }, call) {
      const { head, publicKey } = await keys.usePublic(ref, 'encrypt', call);
      assertFits(ref, head.algorithm, algorithm);
      if (algorithm === 'hpke') return { ciphertext: await hpkeSeal({ recipient: spkiOf(head), aad }, plaintext) };
      if (ENCRYPTION_ALGORITHMS[algorithm].legacy) throw legacy(algorithm, head.algorithm);
      const hash = hashOf(algorithm as OaepName);
      if (plaintext.length > mostForOaep(head.algorithm, hash)) {
        throw tooLongForOaep(head.algorithm, hash, plaintext.length, { what: 'Encrypt it with a symmetric key, or to an elliptic curve with HPKE.', names: ['aes-gcm', 'hpke'] });
      }
      return { ciphertext: encryptOaep(publicKey, hash, plaintext, aad) };
    },
  };
}

export function decrypterOf(keys: SoftwareKeys): Decrypter {
  return {
    async decrypt(ref, algorithm, { ciphertext, aad }, call) {
      const loaded = await keys.use(ref, 'decrypt', call);
      const { head, key } = loaded;
      assertFits(ref, head.algorithm, algorithm);
      if (algorithm === 'hpke') return hpkeOpen({ recipient: spkiOf(head), aad }, (peer) => agreeWith(head.algorithm, key, peer), ciphertext);
      if (algorithm === 'rsa-pkcs1') {
        assertNoAad(algorithm, aad);
        return decryptPkcs1(key, ciphertext);
      }
      return decryptOaep(loaded, algorithm === 'rsa-oaep-sha1' ? 'sha1' : hashOf(algorithm as OaepName), ciphertext, aad);
    },
  };
}

export function wrapperOf(keys: SoftwareKeys): KeyWrapper {
  return {
    async wrap(ref, algorithm, material, call) {
      const { head, publicKey } = await keys.usePublic(ref, 'wrap', call);
      assertWraps(ref, head.algorithm, algorithm);
      if (algorithm === 'rsa-aes-kwp') return wrapRsaAes(publicKey, material.reveal());
      const hash = hashOf(algorithm as OaepName);
      if (material.length > mostForOaep(head.algorithm, hash)) {
        throw tooLongForOaep(head.algorithm, hash, material.length, { what: 'Wrap it with rsa-aes-kwp, which takes keys of any length.', names: ['rsa-aes-kwp'] });
      }
      return encryptOaep(publicKey, hash, material.reveal());
    },

    async unwrap(ref, algorithm, wrapped, call) {
      const loaded = await keys.use(ref, 'unwrap', call);
      assertWraps(ref, loaded.head.algorithm, algorithm);
      if (algorithm === 'rsa-aes-kwp') return unwrapRsaAes(loaded, wrapped);
      return new SecretBytes(await decryptOaep(loaded, hashOf(algorithm as OaepName), wrapped));
    },
  };
}

function assertFits(ref: KeyRef, own: KeyAlgorithmName, algorithm: EncryptionAlgorithmName): void {
  const possible = encryptionAlgorithmsOf(own);
  if (!possible.includes(algorithm)) throw cannot(ref, own, `encrypt or decrypt as ${algorithm}`, possible);
}

function assertWraps(ref: KeyRef, own: KeyAlgorithmName, algorithm: WrapAlgorithmName): void {
  const possible = wrapAlgorithmsOf(own);
  if (KEY_ALGORITHMS[own].family !== 'rsa' || !possible.includes(algorithm)) throw cannot(ref, own, `wrap keys as ${algorithm}`, possible);
}

function legacy(algorithm: EncryptionAlgorithmName, own: KeyAlgorithmName): KeywrightError {
  return new KeywrightError('CAPABILITY_MISSING', {
    detail: `${algorithm} is too weak to encrypt with; it only decrypts what is old.`, remedy: 'Choose one of the algorithms named.',
    alternatives: encryptionAlgorithmsOf(own).filter((name) => !ENCRYPTION_ALGORITHMS[name].legacy),
  });
}
