import { asKeywrightError } from '../contract/index.ts';
import { isRevokedForGood } from './certificate-inventory.ts';
import type { Ports } from './ports.ts';
import type { Services } from './services.ts';
import { jsonBytes, jsonOf } from './unit.ts';

/** Tells that certificates end soon: once for each certificate and threshold, also after a restart. */

const DAY = 86_400_000;
/** What was told: the smallest threshold by certificate. */
const TOLD = 'expiry-told';

/** @returns the thresholds of the setting, ascending. */
export function thresholds(setting: unknown): number[] {
  return String(setting ?? '').split(',').filter((text) => text !== '').map(Number).sort((a, b) => a - b);
}

export async function tellExpiring({ stores, events, config }: Services, log: Ports['log'], now = Date.now()): Promise<void> {
  if (stores.state !== 'unlocked') return;
  const { session } = stores;
  const days = thresholds(config.get('certificates.notifyDays'));
  if (days.length === 0) return;
  try {
    const record = await session.storage.get(TOLD);
    const told = record === undefined ? {} : jsonOf<Record<string, number>>(record);
    const next: Record<string, number> = {};
    const due: { id: string; days: number }[] = [];
    for (const one of session.certificates.allKinds()) {
      const { id, notAfter, trashedUntil } = one;
      const left = Date.parse(notAfter) - now;
      if (trashedUntil !== null || left < 0 || isRevokedForGood(one)) continue;
      const threshold = days.find((one) => left <= one * DAY);
      const before = told[id];
      if (threshold === undefined) continue;
      next[id] = before === undefined ? threshold : Math.min(before, threshold);
      if (before === undefined || threshold < before) due.push({ id, days: threshold });
    }
    if (JSON.stringify(next) === JSON.stringify(told)) return;
    // First what was told, then the telling: better silent once than twice.
    await session.storage.put(TOLD, jsonBytes(next), { ifRevision: record?.revision ?? 'absent' });
    for (const one of due) events.emit({ type: 'certificates.expiring', ...one });
  } catch (thrown) {
    if (!session.signal.aborted) log('warning', 'it could not be told which certificates end soon', { operation: 'certificates.expiring', error: asKeywrightError(thrown) });
  }
}
