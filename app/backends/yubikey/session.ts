import { KeywrightError } from '../../contract/index.ts';
import { statusError, SW, triesIn, type ApduLength, type Card, type Channel, type Command, type Response } from '../../devices/index.ts';
import { AID, INS, PIN_REFERENCE } from './piv.ts';

/** Wrong P1 or P2 (ISO/IEC 7816-4 §5.6, table 5). */
const WRONG_P1_P2 = 0x6b00;

/** Carries a command to the card. */
export interface Transmitter {
  /** @throws TOKEN_REMOVED, BACKEND_UNAVAILABLE; never for a status word. */
  transmit(command: Command): Promise<Response>;
}

/** What work on the PIV application gets: it is selected, and nobody else talks to the card meanwhile. */
export interface PivChannel extends Transmitter {
  /**
   * @param beforeAgain runs when PIV had to be selected again, before the command is sent a second time.
   * @throws TOKEN_REMOVED, BACKEND_UNAVAILABLE, what `beforeAgain` does; never for a status word.
   */
  transmit(command: Command, beforeAgain?: () => Promise<void>): Promise<Response>;
  /** Makes sure that PIV hears the next command. Others know some of its instructions too, and would take a secret for one of theirs: P2 81 is the PUK here, and the PIN of OpenPGP there. */
  ensureSelected(): Promise<void>;
  /** Whether PIV had to be selected again for this work: other programs were here since, and the tries left may be fewer than was told. */
  readonly reselected: boolean;
  /** Sends to the reader. */
  readonly control: Channel['control'];
}

/**
 * The PIV application of one card in one insertion. It is selected once, since that makes the card forget the PIN, and again only when it is lost:
 * after a reset, or when another program has used another application meanwhile, which shows in answers that PIV does not give.
 */
export class PivSession {
  readonly card: Card;
  readonly #onLost: () => void;
  /** How many resets the card had seen when the application was last selected. */
  #selectedAt: number;

  /** @param card in which PIV is selected. @param onLost PIV was selected again: the card has forgotten what was verified. */
  constructor(card: Card, onLost: () => void = () => undefined) {
    this.card = card;
    this.#onLost = onLost;
    this.#selectedAt = card.resets;
  }

  /** Runs `work` when its turn comes. It is not interrupted by `signal`, but does not begin once that is aborted. @throws TOKEN_REMOVED, BACKEND_UNAVAILABLE, CANCELLED */
  run<T>(work: (piv: PivChannel) => Promise<T>, signal?: AbortSignal): Promise<T> {
    return this.card.exclusively(async (channel) => {
      let reselected = false;
      /** Whether this transaction has shown that PIV is selected: nobody can change that before its end. */
      let proven = false;
      const selectAgain = async (): Promise<void> => {
        await this.#select(channel);
        reselected = proven = true;
      };
      if (this.#selectedAt !== this.card.resets) await selectAgain();
      return work({
        control: (code, data) => channel.control(code, data),
        get reselected() { return reselected; },
        async ensureSelected() {
          if (!proven && !(await isPiv(channel))) await selectAgain();
          proven = true;
        },
        async transmit(command, beforeAgain) {
          const answer = await send(channel, command);
          if (proven || !(await isLost(channel, command, answer.sw))) {
            proven ||= answer.sw === SW.ok;
            return answer;
          }
          await selectAgain();
          await beforeAgain?.();
          return send(channel, command);
        },
      });
    }, signal);
  }

  async #select(channel: Channel): Promise<void> {
    const { sw } = await selectPiv(channel);
    if (sw !== SW.ok) throw statusError(sw, 'The PIV application was not selected', { code: 'BACKEND_UNAVAILABLE', remedy: 'It may have been switched off with another program: `ykman config usb --enable PIV`.' });
    this.#selectedAt = this.card.resets;
    this.#onLost();
  }
}

/** What an application answers that knows an instruction, and not what it is to act on. */
const FOREIGN: ReadonlySet<number> = new Set([SW.notSupported, SW.wrongParameters, SW.notFound, WRONG_P1_P2]);
/** Yubico's own instructions: no other application answers those in words that it has. */
const YUBICOS_OWN = 0xf0;

/** Whether an answer was not PIV's. */
async function isLost(channel: Channel, { ins }: Command, sw: number): Promise<boolean> {
  if (sw === SW.wrongInstruction || sw === SW.wrongClass) return true;
  // PIV knows its PIN.
  if (ins === INS.verify) return FOREIGN.has(sw) || sw === SW.fileNotFound;
  return ins < YUBICOS_OWN && FOREIGN.has(sw) && !(await isPiv(channel));
}

/** Asks for the state of the PIN, which no other application has under this number. It costs no try. */
async function isPiv(channel: Channel): Promise<boolean> {
  const { sw } = await send(channel, { ins: INS.verify, p2: PIN_REFERENCE });
  return sw === SW.ok || sw === SW.blocked || triesIn(sw) !== undefined || sw >> 8 === SW.noInformation >> 8;
}

/** SELECT by name (ISO/IEC 7816-4 §7.1.1). */
export function select(channel: Channel, aid: Uint8Array): Promise<Response> {
  return channel.transmit({ ins: INS.select, p1: 0x04, data: aid, le: 0 });
}

/** Selects PIV by the shortest name, which every YubiKey knows, else by those of the standard. @returns the last answer. */
export async function selectPiv(channel: Channel): Promise<Response> {
  let answer = await select(channel, AID.piv);
  for (const longer of AID.pivLonger) if (answer.sw !== SW.ok) answer = await select(channel, longer);
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
