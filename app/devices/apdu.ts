import { because, KeywrightError } from '../contract/index.ts';
import type { CardCapabilities } from './historical.ts';

/** Command and response APDUs (ISO/IEC 7816-4 §5), and how long ones travel. */

export interface Command {
  readonly cla?: number;
  readonly ins: number;
  readonly p1?: number;
  readonly p2?: number;
  readonly data?: Uint8Array;
  /** Most bytes that the answer may have; 0 is all there are. Left out: no answer is expected. */
  readonly le?: number;
}

export interface Response {
  readonly data: Buffer;
  /** SW1 and SW2: 0x9000 is success. */
  readonly sw: number;
}

/**
 * `short`: chained in blocks of 255 bytes, which every card knows. `extended`: up to 65,535 bytes at once (§5.2, table 3). `t0`: short ones as the
 * protocol T=0 carries them: always a fifth byte, and no Le behind data (ISO/IEC 7816-3 §12.2); the answer is fetched by GET RESPONSE.
 */
export type ApduLength = 'short' | 'extended' | 't0';

export const SW_OK = 0x9000;
const WRONG_LENGTH = 0x6700;
/** §5.6, table 6. */
const LAST_OF_CHAIN_EXPECTED = 0x6883;
const NO_CHAINING = 0x6884;
const CHAINED = 0x10;
const PROPRIETARY = 0x80;
const SHORT_BLOCK = 0xff;
const MOST_SHORT_ANSWER = 0x100;
const MOST_DATA = 0xffff;
const INS_GET_RESPONSE = 0xc0;
/** Longest answer that is put together: objects of the cards that we know stay below 4 KiB, SmartCard-HSM's below 64 KiB. */
const MOST_ANSWER = 0x2_0000;

/**
 * Sends a command, in several blocks where it must be, and puts the answer together: 61xx is followed by GET RESPONSE (§5.3.4), 6Cxx by
 * the same command with the length that the card named.
 * @param says what the card says of itself. @returns whatever status word the card gave in the end.
 * @throws INVALID_INPUT for data that no APDU holds, CAPABILITY_MISSING for what does not go through in short ones,
 * BACKEND_UNAVAILABLE when the card answers with nonsense, and what `send` throws.
 */
export async function exchange(send: Send, command: Command, length: ApduLength, says?: CardCapabilities): Promise<Response> {
  if (length !== 'extended' || !needsExtended(command)) return exchangeIn(send, command, length);
  if (says?.extended === false) return exchangeShort(send, command, says);
  const answer = await exchangeIn(send, command, length);
  // A card without extended lengths (its historical bytes need not say so, §8.1.1.2.7) has done nothing.
  return answer.sw === WRONG_LENGTH ? exchangeShort(send, command, says) : answer;
}

/** A long command in short ones: chained, and its answer fetched piece by piece. @throws CAPABILITY_MISSING when the card does not do that */
export async function exchangeShort(send: Send, command: Command, says?: CardCapabilities): Promise<Response> {
  if (says?.chaining === false && (command.data?.length ?? 0) > SHORT_BLOCK) throw tooLong();
  let last = 0;
  const answer = await exchangeIn((apdu) => {
    last = apdu[1] as number;
    return send(apdu);
  }, command, 'short');
  // As many bytes as a short answer holds, and no word of more: there may be more all the same.
  const cutOff = answer.sw === SW_OK && answer.data.length === MOST_SHORT_ANSWER && last !== INS_GET_RESPONSE;
  if (cutOff) answer.data.fill(0);
  if (cutOff || answer.sw === WRONG_LENGTH || answer.sw === NO_CHAINING || answer.sw === LAST_OF_CHAIN_EXPECTED) throw tooLong();
  return answer;
}

/** Carries one command APDU to the card and brings its response APDU back; it owns and wipes what it gets. */
type Send = (apdu: Buffer) => Promise<Uint8Array>;

async function exchangeIn(send: Send, command: Command, length: ApduLength): Promise<Response> {
  const { cla = 0, data = new Uint8Array(0) } = command;
  if (data.length > MOST_DATA) throw new KeywrightError('INVALID_INPUT', `${data.length} bytes are more than a card takes in one command: ${MOST_DATA} at most.`);
  const block = length === 'extended' ? MOST_DATA : SHORT_BLOCK;
  let at = 0;
  for (; data.length - at > block; at += block) {
    const answer = split(await send(encode({ ...command, cla: cla | CHAINED, data: data.subarray(at, at + block) }, undefined, length)));
    if (answer.sw !== SW_OK) return answer;
  }
  const last: Command = { ...command, data: data.subarray(at) };
  let answer = split(await send(encode(last, command.le, length)));
  if (answer.sw >> 8 === 0x6c) answer = split(await send(encode(last, (answer.sw & 0xff) || 256, length)));
  const parts = [answer.data];
  let total = answer.data.length;
  while (answer.sw >> 8 === 0x61) {
    // Of the interindustry class, also where the command is the card's own.
    const more: Command = { cla: cla & PROPRIETARY ? 0 : cla, ins: INS_GET_RESPONSE };
    // Short always: SW2 tells no more than 256 bytes, and who chains answers may know no extended lengths.
    answer = split(await send(encode(more, (answer.sw & 0xff) || 256, 'short')));
    if (answer.sw >> 8 === 0x6c) answer = split(await send(encode(more, (answer.sw & 0xff) || 256, 'short')));
    total += answer.data.length;
    // A card that always says that there is more, and gives nothing, would keep us for ever.
    if (total > MOST_ANSWER || (answer.data.length === 0 && answer.sw >> 8 === 0x61)) throw nonsense('an answer without end');
    parts.push(answer.data);
  }
  if (parts.length === 1) return answer;
  const whole = Buffer.concat(parts);
  // What a card decrypts is a secret: one copy is enough.
  for (const part of parts) part.fill(0);
  return { data: whole, sw: answer.sw };
}

/** Whether a command, or the answer that it asks for, may be longer than a short one. */
export const needsExtended = ({ data, le }: Command): boolean => isExtended(data?.length ?? 0, le);

const isExtended = (data: number, le: number | undefined): boolean => data > SHORT_BLOCK || (le !== undefined && (le === 0 || le > 256));

/** @param le as in {@link Command}, 256 for all that a short answer holds. @returns the command APDU: cases 1 to 4, short unless `length` and the data ask for more. */
export function encode({ cla = 0, ins, p1 = 0, p2 = 0, data = new Uint8Array(0) }: Command, le: number | undefined, length: ApduLength): Buffer {
  const header = Buffer.of(cla, ins, p1, p2);
  const extended = length === 'extended' && isExtended(data.length, le);
  if (length === 't0') return Buffer.concat([header, data.length > 0 ? Buffer.concat([Buffer.of(data.length), data]) : Buffer.of((le ?? 0) & 0xff)]);
  if (!extended) {
    return Buffer.concat([header, ...(data.length > 0 ? [Buffer.of(data.length), data] : []), ...(le === undefined ? [] : [Buffer.of(le & 0xff)])]);
  }
  const two = (value: number): Buffer => Buffer.of((value >> 8) & 0xff, value & 0xff);
  const body = data.length > 0 ? [Buffer.of(0), two(data.length), data] : [];
  return Buffer.concat([header, ...body, ...(le === undefined ? [] : [...(data.length > 0 ? [] : [Buffer.of(0)]), two(le)])]);
}

function split(answer: Uint8Array): Response {
  if (answer.length < 2) throw nonsense(`${answer.length} bytes, too few for a status word`);
  const data = Buffer.from(answer.buffer, answer.byteOffset, answer.length - 2);
  return { data, sw: ((answer.at(-2) as number) << 8) | (answer.at(-1) as number) };
}

function tooLong(): KeywrightError {
  return new KeywrightError('CAPABILITY_MISSING', because('token.reader-too-short', {}));
}

function nonsense(what: string): KeywrightError {
  return new KeywrightError('BACKEND_UNAVAILABLE', { detail: `The token answered with nonsense: ${what}.`, remedy: 'Take it out, put it back, and try again. If it persists, the token or its reader is broken.' });
}
