import type { KeyObject } from 'node:crypto';
import type { PinLedger } from '../pin-ledger.ts';
import type { Model } from './model.ts';
import type { TouchSensor } from './touch.ts';

/** Algorithm references of SP 800-78 and Yubico's. */
export const ALGORITHM = { rsa1024: 0x06, rsa2048: 0x07, rsa3072: 0x05, rsa4096: 0x16, p256: 0x11, p384: 0x14, ed25519: 0xe0, x25519: 0xe1 } as const;
export const PIN_POLICY = { default: 0, never: 1, once: 2, always: 3, matchOnce: 4, matchAlways: 5 } as const;
export const TOUCH_POLICY = { default: 0, never: 1, always: 2, cached: 3 } as const;
export const ORIGIN = { generated: 1, imported: 2 } as const;

export const SLOT = { authentication: 0x9a, management: 0x9b, signature: 0x9c, keyManagement: 0x9d, cardAuthentication: 0x9e, attestation: 0xf9 } as const;

export const DEFAULT_PIN = Buffer.from('123456\xff\xff', 'latin1');
export const DEFAULT_PUK = Buffer.from('12345678');
export const DEFAULT_MANAGEMENT_KEY = Buffer.from('0102030405060708'.repeat(3), 'hex');

/** A PIN or PUK: eight bytes, padded with ff. */
export interface Reference {
  value: Buffer;
  total: number;
  left: number;
}

export interface StoredKey {
  readonly algorithm: number;
  readonly privateKey: KeyObject;
  readonly publicKey: KeyObject;
  readonly pinPolicy: number;
  readonly touchPolicy: number;
  readonly origin: number;
}

/** What the PIV application keeps without power. */
export interface Memory {
  pin: Reference;
  puk: Reference;
  management: { algorithm: number; key: Buffer; touchPolicy: number };
  readonly keys: Map<number, StoredKey>;
  /** Content of the tag 53, by object identifier. */
  readonly objects: Map<number, Buffer>;
}

/** What it forgets without power, or when another application is selected. */
export interface Session {
  pinVerified: boolean;
  /** The last command was a VERIFY that succeeded: what the policy *always* asks for. */
  pinFresh: boolean;
  managementAuthenticated: boolean;
  /** What the card sent to be encrypted or decrypted with the management key. */
  challenge: { kind: 'witness' | 'challenge'; expected: Buffer } | undefined;
}

/** Everything that a PIV command works on. */
export interface Piv {
  readonly model: Model;
  readonly serial: number;
  readonly formFactor: number;
  readonly memory: Memory;
  session: Session;
  readonly touch: TouchSensor;
  readonly ledger: PinLedger;
  /** MOVE KEY onto a slot with a key: Yubico's documents ask for an empty one. */
  readonly moveOverwrites: boolean;
}

export function newSession(): Session {
  return { pinVerified: false, pinFresh: false, managementAuthenticated: false, challenge: undefined };
}

/** Sets everything but the attestation slot as it left the factory. */
export function setToFactory(memory: Memory, model: Model): void {
  memory.pin = { value: DEFAULT_PIN, total: 3, left: 3 };
  memory.puk = { value: DEFAULT_PUK, total: 3, left: 3 };
  memory.management = { algorithm: model.defaultManagementAlgorithm, key: DEFAULT_MANAGEMENT_KEY, touchPolicy: TOUCH_POLICY.never };
  for (const slot of memory.keys.keys()) if (slot !== SLOT.attestation) memory.keys.delete(slot);
  for (const id of memory.objects.keys()) if (id !== ATTESTATION_CERTIFICATE) memory.objects.delete(id);
}

/** The object that holds the certificate of slot f9. */
export const ATTESTATION_CERTIFICATE = 0x5fff01;

/** @returns whether the model has a key slot of this number. */
export function isKeySlot(model: Model, slot: number): boolean {
  if (slot === SLOT.attestation) return model.has.attestation;
  if (slot >= 0x82 && slot <= 0x95) return model.has.retiredSlots;
  return slot === SLOT.authentication || slot === SLOT.signature || slot === SLOT.keyManagement || slot === SLOT.cardAuthentication;
}
