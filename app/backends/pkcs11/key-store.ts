import { KEY_ALGORITHMS, SecretBytes } from '../../contract/index.ts';
import type { KeyCall, KeyRef, KeyStore } from '../../keystore/keystore.ts';
import { pinTitle } from '../../keystore/token-prompts.ts';
import type { BackendDeps } from '../../keystore/registry.ts';
import { coded, decoded, remoteKeyStore } from '../worker/key-store.ts';
import { nameOfKey, selectorOf, type HeldKey, type TokenKeys } from './keys.ts';
import { asWriter, entering, loggedIn, type Entered } from './login.ts';
import type { Inputs, MethodName } from './messages.ts';

type OfKey = { [M in MethodName]: Inputs[M] extends { key: unknown; slot: string } ? M : never }[MethodName];

/** The key store of one token: each use of a key is a call of the module's worker, with the PIN that the key asks for. */
export function keyStoreOf(keys: TokenKeys, type: string, instance: string, deps: Pick<BackendDeps, 'storage'>): KeyStore {
  const { token, pins } = keys;
  const bytes = (value: unknown): Buffer => decoded(value, token.title);

  async function act<M extends OfKey>(method: M, key: HeldKey, ref: KeyRef, verb: string, input: Omit<Inputs[M], 'slot' | 'key' | 'secret'>, call: KeyCall): Promise<unknown> {
    const reason = { title: ref.occasion === undefined && ref.purpose === undefined ? `${verb} “${ref.label ?? ref.uri}”` : pinTitle(verb, ref), place: `key ${nameOfKey(key)}` };
    const send = (of: HeldKey, inside: KeyCall, secret?: Entered): Promise<unknown> =>
      token.call(method, { key: selectorOf(of), ...input, ...(secret === undefined ? {} : { secret }) } as Omit<Inputs[M], 'slot'>, inside, `${method} ${ref.uri}`);
    return loggedIn(token, pins, reason, call, async () => {
      const whole = await keys.whole(key, call);
      if (!whole.alwaysAuthenticate) return send(whole, call);
      // Each use asks anew (CKA_ALWAYS_AUTHENTICATE); within one call what was accepted may be sent again.
      return entering(token, pins, 'pin', { ...reason, keep: 'call' }, call, (secret, inside) => send(whole, { ...call, ...inside }, secret));
    });
  }

  return remoteKeyStore<HeldKey>({
    name: token.id, type, title: token.title, capabilities: token.capabilities, usagesAreFixed: token.peculiar.usagesAreFixed === true,
    all: (call) => keys.read(call),
    find: (id, call) => keys.find(id, call),
    describe: (key) => keys.describe(key),
    counterOf: ({ id, label }) => (id === '' ? Buffer.from(label).toString('hex') : id),
    async generate({ slot, algorithm, label, usages, extractable }, call) {
      const id = await keys.freeId(slot, call);
      await keys.confirmPlace(id, call);
      await asWriter(token, pins, `Generate “${label}”`, call, () => token.call('keys.generate', { algorithm, id, label, usages, extractable }, call, `keys.generate ${id}`));
      return keys.made(id, algorithm, call);
    },
    async importKey({ slot, label, usages, extractable }, { algorithm, secret }, call) {
      const id = await keys.freeId(slot, call);
      await asWriter(token, pins, `Import “${label}”`, call, () => token.call('keys.import', { algorithm, id, label, usages, extractable, material: coded(secret.reveal()) }, call, `keys.import ${id}`));
      return keys.made(id, algorithm, call);
    },
    exportKey: async (key, ref, call) => new SecretBytes(bytes(await act('keys.export', key, ref, 'Export', { algorithm: key.algorithm }, call))),
    ...(token.peculiar.keepsKeys === true ? {} : { remove: (id: string, call: KeyCall) => keys.remove(id, call) }),
    random: async (length, call) => bytes(await token.call('random', { length }, call)),
    sign: async (key, ref, algorithm, data, call) => bytes(await act('keys.sign', key, ref, 'Sign with', { keyAlgorithm: key.algorithm, algorithm, data: coded(data) }, call)),
    decryptRsa: async (key, ref, padding, data, call) =>
      bytes(await act('keys.decrypt-rsa', key, ref, padding.padding === 'oaep-unwrap' ? 'Unwrap with' : 'Decrypt with', { bits: KEY_ALGORITHMS[key.algorithm].bits, hash: 'sha256', ...padding, data: coded(data) }, call)),
    agree: async (key, ref, { point }, call) => new SecretBytes(bytes(await act('keys.agree', key, ref, 'Agree with', { keyAlgorithm: key.algorithm, point: coded(point) }, call))),
    async encrypt(key, ref, algorithm, { plaintext, aad }, call) {
      const { ciphertext, nonce, tag } = await act('keys.encrypt', key, ref, 'Encrypt with', { algorithm, plaintext: coded(plaintext), ...(aad === undefined ? {} : { aad: coded(aad) }) }, call) as { ciphertext: string; nonce: string; tag?: string };
      return { ciphertext: bytes(ciphertext), nonce: bytes(nonce), ...(tag === undefined ? {} : { tag: bytes(tag) }) };
    },
    decrypt: async (key, ref, algorithm, { ciphertext, nonce, tag, aad }, call) =>
      bytes(await act('keys.decrypt', key, ref, 'Decrypt with', { algorithm, ciphertext: coded(ciphertext), nonce: coded(nonce as Uint8Array), ...(tag === undefined ? {} : { tag: coded(tag) }), ...(aad === undefined ? {} : { aad: coded(aad) }) }, call)),
    wrap: async (key, ref, algorithm, material, call) => bytes(await act('keys.wrap', key, ref, 'Wrap with', { algorithm, material: coded(material.reveal()) }, call)),
    unwrap: async (key, ref, algorithm, wrapped, call) => new SecretBytes(bytes(await act('keys.unwrap', key, ref, 'Unwrap with', { algorithm, wrapped: coded(wrapped) }, call))),
    mac: async (key, ref, message, call) => bytes(await act('keys.mac', key, ref, 'Authenticate with', { keyAlgorithm: key.algorithm, data: coded(message) }, call)),
  }, `${instance}/${token.id}`, deps);
}
