import { KeywrightError } from '../../contract/index.ts';
import type { KeyRef } from '../../keystore/keystore.ts';
import { ATTESTATION_SLOT, type Slot } from './piv.ts';
import { slotFacts, type SlotKey } from './slots.ts';
import type { YubiKey } from './yubikey.ts';

/** @returns the key that a reference names, as it was read last. @throws NOT_FOUND when the slot is empty, CAPABILITY_MISSING for slot f9 */
export async function heldKey(key: YubiKey, ref: Pick<KeyRef, 'id'>): Promise<{ slot: Slot; held: SlotKey }> {
  const slot = key.slotOfKey(ref.id);
  if (slot === ATTESTATION_SLOT) throw new KeywrightError('CAPABILITY_MISSING', { detail: 'The key in slot f9 signs attestations alone.', remedy: 'Use a key in another slot.' });
  const { key: held, state, note } = await slotFacts(key, slot);
  if (held !== null) return { slot, held };
  if (state === 'unsupported') throw new KeywrightError('CAPABILITY_MISSING', { detail: `The key in slot ${slot.name} is of a kind that is not handled (${note ?? 'unknown'}).`, remedy: 'Use a key in another slot.' });
  throw new KeywrightError('NOT_FOUND', { detail: state === 'unknown' ? `Which key is in slot ${slot.name} of ${key.title} is not known: its firmware does not tell, and there is no certificate.` : `There is no key in slot ${slot.name} of ${key.title}.`, remedy: 'See what is in it with `keywright tokens slots`.' });
}
