import { StatusWord, SW, type Command } from '../apdu.ts';
import { valueOf } from '../tlv.ts';
import { newDkek } from './dkek.ts';
import { FILE, objectsOf, OPTION, REFERENCE, type Hsm, type Reference } from './state.ts';

const NOTHING = Buffer.alloc(0);
const PIN_LENGTH = { least: 6, most: 16 } as const;
const OFFICER_PIN_LENGTH = 8;
const OFFICER_TRIES = 15;
/** ISO/IEC 7816-4 §5.6: reference data not usable. Before version 2 a card that was never initialised says so. */
const NOT_USABLE = 0x6984;

function referenceOf(hsm: Hsm, p2: number): { name: 'pin' | 'so-pin'; reference: Reference } {
  const { memory } = hsm;
  const found = p2 === REFERENCE.user ? memory.pin : p2 === REFERENCE.officer ? memory.officerPin : undefined;
  if (found === undefined) throw new StatusWord(p2 === REFERENCE.user && hsm.version[0] < 2 ? NOT_USABLE : SW.referenceNotFound);
  return { name: p2 === REFERENCE.user ? 'pin' : 'so-pin', reference: found };
}

/** Tries a value, and counts. @param refused what a wrong one is answered with, when it is not the tries left. @throws StatusWord */
function check(hsm: Hsm, name: 'pin' | 'so-pin', reference: Reference, value: Buffer, refused?: number): void {
  if (reference.left === 0) {
    hsm.ledger.record(name, value, 'blocked');
    throw new StatusWord(SW.blocked);
  }
  if (!reference.value.equals(value)) {
    reference.left -= 1;
    hsm.ledger.record(name, value, 'refused');
    throw new StatusWord(refused ?? (reference.left === 0 ? SW.blocked : 0x63c0 | reference.left));
  }
  reference.left = reference.total;
  hsm.ledger.record(name, value, 'accepted');
}

function mustBePin(value: Buffer): void {
  if (value.length < PIN_LENGTH.least || value.length > PIN_LENGTH.most) throw new StatusWord(SW.wrongData);
}

/** VERIFY. Without data it tells how many tries are left, and costs none. */
export function verify(hsm: Hsm, { p1, p2, data }: Command): Buffer {
  if (p1 !== 0) throw new StatusWord(SW.wrongParameters);
  const { name, reference } = referenceOf(hsm, p2);
  if (data.length === 0) {
    if (name === 'pin' && hsm.session.userVerified) return NOTHING;
    throw new StatusWord(reference.left === 0 ? SW.blocked : 0x63c0 | reference.left);
  }
  if (name === 'pin') hsm.session.userVerified = false;
  check(hsm, name, reference, data);
  if (name === 'pin') hsm.session.userVerified = true;
  return NOTHING;
}

/** CHANGE REFERENCE DATA: the old value and the new one. The card knows how long the old one is. */
export function changeReference(hsm: Hsm, { p1, p2, data }: Command): Buffer {
  if (p1 !== 0) throw new StatusWord(SW.wrongParameters);
  const { name, reference } = referenceOf(hsm, p2);
  const length = reference.value.length;
  if (data.length <= length) throw new StatusWord(SW.wrongLength);
  check(hsm, name, reference, data.subarray(0, length));
  const fresh = Buffer.from(data.subarray(length));
  if (name === 'pin') mustBePin(fresh);
  else if (fresh.length !== OFFICER_PIN_LENGTH) throw new StatusWord(SW.wrongLength);
  reference.value = fresh;
  hsm.ledger.changed(name);
  return NOTHING;
}

/** RESET RETRY COUNTER: the SO PIN, and a new PIN unless P1 is 1. */
export function resetRetry(hsm: Hsm, { p1, p2, data }: Command): Buffer {
  const { memory } = hsm;
  if (p1 > 1 || p2 !== REFERENCE.user) throw new StatusWord(SW.wrongParameters);
  const { reference: pin } = referenceOf(hsm, p2);
  if (((memory.options[1] ?? 0) & OPTION.resetRetryCounter) === 0) throw new StatusWord(SW.conditionsOfUse);
  const { reference: officer } = referenceOf(hsm, REFERENCE.officer);
  if (data.length < OFFICER_PIN_LENGTH) throw new StatusWord(SW.wrongLength);
  check(hsm, 'so-pin', officer, data.subarray(0, OFFICER_PIN_LENGTH));
  const fresh = Buffer.from(data.subarray(OFFICER_PIN_LENGTH));
  if (p1 === 0) {
    mustBePin(fresh);
    pin.value = fresh;
    hsm.ledger.changed('pin');
  } else if (fresh.length > 0) throw new StatusWord(SW.wrongLength);
  pin.left = pin.total;
  hsm.session.userVerified = false;
  return NOTHING;
}

/** INITIALIZE DEVICE: everything but the device's own key is gone, and the options, PINs and DKEK are set. */
export function initialize(hsm: Hsm, { p1, p2, data }: Command): Buffer {
  if (p1 !== 0 || p2 !== 0) throw new StatusWord(SW.wrongParameters);
  const objects = objectsOf(data);
  const [options, pin, officerPin, retries, shares] = [0x80, 0x81, 0x82, 0x91, 0x92].map((tag) => valueOf(objects, tag));
  if (options?.length !== 2 || pin === undefined || officerPin?.length !== OFFICER_PIN_LENGTH || retries?.length !== 1) throw new StatusWord(SW.wrongData);
  mustBePin(pin);
  const total = retries[0] ?? 0;
  const most = pin.length === 6 ? 3 : pin.length === 7 ? 5 : 10;
  if (total < 1 || total > most) throw new StatusWord(SW.wrongData);
  const { memory } = hsm;
  // What a wrong code is answered with here is not the tries left.
  if (memory.officerPin !== undefined) check(hsm, 'so-pin', memory.officerPin, officerPin, SW.conditionsOfUse);
  for (const id of memory.keys.keys()) if (id !== 0) memory.keys.delete(id);
  for (const id of memory.files.keys()) if (id !== FILE.deviceCertificate) memory.files.delete(id);
  memory.options = Buffer.from(options);
  memory.pin = { value: Buffer.from(pin), total, left: total };
  memory.officerPin = { value: Buffer.from(officerPin), total: OFFICER_TRIES, left: OFFICER_TRIES };
  memory.dkek = shares === undefined ? undefined : newDkek(shares[0] ?? 0);
  hsm.ledger.changed('pin');
  hsm.session.userVerified = false;
  hsm.session.file = undefined;
  return NOTHING;
}
