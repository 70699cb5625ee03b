import type { z, ZodType } from 'zod';
import type { Call } from '../contract/index.ts';
import type { Storage } from '../storage/storage.ts';
import type { CapabilitySet, KeyStore } from './keystore.ts';
import type { TokenSource } from './tokens.ts';

/** Something that `doctor` or `backends diagnose` found. */
export interface Finding {
  readonly level: 'ok' | 'warning' | 'problem';
  /** Stable, for scripts and translations: `pkcs11.addon-missing`. */
  readonly code: string;
  readonly detail: string;
  readonly remedy?: string;
}

export interface BackendDeps {
  /** The sealed store. A backend keeps its records under the prefix `material/<instance>/`. */
  readonly storage: Storage;
  /** How long a PIN that a token accepted may be kept in memory, in minutes; 0: never. Read anew at each use. */
  readonly keepPinMinutes: () => number;
}

/** What `load` gives: one key store, or tokens that come and go with a key store each. */
export type BackendModule<C extends ZodType = ZodType> =
  | { open(instance: BackendInstanceSettings<C>, deps: BackendDeps): Promise<KeyStore> }
  | { openTokens(instance: BackendInstanceSettings<C>, deps: BackendDeps): Promise<TokenSource> };

interface BackendInstanceSettings<C extends ZodType> {
  readonly name: string;
  readonly config: z.output<C>;
}

/** Cheap data about a type of backend; its SDK or native module is loaded by `load` only when an instance is switched on. */
/** Something that an instance can be added for: a PKCS#11 module where its vendor's installer puts it. */
interface KnownInstance {
  /** What the instance would be called. */
  readonly name: string;
  readonly title: string;
  /** What it is for, in a few words. */
  readonly summary: string;
  /** Settings to add it with; null: it is not installed here. */
  readonly settings: Readonly<Record<string, string | number | boolean>> | null;
}

export interface BackendManifest<C extends ZodType = ZodType> {
  readonly type: string;
  /** Of key URIs: `pkcs8` in `pkcs8:<id>`. */
  readonly scheme: string;
  readonly title: string;
  readonly summary: string;
  /** Validates settings, draws the form, documents the keys. */
  readonly config: C;
  /** The most that it can ever do. */
  readonly capabilities: CapabilitySet;
  /** worker: in a process of its own. */
  readonly host: 'core' | 'worker';
  /** An instance named after the type is always there and needs no `backends add`. It can be configured and switched off. */
  readonly builtIn?: true;
  /** Its keys are in tokens that come and go: `load` gives `openTokens`. */
  readonly tokens?: true;
  /** Why no token can be seen just now, told without loading anything; nothing: one may be there. */
  whyNoTokens?(): Finding | undefined;
  /**
   * For schemes in which one key has many URIs: whether a reference names the key at `uri`, in other words than that.
   * @throws INVALID_INPUT when the reference is malformed
   */
  namesKey?(reference: string, uri: string): boolean;
  load(): Promise<BackendModule<C>>;
  /**
   * For what a setting brings up, such as a program or a module: tries whether it comes up, and leaves nothing behind.
   * @throws BACKEND_UNAVAILABLE or TIMEOUT with why not
   */
  probe?(instance: { readonly name: string; readonly config: z.output<C> }): Promise<void>;
  /** What its makers offer ready to be added, and whether it is installed on this machine. */
  known?(): Promise<readonly KnownInstance[]>;
  /** What is missing, and how to mend it. */
  diagnose?(config: z.output<C>, call: Call): AsyncIterable<Finding>;
}
