import { randomUUID } from 'node:crypto';
import { asKeywrightError, KeywrightError, type Call, type Principal } from '../contract/index.ts';
import type { AuditFacts } from './audit.ts';
import type { StoredCertificate } from './certificate-inventory.ts';
import type { StoredKey } from './inventory.ts';
import type { Ports } from './ports.ts';
import { forgetStored } from './revocation-store.ts';
import type { Services } from './services.ts';
import { UnitOfWork } from './unit.ts';

const KEYWRIGHT: Principal = { id: 'keywright', name: 'Keywright', face: 'ipc', permissions: new Set() };

/** Destroys keys whose time in the trash is over, each in a transaction of its own with its audit entry. One that fails stays, and is tried again. */
export async function emptyExpiredTrash(services: Services, log: Ports['log']): Promise<void> {
  if (services.stores.state !== 'unlocked') return;
  const { session } = services.stores;
  const now = Date.now();
  const expired = [...session.inventory.all()].filter(({ trashedUntil }) => trashedUntil !== null && Date.parse(trashedUntil) <= now);
  for (const certificate of [...session.certificates.allKinds()].filter(({ trashedUntil, tokens }) => trashedUntil !== null && tokens.length === 0 && Date.parse(trashedUntil) <= now)) {
    if (session.signal.aborted) return;
    await removeCertificate(certificate, services).catch((thrown: unknown) => log('warning', 'a certificate whose time in the trash is over could not be removed', { operation: 'certificates.purge', error: asKeywrightError(thrown) }));
  }
  for (const key of expired) {
    if (session.signal.aborted) return;
    try {
      await destroy(key, services);
    } catch (thrown) {
      log('warning', 'a key whose time in the trash is over could not be destroyed', { operation: 'keys.purge', error: asKeywrightError(thrown) });
    }
  }
}

/** Certificates go like keys; what an authority of ours revoked stays on its lists. */
async function removeCertificate(certificate: StoredCertificate, { stores: { session }, events }: Services): Promise<void> {
  const unit = new UnitOfWork(session.storage);
  await forgetStored(certificate, session, unit);
  const facts: AuditFacts = {
    at: new Date().toISOString(), request: randomUUID(), principal: KEYWRIGHT.id, principalName: KEYWRIGHT.name, face: KEYWRIGHT.face, operation: 'certificates.purge', effect: 'destroy', outcome: 'ok',
    subjects: [`certificate:${certificate.id}`], detail: 'its time in the trash was over',
  };
  await unit.commit((tx) => session.audit.record(facts, tx));
  session.certificates.applied(certificate.id, undefined);
  await session.audit.settle(facts);
  events.emit({ type: 'certificates.changed' });
}

async function destroy(key: StoredKey, { stores: { session }, events }: Services): Promise<void> {
  // Of a key in a token only the entry is in the trash.
  const store = key.hardware === null ? await session.backends.storeOf(key) : undefined;
  const unit = new UnitOfWork(session.storage);
  const request = randomUUID();
  const call: Call = { id: request, principal: KEYWRIGHT, signal: session.signal, prompt: NOBODY, progress: () => undefined, discarded: () => undefined };
  await store?.remover?.remove(key.id, { ...call, unit });
  await session.inventory.remove(key.id, unit);
  const facts: AuditFacts = {
    at: new Date().toISOString(), request, principal: KEYWRIGHT.id, principalName: KEYWRIGHT.name, face: KEYWRIGHT.face, operation: 'keys.purge', effect: 'destroy', outcome: 'ok',
    subjects: [key.uri], detail: 'its time in the trash was over',
  };
  await unit.commit((tx) => session.audit.record(facts, tx));
  session.inventory.applied(key.id, undefined);
  await session.audit.settle(facts);
  events.emit({ type: 'keys.changed', ids: [key.id] });
}

/** What happens by itself asks nobody. */
const NOBODY: Call['prompt'] = {
  interactive: false,
  ask: () => Promise.reject(new KeywrightError('PIN_REQUIRED', 'Nobody is asked when the trash is emptied.')),
};
