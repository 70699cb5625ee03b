import { createHmac, hkdf, type KeyObject } from 'node:crypto';
import { promisify } from 'node:util';
import { HASH_SIZES, KEY_ALGORITHMS, KeywrightError, SecretBytes, wrapAlgorithmsOf, type KeyAlgorithmName, type WrapAlgorithmName } from '../../contract/index.ts';
import type { KeyDeriver, KeyRef, KeyStore, KeyWrapper, MacMaker } from '../../keystore/keystore.ts';
import type { BackendDeps } from '../../keystore/registry.ts';
import { openSoftwareKeyStore } from '../software/key-store.ts';
import { unwrapWithAes, wrapWithAes, type KeyWrapMode } from '../software/key-wrap.ts';
import type { SoftwareKeys } from '../software/keys.ts';
import { cannot, usageMissing } from '../software/refusals.ts';
import { decrypterOf, encrypterOf } from './ciphers.ts';
import { SYMMETRIC } from './symmetric.ts';

const hkdfAsync = promisify(hkdf) as (hash: string, key: KeyObject, salt: Uint8Array, info: Uint8Array, length: number) => Promise<ArrayBuffer>;

/** Symmetric keys in the sealed store. @param instance its name; `software` is the built-in one. */
export function openAes(instance: string, deps: Pick<BackendDeps, 'storage'>): KeyStore {
  return openSoftwareKeyStore(SYMMETRIC, instance, deps, (keys, messages) => ({
    encrypter: encrypterOf(keys, messages),
    decrypter: decrypterOf(keys),
    wrapper: wrapperOf(keys),
    macMaker: macMakerOf(keys),
    deriver: deriverOf(keys),
  }));
}

/** AES-KW (RFC 3394) and AES-KWP (RFC 5649). */
function wrapperOf(keys: SoftwareKeys): KeyWrapper {
  return {
    async wrap(ref, algorithm, material, call) {
      const { head, key } = await keys.use(ref, 'wrap', call);
      const mode = modeOf(ref, head.algorithm, algorithm);
      if (mode === 'aes-kw' && (material.length < 16 || material.length % 8 !== 0)) {
        throw new KeywrightError('CAPABILITY_MISSING', {
          detail: `AES-KW wraps keys of 16 bytes or more whose length is a multiple of 8 (RFC 3394 §2), and this one has ${material.length}.`,
          remedy: 'Wrap it with aes-kwp, which takes any length.', alternatives: ['aes-kwp'],
        });
      }
      return wrapWithAes(mode, key, material.reveal());
    },
    async unwrap(ref, algorithm, wrapped, call) {
      const { head, key } = await keys.use(ref, 'unwrap', call);
      return unwrapWithAes(modeOf(ref, head.algorithm, algorithm), key, wrapped);
    },
  };
}

function modeOf(ref: KeyRef, own: KeyAlgorithmName, algorithm: WrapAlgorithmName): KeyWrapMode {
  const possible = wrapAlgorithmsOf(own);
  if (!possible.includes(algorithm)) throw cannot(ref, own, `wrap keys as ${algorithm}`, possible);
  return algorithm as KeyWrapMode;
}

/** HMAC (FIPS 198-1) with the hash in the key's algorithm. Whoever may check a MAC must be able to make it. */
function macMakerOf(keys: SoftwareKeys): MacMaker {
  return {
    async mac(ref, message, call) {
      const head = await usedForMac(keys, ref, call);
      return createHmac(KEY_ALGORITHMS[head.algorithm].openssl, head.key).update(message).digest();
    },
  };
}

async function usedForMac(keys: SoftwareKeys, ref: KeyRef, call: Parameters<MacMaker['mac']>[2]): Promise<{ algorithm: KeyAlgorithmName; key: KeyObject }> {
  let loaded;
  try {
    loaded = await keys.use(ref, 'mac', call);
  } catch (thrown) {
    if (!(thrown instanceof KeywrightError) || thrown.code !== 'CAPABILITY_MISSING') throw thrown;
    loaded = await keys.use(ref, 'verify-mac', call);
  }
  const { head: { algorithm, usages }, key } = loaded;
  if (KEY_ALGORITHMS[algorithm].family !== 'hmac') throw usageMissing(ref, usages, 'mac');
  return { algorithm, key };
}

/** HKDF (RFC 5869). */
function deriverOf(keys: SoftwareKeys): KeyDeriver {
  return {
    async hkdf(ref, { hash, salt, info, length }, call) {
      const { key } = await keys.use(ref, 'derive', call);
      const most = 255 * HASH_SIZES[hash];
      if (length < 1 || length > most) throw new KeywrightError('INVALID_INPUT', { detail: `HKDF with ${hash} gives from 1 to ${most} bytes (RFC 5869 §2.3).`, where: '/length' });
      return new SecretBytes(new Uint8Array(await hkdfAsync(hash, key, salt, info, length)));
    },
  };
}
