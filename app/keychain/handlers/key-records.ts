import { askSecret, KEY_ALGORITHMS, because, KeywrightError, type HardwareFacts, type KeyAlgorithmName, type KeyRecord, type SecretBytes, type Usage } from '../../contract/index.ts';
import { fingerprint } from '../../formats/index.ts';
import type { GenerateKey, KeyDescription, KeyRef, KeyStore } from '../../keystore/keystore.ts';
import type { Context } from '../context.ts';
import { KEY_PREFIX, PUBLIC_PREFIX, recordOf, type StoredKey, type StoredVersion, versionOf } from '../inventory.ts';
import { storedVersion } from '../stored-key.ts';

/** What handlers of `keys` share: between a backend's description, the inventory's record and the answer. */

/** Writes a key into the call's unit, to be seen once it has committed. @returns the record as it will be. */
export async function writeKey(context: Context, key: StoredKey): Promise<KeyRecord> {
  const { inventory } = context.session;
  const next = await inventory.put(key, context.keyCall.unit);
  context.committed((stored) => {
    const record = stored.get(KEY_PREFIX + key.id);
    if (record !== undefined) inventory.applied(key.id, { key: next, revision: record.revision });
    context.services.events.emit({ type: 'keys.changed', ids: [key.id] });
  });
  return recordOf(next, context.session);
}

/** Writes a key that was made or taken in. What was at its URI before (an overwritten slot of a token) is gone, and so is its entry. */
export async function writeNewKey(context: Context, key: StoredKey): Promise<KeyRecord> {
  const before = context.session.inventory.atUri(key.uri);
  if (before !== undefined && before.id !== key.id) await forgetKey(context, before.id);
  return writeKey(context, key);
}

/** What a request says about slot and policies, for a backend's `generate` and `importKey`. */
export function inToken({ slot, pinPolicy, touchPolicy }: { slot?: string | undefined; pinPolicy?: Exclude<HardwareFacts['pinPolicy'], 'unknown'> | undefined; touchPolicy?: Exclude<HardwareFacts['touchPolicy'], 'unknown'> | undefined }): Pick<GenerateKey, 'slot' | 'pinPolicy' | 'touchPolicy'> {
  return { ...(slot === undefined ? {} : { slot }), ...(pinPolicy === undefined ? {} : { pinPolicy }), ...(touchPolicy === undefined ? {} : { touchPolicy }) };
}

/** Takes a key out of the inventory, once the call has committed. */
export async function forgetKey(context: Context, id: string): Promise<void> {
  const { inventory } = context.session;
  await inventory.remove(id, context.keyCall.unit);
  context.committed(() => {
    inventory.applied(id, undefined);
    context.services.events.emit({ type: 'keys.changed', ids: [id] });
  });
}

/** Keeps the public keys of a key, so that what it signed can be verified while its backend is away. */
export async function keepPublicKeys(context: Context, { versions }: KeyDescription): Promise<void> {
  for (const { publicKey } of versions) {
    if (publicKey !== null) await context.keyCall.unit.put(PUBLIC_PREFIX + fingerprint(publicKey), publicKey, { ifRevision: 'any' });
  }
}

/** @returns the key's versions after the backend made or took in another; what was retired stays so. */
export function mergedVersions(key: StoredKey, description: KeyDescription): StoredVersion[] {
  return description.versions.map((version) => key.versions.find((known) => known.version === version.version) ?? storedVersion(version));
}

/** @returns a reference to a version, the primary one by default. @throws NOT_FOUND, CAPABILITY_MISSING when retired. */
export function refOf(key: StoredKey, version?: number): KeyRef {
  const wanted = versionOf(key, version);
  if (wanted === undefined) throw new KeywrightError('NOT_FOUND', { detail: `“${key.label}” has no version ${version}.`, alternatives: key.versions.map((known) => String(known.version)) });
  if (wanted.retired) throw new KeywrightError('CAPABILITY_MISSING', { detail: `Version ${wanted.version} of “${key.label}” is retired.` });
  return { uri: key.uri, id: key.ref ?? key.id, version: wanted.version, label: key.label };
}

/** @returns versions that still act, newest first. */
export function livingVersions(key: StoredKey): StoredVersion[] {
  return key.versions.filter(({ retired }) => !retired).toReversed();
}

/** @returns the SPKI of a version, the primary one by default. @throws CAPABILITY_MISSING for a symmetric key, NOT_FOUND, CORRUPT_RECORD. */
export async function publicKeyOf(key: StoredKey, context: Context, version?: number): Promise<Uint8Array> {
  const wanted = versionOf(key, version);
  if (wanted === undefined) throw new KeywrightError('NOT_FOUND', `“${key.label}” has no version ${version}.`);
  if (wanted.fingerprint === null) throw new KeywrightError('CAPABILITY_MISSING', because('key.no-public', { key: key.label, algorithm: key.algorithm }));
  // Through the call's unit where it has one: a key that was made in this very call is not stored yet.
  const record = await (context.wrote ? context.keyCall.unit : context.session.storage).get(PUBLIC_PREFIX + wanted.fingerprint);
  if (record === undefined) throw new KeywrightError('CORRUPT_RECORD', { detail: `The public key of “${key.label}” is missing from the store.`, where: PUBLIC_PREFIX + wanted.fingerprint, remedy: 'Run `keywright store verify`, and restore a backup.' });
  return record.value;
}

/** @returns the usages asked for, or all of the algorithm. @throws INVALID_INPUT for one that the algorithm lacks. */
export function usagesFor(algorithm: KeyAlgorithmName, wanted: readonly Usage[] | undefined): Usage[] {
  const possible: readonly Usage[] = KEY_ALGORITHMS[algorithm].usages;
  const beyond = wanted?.find((usage) => !possible.includes(usage));
  if (beyond !== undefined) throw new KeywrightError('INVALID_INPUT', { detail: `${algorithm} keys cannot be used to ${beyond}.`, where: '/usages', alternatives: [...possible] });
  return wanted === undefined ? [...possible] : possible.filter((usage) => wanted.includes(usage));
}

/** Asks for a passphrase of a key's own. The caller wipes it. */
export function newKeyPassphrase(label: string, context: Context): Promise<SecretBytes> {
  return askSecret({ kind: 'new-secret', purpose: 'new-key-passphrase', title: `Choose a passphrase for “${label}”`, note: 'It is needed at each use of the key. It cannot be recovered.' }, context.call);
}

/** @returns a backend's facet. @throws CAPABILITY_MISSING when it has none. */
export function facet<F>(found: F | undefined, store: KeyStore, what: string): F {
  if (found !== undefined) return found;
  throw new KeywrightError('CAPABILITY_MISSING', { detail: `The backend “${store.name}” cannot ${what}.`, alternatives: [...store.capabilities.capabilities] });
}

/** @throws CONFLICT for a key in the trash. */
export function refuseTrashed(key: StoredKey): void {
  if (key.trashedUntil !== null) throw new KeywrightError('CONFLICT', because('key.in-trash', { key: key.label }));
}
