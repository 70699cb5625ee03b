import type { Channel } from './card.ts';
import { hexOf } from './status-words.ts';
import { parseTlvs } from './tlv.ts';

/** Readers with a keypad of their own (PC/SC part 10 v2.02.09): the PIN goes from the keys to the card and never through this computer. */

const FEATURE_VERIFY_PIN_DIRECT = 0x06;
export const KEYPAD_SECONDS = 30;
/** Of the reader itself (§2.5.3): 6403 is a PIN that is too short or too long for it. */
const ENDED: Readonly<Record<number, 'timeout' | 'cancelled' | 'refused'>> = { 0x6400: 'timeout', 0x6401: 'cancelled', 0x6402: 'refused', 0x6403: 'refused' };

export interface PinpadRequest {
  /** VERIFY with the block that the digits go into: `00 20 00 80 08 ff ff ff ff ff ff ff ff`. */
  readonly apdu: Uint8Array;
  readonly minDigits: number;
  readonly maxDigits: number;
}

export interface Pinpad {
  /** @returns the card's status word, or what the person at the keypad did. Must be used within the transaction of `channel`. */
  verify(channel: Pick<Channel, 'control'>, request: PinpadRequest): Promise<{ readonly sw: number } | { readonly ended: 'timeout' | 'cancelled' | 'refused'; readonly status: string }>;
}

/** @param featureRequest CM_IOCTL_GET_FEATURE_REQUEST (§2.2). @returns undefined when the reader has no keypad or does not say. */
export async function findPinpad(control: Channel['control'], featureRequest: number): Promise<Pinpad | undefined> {
  const features = await control(featureRequest, new Uint8Array(0)).then((answer) => parseTlvs(answer, 'the list of the reader’s features')).catch(() => []);
  const code = features.find(({ tag }) => tag === FEATURE_VERIFY_PIN_DIRECT)?.value;
  if (code?.length !== 4) return undefined;
  const controlCode = Buffer.from(code).readUInt32BE(0);
  return {
    async verify(inside, request) {
      const answer = await inside.control(controlCode, verifyStructure(request));
      const sw = answer.length < 2 ? 0 : ((answer.at(-2) as number) << 8) | (answer.at(-1) as number);
      const ended = ENDED[sw];
      return ended === undefined ? { sw } : { ended, status: hexOf(sw) };
    },
  };
}

/** PIN_VERIFY_STRUCTURE (§2.5.2), little-endian: digits as ASCII from the first byte of the block on, no length in it. */
export function verifyStructure({ apdu, minDigits, maxDigits }: PinpadRequest): Buffer {
  const head = Buffer.alloc(19);
  head[0] = KEYPAD_SECONDS;
  head[1] = KEYPAD_SECONDS;
  head[2] = 0x82; // bytes, PIN from bit 0 of the block on, left-justified, ASCII
  head[3] = 0x08; // block of 8 bytes, no length in it
  head[4] = 0x00;
  head.writeUInt16LE((minDigits << 8) | maxDigits, 5);
  head[7] = 0x02; // done when the key for it is pressed
  head[8] = 0x01; // one message
  head.writeUInt16LE(0x0409, 9); // English
  head.writeUInt32LE(apdu.length, 15);
  return Buffer.concat([head, apdu]);
}
