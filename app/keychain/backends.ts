import { KEY_ALGORITHMS, KeywrightError, type BackendInstance, type BackendType, type Call, type KeyAlgorithmName } from '../contract/index.ts';
import type { KeyStore } from '../keystore/keystore.ts';
import type { BackendManifest, Finding } from '../keystore/registry.ts';
import type { Storage, StorageTransaction } from '../storage/storage.ts';
import { z } from 'zod';
import type { StoredKey } from './inventory.ts';
import type { Ports } from './ports.ts';
import { jsonBytes, jsonOf } from './unit.ts';

type Settings = Record<string, string | number | boolean>;

export interface Configured {
  readonly name: string;
  readonly types: readonly string[];
  readonly settings: Settings;
  readonly enabled: boolean;
  readonly builtIn: boolean;
}

interface Instance {
  configured: Configured;
  /** By type; opened when first needed. */
  readonly stores: Map<string, Promise<KeyStore>>;
  failure: KeywrightError | null;
}

const PREFIX = 'backends/';
/** The instance that is always there: key pairs and symmetric keys in the store itself. */
const SOFTWARE: Configured = { name: 'software', types: ['pkcs8', 'aes'], settings: {}, enabled: true, builtIn: true };

/** The configured backends of a store. SDKs and native modules load when an instance is first used. */
export class Backends implements AsyncDisposable {
  readonly #ports: Ports;
  readonly #storage: Storage;
  readonly #instances = new Map<string, Instance>();

  private constructor(ports: Ports, storage: Storage) {
    this.#ports = ports;
    this.#storage = storage;
    this.#keep(SOFTWARE);
  }

  static async open(ports: Ports, storage: Storage): Promise<Backends> {
    const backends = new Backends(ports, storage);
    const { items } = await storage.list(PREFIX, { limit: 1000 });
    for (const { key } of items) {
      const record = await storage.get(key).catch(() => undefined); // damaged: among the store's problems
      if (record !== undefined) backends.#keep(jsonOf<Configured>(record));
    }
    return backends;
  }

  /** The types that exist, with the JSON Schema of their settings, then those of later versions. */
  static types(ports: Ports): BackendType[] {
    return [
      ...ports.backends.map(({ type, title, summary, config }) => ({ type, title, summary, available: true, reason: null, settings: z.toJSONSchema(config, { io: 'input' }) as Record<string, unknown> })),
      ...ports.laterBackends.map(({ type, title, summary, reason }) => ({ type, title, summary, available: false, reason, settings: null })),
    ];
  }

  list(): BackendInstance[] {
    return [...this.#instances.values()].map((instance) => this.#describe(instance));
  }

  has(name: string): boolean {
    return this.#instances.has(name);
  }

  /** How a configuration would be shown that has not been applied yet. */
  describe(configured: Configured): BackendInstance {
    return this.#describe({ configured, stores: new Map(), failure: null });
  }

  /** @throws NOT_FOUND */
  show(name: string): BackendInstance {
    return this.#describe(this.#get(name));
  }

  /** @returns the store of an instance that has the algorithm. @throws NOT_FOUND, CAPABILITY_MISSING, BACKEND_UNAVAILABLE */
  async storeFor(name: string, algorithm: KeyAlgorithmName): Promise<KeyStore> {
    const { configured } = this.#get(name);
    const manifests = configured.types.map((type) => this.#manifest(type));
    const manifest = manifests.find(({ capabilities }) => capabilities.algorithms.includes(algorithm));
    if (manifest === undefined) {
      throw new KeywrightError('CAPABILITY_MISSING', {
        detail: `The backend “${name}” has no ${algorithm} keys.`, remedy: 'Choose one of the algorithms that it has, or another backend.',
        alternatives: manifests.flatMap(({ capabilities }) => capabilities.algorithms),
      });
    }
    return this.#store(name, manifest.type);
  }

  /** @returns the store that holds a key. @throws BACKEND_UNAVAILABLE */
  storeOf(key: Pick<StoredKey, 'backend' | 'type'>): Promise<KeyStore> {
    return this.#store(key.backend, key.type);
  }

  /** @throws NOT_FOUND for an unknown type, ALREADY_EXISTS, INVALID_INPUT for settings */
  async add(type: string, name: string, settings: Settings, unit: StorageTransaction): Promise<Configured> {
    const later = this.#ports.laterBackends.find((backend) => backend.type === type);
    if (later !== undefined) throw new KeywrightError('BACKEND_UNAVAILABLE', { detail: `${later.title}: ${later.reason}.`, alternatives: this.#ports.backends.map((backend) => backend.type) });
    if (this.#instances.has(name)) throw new KeywrightError('ALREADY_EXISTS', { detail: `There is a backend “${name}” already.`, remedy: 'Choose another name.' });
    const manifest = this.#manifest(type);
    return this.#write({ name, types: [type], settings: validSettings(manifest, settings), enabled: true, builtIn: false }, unit);
  }

  async configure(name: string, settings: Settings, unit: StorageTransaction): Promise<Configured> {
    const { configured } = this.#own(name);
    return this.#write({ ...configured, settings: validSettings(this.#manifest(configured.types[0]!), { ...configured.settings, ...settings }) }, unit);
  }

  async switch(name: string, enabled: boolean, unit: StorageTransaction): Promise<Configured> {
    return this.#write({ ...this.#own(name).configured, enabled }, unit);
  }

  async remove(name: string, unit: StorageTransaction): Promise<void> {
    this.#own(name);
    await unit.delete(PREFIX + name, { ifRevision: 'any' });
  }

  /** A committed change. `undefined`: the instance is gone. Open stores of it are closed. */
  async applied(name: string, configured: Configured | undefined): Promise<void> {
    const before = this.#instances.get(name);
    this.#instances.delete(name);
    if (configured !== undefined) this.#keep(configured);
    if (before !== undefined) await close(before);
  }

  /** What an instance or a type lacks. @throws NOT_FOUND */
  async *diagnose(name: string, call: Call): AsyncGenerator<Finding> {
    const instance = this.#instances.get(name);
    const types = instance?.configured.types ?? [name];
    for (const type of types) {
      const later = this.#ports.laterBackends.find((backend) => backend.type === type);
      if (later !== undefined) {
        yield { level: 'warning', code: 'backends.later', detail: `${later.title}: ${later.reason}.` };
        continue;
      }
      const manifest = this.#manifest(type);
      const settings = validSettings(manifest, instance?.configured.settings ?? {});
      if (manifest.diagnose !== undefined) yield* manifest.diagnose(settings, call);
      if (instance !== undefined) {
        await this.#store(name, type);
        yield { level: 'ok', code: 'backends.opens', detail: `${manifest.title}: it opens and answers.` };
      }
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.#instances.values()].map(close));
    this.#instances.clear();
  }

  #keep(configured: Configured): void {
    this.#instances.set(configured.name, { configured, stores: new Map(), failure: null });
  }

  #get(name: string): Instance {
    const instance = this.#instances.get(name);
    if (instance === undefined) throw new KeywrightError('NOT_FOUND', { detail: `There is no backend “${name}”.`, remedy: 'See `keywright backends list`.', alternatives: [...this.#instances.keys()] });
    return instance;
  }

  #own(name: string): Instance {
    const instance = this.#get(name);
    if (instance.configured.builtIn) throw new KeywrightError('CONFLICT', { detail: `“${name}” is built in: it can be neither changed nor removed.` });
    return instance;
  }

  #manifest(type: string): BackendManifest {
    const manifest = this.#ports.backends.find((backend) => backend.type === type);
    if (manifest === undefined) throw new KeywrightError('NOT_FOUND', { detail: `There is no type of backend “${type}”.`, remedy: 'See `keywright backends list`.', alternatives: this.#ports.backends.map((backend) => backend.type) });
    return manifest;
  }

  async #store(name: string, type: string): Promise<KeyStore> {
    const instance = this.#get(name);
    if (!instance.configured.enabled) throw new KeywrightError('BACKEND_UNAVAILABLE', { detail: `The backend “${name}” is switched off.`, remedy: `Switch it on with \`keywright backends enable ${name}\`.` });
    let store = instance.stores.get(type);
    if (store === undefined) {
      const manifest = this.#manifest(type);
      store = manifest.load().then(({ open }) => open({ name, config: validSettings(manifest, instance.configured.settings) }, { storage: this.#storage }));
      instance.stores.set(type, store);
    }
    try {
      const opened = await store;
      instance.failure = null;
      return opened;
    } catch (thrown) {
      instance.stores.delete(type);
      instance.failure = thrown instanceof KeywrightError ? thrown : new KeywrightError('BACKEND_UNAVAILABLE', { detail: `The backend “${name}” could not be opened.`, remedy: `Run \`keywright backends diagnose ${name}\`.`, cause: thrown });
      throw instance.failure;
    }
  }

  async #write(configured: Configured, unit: StorageTransaction): Promise<Configured> {
    await unit.put(PREFIX + configured.name, jsonBytes(configured), { ifRevision: 'any' });
    return configured;
  }

  #describe({ configured, failure }: Instance): BackendInstance {
    const manifests = configured.types.map((type) => this.#manifest(type));
    return {
      name: configured.name,
      types: [...configured.types],
      title: configured.builtIn ? 'This computer' : (manifests[0]?.title ?? configured.name),
      builtIn: configured.builtIn,
      state: !configured.enabled ? 'disabled' : failure === null ? 'ready' : 'unavailable',
      reason: configured.enabled ? (failure?.facts.detail ?? null) : 'It is switched off.',
      remedy: failure?.facts.remedy ?? null,
      settings: configured.settings,
      algorithms: Object.keys(KEY_ALGORITHMS).filter((name): name is KeyAlgorithmName => manifests.some(({ capabilities }) => (capabilities.algorithms as readonly string[]).includes(name))),
      capabilities: [...new Set(manifests.flatMap(({ capabilities }) => capabilities.capabilities))],
    };
  }
}

function validSettings(manifest: BackendManifest, settings: Settings): Settings {
  const parsed = manifest.config.safeParse(settings);
  if (parsed.success) return parsed.data as Settings;
  const [issue] = parsed.error.issues;
  throw new KeywrightError('INVALID_INPUT', {
    detail: `The settings of ${manifest.title} are not valid: ${issue?.message ?? 'unknown'}.`, where: `/settings/${issue?.path.join('/') ?? ''}`, remedy: `See \`keywright backends show ${manifest.type}\`.`,
  });
}

async function close({ stores }: Instance): Promise<void> {
  const opened = await Promise.allSettled(stores.values());
  await Promise.all(opened.map((result) => (result.status === 'fulfilled' ? result.value[Symbol.asyncDispose]() : undefined)));
}
