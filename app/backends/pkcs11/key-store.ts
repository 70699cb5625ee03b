import { createHash, createSecretKey } from 'node:crypto';
import {
  asKeywrightError, ENCRYPTION_ALGORITHMS, encryptionAlgorithmsOf, HASH_SIZES, KEY_ALGORITHMS, KeywrightError, SecretBytes, SIGNATURE_ALGORITHMS, signatureAlgorithmsOf, wrapAlgorithmsOf,
  type Usage, type WrapAlgorithmName,
} from '../../contract/index.ts';
import { parseSpki } from '../../formats/spki.ts';
import type { KeyCall, KeyDescription, KeyRef, KeyStore } from '../../keystore/keystore.ts';
import { hpkeOpen } from '../software/hpke.ts';
import { unwrapWithAes } from '../software/key-wrap.ts';
import { MessageCounter } from '../software/message-counter.ts';
import { assertEncrypts, encryptTo, wrapTo, oaepHashOf, type OaepName } from '../software/public-encryption.ts';
import { assertNoAad, assertUsages, cannot, doesNotOpen, nameOf, usageMissing } from '../software/refusals.ts';
import type { BackendDeps } from '../../keystore/registry.ts';
import { encoded, judged, loggedIn, secretOf } from './login.ts';
import { boundSelector, type HeldKey, type TokenKeys } from './keys.ts';
import type { Inputs, MethodName } from './messages.ts';

/** The key store of one token: what a public key suffices for is done here, the rest in the token. */

type Using = { [M in MethodName]: Inputs[M] extends { key: unknown; slot: string } ? M : never }[MethodName];

const bytes = (text: unknown): Buffer => {
  if (typeof text !== 'string') throw new KeywrightError('BACKEND_UNAVAILABLE', 'The module’s worker answered with something that makes no sense.');
  return Buffer.from(text, 'base64url');
};
const text = (value: Uint8Array): string => Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('base64url');

export function keyStoreOf(keys: TokenKeys, type: string, instance: string, { storage }: Pick<BackendDeps, 'storage'>): KeyStore {
  const { token, pins } = keys;
  const { algorithms, capabilities } = token.capabilities;
  const messages = new MessageCounter(storage, `${instance}/${token.id}`);

  /** Lets a private or secret key act, with the PIN that it asks for. */
  async function act<M extends Using>(method: M, held: HeldKey, ref: KeyRef, verb: string, input: Omit<Inputs[M], 'slot' | 'key' | 'secret'>, call: KeyCall): Promise<unknown> {
    const reason = { title: ref.purpose ?? `${verb} “${ref.label ?? ref.uri}”`, place: `key ${held.label === '' ? held.id : held.label}` };
    const late = `${verb.toLowerCase()} ${ref.uri}`;
    const send = (secret: SecretBytes | undefined): Promise<unknown> =>
      token.call(method, { key: boundSelector(held), ...input, ...(secret === undefined ? {} : { secret: encoded(secret) }) } as unknown as Omit<Inputs[M], 'slot'>, call, late);
    if (!held.alwaysAuthenticate || token.state.flags.pinpad) return loggedIn(token, pins, reason, call, () => send(undefined));
    // Each use asks anew (CKA_ALWAYS_AUTHENTICATE); within one call what was accepted may be sent again.
    return loggedIn(token, pins, reason, call, () => pins.use(secretOf(token, 'pin'), { ...reason, keep: 'call' }, call, (secret) => judged(token, 'pin', () => send(secret))));
  }

  async function held(ref: Pick<KeyRef, 'id' | 'uri'> & Partial<KeyRef>, usage: Usage, call: KeyCall): Promise<HeldKey> {
    throwIfAborted(call);
    const found = await keys.find(ref.id, call);
    if (!found.usages.includes(usage)) throw usageMissing(ref as KeyRef, found.usages, usage);
    return found;
  }

  const spkiOf = ({ publicKey }: HeldKey): Buffer => Buffer.from(publicKey as string, 'base64url');

  async function agree(ref: KeyRef, own: HeldKey, peer: Uint8Array, call: KeyCall): Promise<SecretBytes> {
    const parts = parseSpki(peer);
    if (parts.algorithm !== own.algorithm || parts.kind === 'rsa') {
      throw new KeywrightError('INVALID_INPUT', { detail: `The peer's key is ${parts.algorithm}, and ${nameOf(ref)} is ${own.algorithm}: both must be on one curve.`, where: '/peer' });
    }
    return new SecretBytes(bytes(await act('keys.agree', own, ref, 'Agree with', { keyAlgorithm: own.algorithm, point: text(parts.bytes) }, call)));
  }

  async function openOaep(ref: KeyRef, own: HeldKey, padding: 'oaep' | 'oaep-unwrap', hash: 'sha1' | 'sha256' | 'sha384' | 'sha512', data: Uint8Array, call: KeyCall): Promise<Buffer> {
    return bytes(await act('keys.decrypt-rsa', own, ref, padding === 'oaep' ? 'Decrypt with' : 'Unwrap with', { bits: KEY_ALGORITHMS[own.algorithm].bits, padding, hash, data: text(data) }, call));
  }

  const facets: Omit<KeyStore, 'name' | 'type' | 'capabilities' | 'list' | 'get' | 'generate' | typeof Symbol.asyncDispose> = {
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
        const data = 'digest' in content ? content.digest : hash === null ? content.message : createHash(hash).update(content.message).digest();
        return bytes(await act('keys.sign', own, ref, 'Sign with', { keyAlgorithm: own.algorithm, algorithm, data: text(data) }, call));
      },
    },

    encrypter: {
      async encrypt(ref, algorithm, input, call) {
        const own = await held(ref, 'encrypt', call);
        if (own.kind === 'private') return { ciphertext: await encryptTo(ref, { algorithm: own.algorithm, spki: spkiOf(own) }, algorithm, input) };
        assertFits(ref, own, algorithm);
        if (ENCRYPTION_ALGORITHMS[algorithm].authenticated) await messages.count(counted(own, ref), 0, undefined);
        else assertNoAad(algorithm, input.aad);
        const sealed = await act('keys.encrypt', own, ref, 'Encrypt with', { algorithm, plaintext: text(input.plaintext), ...(input.aad === undefined ? {} : { aad: text(input.aad) }) }, call) as { ciphertext: string; nonce: string; tag?: string };
        return { ciphertext: bytes(sealed.ciphertext), nonce: bytes(sealed.nonce), ...(sealed.tag === undefined ? {} : { tag: bytes(sealed.tag) }) };
      },
    },

    decrypter: {
      async decrypt(ref, algorithm, { ciphertext, nonce, tag, aad }, call) {
        const own = await held(ref, 'decrypt', call);
        if (own.kind === 'private') {
          assertEncrypts(ref, own.algorithm, algorithm);
          if (algorithm === 'hpke') return hpkeOpen({ recipient: spkiOf(own), aad }, (peer) => agree(ref, own, peer, call), ciphertext);
          assertNoAad(algorithm, aad);
          if (algorithm !== 'rsa-pkcs1') return openOaep(ref, own, 'oaep', algorithm === 'rsa-oaep-sha1' ? 'sha1' : oaepHashOf(algorithm as OaepName), ciphertext, call);
          return bytes(await act('keys.decrypt-rsa', own, ref, 'Decrypt with', { bits: KEY_ALGORITHMS[own.algorithm].bits, padding: 'pkcs1', hash: 'sha1', data: text(ciphertext) }, call));
        }
        assertFits(ref, own, algorithm);
        if (!ENCRYPTION_ALGORITHMS[algorithm].authenticated) assertNoAad(algorithm, aad);
        if (nonce === undefined) throw doesNotOpen();
        return bytes(await act('keys.decrypt', own, ref, 'Decrypt with', { algorithm, ciphertext: text(ciphertext), nonce: text(nonce), ...(tag === undefined ? {} : { tag: text(tag) }), ...(aad === undefined ? {} : { aad: text(aad) }) }, call));
      },
    },

    wrapper: {
      async wrap(ref, algorithm, material, call) {
        const own = await held(ref, 'wrap', call);
        if (own.kind === 'private') return wrapTo(ref, { algorithm: own.algorithm, spki: spkiOf(own) }, algorithm, material.reveal());
        return bytes(await act('keys.wrap', own, ref, 'Wrap with', { algorithm: wrapModeOf(ref, own, algorithm), material: text(material.reveal()) }, call));
      },
      async unwrap(ref, algorithm, wrapped, call) {
        const own = await held(ref, 'unwrap', call);
        if (own.kind === 'secret-key') return new SecretBytes(bytes(await act('keys.unwrap', own, ref, 'Unwrap with', { algorithm: wrapModeOf(ref, own, algorithm), wrapped: text(wrapped) }, call)));
        const possible = wrapAlgorithmsOf(own.algorithm);
        if (!possible.includes(algorithm)) throw cannot(ref, own.algorithm, `wrap keys as ${algorithm}`, possible);
        if (algorithm !== 'rsa-aes-kwp') return new SecretBytes(await openOaep(ref, own, 'oaep-unwrap', oaepHashOf(algorithm as OaepName), wrapped, call));
        // CKM_RSA_AES_KEY_WRAP (PKCS#11 v3.1 §6.1.21): an AES key under OAEP with SHA-256, then the secret under AES-KWP with it.
        const size = KEY_ALGORITHMS[own.algorithm].bits / 8;
        if (wrapped.length < size + 16) throw doesNotOpen();
        using ephemeral = new SecretBytes(await openOaep(ref, own, 'oaep-unwrap', 'sha256', wrapped.subarray(0, size), call));
        if (![16, 24, 32].includes(ephemeral.length)) throw doesNotOpen();
        return unwrapWithAes('aes-kwp', createSecretKey(Buffer.from(ephemeral.reveal())), wrapped.subarray(size));
      },
    },

    agreement: {
      async agree(ref, peer, call) {
        const own = await held(ref, 'agree', call);
        return agree(ref, own, peer, call);
      },
    },

    macMaker: {
      async mac(ref, message, call) {
        throwIfAborted(call);
        const own = await keys.find(ref.id, call);
        if (!own.usages.includes('mac') && !own.usages.includes('verify-mac')) throw usageMissing(ref, own.usages, 'mac');
        return bytes(await act('keys.mac', own, ref, 'Authenticate with', { keyAlgorithm: own.algorithm, data: text(message) }, call));
      },
    },

    importer: {
      async importKey(request, material, call) {
        throwIfAborted(call);
        assertOffered(material.algorithm);
        assertUsages(material.algorithm, request.usages);
        if ((material.aeadMessages ?? 0) > 0 && KEY_ALGORITHMS[material.algorithm].family !== 'aes') throw new KeywrightError('INVALID_INPUT', 'A count of messages belongs to AES keys alone.');
        const id = await keys.freeId(request.slot, call);
        const { secret } = material;
        await loggedIn(token, pins, { title: `Import “${request.label}”` }, call, () =>
          token.call('keys.import', { algorithm: material.algorithm, id, label: request.label, usages: request.usages, extractable: request.extractable, material: text(secret.reveal()) }, call, `import of ${id}`));
        const made = await keys.made(id, material.algorithm, call);
        if (material.aeadMessages !== undefined) await messages.count({ ...counted(made, { uri: '', id, version: 1 }) }, material.aeadMessages - 1, call.unit);
        return keys.describe(made);
      },
      importVersion: () => Promise.reject(new KeywrightError('CAPABILITY_MISSING', { detail: 'Keys in a token have one version.', remedy: 'Import it as a key of its own.' })),
    },

    exporter: {
      async exportKey(ref, call) {
        throwIfAborted(call);
        const own = await keys.find(ref.id, call);
        if (!own.extractable) throw new KeywrightError('PERMISSION_DENIED', { detail: `${nameOf(ref)} is not extractable: it never leaves the token.`, remedy: 'Generate an extractable key, or use this one where it is.' });
        const secret = new SecretBytes(bytes(await act('keys.export', own, ref, 'Export', { algorithm: own.algorithm }, call)));
        const aeadMessages = KEY_ALGORITHMS[own.algorithm].family === 'aes' ? await messages.used(counted(own, ref), 0, call.unit) : 0;
        return { algorithm: own.algorithm, secret, ...(aeadMessages === 0 ? {} : { aeadMessages }) };
      },
    },

    random: { random: async (length, call) => bytes(await token.call('random', { length }, call)) },
  };

  function assertOffered(algorithm: KeyDescription['algorithm']): void {
    if (algorithms.includes(algorithm)) return;
    throw new KeywrightError('CAPABILITY_MISSING', { detail: `${token.title} makes no ${algorithm} keys.`, remedy: algorithms.length > 0 ? 'Choose one of the algorithms that it has.' : 'Its keys are made with its maker’s own program.', alternatives: algorithms });
  }

  return {
    name: token.id, type, capabilities: token.capabilities,

    async list({ limit, cursor }, call) {
      const all = (await keys.read(call)).map((key) => keys.describe(key)).sort((a, b) => (a.id < b.id ? -1 : 1));
      const from = cursor === undefined ? 0 : all.findIndex(({ id }) => id > cursor);
      const items = from === -1 ? [] : all.slice(from, from + limit);
      return from !== -1 && from + limit < all.length ? { items, cursor: items.at(-1)!.id } : { items };
    },

    get: async (id, call) => keys.describe(await keys.find(id, call)),

    async generate(request, call) {
      throwIfAborted(call);
      assertOffered(request.algorithm);
      assertUsages(request.algorithm, request.usages);
      const id = await keys.freeId(request.slot, call);
      await loggedIn(token, pins, { title: `Generate “${request.label}”` }, call, () =>
        token.call('keys.generate', { algorithm: request.algorithm, id, label: request.label, usages: request.usages, extractable: request.extractable }, call, `generation of ${id}`));
      return keys.describe(await keys.made(id, request.algorithm, call));
    },

    ...offered(facets, capabilities),

    remover: {
      async remove(id, call) {
        throwIfAborted(call);
        await keys.remove(id, call);
      },
    },

    async [Symbol.asyncDispose]() {
      messages.clear();
    },
  };
}

/** Only what the token can do at all is offered. */
function offered<F extends Partial<KeyStore>>(facets: F, capabilities: readonly string[]): Partial<F> {
  const needs: Partial<Record<keyof KeyStore, string>> = {
    signer: 'sign', encrypter: 'encrypt', decrypter: 'decrypt', wrapper: 'wrap', agreement: 'agree', macMaker: 'mac', importer: 'import', exporter: 'export', random: 'random',
  };
  return Object.fromEntries(Object.entries(facets).filter(([name]) => capabilities.includes(needs[name as keyof KeyStore] as string))) as Partial<F>;
}

/** Messages are counted by the key's id in the token: its label may change. */
const counted = (own: HeldKey, ref: KeyRef): KeyRef => ({ ...ref, id: own.id === '' ? Buffer.from(own.label).toString('hex') : own.id, version: 1 });

function assertFits(ref: KeyRef, own: HeldKey, algorithm: Parameters<NonNullable<KeyStore['encrypter']>['encrypt']>[1]): void {
  const possible = encryptionAlgorithmsOf(own.algorithm);
  if (!possible.includes(algorithm)) throw cannot(ref, own.algorithm, `encrypt or decrypt as ${algorithm}`, possible);
}

function wrapModeOf(ref: KeyRef, own: HeldKey, algorithm: WrapAlgorithmName): 'aes-kw' | 'aes-kwp' {
  const possible = wrapAlgorithmsOf(own.algorithm);
  if (!possible.includes(algorithm)) throw cannot(ref, own.algorithm, `wrap keys as ${algorithm}`, possible);
  return algorithm as 'aes-kw' | 'aes-kwp';
}

function throwIfAborted({ signal }: KeyCall): void {
  if (signal.aborted) throw asKeywrightError(signal.reason);
}
