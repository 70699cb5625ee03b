import { dataOf, findTlv, parseTlv, parseTlvs, statusError, SW, tlv, triesIn, type Card, type Channel, type Command, type Response } from '../../devices/index.ts';
import { AID, INS, OWN, REFERENCE } from './applet.ts';

/** What work on the application gets: it is selected, and nobody else talks to the card meanwhile. */
export interface HsmChannel {
  /** @throws TOKEN_REMOVED, BACKEND_UNAVAILABLE; never for a status word. */
  transmit(command: Command): Promise<Response>;
  /** Makes sure that the application hears the next command, before one that carries a PIN: other applications count tries of theirs under the same number (81 is OpenPGP’s too). */
  ensureSelected(): Promise<void>;
  /** Sends to the reader. */
  readonly control: Channel['control'];
}

/** Short blocks, which every reader carries. */
const BLOCK = 0xe0;
/** Larger than any file that the card holds. */
const MOST_FILE = 0x1_0000;
const END_OF_FILE = 0x6282;
const BEHIND_THE_END: ReadonlySet<number> = new Set([0x6b00, SW.wrongParameters, SW.wrongData, SW.wrongLength, 0x6a84]);
/** Reference data not usable (ISO/IEC 7816-4 §5.6): the PIN is to be changed first, or before version 2 the card was never initialised. */
const NOT_USABLE = 0x6984;

/**
 * The application of one card in one insertion. It is selected only when that was lost: to select it anew takes away what others have verified,
 * and OpenSC works on the same card.
 */
export class HsmSession {
  readonly card: Card;
  /** How many resets the card had seen when the application was last selected. */
  #selectedAt: number;

  /** @param card in which the application is selected. */
  constructor(card: Card) {
    this.card = card;
    this.#selectedAt = card.resets;
  }

  /** Runs `work` when its turn comes, within a transaction. @throws TOKEN_REMOVED, BACKEND_UNAVAILABLE, CANCELLED */
  run<T>(work: (hsm: HsmChannel) => Promise<T>, signal?: AbortSignal): Promise<T> {
    return this.card.exclusively(async (channel) => {
      let fresh = this.#selectedAt !== this.card.resets;
      // A reset by another program says nothing of what is selected now: that program may be OpenSC, which has selected and verified.
      if (fresh && (await isSelected(channel))) this.#selectedAt = this.card.resets;
      else if (fresh) await this.#select(channel);
      return work({
        control: (code, data) => channel.control(code, data),
        ensureSelected: async () => {
          if (!fresh && !(await isSelected(channel))) await this.#select(channel);
          fresh = true;
        },
        transmit: async (command) => {
          const answer = await channel.transmit(command, 'extended');
          if (fresh || (answer.sw !== SW.wrongInstruction && answer.sw !== SW.wrongClass) || (await isSelected(channel))) return answer;
          fresh = true;
          await this.#select(channel);
          return channel.transmit(command, 'extended');
        },
      });
    }, signal);
  }

  async #select(channel: Channel): Promise<void> {
    const { sw } = await select(channel);
    if (sw !== SW.ok) throw statusError(sw, 'The SmartCard-HSM application was not selected', { code: 'BACKEND_UNAVAILABLE', remedy: 'Take the token out, put it back, and try again.' });
    this.#selectedAt = this.card.resets;
  }
}

/** SELECT by name (ISO/IEC 7816-4 §7.1.1). What was verified is forgotten. */
export function select(channel: Channel): Promise<Response> {
  return channel.transmit({ ins: INS.select, p1: 0x04, data: AID, le: 0 });
}

/** Every state of the SO PIN is told by the application alone: others do not know the reference, or the command. */
async function isSelected(channel: Channel): Promise<boolean> {
  const { sw } = await channel.transmit({ ins: INS.verify, p2: REFERENCE.officerPin });
  return triesIn(sw) !== undefined || sw === SW.ok || sw === SW.blocked || sw === NOT_USABLE || sw === SW.notFound;
}

/** @returns the file's content; undefined when there is none. @throws for any other refusal */
export async function readFile(hsm: HsmChannel | Channel, file: number, what: string): Promise<Buffer | undefined> {
  const selected = await hsm.transmit({ ins: INS.select, data: idBytes(file), le: 256 });
  if (selected.sw === SW.fileNotFound) return undefined;
  dataOf(selected, what);
  const parts: Buffer[] = [];
  for (let at = 0; at < MOST_FILE;) {
    const { data, sw } = await hsm.transmit({ ins: INS.readBinary, data: tlv(0x54, Buffer.of(at >> 8, at & 0xff)), le: BLOCK });
    if (sw !== SW.ok && sw !== END_OF_FILE) {
      // Some refuse to read from the very end.
      if (at > 0 && data.length === 0 && BEHIND_THE_END.has(sw)) break;
      throw statusError(sw, what);
    }
    parts.push(data);
    at += data.length;
    // A card may give less than was asked for at any time: only its word, or nothing more, is the end.
    if (data.length === 0 || sw === END_OF_FILE) break;
  }
  return Buffer.concat(parts);
}

/** Writes a file from its beginning, in place of one that is there. */
export async function writeFile(hsm: HsmChannel, file: number, content: Uint8Array, what: string): Promise<void> {
  await deleteFile(hsm, file, what);
  for (let at = 0; at === 0 || at < content.length; at += BLOCK) {
    const data = Buffer.concat([tlv(0x54, Buffer.of(at >> 8, at & 0xff)), tlv(0x53, content.subarray(at, at + BLOCK))]);
    dataOf(await hsm.transmit({ ins: INS.updateBinary, p1: file >> 8, p2: file & 0xff, data }), what);
  }
}

/** Deletes a file or a key, if it is there. */
export async function deleteFile(hsm: HsmChannel, file: number, what: string): Promise<void> {
  const { sw } = await hsm.transmit({ ins: INS.deleteFile, p1: 0x02, data: idBytes(file) });
  if (sw !== SW.ok && sw !== SW.fileNotFound && sw !== SW.notFound) throw statusError(sw, what);
}

/** @returns the identifiers of all keys and files. */
export async function enumerate(hsm: HsmChannel): Promise<number[]> {
  const data = dataOf(await hsm.transmit({ cla: OWN, ins: INS.enumerate, le: 0 }), 'The token’s objects were not listed');
  return Array.from({ length: data.length >> 1 }, (_, index) => data.readUInt16BE(2 * index));
}

export type PinState =
  | { readonly state: 'set'; readonly triesLeft: number | null }
  | { readonly state: 'blocked'; readonly triesLeft: 0 }
  /** To be changed before it can be used. */
  | { readonly state: 'transport' }
  | { readonly state: 'none' };

/** Asks for a PIN's state, which spends no try. A PIN that is verified tells no tries. */
export async function pinState(hsm: Pick<HsmChannel, 'transmit'>, reference: number): Promise<PinState & { readonly verified: boolean }> {
  const { sw } = await hsm.transmit({ ins: INS.verify, p2: reference });
  const left = triesIn(sw);
  if (left === 0 || sw === SW.blocked) return { state: 'blocked', triesLeft: 0, verified: false };
  if (left !== undefined) return { state: 'set', triesLeft: left, verified: false };
  if (sw === SW.ok) return { state: 'set', triesLeft: null, verified: true };
  if (sw === NOT_USABLE) return { state: 'transport', verified: false };
  return { state: 'none', verified: false };
}

export interface DkekState {
  readonly shares: number;
  readonly outstanding: number;
  /** 16 hexadecimal digits in capitals, as tools show it; null while shares are outstanding. */
  readonly keyCheckValue: string | null;
}

/** Versions differ in how they say that there is none. */
const NO_DKEK: ReadonlySet<number> = new Set([SW.wrongInstruction, SW.wrongClass, SW.notFound, SW.fileNotFound, SW.conditions, SW.notSupported, SW.wrongParameters, NOT_USABLE]);

/** @param share 32 bytes to be imported. @returns null when the card was not initialised for a DKEK. */
export async function dkekState(hsm: Pick<HsmChannel, 'transmit'>, share?: Uint8Array): Promise<DkekState | null> {
  const { data, sw } = await hsm.transmit({ cla: OWN, ins: INS.importShare, le: 256, ...(share === undefined ? {} : { data: share }) });
  if (share === undefined && NO_DKEK.has(sw)) return null;
  if (sw !== SW.ok) throw statusError(sw, 'The DKEK share was not imported');
  const [shares, outstanding] = data;
  if (shares === undefined || outstanding === undefined) return null;
  return { shares, outstanding, keyCheckValue: outstanding > 0 || data.length < 10 ? null : data.subarray(2, 10).toString('hex').toUpperCase() };
}

/** What SELECT tells of the card: version and options, in a proprietary object of its control parameters. */
export function readControlParameters(fcp: Uint8Array): { version: readonly [number, number] | null; options: number } {
  try {
    const own = findTlv(parseTlvs(parseTlv(fcp, 0x6f, 'what the card says of itself'), 'what the card says of itself'), 0x85) ?? new Uint8Array(0);
    const [major, minor] = own.subarray(-2);
    return { version: major === undefined || minor === undefined ? null : [major, minor], options: own.length >= 5 ? (own.at(-4) as number) : OLD_OPTIONS };
  } catch {
    return { version: null, options: OLD_OPTIONS };
  }
}

/** Before version 2 the card does not tell, and RESET RETRY COUNTER is usual. */
const OLD_OPTIONS = 0x01;

const idBytes = (file: number): Buffer => Buffer.of(file >> 8, file & 0xff);
