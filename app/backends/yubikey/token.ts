import type { Token, TokenContents, TokenSlot } from '../../keystore/tokens.ts';
import { keyStoreOf } from './key-store.ts';
import { actionsOf, managementOf } from './manage.ts';
import { ATTESTATION_SLOT } from './piv.ts';
import { describe, readSlot, type SlotFacts } from './slots.ts';
import { statusOf } from './status.ts';
import type { YubiKey } from './yubikey.ts';

export function tokenOf(key: YubiKey): Token {
  return {
    facts: key.facts, store: keyStoreOf(key), actions: actionsOf(key), policies: { pin: key.gates.pinPolicies, touch: key.gates.touchPolicies }, manage: managementOf(key),
    status: () => statusOf(key),
    contents: () => contentsOf(key),
  };
}

/** Reads every slot, letting other work in between. */
async function contentsOf(key: YubiKey): Promise<TokenContents> {
  const slots: SlotFacts[] = [];
  for (const slot of key.gates.slots) slots.push(await readSlot(key, slot));
  return {
    complete: key.discovered.hasMetadata,
    slots: slots.map((facts) => slotRecord(key, facts)),
    keys: slots.flatMap((facts) => (facts.key === null || facts.slot === ATTESTATION_SLOT ? [] : [describe(key, facts, facts.key)])),
  };
}

function slotRecord(key: YubiKey, { slot, state, key: held, note, certificate }: SlotFacts): TokenSlot {
  const attests = slot === ATTESTATION_SLOT && held !== null;
  const untold = state === 'empty' || state === 'certificate-only' ? null : 'unknown';
  return {
    slot: slot.name, title: slot.title, state, key: held === null || attests ? null : key.idOf(slot), note: attests ? `${held.algorithm}; it signs attestations alone` : note, certificate,
    pinPolicy: held?.pinPolicy ?? untold, touchPolicy: held?.touchPolicy ?? untold, madeOnDevice: held?.madeOnDevice ?? null,
  };
}
