import {
  because, CORE_CAPABILITIES, ENCRYPTION_ALGORITHMS, encryptionAlgorithmsOf, KEY_ALGORITHMS, KeywrightError, signatureAlgorithmsOf, USAGES, wrapAlgorithmsOf, type Capability, type KeyAlgorithmFacts, type Told, type Usage,
} from '../contract/index.ts';
import type { KeyStore } from '../keystore/keystore.ts';
import { stateOf, type StoredKey } from './inventory.ts';

/** Uses that only undo or check what an active key did: allowed as long as SP 800-57 part 1 §7 allows processing. */
const PROCESSING: ReadonlySet<Usage> = new Set(['verify', 'decrypt', 'unwrap', 'verify-mac', 'decapsulate']);

/**
 * Refuses what a key cannot or must not do now.
 * @throws CAPABILITY_MISSING with the reason and what the key can do; CONFLICT for one in the trash.
 */
export function assertCapable(key: StoredKey, usage: Usage): void {
  const reason = whyNot(key, usage);
  if (reason === null) return;
  throw new KeywrightError(key.trashedUntil === null ? 'CAPABILITY_MISSING' : 'CONFLICT', reason);
}

/** @returns why a key cannot do something now, or null. */
export function whyNot(key: StoredKey, usage: Usage): (Told & { alternatives?: string[] }) | null {
  const facts: KeyAlgorithmFacts = KEY_ALGORITHMS[key.algorithm];
  if (key.trashedUntil !== null) return because('key.in-trash', { key: key.label });
  if (!facts.usages.includes(usage)) return { ...because('key.algorithm-cannot', { algorithm: key.algorithm, use: words(usage) }), alternatives: [...key.usages] };
  if (!key.usages.includes(usage)) return { ...because('key.not-made-to', { key: key.label, use: words(usage) }), alternatives: [...key.usages] };
  const state = stateOf(key);
  if (state === 'active' || (state !== 'pre-active' && state !== 'suspended' && PROCESSING.has(usage)) || (state === 'suspended' && usage === 'verify')) return null;
  return { ...because('key.state-forbids', { key: key.label, state, use: words(usage) }), ...(state === 'suspended' ? { remedy: 'Set its state to active first.' } : {}) };
}

interface CapabilityAnswer {
  capability: Capability;
  available: boolean;
  reason: string | null;
  algorithms: string[];
}

/** Everything that a key can do, and why not the rest. */
export function capabilitiesOf(key: StoredKey, store: KeyStore): CapabilityAnswer[] {
  return CORE_CAPABILITIES.filter((capability) => !['generate', 'import', 'random'].includes(capability)).map((capability) => {
    const reason = isUsage(capability) ? (whyNot(key, capability)?.detail ?? null) : whyNotManaged(key, capability, store);
    return { capability, available: reason === null, reason, algorithms: reason === null ? algorithmsFor(key, capability) : [] };
  });
}

function whyNotManaged(key: StoredKey, capability: Capability, store: KeyStore): string | null {
  if (key.trashedUntil !== null) return `“${key.label}” is in the trash.`;
  if ((capability === 'export' || capability === 'copy') && !key.extractable) return 'The key is not extractable: it was made so that it never leaves its place.';
  if ((capability === 'export' || capability === 'copy') && store.exporter === undefined) return `The backend “${key.backend}” gives no key away.`;
  if (capability === 'rotate' && store.rotator === undefined) return `The backend “${key.backend}” has no versions.`;
  if (capability === 'rotate' && key.state === 'compromised') return 'A compromised key is replaced by a new one, not by a new version.';
  return null;
}

function algorithmsFor(key: StoredKey, capability: Capability): string[] {
  if (capability === 'sign' || capability === 'verify') return [...signatureAlgorithmsOf(key.algorithm)];
  if (capability === 'decrypt') return encryptionAlgorithmsOf(key.algorithm);
  if (capability === 'encrypt') return encryptionAlgorithmsOf(key.algorithm).filter((name) => !ENCRYPTION_ALGORITHMS[name].legacy);
  if (capability === 'wrap' || capability === 'unwrap') return wrapAlgorithmsOf(key.algorithm);
  return [key.algorithm];
}

function isUsage(capability: Capability): capability is Usage {
  return (USAGES as readonly string[]).includes(capability);
}

function words(usage: Usage): string {
  return { 'verify-mac': 'check a MAC', mac: 'make a MAC', agree: 'agree on a secret', derive: 'derive keys' }[usage as string] ?? usage;
}
