import { StatusWord, SW, type Command } from '../apdu.ts';
import { DEFAULT_PIN, DEFAULT_PUK, type Piv, type Reference } from './state.ts';

const PIN = 0x80;
const PUK = 0x81;
const LENGTH = 8;
const NOTHING = Buffer.alloc(0);

/** @returns the value without its padding. */
function unpadded(value: Uint8Array): Uint8Array {
  const end = value.indexOf(0xff);
  return end < 0 ? value : value.subarray(0, end);
}

/** @returns the status word for so many tries left: four bits of them. */
function triesLeft(piv: Piv, left: number): number {
  return (piv.model.oldRetryStatus ? 0x6300 : 0x63c0) | Math.min(left, 15);
}

/** Tries a value, and counts. @throws StatusWord 63CX or 6983. */
function check(piv: Piv, name: 'pin' | 'puk', reference: Reference, value: Uint8Array): void {
  if (reference.left === 0) {
    piv.ledger.record(name, unpadded(value), 'blocked');
    throw new StatusWord(SW.blocked);
  }
  if (!reference.value.equals(value)) {
    reference.left -= 1;
    piv.ledger.record(name, unpadded(value), 'refused');
    throw new StatusWord(triesLeft(piv, reference.left));
  }
  reference.left = reference.total;
  piv.ledger.record(name, unpadded(value), 'accepted');
}

/** @throws StatusWord 6985 unless it is six to eight bytes and then padding. */
function mustBeAllowed(piv: Piv, name: 'pin' | 'puk', value: Uint8Array): void {
  const content = unpadded(value);
  const padding = value.subarray(content.length);
  if (content.length < 6 || padding.some((byte) => byte !== 0xff)) throw new StatusWord(SW.conditionsOfUse);
  if ((name === 'pin' || piv.model.has.asciiPuk) && content.some((byte) => byte > 0x7f)) throw new StatusWord(SW.conditionsOfUse);
}

function forgetPin(piv: Piv): void {
  piv.session.pinVerified = false;
  piv.session.pinFresh = false;
}

/** VERIFY (SP 800-73-4 part 2 §3.2.1). Without data it asks how many tries are left, and costs none. */
export function verify(piv: Piv, { p1, p2, data }: Command): Buffer {
  if (p1 === 0xff && piv.model.has.logout && data.length === 0 && p2 === PIN) {
    forgetPin(piv);
    return NOTHING;
  }
  if (p1 !== 0) throw new StatusWord(SW.wrongParameters);
  if (p2 !== PIN) throw new StatusWord(SW.referenceNotFound);
  const { pin } = piv.memory;
  if (data.length === 0) {
    if (piv.session.pinVerified) return NOTHING;
    throw new StatusWord(pin.left === 0 ? SW.blocked : triesLeft(piv, pin.left));
  }
  if (data.length !== LENGTH) throw new StatusWord(SW.wrongData);
  forgetPin(piv);
  check(piv, 'pin', pin, data);
  piv.session.pinVerified = true;
  piv.session.pinFresh = true;
  return NOTHING;
}

/** CHANGE REFERENCE DATA (§3.2.2): the old value and the new one. */
export function changeReference(piv: Piv, { p1, p2, data }: Command): Buffer {
  if (p1 !== 0 || (p2 !== PIN && p2 !== PUK)) throw new StatusWord(SW.referenceNotFound);
  if (data.length !== 2 * LENGTH) throw new StatusWord(SW.wrongData);
  const name = p2 === PIN ? 'pin' : 'puk';
  const fresh = data.subarray(LENGTH);
  if (name === 'pin') forgetPin(piv);
  const reference = piv.memory[name];
  check(piv, name, reference, data.subarray(0, LENGTH));
  mustBeAllowed(piv, name, fresh);
  reference.value = Buffer.from(fresh);
  piv.ledger.changed(name);
  return NOTHING;
}

/** RESET RETRY COUNTER (§3.2.3): the PUK and a new PIN. */
export function resetRetry(piv: Piv, { p1, p2, data }: Command): Buffer {
  if (p1 !== 0 || p2 !== PIN) throw new StatusWord(SW.referenceNotFound);
  if (data.length !== 2 * LENGTH) throw new StatusWord(SW.wrongData);
  const fresh = data.subarray(LENGTH);
  const { pin, puk } = piv.memory;
  // A PUK that is wrong counts even with a new PIN that is not allowed: clients block the PUK so, with all of it padding.
  check(piv, 'puk', puk, data.subarray(0, LENGTH));
  mustBeAllowed(piv, 'pin', fresh);
  pin.value = Buffer.from(fresh);
  pin.left = pin.total;
  forgetPin(piv);
  piv.ledger.changed('pin');
  return NOTHING;
}

/** Yubico's SET PIN RETRIES: both counters, and PIN and PUK as they left the factory. */
export function setRetries(piv: Piv, { p1, p2, data }: Command): Buffer {
  if (!piv.session.managementAuthenticated || !piv.session.pinVerified) throw new StatusWord(SW.securityStatus);
  if (p1 === 0 || p2 === 0 || data.length > 0) throw new StatusWord(SW.wrongData);
  piv.memory.pin = { value: DEFAULT_PIN, total: p1, left: p1 };
  piv.memory.puk = { value: DEFAULT_PUK, total: p2, left: p2 };
  forgetPin(piv);
  piv.ledger.changed('pin');
  piv.ledger.changed('puk');
  // What they are now everybody knows, and whoever sets the tries replaces at once.
  for (const value of [DEFAULT_PIN, DEFAULT_PUK]) piv.ledger.known(unpadded(value));
  return NOTHING;
}
