import { z } from 'zod';
import { CORE_CAPABILITIES, KEY_ALGORITHM_NAMES, KEY_ALGORITHMS, KeywrightError, SecretBytes, USAGES, type Call, type KeyAlgorithmFacts } from '../../contract/index.ts';
import { algorithmOfSpki } from '../../formats/index.ts';
import type { CapabilitySet, KeyRef, KeyStore } from '../../keystore/keystore.ts';
import { PinKeeper, RefusedSecrets, type TokenSecret } from '../../keystore/pins.ts';
import type { BackendDeps } from '../../keystore/registry.ts';
import { coded, decoded, remoteKeyStore } from '../worker/key-store.ts';
import { Provider } from '../worker/provider.ts';
import type { CustomSettings } from './manifest.ts';
import { startProgram } from './program.ts';

/** What a program says of itself in its hello. */
const Facts = z.object({
  algorithms: z.array(z.enum(KEY_ALGORITHM_NAMES as [string, ...string[]])).max(100),
  capabilities: z.array(z.enum(CORE_CAPABILITIES)).max(100),
});
const bytes = z.string().regex(/^[A-Za-z0-9_-]*$/);
const Key = z.object({
  id: z.string().regex(/^[A-Za-z0-9_.-]{1,128}$/),
  label: z.string().max(200).nullable(),
  algorithm: z.enum(KEY_ALGORITHM_NAMES as [(typeof KEY_ALGORITHM_NAMES)[number], ...typeof KEY_ALGORITHM_NAMES]),
  usages: z.array(z.enum(USAGES)).max(USAGES.length),
  extractable: z.boolean(),
  createdAt: z.iso.datetime(),
  publicKey: bytes.max(16_384).nullable(),
});
type Key = z.output<typeof Key>;
const Keys = z.object({ keys: z.array(Key).max(100_000) });

/** What no program is asked for, whatever it claims: it is not in the protocol. */
const NOT_ASKED = new Set(['encapsulate', 'decapsulate', 'derive', 'rotate']);
const START_SECONDS = 30;
/** A person waits for the answer: what comes up later than this is found later. */
const PROBE_SECONDS = 15;

/** Opens the key store of a program. It is started at once, so that what it can do is known. @throws BACKEND_UNAVAILABLE, TIMEOUT */
export async function openCustom(name: string, config: CustomSettings, deps: BackendDeps): Promise<KeyStore> {
  const { title, provider, capabilities } = await start(name, config, START_SECONDS);
  return customStore(name, title, config, provider, capabilities, deps);
}

/** Starts the program and ends it. @throws BACKEND_UNAVAILABLE or TIMEOUT with what is wrong with it */
export async function probeCustom(name: string, config: CustomSettings): Promise<void> {
  await (await start(name, config, PROBE_SECONDS)).provider[Symbol.asyncDispose]();
}

async function start(name: string, config: CustomSettings, startSeconds: number): Promise<{ title: string; provider: Provider; capabilities: CapabilitySet }> {
  const title = `The program of “${name}”`;
  const provider = new Provider({ title, instance: name, settings: optionsOf(config.options), start: () => startProgram(config), startSeconds });
  try {
    return { title, provider, capabilities: capabilitiesOf(parsed(Facts, (await provider.hello()).facts, title)) };
  } catch (thrown) {
    await provider[Symbol.asyncDispose]();
    throw thrown;
  }
}

function customStore(name: string, title: string, { deadlineSeconds }: CustomSettings, provider: Provider, capabilities: CapabilitySet, deps: BackendDeps): KeyStore {
  const pins = new PinKeeper({ keepMinutes: deps.keepPinMinutes, refused: new RefusedSecrets() });
  let tries: number | null = null;
  const pin: TokenSecret = { kind: 'pin', token: name, problemOf: () => null, triesLeft: async () => tries, remedyWhenBlocked: 'Its own guide says how it is unblocked.' };

  const ask = (method: string, input: object, call: Call, what?: string): Promise<unknown> => {
    const { signal } = call;
    return provider.call(method, input, { signal, seconds: deadlineSeconds, ...(what === undefined ? {} : { late: () => call.discarded(`${method} ${what}`) }) });
  };

  /** A program that answers PIN_REQUIRED gets the same call once more, with the PIN. */
  async function answer<T extends z.ZodType>(schema: T, method: string, input: object, call: Call, title_: string, what?: string): Promise<z.output<T>> {
    try {
      return parsed(schema, await ask(method, input, call, what), title);
    } catch (thrown) {
      if (!(thrown instanceof KeywrightError) || thrown.code !== 'PIN_REQUIRED') throw thrown;
      return pins.use(pin, { title: title_, keep: 'insertion' }, call, async (secret) => {
        try {
          const answered = parsed(schema, await ask(method, { ...input, pin: coded(secret.reveal()) }, call, what), title);
          // The program counts from the beginning again, and tells how many only when it refuses one.
          tries = null;
          return answered;
        } catch (refused) {
          if (refused instanceof KeywrightError && refused.facts.triesLeft !== undefined) tries = refused.facts.triesLeft;
          throw refused;
        }
      });
    }
  }

  const use = <T extends z.ZodType>(schema: T, method: string, key: Key, ref: KeyRef, input: object, call: Call): Promise<z.output<T>> =>
    answer(schema, method, { key: key.id, ...input }, call, ref.purpose ?? `Use “${ref.label ?? ref.uri}”`, ref.uri);
  const one = <N extends string>(field: N) => z.object({ [field]: bytes } as Record<N, typeof bytes>);
  const take = async <N extends string>(field: N, method: string, key: Key, ref: KeyRef, input: object, call: Call): Promise<Buffer> =>
    decoded((await use(one(field), method, key, ref, input, call) as Record<N, string>)[field], title);
  const optional = (value: Record<string, Uint8Array | undefined>): Record<string, string> => Object.fromEntries(Object.entries(value).flatMap(([field, some]) => (some === undefined ? [] : [[field, coded(some)]])));

  return remoteKeyStore<Key>({
    name, type: 'custom', title: `“${name}”`, capabilities,
    all: async (call) => (await answer(Keys, 'keys.list', {}, call, `List the keys of “${name}”`)).keys.map((key) => checked(key, title)),
    async find(id, call) {
      const key = /^[A-Za-z0-9_.-]{1,128}$/.test(id) ? await answer(Key, 'keys.get', { key: id }, call, `Look at the keys of “${name}”`) : undefined;
      if (key === undefined) throw new KeywrightError('NOT_FOUND', { detail: `There is no key ${id} in “${name}”.`, remedy: 'See `keywright keys list`.' });
      if (key.id !== id) throw nonsense(title);
      return checked(key, title);
    },
    describe: (key) => ({
      uri: `custom:${name}/${key.id}`, id: key.id, label: key.label, algorithm: key.algorithm, usages: (KEY_ALGORITHMS[key.algorithm] as KeyAlgorithmFacts).usages.filter((usage) => key.usages.includes(usage)),
      extractable: key.extractable, protection: 'token', versions: [{ version: 1, createdAt: key.createdAt, publicKey: key.publicKey === null ? null : new Uint8Array(Buffer.from(key.publicKey, 'base64url')) }],
    }),
    counterOf: ({ id }) => id,
    generate: async ({ id, algorithm, label, usages, extractable }, call) => checked(await answer(Key, 'keys.generate', { id, algorithm, label, usages, extractable }, call, `Generate “${label}”`, id), title),
    importKey: async ({ id, label, usages, extractable }, { algorithm, secret }, call) =>
      checked(await answer(Key, 'keys.import', { id, algorithm, label, usages, extractable, material: coded(secret.reveal()) }, call, `Import “${label}”`, id), title),
    exportKey: async (key, ref, call) => new SecretBytes(await take('material', 'keys.export', key, ref, {}, call)),
    async remove(id, call) {
      await answer(z.unknown(), 'keys.remove', { key: id }, call, `Destroy a key of “${name}”`, id);
    },
    random: async (length, call) => {
      const random = decoded((await answer(one('bytes'), 'random', { length }, call, `Random bytes of “${name}”`) as { bytes: string }).bytes, title);
      if (random.length !== length) throw nonsense(title);
      return random;
    },
    sign: (key, ref, algorithm, data, call) => take('signature', 'keys.sign', key, ref, { algorithm, data: coded(data) }, call),
    decryptRsa: (key, ref, padding, data, call) => take('plaintext', 'keys.decrypt', key, ref, { algorithm: padding.padding === 'pkcs1' ? 'rsa-pkcs1' : `rsa-oaep-${padding.hash}`, ciphertext: coded(data) }, call),
    agree: async (key, ref, { spki }, call) => new SecretBytes(await take('secret', 'keys.agree', key, ref, { peer: coded(spki) }, call)),
    async encrypt(key, ref, algorithm, input, call) {
      const Sealed = z.object({ ciphertext: bytes, nonce: bytes, tag: bytes.optional() });
      const { ciphertext, nonce, tag } = await use(Sealed, 'keys.encrypt', key, ref, { algorithm, ...optional({ plaintext: input.plaintext, aad: input.aad }) }, call);
      return { ciphertext: decoded(ciphertext, title), nonce: decoded(nonce, title), ...(tag === undefined ? {} : { tag: decoded(tag, title) }) };
    },
    decrypt: (key, ref, algorithm, { ciphertext, nonce, tag, aad }, call) => take('plaintext', 'keys.decrypt', key, ref, { algorithm, ...optional({ ciphertext, nonce, tag, aad }) }, call),
    wrap: (key, ref, algorithm, material, call) => take('wrapped', 'keys.wrap', key, ref, { algorithm, material: coded(material.reveal()) }, call),
    unwrap: async (key, ref, algorithm, wrapped, call) => new SecretBytes(await take('material', 'keys.unwrap', key, ref, { algorithm, wrapped: coded(wrapped) }, call)),
    mac: (key, ref, message, call) => take('mac', 'keys.mac', key, ref, { message: coded(message) }, call),
    async close() {
      pins[Symbol.dispose]();
      await provider[Symbol.asyncDispose]();
    },
  }, name, deps);
}

function capabilitiesOf({ algorithms, capabilities }: z.output<typeof Facts>): CapabilitySet {
  return { algorithms: KEY_ALGORITHM_NAMES.filter((name) => algorithms.includes(name)), capabilities: CORE_CAPABILITIES.filter((capability) => capabilities.includes(capability) && !NOT_ASKED.has(capability)) };
}

/** A public key that is not the algorithm's own would be taken for another key everywhere. */
function checked(key: Key, title: string): Key {
  const pair = KEY_ALGORITHMS[key.algorithm].kind === 'pair';
  if (pair !== (key.publicKey !== null) || (key.publicKey !== null && algorithmOfSpki(Buffer.from(key.publicKey, 'base64url')) !== key.algorithm)) throw nonsense(title);
  return key;
}

function parsed<T extends z.ZodType>(schema: T, value: unknown, title: string): z.output<T> {
  const result = schema.safeParse(value);
  if (!result.success) throw nonsense(title, result.error);
  return result.data;
}

function nonsense(title: string, cause?: unknown): KeywrightError {
  return new KeywrightError('BACKEND_UNAVAILABLE', { detail: `${title} answered with something that makes no sense.`, remedy: 'Its author finds the form of each answer in docs/worker-protocol.md.', ...(cause === undefined ? {} : { cause }) });
}

function optionsOf(text: string | undefined): Record<string, string> {
  return Object.fromEntries((text ?? '').split(';').filter((part) => part.trim() !== '').map((part) => {
    const equals = part.indexOf('=');
    if (equals <= 0) throw new KeywrightError('INVALID_INPUT', { detail: 'An option is written name=value; several are parted by “;”.', where: '/settings/options' });
    return [part.slice(0, equals).trim(), part.slice(equals + 1)] as const;
  }));
}
