import type { Channel } from './card.ts';
import { hexOf } from './status-words.ts';
import { parseTlvs } from './tlv.ts';

/** Readers with a keypad of their own (PC/SC part 10 v2.02.09): the PIN goes from the keys to the card and never through this computer. */

const FEATURE = { verifyPinDirect: 0x06, modifyPinDirect: 0x07 } as const;
export const KEYPAD_SECONDS = 30;
/** Of the reader itself (§2.5.3): 6402 is a new PIN that was entered differently the second time, 6403 one that is too short or too long for it. */
const ENDED = { 0x6400: 'timeout', 0x6401: 'cancelled', 0x6402: 'differs', 0x6403: 'refused' } as const;

export interface PinpadRequest {
  /** VERIFY with the block that the digits go into: `00 20 00 80 08 ff ff ff ff ff ff ff ff`; with none (`00 20 00 81 00`) it becomes as long as the PIN. */
  readonly apdu: Uint8Array;
  readonly minDigits: number;
  readonly maxDigits: number;
}

/** A PIN that takes the place of another one, in one command: `00 24 00 80 10 …`, or with the PUK `00 2c …`. */
interface PinChangeRequest extends PinpadRequest {
  /** Where in the command's data the new one begins; the old one is at its beginning. */
  readonly newAt: number;
}

/** The card's status word, or what the person at the keypad did. */
export type KeypadOutcome = { readonly sw: number } | { readonly ended: (typeof ENDED)[keyof typeof ENDED]; readonly status: string };

/** Both must be used within the transaction of `channel`. */
export interface Pinpad {
  verify(channel: Pick<Channel, 'control'>, request: PinpadRequest): Promise<KeypadOutcome>;
  /** The old one, then the new one twice. Not every reader with keys has it. */
  readonly modify?: (channel: Pick<Channel, 'control'>, request: PinChangeRequest) => Promise<KeypadOutcome>;
}

/** @param featureRequest CM_IOCTL_GET_FEATURE_REQUEST (§2.2). @returns undefined when the reader has no keypad or does not say. */
export async function findPinpad(control: Channel['control'], featureRequest: number): Promise<Pinpad | undefined> {
  const features = await control(featureRequest, new Uint8Array(0)).then((answer) => parseTlvs(answer, 'the list of the reader’s features')).catch(() => []);
  const codeOf = (feature: number): number | undefined => {
    const code = features.find(({ tag }) => tag === feature)?.value;
    return code?.length === 4 ? Buffer.from(code).readUInt32BE(0) : undefined;
  };
  const [verifying, modifying] = [codeOf(FEATURE.verifyPinDirect), codeOf(FEATURE.modifyPinDirect)];
  if (verifying === undefined) return undefined;
  return {
    verify: async (inside, request) => outcomeOf(await inside.control(verifying, verifyStructure(request))),
    ...(modifying === undefined ? {} : { modify: async (inside: Pick<Channel, 'control'>, request: PinChangeRequest) => outcomeOf(await inside.control(modifying, modifyStructure(request))) }),
  };
}

function outcomeOf(answer: Uint8Array): KeypadOutcome {
  const sw = answer.length < 2 ? 0 : ((answer.at(-2) as number) << 8) | (answer.at(-1) as number);
  return sw in ENDED ? { ended: ENDED[sw as keyof typeof ENDED], status: hexOf(sw) } : { sw };
}

/** PIN_VERIFY_STRUCTURE (§2.5.2), little-endian: digits as ASCII from the first byte of the block on, no length in it. */
function verifyStructure({ apdu, minDigits, maxDigits }: PinpadRequest): Buffer {
  const head = Buffer.alloc(19);
  head[0] = KEYPAD_SECONDS;
  head[1] = KEYPAD_SECONDS;
  head[2] = 0x82; // bytes, PIN from bit 0 of the block on, left-justified, ASCII
  head[3] = apdu.length - 5; // size of the block, 0 for as long as the PIN is; no length in it
  head[4] = 0x00;
  head.writeUInt16LE((minDigits << 8) | maxDigits, 5);
  head[7] = 0x02; // done when the key for it is pressed
  head[8] = 0x01; // one message
  head.writeUInt16LE(0x0409, 9); // English
  head.writeUInt32LE(apdu.length, 15);
  return Buffer.concat([head, apdu]);
}

/** PIN_MODIFY_STRUCTURE (§2.5.4), little-endian: as in {@link verifyStructure}, the old one is entered too, and the new one twice. */
function modifyStructure({ apdu, minDigits, maxDigits, newAt }: PinChangeRequest): Buffer {
  const head = Buffer.alloc(24);
  head[0] = KEYPAD_SECONDS;
  head[1] = KEYPAD_SECONDS;
  head[2] = 0x82;
  head[3] = 0x08;
  head[5] = 0; // the old one, in the data
  head[6] = newAt;
  head.writeUInt16LE((minDigits << 8) | maxDigits, 7);
  head[9] = 0x03; // the old one first, the new one once more
  head[10] = 0x02; // done when the key for it is pressed
  head[11] = 0x03; // three messages
  head.writeUInt16LE(0x0409, 12); // English
  head[15] = 1; // the second message of the reader: the new one
  head[16] = 2; // the third: once more
  head.writeUInt32LE(apdu.length, 20);
  return Buffer.concat([head, apdu]);
}
