import { createHash, createSecretKey } from 'node:crypto';
import {
  asKeywrightError, ENCRYPTION_ALGORITHMS, encryptionAlgorithmsOf, HASH_SIZES, KEY_ALGORITHMS, KeywrightError, SecretBytes, SIGNATURE_ALGORITHMS, signatureAlgorithmsOf, wrapAlgorithmsOf,
  type Call, type EncryptionAlgorithmName, type KeyAlgorithmName, type SignatureAlgorithmName, type Usage, type WrapAlgorithmName,
} from '../../contract/index.ts';
import { parseSpki } from '../../formats/spki.ts';
import type { CapabilitySet, Ciphertext, GenerateKey, KeyCall, KeyDescription, KeyMaterial, KeyRef, KeyStore } from '../../keystore/keystore.ts';
import type { BackendDeps } from '../../keystore/registry.ts';
import { hpkeOpen } from '../software/hpke.ts';
import { unwrapWithAes } from '../software/key-wrap.ts';
import { MessageCounter } from '../software/message-counter.ts';
import { assertEncrypts, encryptTo, oaepHashOf, wrapTo, type OaepName } from '../software/public-encryption.ts';
import { assertAllUsages, assertNoAad, assertUsages, cannot, doesNotOpen, nameOf, usageMissing } from '../software/refusals.ts';

/** A key that is elsewhere, as far as it is known here. */
interface RemoteKey {
  readonly algorithm: KeyAlgorithmName;
  readonly usages: readonly Usage[];
  readonly extractable: boolean;
  /** SPKI, DER, base64url; null for symmetric keys. */
  readonly publicKey: string | null;
}

type RsaPadding = { readonly padding: 'oaep' | 'oaep-unwrap'; readonly hash: 'sha1' | 'sha256' | 'sha384' | 'sha512' } | { readonly padding: 'pkcs1' };

/**
 * What only the holder of the keys can do. Everything else (hashing, public keys, HPKE, RSA with AES-KWP, checks, counts of messages) is
 * the same for all of them, and done here.
 */
interface RemoteKeys<K extends RemoteKey> {
  readonly name: string;
  readonly type: string;
  /** Begins sentences: "SoftHSM v2 “build”". */
  readonly title: string;
  readonly capabilities: CapabilitySet;
  /** Every key may do whatever its algorithm can here. */
  readonly usagesAreFixed?: boolean;
  all(call: Call): Promise<readonly K[]>;
  /** @throws NOT_FOUND */
  find(id: string, call: Call): Promise<K>;
  describe(key: K): KeyDescription;
  /** Names the key in the counts of its messages, whatever it is called. */
  counterOf(key: K): string;
  generate(request: GenerateKey, call: KeyCall): Promise<K>;
  importKey(request: Omit<GenerateKey, 'algorithm'>, material: KeyMaterial, call: KeyCall): Promise<K>;
  exportKey(key: K, ref: KeyRef, call: KeyCall): Promise<SecretBytes>;
  /** Left out where keys cannot be destroyed one by one. */
  remove?(id: string, call: KeyCall): Promise<void>;
  random(length: number, call: Call): Promise<Uint8Array>;
  /** @param data the digest; the message for pure schemes. @returns ECDSA in DER. */
  sign(key: K, ref: KeyRef, algorithm: SignatureAlgorithmName, data: Uint8Array, call: KeyCall): Promise<Uint8Array>;
  decryptRsa(key: K, ref: KeyRef, padding: RsaPadding, data: Uint8Array, call: KeyCall): Promise<Uint8Array>;
  /** @param peer on the key's own curve: SPKI, DER, and the uncompressed point (or the bytes) in it. */
  agree(key: K, ref: KeyRef, peer: { readonly spki: Uint8Array; readonly point: Uint8Array }, call: KeyCall): Promise<SecretBytes>;
  encrypt(key: K, ref: KeyRef, algorithm: EncryptionAlgorithmName, input: { plaintext: Uint8Array; aad?: Uint8Array }, call: KeyCall): Promise<Ciphertext>;
  decrypt(key: K, ref: KeyRef, algorithm: EncryptionAlgorithmName, input: Ciphertext & { aad?: Uint8Array }, call: KeyCall): Promise<Uint8Array>;
  wrap(key: K, ref: KeyRef, algorithm: 'aes-kw' | 'aes-kwp', material: SecretBytes, call: KeyCall): Promise<Uint8Array>;
  unwrap(key: K, ref: KeyRef, algorithm: 'aes-kw' | 'aes-kwp', wrapped: Uint8Array, call: KeyCall): Promise<SecretBytes>;
  mac(key: K, ref: KeyRef, message: Uint8Array, call: KeyCall): Promise<Uint8Array>;
  close?(): Promise<void>;
}

/** @param instance for the records that it keeps: counts of messages. */
export function remoteKeyStore<K extends RemoteKey>(keys: RemoteKeys<K>, instance: string, { storage }: Pick<BackendDeps, 'storage'>): KeyStore {
  const { algorithms, capabilities } = keys.capabilities;
  const messages = new MessageCounter(storage, instance);
  const counted = (key: K, ref: KeyRef): KeyRef => ({ ...ref, id: keys.counterOf(key), version: 1 });

  async function held(ref: KeyRef, usage: Usage, call: KeyCall): Promise<K> {
    throwIfAborted(call);
    const found = await keys.find(ref.id, call);
    if (!found.usages.includes(usage)) throw usageMissing(ref, found.usages, usage);
    return found;
  }

  function agree(ref: KeyRef, own: K, peer: Uint8Array, call: KeyCall): Promise<SecretBytes> {
    const parts = parseSpki(peer);
    if (parts.algorithm !== own.algorithm || parts.kind === 'rsa') {
      throw new KeywrightError('INVALID_INPUT', { detail: `The peer's key is ${parts.algorithm}, and ${nameOf(ref)} is ${own.algorithm}: both must be on one curve.`, where: '/peer' });
    }
    return keys.agree(own, ref, { spki: peer, point: parts.bytes }, call);
  }

  function assertOffered(algorithm: KeyAlgorithmName): void {
    if (algorithms.includes(algorithm)) return;
    throw new KeywrightError('CAPABILITY_MISSING', { detail: `${keys.title} makes no ${algorithm} keys.`, remedy: algorithms.length > 0 ? 'Choose one of the algorithms that it has.' : 'Its keys are made with its maker’s own program.', alternatives: algorithms });
  }

  const facets: Pick<KeyStore, 'signer' | 'encrypter' | 'decrypter' | 'wrapper' | 'agreement' | 'macMaker' | 'importer' | 'exporter' | 'random'> = {
    signer: {
      async sign(ref, algorithm, content, call) {
        const own = await held(ref, 'sign', call);
        const possible = signatureAlgorithmsOf(own.algorithm);
        if (!possible.includes(algorithm)) throw cannot(ref, own.algorithm, `sign as ${algorithm}`, possible);
        const { hash } = SIGNATURE_ALGORITHMS[algorithm];
        if (hash === null && 'digest' in content) throw new KeywrightError('CAPABILITY_MISSING', { detail: `${algorithm} signs the message itself, not a digest of it.`, remedy: 'Give the message.' });
        if ('digest' in content && hash !== null && content.digest.length !== HASH_SIZES[hash]) {
          throw new KeywrightError('INVALID_INPUT', { detail: `A digest for ${algorithm} has ${HASH_SIZES[hash]} bytes, and this one has ${content.digest.length}.`, where: '/content/digest' });
        }
        return keys.sign(own, ref, algorithm, 'digest' in content ? content.digest : hash === null ? content.message : createHash(hash).update(content.message).digest(), call);
      },
    },

    encrypter: {
      async encrypt(ref, algorithm, input, call) {
        const own = await held(ref, 'encrypt', call);
        if (own.publicKey !== null) return { ciphertext: await encryptTo(ref, { algorithm: own.algorithm, spki: spkiOf(own) }, algorithm, input) };
        assertFits(ref, own, algorithm);
        if (ENCRYPTION_ALGORITHMS[algorithm].authenticated) await messages.count(counted(own, ref), 0, undefined);
        else assertNoAad(algorithm, input.aad);
        return keys.encrypt(own, ref, algorithm, input, call);
      },
    },

    decrypter: {
      async decrypt(ref, algorithm, input, call) {
        const own = await held(ref, 'decrypt', call);
        if (own.publicKey === null) {
          assertFits(ref, own, algorithm);
          if (!ENCRYPTION_ALGORITHMS[algorithm].authenticated) assertNoAad(algorithm, input.aad);
          if (input.nonce === undefined) throw doesNotOpen();
          return keys.decrypt(own, ref, algorithm, input, call);
        }
        assertEncrypts(ref, own.algorithm, algorithm);
        if (algorithm === 'hpke') return hpkeOpen({ recipient: spkiOf(own), aad: input.aad }, (peer) => agree(ref, own, peer, call), input.ciphertext);
        assertNoAad(algorithm, input.aad);
        const padding: RsaPadding = algorithm === 'rsa-pkcs1' ? { padding: 'pkcs1' } : { padding: 'oaep', hash: algorithm === 'rsa-oaep-sha1' ? 'sha1' : oaepHashOf(algorithm as OaepName) };
        return keys.decryptRsa(own, ref, padding, input.ciphertext, call);
      },
    },

    wrapper: {
      async wrap(ref, algorithm, material, call) {
        const own = await held(ref, 'wrap', call);
        if (own.publicKey !== null) return wrapTo(ref, { algorithm: own.algorithm, spki: spkiOf(own) }, algorithm, material.reveal());
        return keys.wrap(own, ref, wrapModeOf(ref, own, algorithm), material, call);
      },
      async unwrap(ref, algorithm, wrapped, call) {
        const own = await held(ref, 'unwrap', call);
        if (own.publicKey === null) return keys.unwrap(own, ref, wrapModeOf(ref, own, algorithm), wrapped, call);
        const possible = wrapAlgorithmsOf(own.algorithm);
        if (!possible.includes(algorithm)) throw cannot(ref, own.algorithm, `wrap keys as ${algorithm}`, possible);
        if (algorithm !== 'rsa-aes-kwp') return new SecretBytes(await keys.decryptRsa(own, ref, { padding: 'oaep-unwrap', hash: oaepHashOf(algorithm as OaepName) }, wrapped, call));
        // CKM_RSA_AES_KEY_WRAP (PKCS#11 v3.1 §6.1.21): an AES key under OAEP with SHA-256, then the secret under AES-KWP with it.
        const size = KEY_ALGORITHMS[own.algorithm].bits / 8;
        if (wrapped.length < size + 16) throw doesNotOpen();
        using ephemeral = new SecretBytes(await keys.decryptRsa(own, ref, { padding: 'oaep-unwrap', hash: 'sha256' }, wrapped.subarray(0, size), call));
        if (![16, 24, 32].includes(ephemeral.length)) throw doesNotOpen();
        return unwrapWithAes('aes-kwp', createSecretKey(Buffer.from(ephemeral.reveal())), wrapped.subarray(size));
      },
    },

    agreement: { agree: async (ref, peer, call) => agree(ref, await held(ref, 'agree', call), peer, call) },

    macMaker: {
      async mac(ref, message, call) {
        throwIfAborted(call);
        const own = await keys.find(ref.id, call);
        // Whoever may check a MAC must be able to make it.
        if (!own.usages.includes('mac') && !own.usages.includes('verify-mac')) throw usageMissing(ref, own.usages, 'mac');
        return keys.mac(own, ref, message, call);
      },
    },

    importer: {
      async importKey(request, material, call) {
        throwIfAborted(call);
        assertOffered(material.algorithm);
        assertUsages(material.algorithm, request.usages);
        const made = await keys.importKey(request, material, call);
        if ((material.aeadMessages ?? 0) > 0) await messages.count(counted(made, { uri: '', id: '', version: 1 }), (material.aeadMessages as number) - 1, call.unit);
        return keys.describe(made);
      },
      importVersion: () => Promise.reject(new KeywrightError('CAPABILITY_MISSING', { detail: `Keys of ${keys.title} have one version.`, remedy: 'Import it as a key of its own.' })),
    },

    exporter: {
      async exportKey(ref, call) {
        throwIfAborted(call);
        const own = await keys.find(ref.id, call);
        if (!own.extractable) throw new KeywrightError('PERMISSION_DENIED', { detail: `${nameOf(ref)} is not extractable: it never leaves its place.`, remedy: 'Generate an extractable key, or use this one where it is.' });
        const secret = await keys.exportKey(own, ref, call);
        const aeadMessages = own.publicKey === null ? await messages.used(counted(own, ref), 0, call.unit) : 0;
        return { algorithm: own.algorithm, secret, ...(aeadMessages === 0 ? {} : { aeadMessages }) };
      },
    },

    random: { random: (length, call) => keys.random(length, call) },
  };

  return {
    name: keys.name, type: keys.type, capabilities: keys.capabilities,

    async list({ limit, cursor }, call) {
      const all = (await keys.all(call)).map((key) => keys.describe(key)).sort((a, b) => (a.id < b.id ? -1 : 1));
      const from = cursor === undefined ? 0 : all.findIndex(({ id }) => id > cursor);
      const items = from === -1 ? [] : all.slice(from, from + limit);
      return from !== -1 && from + limit < all.length ? { items, cursor: items.at(-1)!.id } : { items };
    },

    get: async (id, call) => keys.describe(await keys.find(id, call)),

    async generate(request, call) {
      throwIfAborted(call);
      assertOffered(request.algorithm);
      assertUsages(request.algorithm, request.usages);
      if (keys.usagesAreFixed === true) assertAllUsages(request.algorithm, usagesIn(request.algorithm, capabilities), request.usages, keys.title);
      return keys.describe(await keys.generate(request, call));
    },

    ...offered(facets, capabilities),

    ...(keys.remove === undefined ? {} : {
      remover: {
        async remove(id, call) {
          throwIfAborted(call);
          const key = await keys.find(id, call);
          await keys.remove?.(id, call);
          await messages.remove(keys.counterOf(key), call.unit);
        },
      },
    }),

    async [Symbol.asyncDispose]() {
      messages.clear();
      await keys.close?.();
    },
  };
}

/** @returns what keys of an algorithm can do in a store with these capabilities. */
export function usagesIn(algorithm: KeyAlgorithmName, capabilities: readonly string[]): Usage[] {
  return (KEY_ALGORITHMS[algorithm].usages as readonly Usage[]).filter((usage) => capabilities.includes(usage));
}

/** Only what is claimed is offered. */
function offered<F extends Partial<KeyStore>>(facets: F, capabilities: readonly string[]): Partial<F> {
  const needs: Partial<Record<keyof KeyStore, string>> = {
    signer: 'sign', encrypter: 'encrypt', decrypter: 'decrypt', wrapper: 'wrap', agreement: 'agree', macMaker: 'mac', importer: 'import', exporter: 'export', random: 'random',
  };
  return Object.fromEntries(Object.entries(facets).filter(([name]) => capabilities.includes(needs[name as keyof KeyStore] as string))) as Partial<F>;
}

const spkiOf = ({ publicKey }: RemoteKey): Buffer => Buffer.from(publicKey as string, 'base64url');

function assertFits(ref: KeyRef, own: RemoteKey, algorithm: EncryptionAlgorithmName): void {
  const possible = encryptionAlgorithmsOf(own.algorithm);
  if (!possible.includes(algorithm)) throw cannot(ref, own.algorithm, `encrypt or decrypt as ${algorithm}`, possible);
}

function wrapModeOf(ref: KeyRef, own: RemoteKey, algorithm: WrapAlgorithmName): 'aes-kw' | 'aes-kwp' {
  const possible = wrapAlgorithmsOf(own.algorithm);
  if (!possible.includes(algorithm)) throw cannot(ref, own.algorithm, `wrap keys as ${algorithm}`, possible);
  return algorithm as 'aes-kw' | 'aes-kwp';
}

function throwIfAborted({ signal }: Call): void {
  if (signal.aborted) throw asKeywrightError(signal.reason);
}

/** @returns base64url without padding. */
export function coded(value: Uint8Array): string {
  return Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('base64url');
}

/** @param title of who answered. @throws BACKEND_UNAVAILABLE when it is no base64url */
export function decoded(value: unknown, title: string): Buffer {
  if (typeof value === 'string' && /^[A-Za-z0-9_-]*$/.test(value)) return Buffer.from(value, 'base64url');
  throw new KeywrightError('BACKEND_UNAVAILABLE', { detail: `${title} answered with something that makes no sense.`, remedy: 'Install another version of it.' });
}
