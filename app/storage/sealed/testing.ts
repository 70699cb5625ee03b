import { randomUUID } from 'node:crypto';
import { SecretBytes } from '../../contract/index.ts';
import { memoryKind } from '../memory/index.ts';
import type { Storage, StoredRecord } from '../storage.ts';
import { createSealed, openSealed, type KdfParameters, type SealedStorage } from './index.ts';
import { KeyRing } from './keys.ts';
import { listRaw } from './raw.ts';
import { RECORD_PREFIX } from './record.ts';
import { parseHeader } from './header.ts';
import { unlockSlots } from './slots.ts';

/** What the tests of this folder share. */

/** Argon2id at its cheapest: tests derive often, and what it costs is not what they test. */
export const CHEAP: KdfParameters = { memoryKiB: 8, passes: 1, parallelism: 1 };
export const PASSPHRASE = 'correct horse battery staple 42';

export const text = (value: string): SecretBytes => SecretBytes.fromText(value);
export const bytes = (value: string): Uint8Array => new TextEncoder().encode(value);
export const freshMemory = (): Promise<Storage> => memoryKind.open({ folder: randomUUID(), create: true });

export function create(raw: Storage): Promise<SealedStorage> {
  return createSealed(raw, { name: 'Keys', passphrase: text(PASSPHRASE), kdf: CHEAP });
}

export function open(raw: Storage, passphrase = PASSPHRASE): Promise<SealedStorage> {
  return openSealed(raw, { kind: 'passphrase', secret: text(passphrase) });
}

/** A store with these records, closed again. Each is written in a transaction of its own. */
export async function filled(raw: Storage, records: Record<string, string>): Promise<void> {
  await using store = await create(raw);
  for (const [name, value] of Object.entries(records)) await store.put(name, bytes(value), { ifRevision: 'absent', summary: { label: value } });
}

export const valueOf = async (store: SealedStorage, name: string): Promise<string | undefined> => {
  const record = await store.get(name);
  return record && new TextDecoder().decode(record.value);
};

export const names = (store: SealedStorage): string[] => [...store.snapshot('')].map(({ key }) => key);

export const watch = { signal: new AbortController().signal, progress: () => undefined };

/** The keys of a store, as an attacker never has them: to know which raw record is whose. */
export async function ringOf(raw: Storage, passphrase = PASSPHRASE): Promise<KeyRing> {
  const header = await raw.get('header');
  const parsed = parseHeader(header?.value ?? new Uint8Array());
  const { root } = await unlockSlots(parsed.header.id, parsed.header.slots, { kind: 'passphrase', secret: text(passphrase) });
  return new KeyRing(root, parsed.header.id);
}

export async function rawKeyOf(raw: Storage, name: string, passphrase = PASSPHRASE): Promise<string> {
  using keys = await ringOf(raw, passphrase);
  return RECORD_PREFIX + keys.opaqueId(name);
}

export async function rawKeys(raw: Storage, prefix = ''): Promise<string[]> {
  const keys: string[] = [];
  for await (const page of listRaw(raw, prefix)) for (const { key } of page) keys.push(key);
  return keys;
}

/** Everything in the raw storage, to compare or to put back. */
export async function copyOf(raw: Storage, prefix = ''): Promise<Map<string, StoredRecord>> {
  const copy = new Map<string, StoredRecord>();
  for (const key of await rawKeys(raw, prefix)) {
    const record = await raw.get(key);
    if (record !== undefined) copy.set(key, record);
  }
  return copy;
}

export async function putBack(raw: Storage, record: StoredRecord | undefined, key = record?.key): Promise<void> {
  if (record === undefined || key === undefined) throw new Error('nothing to put back');
  await raw.put(key, record.value, { ifRevision: 'any', summary: record.summary });
}

/** Changes one bit of a raw record, and leaves all else as it was. */
export async function flip(raw: Storage, key: string, at = -1): Promise<void> {
  const record = await raw.get(key);
  if (record === undefined) throw new Error(`there is no ${key}`);
  const value = Uint8Array.from(record.value);
  const index = at < 0 ? value.length + at : at;
  value[index] = (value[index] ?? 0) ^ 1;
  await raw.put(key, value, { ifRevision: 'any', summary: record.summary });
}
