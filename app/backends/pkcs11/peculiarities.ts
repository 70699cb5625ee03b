import type { Capability } from '../../contract/index.ts';
import type { SlotToken } from './messages.ts';

/** Where tokens in wide use are not as the standard has it. They are known by what they say of themselves. */
export interface Peculiarities {
  /** Keys lie in places that the token has, and this is each one's CKA_ID in hex, in the order in which a free one is taken. Labels are the places', too. */
  readonly places?: ReadonlyMap<string, string>;
  /** A key without a certificate may not show, and making one in its place destroys it. */
  readonly hidesKeys?: true;
  /** Making keys and writing certificates is the security officer's (SO PIN), not the user's. */
  readonly officerWrites?: true;
  /** Every key may do whatever its algorithm can, whatever its attributes say, and cannot be restricted to less. */
  readonly usagesAreFixed?: true;
  /** Destroying a key leaves it where it is. */
  readonly keepsKeys?: true;
  /** Certificates by label that are none of a key's: statements of the token's own. */
  readonly notOfKeys?: RegExp;
  /** What its mechanisms promise and it does not do. */
  readonly lacks?: readonly Capability[];
}

const PIV_SLOTS: readonly (readonly [number, string])[] = [
  // Not at first 9c, which asks for the PIN each time, and last 9e, whose key acts without one.
  [1, '9a'], [3, '9d'], ...Array.from({ length: 20 }, (_, index) => [5 + index, (0x82 + index).toString(16)] as const), [2, '9c'], [4, '9e'],
];

const TABLE: readonly { readonly manufacturer: RegExp; readonly model: RegExp; readonly is: Peculiarities }[] = [
  {
    // Yubico's YKCS11: CKA_ID is a number for a PIV slot, of which it looks at the first byte alone.
    manufacturer: /^Yubico/, model: /^YubiKey/,
    is: {
      places: new Map(PIV_SLOTS.map(([id, slot]) => [id.toString(16).padStart(2, '0'), `PIV slot ${slot}`])),
      hidesKeys: true, officerWrites: true, usagesAreFixed: true, keepsKeys: true, notOfKeys: /Attestation/, lacks: ['import'],
    },
  },
];

export function peculiaritiesOf({ manufacturer, model }: Pick<SlotToken, 'manufacturer' | 'model'>): Peculiarities {
  return TABLE.find((one) => one.manufacturer.test(manufacturer) && one.model.test(model))?.is ?? {};
}

export const KEEPS_KEYS = 'This module deletes the certificate of a key and leaves the key where it is: use the program of the token’s maker.';
export const HIDES_KEYS = 'This module does not show a key that has no certificate: put another one in its place.';
