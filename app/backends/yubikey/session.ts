import { KeywrightError } from '../../contract/index.ts';
import { statusError, SW, type ApduLength, type Card, type Channel, type Command, type Response } from '../../devices/index.ts';
import { AID, INS } from './piv.ts';

/** What work on the PIV application gets: it is selected, and nobody else talks to the card meanwhile. */
export interface PivChannel {
  /** @throws TOKEN_REMOVED, BACKEND_UNAVAILABLE; never for a status word. */
  transmit(command: Command): Promise<Response>;
  /** Sends to the reader. */
  readonly control: Channel['control'];
}

/**
 * The PIV application of one card in one insertion. It is selected once, and again only when that is lost: after a reset, or when
 * another program has used another application meanwhile, which shows in commands that the application suddenly does not know.
 */
export class PivSession {
  readonly card: Card;
  /** How many resets the card had seen when the application was last selected. */
  #selectedAt: number;

  /** @param card in which PIV is selected. */
  constructor(card: Card) {
    this.card = card;
    this.#selectedAt = card.resets;
  }

  /** Runs `work` when its turn comes. It is not interrupted by `signal`, but does not begin once that is aborted. @throws TOKEN_REMOVED, BACKEND_UNAVAILABLE, CANCELLED */
  run<T>(work: (piv: PivChannel) => Promise<T>, signal?: AbortSignal): Promise<T> {
    return this.card.exclusively(async (channel) => {
      let fresh = this.#selectedAt !== this.card.resets;
      if (fresh) await this.#select(channel);
      return work({
        control: (code, data) => channel.control(code, data),
        transmit: async (command) => {
          const answer = await send(channel, command);
          if (fresh || (answer.sw !== SW.wrongInstruction && answer.sw !== SW.wrongClass)) return answer;
          fresh = true;
          await this.#select(channel);
          return send(channel, command);
        },
      });
    }, signal);
  }

  async #select(channel: Channel): Promise<void> {
    const { sw } = await selectPiv(channel);
    if (sw !== SW.ok) throw statusError(sw, 'The PIV application was not selected', { code: 'BACKEND_UNAVAILABLE', remedy: 'It may have been switched off with another program: `ykman config usb --enable PIV`.' });
    this.#selectedAt = this.card.resets;
  }
}

/** SELECT by name (ISO/IEC 7816-4 §7.1.1). */
export function select(channel: Channel, aid: Uint8Array): Promise<Response> {
  return channel.transmit({ ins: INS.select, p1: 0x04, data: aid, le: 0 });
}

/** Selects PIV by the shortest name, which every YubiKey knows, else by those of the standard. @returns the last answer. */
export async function selectPiv(channel: Channel): Promise<Response> {
  let answer = await select(channel, AID.piv);
  for (const longer of AID.pivLonger) if (answer.sw === SW.fileNotFound) answer = await select(channel, longer);
  return answer;
}

/** Short APDUs, chained where they must be: every YubiKey and every reader takes those. */
const LENGTH: ApduLength = 'short';

/** A command without data has five bytes, as Yubico's own programs send it: not every card and reader takes four. */
function send(channel: Channel, command: Command): Promise<Response> {
  return channel.transmit((command.data?.length ?? 0) === 0 ? { le: 0, ...command } : command, LENGTH);
}

/** @returns the answer's data. @throws what {@link statusError} gives for any status word but 9000. */
export async function mustTransmit(piv: PivChannel, command: Command, what: string): Promise<Buffer> {
  const { data, sw } = await piv.transmit(command);
  if (sw !== SW.ok) throw statusError(sw, what);
  return data;
}

/** An outcome that is looked at later: what a secret was accepted for may fail without the secret being at fault. */
export type Settled<T> = { readonly value: T } | { readonly error: unknown };

export function settle<T>(work: Promise<T>): Promise<Settled<T>> {
  return work.then((value) => ({ value }), (error: unknown) => ({ error }));
}

export function unsettle<T>(settled: Settled<T>): T {
  if ('error' in settled) throw settled.error;
  return settled.value;
}

/** @throws BACKEND_UNAVAILABLE with `what` instead of the INVALID_INPUT that reading a card's answer ends with: the caller gave nothing wrong. */
export function reading<T>(what: string, read: () => T): T {
  try {
    return read();
  } catch (thrown) {
    if (!(thrown instanceof KeywrightError) || thrown.code !== 'INVALID_INPUT') throw thrown;
    throw new KeywrightError('BACKEND_UNAVAILABLE', { detail: `${what}: ${thrown.facts.detail}${thrown.facts.where === undefined ? '' : ` (${thrown.facts.where})`}`, remedy: 'Take the token out, put it back, and try again.', cause: thrown });
  }
}
