import { StatusWord, SW, type Command } from '../apdu.ts';
import { readTlvs, tlv, valueOf, type Tlv } from '../tlv.ts';
import { agree, generateKey, importKey, publicKeyObjects, signOrDecrypt } from './keys.ts';
import { authenticateManagement } from './management-key.ts';
import { ALGORITHM, DEFAULT_MANAGEMENT_KEY, DEFAULT_PIN, DEFAULT_PUK, isKeySlot, ORIGIN, PIN_POLICY, SLOT, TOUCH_POLICY, type Piv, type Reference, type StoredKey } from './state.ts';

const NOTHING = Buffer.alloc(0);
const NEW_ALGORITHMS: readonly number[] = [ALGORITHM.rsa3072, ALGORITHM.rsa4096, ALGORITHM.ed25519, ALGORITHM.x25519];
const OLD_ALGORITHMS: readonly number[] = [ALGORITHM.rsa1024, ALGORITHM.rsa2048, ALGORITHM.p256];

/** @returns the objects in command data. @throws StatusWord 6A80 when they are malformed. */
export function objectsIn(data: Uint8Array): Tlv[] {
  try {
    return readTlvs(data);
  } catch {
    throw new StatusWord(SW.wrongData);
  }
}

function supports(piv: Piv, algorithm: number): boolean {
  if (OLD_ALGORITHMS.includes(algorithm)) return true;
  return algorithm === ALGORITHM.p384 ? piv.model.has.p384 : NEW_ALGORITHMS.includes(algorithm) && piv.model.has.newAlgorithms;
}

function mustHoldKeys(piv: Piv, slot: number): void {
  if (!isKeySlot(piv.model, slot)) throw new StatusWord(SW.wrongP1P2);
}

/**
 * @returns the policies of a new key: those in the tags aa and ab, else the slot's own. A NEO knows none and passes over the tags.
 * @throws StatusWord 6A80 for one that the firmware lacks.
 */
function policies(piv: Piv, slot: number, objects: readonly Tlv[]): { pinPolicy: number; touchPolicy: number } {
  const asked = (tag: number): number => (piv.model.has.policies ? (valueOf(objects, tag)?.[0] ?? 0) : 0);
  const pinPolicy = asked(0xaa);
  const touchPolicy = asked(0xab);
  const matchOffered = piv.formFactor === 6 || piv.formFactor === 7;
  if (pinPolicy > (matchOffered ? PIN_POLICY.matchAlways : PIN_POLICY.always)) throw new StatusWord(SW.wrongData);
  if (touchPolicy > (piv.model.has.cachedTouch ? TOUCH_POLICY.cached : TOUCH_POLICY.always)) throw new StatusWord(SW.wrongData);
  const slotPolicy = slot === SLOT.signature ? PIN_POLICY.always : slot === SLOT.cardAuthentication ? PIN_POLICY.never : PIN_POLICY.once;
  return { pinPolicy: pinPolicy || slotPolicy, touchPolicy: touchPolicy || TOUCH_POLICY.never };
}

/** GENERATE ASYMMETRIC KEY PAIR (SP 800-73-4 part 2 §3.3.2). */
export async function generateInSlot(piv: Piv, { p1, p2, data }: Command): Promise<Buffer> {
  if (!piv.session.managementAuthenticated) throw new StatusWord(SW.securityStatus);
  mustHoldKeys(piv, p2);
  const template = valueOf(objectsIn(data), 0xac);
  if (p1 !== 0 || template === undefined) throw new StatusWord(SW.wrongData);
  const objects = objectsIn(template);
  const algorithm = valueOf(objects, 0x80)?.[0] ?? 0;
  if (!supports(piv, algorithm)) throw new StatusWord(SW.wrongData);
  const chosen = policies(piv, p2, objects);
  const { session } = piv;
  const pair = await generateKey(algorithm);
  // Pulled while it was at it: nothing was kept.
  if (piv.session !== session) throw new StatusWord(SW.conditionsOfUse);
  piv.memory.keys.set(p2, { algorithm, ...pair, ...chosen, origin: ORIGIN.generated });
  return tlv(0x7f49, publicKeyObjects(pair.publicKey));
}

/** Yubico's IMPORT ASYMMETRIC KEY. */
export function importIntoSlot(piv: Piv, { p1, p2, data }: Command): Buffer {
  if (!piv.session.managementAuthenticated) throw new StatusWord(SW.securityStatus);
  mustHoldKeys(piv, p2);
  if (!supports(piv, p1)) throw new StatusWord(SW.wrongData);
  const objects = objectsIn(data);
  const chosen = policies(piv, p2, objects);
  piv.memory.keys.set(p2, { algorithm: p1, ...importKey(p1, objects), ...chosen, origin: ORIGIN.imported });
  return NOTHING;
}

/** GENERAL AUTHENTICATE (§3.2.4): with the management key, or the use of a private key. */
export async function generalAuthenticate(piv: Piv, { p1, p2, data }: Command): Promise<Buffer> {
  const template = valueOf(objectsIn(data), 0x7c);
  if (template === undefined) throw new StatusWord(SW.wrongData);
  const objects = objectsIn(template);
  if (p2 === SLOT.management) return authenticateManagement(piv, p1, objects);
  const key = isKeySlot(piv.model, p2) && p2 !== SLOT.attestation ? piv.memory.keys.get(p2) : undefined;
  if (key === undefined || key.algorithm !== p1) throw new StatusWord(SW.wrongData);
  const challenge = valueOf(objects, 0x81);
  const peer = valueOf(objects, 0x85);
  if (valueOf(objects, 0x82)?.length !== 0 || (challenge === undefined) === (peer === undefined)) throw new StatusWord(SW.wrongData);
  await mustBeAllowed(piv, key);
  const result = challenge === undefined ? agree(p1, key.privateKey, peer as Buffer) : signOrDecrypt(p1, key.privateKey, challenge);
  return tlv(0x7c, tlv(0x82, result));
}

/** @throws StatusWord 6982 where PIN or touch is missing. */
async function mustBeAllowed(piv: Piv, { pinPolicy, touchPolicy }: StoredKey): Promise<void> {
  const always = pinPolicy === PIN_POLICY.always || pinPolicy === PIN_POLICY.matchAlways;
  if (pinPolicy !== PIN_POLICY.never && !(always ? piv.session.pinFresh : piv.session.pinVerified)) throw new StatusWord(SW.securityStatus);
  if (touchPolicy === TOUCH_POLICY.never || (touchPolicy === TOUCH_POLICY.cached && piv.touch.isCached())) return;
  if (!(await piv.touch.wait())) throw new StatusWord(SW.securityStatus);
}

/** Yubico's GET METADATA, from firmware 5.3. */
export function metadata(piv: Piv, { p1, p2 }: Command): Buffer {
  if (p1 !== 0) throw new StatusWord(SW.wrongParameters);
  const { memory, model } = piv;
  const reference = ({ value, total, left }: Reference, factory: Buffer): Buffer =>
    Buffer.concat([tlv(0x01, Buffer.of(0xff)), tlv(0x05, Buffer.of(value.equals(factory) ? 1 : 0)), tlv(0x06, Buffer.of(total, left))]);
  if (p2 === 0x80) return reference(memory.pin, DEFAULT_PIN);
  if (p2 === 0x81) return reference(memory.puk, DEFAULT_PUK);
  if (p2 === SLOT.management) {
    const { algorithm, key, touchPolicy } = memory.management;
    return Buffer.concat([
      // Before there was a choice of algorithms, none was told.
      model.has.aesManagementKey ? tlv(0x01, Buffer.of(algorithm)) : NOTHING,
      tlv(0x02, Buffer.of(0, touchPolicy)),
      tlv(0x05, Buffer.of(key.equals(DEFAULT_MANAGEMENT_KEY) ? 1 : 0)),
    ]);
  }
  const key = isKeySlot(model, p2) ? memory.keys.get(p2) : undefined;
  if (key === undefined) throw new StatusWord(SW.referenceNotFound);
  return Buffer.concat([
    tlv(0x01, Buffer.of(key.algorithm)), tlv(0x02, Buffer.of(key.pinPolicy, key.touchPolicy)), tlv(0x03, Buffer.of(key.origin)), tlv(0x04, publicKeyObjects(key.publicKey)),
  ]);
}

/** Yubico's MOVE KEY, from firmware 5.7: P1 is where to, P2 where from; where to is ff to delete. */
export function moveKey(piv: Piv, { p1, p2 }: Command): Buffer {
  if (!piv.session.managementAuthenticated) throw new StatusWord(SW.securityStatus);
  mustHoldKeys(piv, p2);
  const { keys } = piv.memory;
  const key = keys.get(p2);
  if (p1 !== 0xff) {
    mustHoldKeys(piv, p1);
    if (p1 === SLOT.attestation || p2 === SLOT.attestation || p1 === p2) throw new StatusWord(SW.wrongP1P2);
    if (keys.has(p1) && !piv.moveOverwrites) throw new StatusWord(SW.conditionsOfUse);
  }
  if (key === undefined) throw new StatusWord(SW.referenceNotFound);
  keys.delete(p2);
  if (p1 !== 0xff) keys.set(p1, key);
  return NOTHING;
}
