import type { KeywrightError } from '../contract/index.ts';
import type { BackendManifest } from '../keystore/registry.ts';
import type { DerivedAhead, KdfParameters } from '../storage/sealed/index.ts';
import type { Storage, StorageKind } from '../storage/storage.ts';

/** What the keychain needs from outside, given by the composing index: it names no concrete backend and no concrete storage. */

export type CoreKind = 'cli' | 'serve' | 'desktop' | 'background';

export type ConfigValue = string | number | boolean | null;

export interface ConfigEntry {
  readonly key: string;
  readonly value: ConfigValue;
  readonly origin: 'flag' | 'environment' | 'file' | 'default';
  readonly source: string | null;
  readonly summary: string;
  readonly restart: boolean;
}

export interface Config {
  /** @returns the value in force of a key that exists. */
  get(key: string): ConfigValue;
  explain(): readonly ConfigEntry[];
  /** @throws NOT_FOUND with a suggestion, INVALID_INPUT, STORAGE_READ_ONLY */
  set(key: string, value: ConfigValue): Promise<ConfigEntry>;
  validate(): Promise<{ ok: boolean; problems: { where: string; detail: string; suggestion: string | null }[] }>;
}

/** A type of backend that this version does not have. */
export interface LaterBackend {
  readonly type: string;
  readonly title: string;
  readonly summary: string;
  readonly reason: string;
}

/** A store whose storage was opened before the core was loaded, to be gone on with or disposed. */
export interface Begun extends AsyncDisposable {
  readonly folder: string;
  readonly kind: string;
  readonly raw: Storage;
  readonly ahead: DerivedAhead | undefined;
}

export interface Ports {
  readonly backends: readonly BackendManifest[];
  readonly laterBackends: readonly LaterBackend[];
  /** @throws INVALID_INPUT for a kind that is not registered. */
  readonly storageKind: (kind: string) => Promise<StorageKind>;
  /** Makes the store in another folder this process's own before it is opened. @throws CONFLICT when another process owns it */
  readonly claim?: (folder: string) => Promise<{ keep(): Promise<void>; release(): void }>;
  /** The store in the folder that the core begins with, if somebody opened its storage already: the core's from now on. */
  readonly begun?: Begun;
  /** What deriving a key from the passphrase of a store that is made costs; left out, the default of sealed stores. */
  readonly passphraseCost?: KdfParameters;
  readonly log: (level: 'info' | 'warning' | 'error', message: string, facts?: { request?: string; operation?: string; error?: KeywrightError }) => void;
}
