import { randomBytes } from 'node:crypto';
import { fingerprint } from '../formats/index.ts';
import type { KeyDescription, KeyStore } from '../keystore/keystore.ts';
import type { Token } from '../keystore/tokens.ts';
import type { StoredKey, StoredVersion } from './inventory.ts';

/** From a backend's description of a key to the inventory's record of it. */

export const newKeyId = (): string => randomBytes(16).toString('hex');

/** @returns the inventory's record of a key that a backend has just made or taken in. */
export function storedKey(description: KeyDescription, store: KeyStore, facts: Pick<StoredKey, 'label' | 'tags' | 'origin'> & Partial<Pick<StoredKey, 'notBefore' | 'notAfter' | 'state'>>, token?: Token): StoredKey {
  const [first] = description.versions;
  const { hardware } = description;
  const inToken = hardware !== undefined && token !== undefined;
  return {
    uri: description.uri, id: inToken ? newKeyId() : description.id, ref: inToken ? description.id : null,
    hardware: inToken ? { ...hardware, token: token.facts.id, tokenTitle: titleOf(token.facts) } : null, backend: store.name, type: store.type, algorithm: description.algorithm, usages: description.usages,
    createdAt: first!.createdAt, notBefore: null, notAfter: null, state: 'active', extractable: description.extractable, protection: description.protection, trashedUntil: null,
    versions: description.versions.map(storedVersion), formerIds: [], change: 0, ...facts,
  };
}

/** "YubiKey 5C NFC 12345678" */
export function titleOf({ model, serial, label, id }: Token['facts']): string {
  return `${model} ${label === null ? serial ?? id : `“${label}”`}`;
}

/** @returns what the inventory keeps of a version. */
export function storedVersion({ version, createdAt, publicKey, seedless }: KeyDescription['versions'][number]): StoredVersion {
  return { version, createdAt, retired: false, fingerprint: publicKey === null ? null : fingerprint(publicKey), ...(seedless === true ? { seedless } : {}) };
}
