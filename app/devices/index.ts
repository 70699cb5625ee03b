/** Smart cards and tokens behind PC/SC. */
export { exchange, SW_OK, type ApduLength, type Command, type Response } from './apdu.ts';
export { Card, type CardOptions, type Channel } from './card.ts';
export type { CardLink } from './link.ts';
export { KEYPAD_SECONDS, type KeypadOutcome, type Pinpad, type PinpadRequest } from './pinpad.ts';
export type { DeviceFinding } from './findings.ts';
export { orLeave, type Leaving } from './leave.ts';
export { Readers, type ReaderEvent, type ReaderState } from './readers.ts';
export { readSecretFile } from './secret-file.ts';
export { dataOf, hexOf, statusError, SW, triesIn } from './status-words.ts';
export { findTlv, leadingTlvs, parseTlv, parseTlvs, tlv, type Tlv } from './tlv.ts';
