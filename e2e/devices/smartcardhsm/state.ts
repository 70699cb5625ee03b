import { StatusWord, SW } from '../apdu.ts';
import type { PinLedger } from '../pin-ledger.ts';
import { readTlvs, type Tlv } from '../tlv.ts';
import type { DeviceIdentity } from './cvc.ts';
import type { Dkek } from './dkek.ts';
import type { CardKey } from './keys.ts';

/** Identifiers of PINs. */
export const REFERENCE = { user: 0x81, officer: 0x88 } as const;
/** Option bits of INITIALIZE DEVICE, in its second byte. */
export const OPTION = { resetRetryCounter: 0x01, transportPin: 0x02 } as const;

/** First bytes of file identifiers; the second is the key's, or counts. */
export const PREFIX = { key: 0xcc, privateKeyDescription: 0xc4, certificate: 0xce, protectedData: 0xcd } as const;
export const FILE = { deviceCertificate: 0x2f02, tokenInfo: 0x2f03, wrappedKey: 0x2f10 } as const;

export interface Reference {
  value: Buffer;
  total: number;
  left: number;
}

/** What the card keeps without power. */
export interface Memory {
  options: Buffer;
  /** Both undefined: never initialised. */
  pin: Reference | undefined;
  officerPin: Reference | undefined;
  dkek: Dkek | undefined;
  /** By the second byte of their file identifier; 0 is the device's own. */
  readonly keys: Map<number, CardKey>;
  /** By file identifier. */
  readonly files: Map<number, Buffer>;
}

/** What it forgets without power, or when the application is selected anew. */
export interface Session {
  selected: boolean;
  userVerified: boolean;
  file: number | undefined;
}

/** Everything that a command works on. */
export interface Hsm {
  readonly version: readonly [major: number, minor: number];
  readonly identity: DeviceIdentity;
  readonly memory: Memory;
  session: Session;
  readonly ledger: PinLedger;
}

export const newSession = (): Session => ({ selected: false, userVerified: false, file: undefined });

/** @returns the objects of command data. @throws StatusWord 6A80 when they are malformed. */
export function objectsOf(data: Buffer): Tlv[] {
  try {
    return readTlvs(data);
  } catch {
    throw new StatusWord(SW.wrongData);
  }
}
