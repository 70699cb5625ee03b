import { because, KeywrightError, type Call, type CoreEvent } from '../contract/index.ts';
import type { SealedStorage } from '../storage/sealed/index.ts';
import { Access } from './access.ts';
import { AuditTrail } from './audit.ts';
import { Backends } from './backends.ts';
import type { Cancellation } from './cancellation.ts';
import { CERTIFICATE_PREFIX, CertificateInventory } from './certificate-inventory.ts';
import { FoundKeys } from './found-keys.ts';
import { HealthNotes } from './health/notes.ts';
import { keepStatuses } from './health/token-watch.ts';
import { Inventory, KEY_PREFIX, type KeyNaming } from './inventory.ts';
import { JobRecords } from './job-records.ts';
import type { Ports } from './ports.ts';
import { CRL_PREFIX, RevocationStore } from './revocation-store.ts';

/** By scheme: how the backends' URIs name keys. */
function namingOf({ backends }: Ports): KeyNaming {
  const naming = new Map(backends.flatMap(({ scheme, namesKey }) => (namesKey === undefined ? [] : [[scheme, namesKey] as const])));
  return (reference) => {
    const scheme = /^([a-z][a-z0-9]*):/i.exec(reference)?.[1]?.toLowerCase();
    const names = scheme === undefined ? undefined : naming.get(scheme);
    return names === undefined ? undefined : (uri) => uri.startsWith(`${scheme}:`) && names(reference, uri);
  };
}

/** A call under way. */
export interface CallInFlight {
  readonly cancellation: Cancellation;
  readonly call: Pick<Call, 'principal'>;
  /** It works with the store, and ends when that is locked. */
  readonly endsWithStore: boolean;
}

/** An unlocked store with all that lives in it. Ends when the store is locked: everything in flight ends with it. */
export interface Session extends AsyncDisposable {
  readonly storage: SealedStorage;
  readonly inventory: Inventory;
  readonly certificates: CertificateInventory;
  readonly revocations: RevocationStore;
  readonly backends: Backends;
  readonly audit: AuditTrail;
  readonly access: Access;
  /** Keys that tokens brought along. */
  readonly found: FoundKeys;
  /** What is remembered of what asks for attention. */
  readonly health: HealthNotes;
  /** Jobs that can be gone on with. */
  readonly jobs: JobRecords;
  /** Aborted when the store is locked. */
  readonly signal: AbortSignal;
  readonly inFlight: Set<CallInFlight>;
}

export async function openSession(storage: SealedStorage, ports: Ports, options: { strictAudit: boolean; onAudit: () => void; keepPinMinutes: () => number; emit: (event: CoreEvent) => void }): Promise<Session> {
  const controller = new AbortController();
  const inFlight = new Set<CallInFlight>();
  const inventory = new Inventory(storage.snapshot(KEY_PREFIX), namingOf(ports));
  const certificates = new CertificateInventory(storage, storage.snapshot(CERTIFICATE_PREFIX));
  const revocations = new RevocationStore(storage, storage.snapshot(CRL_PREFIX));
  const [audit, access, backends, jobs] = await Promise.all([
    AuditTrail.open(storage, { strict: options.strictAudit, onAppend: options.onAudit }),
    Access.open(storage, ports.log),
    Backends.open(ports, { storage, keepPinMinutes: options.keepPinMinutes }),
    JobRecords.open(storage),
  ]);
  const found = await FoundKeys.open({ storage, inventory, certificates, backends, audit, signal: controller.signal, emit: options.emit, log: ports.log });
  const health = new HealthNotes(storage, options.emit, ports.log);
  keepStatuses(backends.tokens, health, controller.signal);
  return {
    storage, inventory, certificates, revocations, backends, audit, access, found, health, jobs, signal: controller.signal, inFlight,
    async [Symbol.asyncDispose]() {
      const locked = new KeywrightError('STORE_LOCKED', because('store.locked-meanwhile', {}));
      controller.abort(locked);
      for (const { cancellation, endsWithStore } of inFlight) if (endsWithStore) cancellation.cancel(locked);
      await access.noteUses();
      await found[Symbol.asyncDispose]();
      await backends[Symbol.asyncDispose]();
      await storage[Symbol.asyncDispose]();
    },
  };
}
