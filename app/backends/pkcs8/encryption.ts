import { SecretBytes } from '../../contract/index.ts';
import type { Decrypter, Encrypter, KeyWrapper } from '../../keystore/keystore.ts';
import { hpkeOpen } from '../software/hpke.ts';
import { spkiOf, type SoftwareKeys } from '../software/keys.ts';
import { assertEncrypts, assertWraps, encryptTo, oaepHashOf, wrapTo, type OaepName } from '../software/public-encryption.ts';
import { assertNoAad } from '../software/refusals.ts';
import { decryptOaep, decryptPkcs1, unwrapRsaAes } from '../software/rsa.ts';
import { agreeWith } from './agreement.ts';

/** Encryption to key pairs: RSA for little, HPKE for anything. */

export function encrypterOf(keys: SoftwareKeys): Encrypter {
  return {
    async encrypt(ref, algorithm, input, call) {
      const { head } = await keys.usePublic(ref, 'encrypt', call);
      return { ciphertext: await encryptTo(ref, { algorithm: head.algorithm, spki: spkiOf(head) }, algorithm, input) };
    },
  };
}

export function decrypterOf(keys: SoftwareKeys): Decrypter {
  return {
    async decrypt(ref, algorithm, { ciphertext, aad }, call) {
      const loaded = await keys.use(ref, 'decrypt', call);
      const { head, key } = loaded;
      assertEncrypts(ref, head.algorithm, algorithm);
      if (algorithm === 'hpke') return hpkeOpen({ recipient: spkiOf(head), aad }, (peer) => agreeWith(head.algorithm, key, peer), ciphertext);
      if (algorithm === 'rsa-pkcs1') {
        assertNoAad(algorithm, aad);
        return decryptPkcs1(key, ciphertext);
      }
      return decryptOaep(loaded, algorithm === 'rsa-oaep-sha1' ? 'sha1' : oaepHashOf(algorithm as OaepName), ciphertext, aad);
    },
  };
}

export function wrapperOf(keys: SoftwareKeys): KeyWrapper {
  return {
    async wrap(ref, algorithm, material, call) {
      const { head } = await keys.usePublic(ref, 'wrap', call);
      return wrapTo(ref, { algorithm: head.algorithm, spki: spkiOf(head) }, algorithm, material.reveal());
    },

    async unwrap(ref, algorithm, wrapped, call) {
      const loaded = await keys.use(ref, 'unwrap', call);
      assertWraps(ref, loaded.head.algorithm, algorithm);
      if (algorithm === 'rsa-aes-kwp') return unwrapRsaAes(loaded, wrapped);
      return new SecretBytes(await decryptOaep(loaded, oaepHashOf(algorithm as OaepName), wrapped));
    },
  };
}
