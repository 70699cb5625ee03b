/** What a YubiKey of some firmware has. Firmware gates are Yubico's published ones; where two of its documents differ, the device's own is taken. */

export type Version = readonly [major: number, minor: number, patch: number];

/** Form factor codes of the management application and of attestation certificates. */
export const FORM_FACTORS = { 'usb-a-keychain': 1, 'usb-a-nano': 2, 'usb-c-keychain': 3, 'usb-c-nano': 4, 'usb-c-lightning': 5, 'usb-a-bio': 6, 'usb-c-bio': 7 } as const;
export type FormFactor = keyof typeof FORM_FACTORS;

export interface Model {
  readonly name: 'YubiKey NEO' | 'YubiKey 4' | 'YubiKey 5';
  /** Of the device, as the management and OTP applications say it. */
  readonly firmware: Version;
  /** What the PIV application says of itself: the firmware, but for a NEO. */
  readonly piv: Version;
  readonly atr: Uint8Array;
  readonly has: {
    readonly extendedLength: boolean;
    readonly metadata: boolean;
    readonly serialInPiv: boolean;
    readonly attestation: boolean;
    readonly serialInAttestation: boolean;
    /** Intermediates stand between root and device certificate. */
    readonly intermediateAttestation: boolean;
    readonly moveKey: boolean;
    readonly policies: boolean;
    readonly cachedTouch: boolean;
    readonly p384: boolean;
    /** RSA-3072, RSA-4096, Ed25519 and X25519. */
    readonly newAlgorithms: boolean;
    readonly aesManagementKey: boolean;
    readonly retiredSlots: boolean;
    readonly readConfig: boolean;
    /** The PUK consists of Unicode code points, of which this card takes single-byte ones. */
    readonly asciiPuk: boolean;
    readonly logout: boolean;
  };
  /** The management key's algorithm as delivered: 0x03 3DES, 0x0a AES-192. */
  readonly defaultManagementAlgorithm: 0x03 | 0x0a;
  /** Tries left are told as 63 0X and not 63 CX. */
  readonly oldRetryStatus: boolean;
  /** Bytes of command data. */
  readonly maxData: number;
  /** Bytes for all data objects together. */
  readonly storage: number;
}

const ATR_NEO = '3bfc1300008131fe15597562696b65794e454f7233e1';
const ATR_4 = '3bf81300008131fe15597562696b657934d4';
const ATR_5 = '3bfd1300008131fe158073c021c057597562694b657940';

export function atLeast(version: Version, ...wanted: Version): boolean {
  for (const index of [0, 1, 2] as const) if (version[index] !== wanted[index]) return version[index] > wanted[index];
  return true;
}

/**
 * @param firmware for instance `5.7.1`, `4.3.5`; `3.4.9` or another 3.x is a NEO, whose PIV application has a version of its own: 1.0.4 from 3.3 on, 0.1.3 before.
 * @throws RangeError when it is no version of a YubiKey with PIV.
 */
export function modelOf(firmware: string): Model {
  const parts = firmware.split('.').map(Number);
  const [major = NaN, minor = NaN, patch = NaN] = parts;
  if (parts.length !== 3 || parts.some((part) => !Number.isInteger(part) || part < 0 || part > 255)) throw new RangeError(`"${firmware}" is no firmware version such as 5.7.1.`);
  if (major < 3 || major > 5) throw new RangeError(`There is no YubiKey with firmware ${firmware} and PIV; 3.x, 4.x and 5.x are.`);
  const version: Version = [major, minor, patch];
  const piv: Version = major > 3 ? version : minor >= 3 ? [1, 0, 4] : [0, 1, 3];
  const from = (...wanted: Version): boolean => atLeast(version, ...wanted);
  return {
    name: major === 3 ? 'YubiKey NEO' : major === 4 ? 'YubiKey 4' : 'YubiKey 5',
    firmware: version,
    piv,
    atr: Buffer.from(major === 3 ? ATR_NEO : major === 4 ? ATR_4 : ATR_5, 'hex'),
    has: {
      extendedLength: from(4, 0, 0), metadata: from(5, 3, 0), serialInPiv: from(5, 0, 0), attestation: from(4, 3, 0), serialInAttestation: from(5, 0, 0),
      intermediateAttestation: from(5, 7, 4), moveKey: from(5, 7, 0), policies: from(4, 0, 0), cachedTouch: from(4, 3, 0), p384: from(4, 0, 0),
      newAlgorithms: from(5, 7, 0), aesManagementKey: from(5, 4, 2), retiredSlots: from(4, 0, 0), readConfig: from(4, 1, 0), asciiPuk: from(5, 7, 0), logout: from(5, 0, 0),
    },
    defaultManagementAlgorithm: from(5, 7, 0) ? 0x0a : 0x03,
    oldRetryStatus: !atLeast(piv, 1, 0, 4),
    maxData: major === 3 ? 2048 : 3072,
    storage: major === 3 ? 10_000 : 51_000,
  };
}
