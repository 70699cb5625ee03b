/** The SmartCard-HSM application: its name, commands and files (SmartCard-HSM user manual; OpenSC's driver for it). */

export const AID = Buffer.from('e82b0601040181c31f0201', 'hex');
/** Historical bytes of the answers to reset of SmartCard-HSM and Nitrokey HSM, with and without contacts: they call themselves HSM. */
const ATR = /8031815448534d31738021408107/;

/** Those of a YubiKey are text: "YubiKey", of a NEO "Yubikey". */
const YUBIKEY_ATR = /597562696b6579|597562694b6579/;

/** Whether a card is worth asking: the same application runs in other cards too, of which SELECT alone tells (`discovery.ts`). */
export const mayBeSmartCardHsm = (atr: Uint8Array): boolean => !YUBIKEY_ATR.test(Buffer.from(atr).toString('hex'));

export const isSmartCardHsm = (atr: Uint8Array): boolean => ATR.test(Buffer.from(atr).toString('hex'));

/** In CLA of the commands that ISO/IEC 7816-4 does not define. */
export const OWN = 0x80;
export const INS = {
  verify: 0x20, changeReference: 0x24, resetRetry: 0x2c, select: 0xa4, readBinary: 0xb1, updateBinary: 0xd7, deleteFile: 0xe4,
  initialize: 0x50, importShare: 0x52, enumerate: 0x58, wrap: 0x72, unwrap: 0x74,
} as const;
/** P2 of WRAP and UNWRAP KEY: under the DKEK. */
export const UNDER_DKEK = { wrap: 0x92, unwrap: 0x93 } as const;

export const REFERENCE = { pin: 0x81, officerPin: 0x88 } as const;

export const FILE = { deviceCertificates: 0x2f02, tokenInfo: 0x2f03, wrappedKey: 0x2f10 } as const;
/** First bytes of file identifiers; the second is the reference of the key that they belong to. */
export const PREFIX = { key: 0xcc, description: 0xc4, certificate: 0xce } as const;

/** Options of INITIALIZE DEVICE, in their second byte. */
export const OPTION = { resetRetryCounter: 0x01, transportPin: 0x02 } as const;

/** A PIN is of 6 to 16 characters. The shorter it is, the fewer tries it may have. */
export const PIN_LENGTH = { least: 6, most: 16 } as const;
export const MOST_RETRIES = 10;
export const DEFAULT_RETRIES = 3;

/** @returns how long a PIN must be to have so many tries. */
export const pinLengthFor = (retries: number): number => (retries > 5 ? 8 : retries > 3 ? 7 : PIN_LENGTH.least);

/** 8 bytes, written as 16 hexadecimal digits. */
export const OFFICER_PIN_DIGITS = 16;
