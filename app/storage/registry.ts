import { isAbsolute, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { KeywrightError } from '../contract/index.ts';
import { externalKind } from './external.ts';
import type { StorageKind } from './storage.ts';

/** Loaded when a store of that kind is opened, and not before: SQLite costs a thread. */
const kinds = new Map<string, () => Promise<StorageKind>>([
  ['sqlite', async () => (await import('./sqlite/index.ts')).sqliteKind],
  ['file', async () => (await import('./file/index.ts')).fileKind],
  ['memory', async () => (await import('./memory/index.ts')).memoryKind],
]);

/** Names of all kinds, the default first. */
export function storageKinds(): readonly string[] {
  return [...kinds.keys()];
}

/** Adds a kind, so that stores can be created on it. @throws ALREADY_EXISTS if one of that name is there. */
export function registerStorageKind(kind: StorageKind): void {
  if (kinds.has(kind.kind)) {
    throw new KeywrightError('ALREADY_EXISTS', { detail: `A storage kind named ${kind.kind} is registered already.`, remedy: 'Give the other one another name.', alternatives: storageKinds() });
  }
  kinds.set(kind.kind, async () => kind);
}

/** @throws INVALID_INPUT, naming the kinds that there are. */
export async function storageKind(name: string): Promise<StorageKind> {
  const load = kinds.get(name);
  if (load === undefined) {
    throw new KeywrightError('INVALID_INPUT', {
      detail: `There is no storage kind named ${name}.`,
      where: '/storage',
      remedy: 'Choose one of those listed, or name the module that brings it in the configuration.',
      alternatives: storageKinds(),
    });
  }
  return load();
}

/** By address, since a process may open several stores with one configuration. */
const loaded = new Set<string>();

/**
 * Loads modules named in the configuration and registers the kinds that they bring: each exports `storageKind`, or
 * `storageKinds` (an array). They run with all rights of this process, as the person who wrote the configuration has.
 *
 * @param modules absolute paths, paths relative to `folder` (they start with `./` or `../`), or names of installed packages.
 * @param folder the working directory if not given.
 * @throws INVALID_INPUT for one that cannot be loaded or brings no kind, ALREADY_EXISTS for a kind that is there.
 */
export async function loadStorageModules(modules: readonly string[], folder = process.cwd()): Promise<void> {
  for (const module of modules) {
    const address = isAbsolute(module) || /^\.\.?[/\\]/.test(module) ? pathToFileURL(resolve(folder, module)).href : module;
    if (loaded.has(address)) continue;
    for (const kind of await kindsOf(module, address)) registerStorageKind(externalKind(kind));
    loaded.add(address);
  }
}

async function kindsOf(module: string, address: string): Promise<readonly StorageKind[]> {
  let exported: { storageKind?: unknown; storageKinds?: unknown };
  try {
    exported = (await import(/* @vite-ignore */ address)) as typeof exported;
  } catch (cause) {
    throw notAModule(module, `could not be loaded: ${cause instanceof Error ? cause.message : String(cause)}`, cause);
  }
  const several: unknown[] = Array.isArray(exported.storageKinds) ? exported.storageKinds : [];
  const found = exported.storageKind === undefined ? several : [...several, exported.storageKind];
  if (found.length === 0 || !found.every(isStorageKind)) throw notAModule(module, 'exports no `storageKind` with a `kind` and an `open`');
  return found;
}

function isStorageKind(value: unknown): value is StorageKind {
  const { kind, open } = (value ?? {}) as Partial<StorageKind>;
  return typeof kind === 'string' && /^[a-z][a-z0-9-]{0,31}$/.test(kind) && typeof open === 'function';
}

function notAModule(module: string, why: string, cause?: unknown): KeywrightError {
  return new KeywrightError('INVALID_INPUT', { detail: `The storage module ${module} ${why}.`, where: '/storage.modules', remedy: 'See docs/storage.md for what a storage module exports.', cause });
}
