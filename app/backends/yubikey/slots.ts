import { X509Certificate } from 'node:crypto';
import { KEY_ALGORITHMS, KeywrightError, type PinPolicy, type TouchPolicy } from '../../contract/index.ts';
import { algorithmOfSpki } from '../../formats/index.ts';
import { findTlv, hexOf, parseTlvs, SW } from '../../devices/index.ts';
import type { KeyDescription } from '../../keystore/keystore.ts';
import type { StorageTransaction } from '../../storage/storage.ts';
import { attestedFacts } from './attested.ts';
import { decodeCertificate } from './certificates.ts';
import { tryObject } from './objects.ts';
import { algorithmOf, ATTESTATION_SLOT, INS, isPivAlgorithm, pinPolicyOf, publicKeyOf, touchPolicyOf, type PivAlgorithm, type Slot } from './piv.ts';
import { reading, type PivChannel } from './session.ts';
import type { YubiKey } from './yubikey.ts';

/** What is known of a slot: the device's own word where it gives one, else what a certificate of it says, else what we kept. */
export interface SlotFacts {
  readonly slot: Slot;
  readonly state: 'empty' | 'key' | 'unknown' | 'certificate-only' | 'unsupported';
  readonly key: SlotKey | null;
  /** Its algorithm in words, where we have no name for it. */
  readonly note: string | null;
  readonly certificate: Uint8Array | null;
}

export interface SlotKey {
  readonly algorithm: PivAlgorithm;
  /** SPKI, DER. */
  readonly publicKey: Uint8Array;
  readonly pinPolicy: PinPolicy;
  readonly touchPolicy: TouchPolicy;
  readonly madeOnDevice: boolean | null;
  readonly createdAt: string;
  /** Whether the device itself told the public key; else it may be another one's by now. */
  readonly certain: boolean;
}

/**
 * What the store keeps of a key that was made or taken in here: since when it is there, and for firmware without metadata
 * all that the device will not tell.
 */
interface KeptKey {
  readonly publicKey: string;
  readonly createdAt: string;
  readonly pinPolicy: PinPolicy;
  readonly touchPolicy: TouchPolicy;
  readonly madeOnDevice: boolean | null;
}

const recordOf = (key: YubiKey, slot: Slot): string => `material/${key.options.instance}/${key.name}/${slot.name}`;

/** Keeps a new key's public part, to be committed with the call. */
export async function keepKey(key: YubiKey, slot: Slot, { publicKey, createdAt, pinPolicy, touchPolicy, madeOnDevice }: SlotKey, unit: StorageTransaction): Promise<void> {
  const kept: KeptKey = { publicKey: Buffer.from(publicKey).toString('base64'), createdAt, pinPolicy, touchPolicy, madeOnDevice };
  await unit.put(recordOf(key, slot), Buffer.from(JSON.stringify(kept)), { ifRevision: 'any' });
}

export async function forgetKey(key: YubiKey, slot: Slot, unit: StorageTransaction): Promise<void> {
  await unit.delete(recordOf(key, slot), { ifRevision: 'any' });
}

/** What was kept is looked for in the store, and in the unit of a call that has just written it. */
async function keptKey(key: YubiKey, slot: Slot): Promise<KeptKey | undefined> {
  const record = await key.options.storage.get(recordOf(key, slot)).catch(() => undefined);
  return record === undefined ? undefined : JSON.parse(Buffer.from(record.value).toString('utf8')) as KeptKey;
}

/** @returns what was read of the slot before, else what it says now. */
export async function slotFacts(key: YubiKey, slot: Slot): Promise<SlotFacts> {
  return key.slots.get(slot.name) ?? readSlot(key, slot);
}

/** Asks the device. @throws TOKEN_REMOVED, BACKEND_UNAVAILABLE */
export async function readSlot(key: YubiKey, slot: Slot): Promise<SlotFacts> {
  const before = key.slots.get(slot.name);
  const kept = await keptKey(key, slot);
  const facts = await key.session.run(async (piv) => {
    const { certificate, damage } = await readCertificate(piv, slot);
    return key.discovered.hasMetadata ? fromMetadata(piv, slot, certificate, damage, kept, before) : withoutMetadata(key, piv, slot, certificate, damage, kept, before);
  });
  key.slots.set(slot.name, facts);
  return facts;
}

/** @returns how the key store describes the key in a slot. */
export function describe(key: YubiKey, { slot }: Pick<SlotFacts, 'slot'>, held: SlotKey): KeyDescription {
  return {
    uri: key.uriOf(slot), id: key.idOf(slot), label: null, algorithm: held.algorithm, usages: [...KEY_ALGORITHMS[held.algorithm].usages], extractable: false, protection: 'token',
    versions: [{ version: 1, createdAt: held.createdAt, publicKey: Uint8Array.from(held.publicKey) }],
    hardware: { slot: slot.name, slotTitle: slot.title, pinPolicy: held.pinPolicy, touchPolicy: held.touchPolicy, madeOnDevice: held.madeOnDevice },
  };
}

interface ReadCertificate {
  readonly certificate: Uint8Array | null;
  /** Why what is there cannot be read. */
  readonly damage: string | null;
}

async function readCertificate(piv: PivChannel, slot: Slot): Promise<ReadCertificate> {
  try {
    const object = await tryObject(piv, slot.certificate);
    if (typeof object === 'number') return { certificate: null, damage: `Its certificate cannot be read: the card refuses it (status ${hexOf(object)}).` };
    return { certificate: object === undefined ? null : decodeCertificate(object), damage: null };
  } catch (thrown) {
    // A damaged object must not hide the slot's key, nor the other slots. What PC/SC says is another matter.
    if (thrown instanceof KeywrightError && thrown.code === 'INVALID_INPUT') return { certificate: null, damage: `Its certificate cannot be read: ${thrown.facts.detail}` };
    if (thrown instanceof KeywrightError && thrown.code === 'BACKEND_UNAVAILABLE' && (thrown.cause as KeywrightError | undefined)?.code === 'INVALID_INPUT') return { certificate: null, damage: 'Its certificate cannot be read: the object is damaged.' };
    throw thrown;
  }
}

async function fromMetadata(piv: PivChannel, slot: Slot, certificate: Uint8Array | null, damage: string | null, kept: KeptKey | undefined, before: SlotFacts | undefined): Promise<SlotFacts> {
  const { data, sw } = await piv.transmit({ ins: INS.metadata, p2: slot.reference, le: 0 });
  const base = { slot, note: damage, certificate };
  if (sw === SW.notFound || sw === SW.fileNotFound) return { ...base, state: certificate === null ? 'empty' : 'certificate-only', key: null };
  // One slot must not hide the others.
  if (sw !== SW.ok) return { ...base, state: 'unknown', key: null, note: `The card does not tell what is in it (status ${hexOf(sw)}).` };
  const elements = reading(`Slot ${slot.name} cannot be read`, () => parseTlvs(data, 'its metadata'));
  const reference = findTlv(elements, 0x01)?.[0];
  const algorithm = reference === undefined ? undefined : algorithmOf(reference);
  const [pin, touch] = findTlv(elements, 0x02) ?? [];
  if (algorithm === undefined) return { ...base, state: 'unsupported', key: null, note: `algorithm ${reference?.toString(16).padStart(2, '0') ?? 'unknown'}` };
  let publicKey: Uint8Array;
  try {
    publicKey = publicKeyOf(algorithm, findTlv(elements, 0x04) ?? new Uint8Array(0));
  } catch {
    return { ...base, state: 'unsupported', key: null, note: `Its ${algorithm} public key cannot be read.` };
  }
  const origin = findTlv(elements, 0x03)?.[0];
  return {
    ...base, state: 'key',
    key: {
      algorithm, publicKey, pinPolicy: pinPolicyOf(pin), touchPolicy: touchPolicyOf(touch), madeOnDevice: origin === 1 ? true : origin === 2 ? false : null,
      createdAt: since(publicKey, kept, before), certain: true,
    },
  };
}

/** Before 5.3: what was made in the device it attests (from 4.3); for the rest there is the certificate, or what we kept. */
async function withoutMetadata(key: YubiKey, piv: PivChannel, slot: Slot, certificate: Uint8Array | null, damage: string | null, kept: KeptKey | undefined, before: SlotFacts | undefined): Promise<SlotFacts> {
  const base = { slot, certificate };
  const statement = key.gates.attestation && slot !== ATTESTATION_SLOT ? await piv.transmit({ ins: INS.attest, p1: slot.reference, le: 0 }) : undefined;
  const attested = statement?.sw === SW.ok ? attestedFacts(statement.data) : undefined;
  const own = attested === undefined ? undefined : pivKey(attested.publicKey);
  if (attested !== undefined && own !== undefined) {
    return { ...base, note: damage, state: 'key', key: { ...own, pinPolicy: attested.pinPolicy, touchPolicy: attested.touchPolicy, madeOnDevice: true, createdAt: since(own.publicKey, kept, before), certain: true } };
  }
  const certified = certificate === null ? undefined : keyIn(certificate);
  const remembered = kept === undefined ? undefined : pivKey(Buffer.from(kept.publicKey, 'base64'));
  const found = certified ?? (certificate === null ? remembered : undefined);
  if (found === undefined) return { ...base, note: damage ?? `Firmware ${key.facts.firmware} does not tell whether there is a key.`, state: 'unknown', key: null };
  const same = remembered !== undefined && Buffer.from(found.publicKey).equals(remembered.publicKey);
  return {
    ...base, state: 'unknown', note: certified === undefined ? 'Made or taken in here; this firmware does not tell whether it is still there.' : 'As its certificate says; this firmware does not tell whether the key is there.',
    key: {
      ...found, pinPolicy: same && kept !== undefined ? kept.pinPolicy : 'unknown', touchPolicy: same && kept !== undefined ? kept.touchPolicy : 'unknown', madeOnDevice: same && kept !== undefined ? kept.madeOnDevice : null,
      createdAt: since(found.publicKey, kept, before), certain: false,
    },
  };
}

/** Since when a key is known: as kept when it was made here, else since it was first read in this insertion. */
function since(publicKey: Uint8Array, kept: KeptKey | undefined, before: SlotFacts | undefined): string {
  if (kept !== undefined && Buffer.from(kept.publicKey, 'base64').equals(publicKey)) return kept.createdAt;
  if (before?.key !== undefined && before.key !== null && Buffer.from(before.key.publicKey).equals(publicKey)) return before.key.createdAt;
  return new Date().toISOString();
}

/** @returns the public key of a certificate, when it is of a kind that PIV has. */
export function keyIn(certificate: Uint8Array): { algorithm: PivAlgorithm; publicKey: Uint8Array } | undefined {
  try {
    return pivKey(new X509Certificate(certificate).publicKey.export({ type: 'spki', format: 'der' }));
  } catch {
    return undefined;
  }
}

function pivKey(publicKey: Uint8Array): { algorithm: PivAlgorithm; publicKey: Uint8Array } | undefined {
  try {
    const algorithm = algorithmOfSpki(publicKey);
    return isPivAlgorithm(algorithm) ? { algorithm, publicKey } : undefined;
  } catch {
    return undefined;
  }
}
