import { z } from 'zod';

/** When the token asks for its PIN before a key acts. `match`: a fingerprint. `unknown`: the token does not tell. */
export const PinPolicy = z.enum(['never', 'once', 'always', 'match', 'match-once', 'match-always', 'unknown']);
export type PinPolicy = z.output<typeof PinPolicy>;
/** When the token waits for a touch before a key acts. `cached`: a touch counts for the 15 s after it. */
export const TouchPolicy = z.enum(['never', 'always', 'cached', 'unknown']);
export type TouchPolicy = z.output<typeof TouchPolicy>;

/** Where in which token a key is, and what the token asks for when it acts. */
export const HardwareFacts = z.strictObject({
  /** The token's id, `yubikey-12345678`: the same in any reader. */
  token: z.string(),
  /** "YubiKey 5C NFC 12345678" */
  tokenTitle: z.string(),
  /** PIV: `9c`. PKCS#11: the object's CKA_ID in hex. */
  slot: z.string().nullable(),
  /** "Digital signature" */
  slotTitle: z.string().nullable(),
  pinPolicy: PinPolicy,
  touchPolicy: TouchPolicy,
  /** null: the token does not tell. */
  madeOnDevice: z.boolean().nullable(),
});
export type HardwareFacts = z.output<typeof HardwareFacts>;

/** PIV: `9a`, `9c`, `9d`, `9e`, `82` to `95`, `f9`. PKCS#11: CKA_ID in hex. */
export const SlotName = z.string().trim().toLowerCase().regex(/^[0-9a-f]{1,128}$/, 'hexadecimal digits');

/** What a token asks further: where the key goes, and what the token asks for when it acts. */
export const inToken = {
  /** PIV slot, or CKA_ID in hex. Default: the first that is free and fits. */
  slot: SlotName.optional(),
  pinPolicy: PinPolicy.exclude(['unknown']).optional(),
  touchPolicy: TouchPolicy.exclude(['unknown']).optional(),
};
