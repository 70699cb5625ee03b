import { createHash } from 'node:crypto';
import { KEY_PREFIX, type StoredKey } from '../app/keychain/inventory.ts';
import { toSummary } from '../app/keychain/key-summary.ts';
import { jsonBytes } from '../app/keychain/unit.ts';
import type { Storage } from '../app/storage/storage.ts';

const BATCH = 2000;

/** @returns an inventory record as a generated key has it. There is no material behind it: listing and searching need none. */
function inventoryRecord(index: number): StoredKey {
  const id = createHash('sha256').update(`key ${index}`).digest('hex').slice(0, 32);
  const fingerprint = `SHA256:${createHash('sha256').update(id).digest('hex')}`;
  const createdAt = new Date(Date.UTC(2026, 0, 1) + index * 1000).toISOString();
  return {
    uri: `pkcs8:${id}`, id, label: `Service ${index % 977} key ${index}`, backend: 'software', type: 'pkcs8', algorithm: 'ec-p256', usages: ['sign', 'verify', 'agree', 'encrypt', 'decrypt'], state: 'active',
    createdAt, notBefore: null, notAfter: null, extractable: true, protection: 'store', tags: [`team-${index % 31}`], origin: 'generated', trashedUntil: null,
    versions: [{ version: 1, createdAt, retired: false, fingerprint }], formerIds: [], change: 1, ref: null, hardware: null,
  };
}

/** Fills a store with as many inventory records, as an import of that size would. */
export async function populate(storage: Storage, count: number): Promise<void> {
  for (let from = 0; from < count; from += BATCH) {
    await storage.transaction(async (tx) => {
      for (let index = from; index < Math.min(count, from + BATCH); index += 1) {
        const record = inventoryRecord(index);
        await tx.put(KEY_PREFIX + record.id, jsonBytes(record), { ifRevision: 'absent', summary: toSummary(record) });
      }
    });
  }
}
