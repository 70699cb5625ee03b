import { KEY_ALGORITHMS, because, KeywrightError, type BackendInstance, type BackendType, type Call, type KeyAlgorithmName } from '../contract/index.ts';
import type { KeyStore } from '../keystore/keystore.ts';
import type { BackendDeps, BackendManifest, BackendModule, Finding } from '../keystore/registry.ts';
import type { TokenSource } from '../keystore/tokens.ts';
import type { StorageTransaction } from '../storage/storage.ts';
import { z } from 'zod';
import type { StoredKey } from './inventory.ts';
import type { Ports } from './ports.ts';
import { Tokens } from './tokens.ts';
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
  /** Instances whose keys are in tokens: the source once it was opened. */
  source: Promise<TokenSource> | undefined;
  failure: KeywrightError | null;
}

const PREFIX = 'backends/';
/** The instance that is always there: key pairs and symmetric keys in the store itself. */
const SOFTWARE: Configured = { name: 'software', types: ['pkcs8', 'aes'], settings: {}, enabled: true, builtIn: true };

/** The configured backends of a store. SDKs and native modules load when an instance is first used. */
export class Backends implements AsyncDisposable {
  readonly #ports: Ports;
  readonly #deps: BackendDeps;
  readonly #instances = new Map<string, Instance>();
  readonly #modules = new Map<string, Promise<BackendModule>>();
  /** What is plugged in, of all instances whose keys are in tokens. */
  readonly tokens = new Tokens();

  private constructor(ports: Ports, deps: BackendDeps) {
    this.#ports = ports;
    this.#deps = deps;
    this.#keep(SOFTWARE);
    for (const { type, builtIn } of ports.backends) if (builtIn === true) this.#keep(builtInOf(type));
  }

  static async open(ports: Ports, deps: BackendDeps): Promise<Backends> {
    const backends = new Backends(ports, deps);
    const { storage } = deps;
    const { items } = await storage.list(PREFIX, { limit: 1000 });
    for (const { key } of items) {
      const record = await storage.get(key).catch(() => undefined); // damaged: among the store's problems
      if (record !== undefined) backends.#keep(jsonOf<Configured>(record));
    }
    return backends;
  }

  /** The types that exist, with the JSON Schema of their settings, then those of later versions. */
  static async types(ports: Ports): Promise<BackendType[]> {
    const own = await Promise.all(ports.backends.map(async (manifest) => {
      const { type, title, summary, config } = manifest;
      const known = (await manifest.known?.()) ?? [];
      return { type, title, summary, available: true, reason: null, settings: z.toJSONSchema(config, { io: 'input' }) as Record<string, unknown>, known: known.map((one) => ({ ...one, settings: one.settings === null ? null : { ...one.settings } })) };
    }));
    return [...own, ...ports.laterBackends.map(({ type, title, summary, reason }) => ({ type, title, summary, available: false, reason, settings: null, known: [] }))];
  }

  list(): BackendInstance[] {
    return [...this.#instances.values()].map((instance) => this.#describe(instance));
  }

  has(name: string): boolean {
    return this.#instances.has(name);
  }

  /** Whether somebody would miss an instance that does not answer: not one that is built in, with nothing plugged in. */
  matters(name: string): boolean {
    const { configured } = this.#get(name);
    return !configured.builtIn || configured.name === SOFTWARE.name || this.tokens.all().some(({ instance }) => instance === name);
  }

  /** How a configuration is shown that has not been applied yet. What it brings up is tried, so that `ready` is never a guess. */
  async tried(configured: Configured): Promise<BackendInstance> {
    const instance: Instance = { configured, stores: new Map(), source: undefined, failure: null };
    const probed = configured.types.map((type) => this.#manifest(type)).filter(({ probe }) => probe !== undefined);
    try {
      for (const manifest of configured.enabled ? probed : []) await manifest.probe?.({ name: configured.name, config: validSettings(manifest, configured.settings) });
    } catch (thrown) {
      instance.failure = asFailure(configured.name, thrown);
    }
    // What was found of it by now was found with other settings.
    return probed.length > 0 ? this.#describe(instance, null) : this.#describe(instance);
  }

  /** @throws NOT_FOUND */
  show(name: string): BackendInstance {
    return this.#describe(this.#get(name));
  }

  /** @returns the store of an instance that has the algorithm. @throws NOT_FOUND, CAPABILITY_MISSING, BACKEND_UNAVAILABLE */
  async storeFor(name: string, algorithm: KeyAlgorithmName): Promise<KeyStore> {
    const instance = this.instanceOf(name);
    if (instance !== undefined && instance !== name) return withAlgorithm(await this.#storeOfToken(name, name, instance), algorithm);
    const { configured } = this.#get(name);
    const manifests = configured.types.map((type) => this.#manifest(type));
    if (this.#hasTokens(configured)) {
      await (await this.openTokens(name))?.ready();
      return withAlgorithm(this.tokens.onlyOf(name, name), algorithm);
    }
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
  async storeOf(key: Pick<StoredKey, 'backend' | 'type'> & Partial<Pick<StoredKey, 'hardware'>>): Promise<KeyStore> {
    const { hardware } = key;
    if (hardware === null || hardware === undefined) return this.#store(key.backend, key.type);
    return this.#storeOfToken(hardware.token, hardware.tokenTitle, this.instanceOf(key.backend));
  }

  /** @param title for whoever looks for it. @throws BACKEND_UNAVAILABLE when it is not plugged in */
  async #storeOfToken(token: string, title: string, instance: string | undefined): Promise<KeyStore> {
    if (!this.tokens.has(token) && instance !== undefined) await (await this.openTokens(instance))?.ready();
    const present = this.tokens.get(token);
    if (present !== undefined) return present.token.store;
    throw new KeywrightError('BACKEND_UNAVAILABLE', { detail: `${title} is not plugged in.`, remedy: 'Plug it in and try again.' });
  }

  /** @returns the instance that a name stands for: its own, or that of a token's id. */
  instanceOf(name: string): string | undefined {
    if (this.#instances.has(name)) return name;
    const present = this.tokens.get(name);
    if (present !== undefined) return present.instance;
    return [...this.#instances.keys()].filter((instance) => name.startsWith(`${instance}-`)).sort((a, b) => b.length - a.length)[0];
  }

  /** Instances that are switched on and may have tokens. */
  tokenInstances(): string[] {
    return [...this.#instances.values()].filter(({ configured }) => configured.enabled && this.#hasTokens(configured)).map(({ configured }) => configured.name);
  }

  /** Whether an instance's tokens are worth looking for: not those of a built-in one, which nobody added, where none can be. */
  mayHaveTokens(name: string): boolean {
    const { configured, source } = this.#get(name);
    return !configured.builtIn || source !== undefined || this.#manifest(configured.types[0]!).whyNoTokens?.() === undefined;
  }

  /** Opens an instance's source of tokens, once; from then on its tokens are among {@link tokens}. @throws BACKEND_UNAVAILABLE; `undefined` for an instance without tokens or one that is switched off. */
  async openTokens(name: string): Promise<TokenSource | undefined> {
    const instance = this.#get(name);
    const { configured } = instance;
    if (!configured.enabled || !this.#hasTokens(configured)) return undefined;
    const type = configured.types[0]!;
    instance.source ??= this.#openSource(name, type, configured);
    try {
      const source = await instance.source;
      instance.failure = null;
      return source;
    } catch (thrown) {
      instance.source = undefined;
      instance.failure = asFailure(name, thrown);
      throw instance.failure;
    }
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
    if (this.#own(name).configured.builtIn) throw new KeywrightError('CONFLICT', { detail: `“${name}” is built in: it cannot be removed.`, remedy: `Switch it off with \`keywright backends disable ${name}\`.` });
    await unit.delete(PREFIX + name, { ifRevision: 'any' });
  }

  /** A committed change. `undefined`: the instance is gone. Open stores of it are closed. */
  async applied(name: string, configured: Configured | undefined): Promise<void> {
    const before = this.#instances.get(name);
    this.#instances.delete(name);
    if (configured !== undefined) this.#keep(configured);
    if (before !== undefined) await close(before);
    await this.tokens.detach(name);
    if (configured !== undefined && (before === undefined || before.source !== undefined)) await this.openTokens(name).catch(() => undefined); // told as the instance's state
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
      // A type whose settings have no defaults is diagnosed by instance alone.
      const settings = manifest.config.safeParse(instance?.configured.settings ?? {});
      if (settings.success && manifest.diagnose !== undefined) yield* manifest.diagnose(settings.data, call);
      if (instance === undefined || !instance.configured.enabled) continue;
      const source = await this.openTokens(name);
      if (source !== undefined) {
        await source.ready();
        yield* source.findings();
        const count = source.tokens().length;
        yield { level: 'ok', code: 'backends.tokens', detail: `${manifest.title}: ${count === 0 ? 'nothing is plugged in' : count === 1 ? 'one token is plugged in' : `${count} tokens are plugged in`}.` };
      } else {
        await this.#store(name, type);
        yield { level: 'ok', code: 'backends.opens', detail: `${manifest.title}: it opens and answers.` };
      }
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.allSettled([...this.#instances.values()].map(({ source }) => source));
    await this.tokens[Symbol.asyncDispose]();
    await Promise.all([...this.#instances.values()].map(close));
    this.#instances.clear();
  }

  #keep(configured: Configured): void {
    this.#instances.set(configured.name, { configured, stores: new Map(), source: undefined, failure: null });
  }

  #get(name: string): Instance {
    const instance = this.#instances.get(name);
    if (instance === undefined) throw new KeywrightError('NOT_FOUND', { detail: `There is no backend “${name}”.`, remedy: 'See `keywright backends list`.', alternatives: [...this.#instances.keys()] });
    return instance;
  }

  #own(name: string): Instance {
    const instance = this.#get(name);
    if (name === SOFTWARE.name) throw new KeywrightError('CONFLICT', { detail: `“${name}” is built in: it can be neither changed nor removed.` });
    return instance;
  }

  #hasTokens({ types }: Configured): boolean {
    return types.length === 1 && this.#manifest(types[0]!).tokens === true;
  }

  /** Loads what a type needs, once. */
  #module(type: string): Promise<BackendModule> {
    let module = this.#modules.get(type);
    if (module === undefined) this.#modules.set(type, (module = this.#manifest(type).load()));
    return module;
  }

  async #openSource(name: string, type: string, configured: Configured): Promise<TokenSource> {
    const module = await this.#module(type);
    if (!('openTokens' in module)) throw new Error(`${type} has no tokens`);
    const source = await module.openTokens({ name, config: validSettings(this.#manifest(type), configured.settings) }, this.#deps);
    this.tokens.attach(name, type, source);
    return source;
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
      store = this.#openStore(name, type, instance.configured);
      instance.stores.set(type, store);
    }
    try {
      const opened = await store;
      instance.failure = null;
      return opened;
    } catch (thrown) {
      instance.stores.delete(type);
      instance.failure = asFailure(name, thrown);
      throw instance.failure;
    }
  }

  async #openStore(name: string, type: string, configured: Configured): Promise<KeyStore> {
    const module = await this.#module(type);
    if (!('open' in module)) throw new KeywrightError('CAPABILITY_MISSING', { detail: `The keys of “${name}” are in tokens: name one of them.`, alternatives: this.tokens.all().map(({ token }) => token.facts.id) });
    return module.open({ name, config: validSettings(this.#manifest(type), configured.settings) }, this.#deps);
  }

  async #write(configured: Configured, unit: StorageTransaction): Promise<Configured> {
    await unit.put(PREFIX + configured.name, jsonBytes(configured), { ifRevision: 'any' });
    return configured;
  }

  #describe({ configured, failure: failed }: Instance, source: TokenSource | null = this.tokens.sourceOf(configured.name) ?? null): BackendInstance {
    const problem = source?.findings().find(({ level }) => level === 'problem');
    const failure = failed ?? (problem === undefined ? null : new KeywrightError('BACKEND_UNAVAILABLE', { detail: problem.detail, ...(problem.remedy === undefined ? {} : { remedy: problem.remedy }) }));
    const manifests = configured.types.map((type) => this.#manifest(type));
    return {
      name: configured.name,
      types: [...configured.types],
      title: configured.name === SOFTWARE.name ? 'This computer' : (manifests[0]?.title ?? configured.name),
      builtIn: configured.builtIn,
      tokens: this.#hasTokens(configured),
      state: !configured.enabled ? 'disabled' : failure === null ? 'ready' : 'unavailable',
      reason: configured.enabled ? (failure?.facts.detail ?? null) : 'It is switched off.',
      remedy: failure?.facts.remedy ?? null,
      settings: configured.settings,
      algorithms: Object.keys(KEY_ALGORITHMS).filter((name): name is KeyAlgorithmName => manifests.some(({ capabilities }) => (capabilities.algorithms as readonly string[]).includes(name))),
      capabilities: [...new Set(manifests.flatMap(({ capabilities }) => capabilities.capabilities))],
    };
  }
}

function builtInOf(type: string): Configured {
  return { name: type, types: [type], settings: {}, enabled: true, builtIn: true };
}

function asFailure(name: string, thrown: unknown): KeywrightError {
  return thrown instanceof KeywrightError ? thrown : new KeywrightError('BACKEND_UNAVAILABLE', { detail: `The backend “${name}” could not be opened.`, remedy: `Run \`keywright backends diagnose ${name}\`.`, cause: thrown });
}

/** @throws CAPABILITY_MISSING when this token has no such keys. */
function withAlgorithm(store: KeyStore, algorithm: KeyAlgorithmName): KeyStore {
  if (store.capabilities.algorithms.includes(algorithm)) return store;
  throw new KeywrightError('CAPABILITY_MISSING', { ...because('backend.no-algorithm', { backend: store.name, algorithm }), alternatives: store.capabilities.algorithms });
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
