import type { HygieneFinding, Mending } from '../../contract/index.ts';
import type { Context } from '../context.ts';
import { reusedKey, severalPlaces, type Told } from '../handlers/key-findings.ts';
import { primary, type StoredKey } from '../inventory.ts';
import type { Session } from '../session.ts';
import type { Concern } from './concern.ts';

/** What the last check of all keys found, as far as it still holds: what is gone is not told, and what the inventory itself can tell is told anew. */

/** Told of all certificates without a check. */
const TOLD_ANYWAY = 'expired';

export function checkConcerns(context: Context): Concern[] {
  const { session } = context;
  const { check } = session.health;
  return (check?.findings ?? []).flatMap((finding): Concern[] => {
    const { code, about } = finding;
    if (code === TOLD_ANYWAY || !isHeld(finding, session)) return [];
    const key = about.kind === 'key' ? session.inventory.resolve(about.id) : undefined;
    const told = key === undefined ? undefined : toldAnew(code, key, context);
    if (told === null) return [];
    const { level, detail, remedy } = told ?? finding;
    const { kind, ...rest } = about;
    return [{
      // Two of the same code about one key are about different versions of it.
      level: level === 'ok' ? 'note' : level, code, which: told === undefined && code !== 'shared-prime' && code !== 'same-modulus' ? finding.detail : '', about: { place: kind, ...rest, label: labelNow(finding, session) }, since: null, until: null, from: 'check', detail, remedy,
      mend: told === undefined ? () => finding.mendedBy.filter((action) => isPossible(action, session)) : (mender) => told.mend(mender),
    }];
  });
}

/** @returns the finding as it is now; null where it no longer holds; undefined for one that only a check can tell. */
function toldAnew(code: string, key: StoredKey, context: Context): Told | null | undefined {
  if (code === 'reused-key') return reusedKey(key, context)[0] ?? null;
  if (code !== 'several-places') return undefined;
  const { fingerprint } = primary(key);
  const others = fingerprint === null ? [] : context.session.inventory.byFingerprint(fingerprint).filter((other) => other.id !== key.id && other.trashedUntil === null && primary(other).fingerprint === fingerprint);
  return severalPlaces([key, ...others])[0] ?? null;
}

function isHeld({ about: { kind, id } }: HygieneFinding, { inventory, certificates }: Session): boolean {
  if (kind === 'certificate') return certificates.get(id)?.trashedUntil === null;
  return inventory.has(id) && inventory.resolve(id).trashedUntil === null;
}

function labelNow({ about: { kind, id, label } }: HygieneFinding, { inventory, certificates }: Session): string {
  return (kind === 'key' ? inventory.resolve(id).label : certificates.get(id)?.label) ?? label;
}

/** Whether what an action is about is still here. */
function isPossible({ input }: Mending, { inventory, certificates }: Session): boolean {
  const { key, certificate } = input;
  if (typeof key === 'string' && inventory.atUri(key)?.trashedUntil !== null) return false;
  return typeof certificate !== 'string' || certificates.get(certificate)?.trashedUntil === null;
}
