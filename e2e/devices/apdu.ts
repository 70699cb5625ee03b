/** A command APDU (ISO/IEC 7816-4 §5.1). */
export interface Command {
  readonly cla: number;
  readonly ins: number;
  readonly p1: number;
  readonly p2: number;
  readonly data: Buffer;
  /** The most bytes that the client takes at once: 256 or 65536 where it said 0; undefined where it said nothing. */
  readonly le: number | undefined;
  readonly extended: boolean;
}

/** What a command is refused with. */
export class StatusWord extends Error {
  readonly status: number;

  constructor(status: number) {
    super(`status word ${status.toString(16).padStart(4, '0')}`);
    this.status = status;
  }
}

/** Status words by the names of ISO/IEC 7816-4 §5.1.3. */
export const SW = {
  success: 0x9000, wrongLength: 0x6700, chainingExpected: 0x6883, securityStatus: 0x6982, blocked: 0x6983, conditionsOfUse: 0x6985,
  wrongData: 0x6a80, fileNotFound: 0x6a82, notEnoughMemory: 0x6a84, wrongParameters: 0x6a86, referenceNotFound: 0x6a88,
  wrongP1P2: 0x6b00, instruction: 0x6d00, class: 0x6e00,
} as const;

/** @returns the command, or undefined when its lengths fit none of the seven cases of ISO/IEC 7816-4 §5.1. */
function parseCommand(bytes: Uint8Array): Command | undefined {
  const apdu = Buffer.from(bytes);
  if (apdu.length < 4) return undefined;
  const [cla = 0, ins = 0, p1 = 0, p2 = 0] = apdu;
  const command = (data: Buffer, le: number | undefined, extended: boolean): Command => ({ cla, ins, p1, p2, data, le, extended });
  const none = Buffer.alloc(0);
  const body = apdu.subarray(4);
  if (body.length === 0) return command(none, undefined, false);
  const first = body[0] ?? 0;
  if (body.length === 1) return command(none, first || 256, false);
  if (first !== 0) {
    const rest = body.subarray(1);
    if (rest.length === first) return command(rest, undefined, false);
    return rest.length === first + 1 ? command(rest.subarray(0, first), rest[first] || 256, false) : undefined;
  }
  if (body.length < 3) return undefined;
  const length = body.readUInt16BE(1);
  const rest = body.subarray(3);
  if (rest.length === 0) return command(none, length || 65536, true);
  if (length === 0) return undefined;
  if (rest.length === length) return command(rest, undefined, true);
  return rest.length === length + 2 ? command(rest.subarray(0, length), rest.readUInt16BE(length) || 65536, true) : undefined;
}

/** @returns response data with a status word behind. */
export function respond(data: Uint8Array, status: number = SW.success): Buffer {
  return Buffer.concat([data, Buffer.of(status >> 8, status & 0xff)]);
}

interface ExchangeLimits {
  /** Bytes of command data, chained ones together. */
  readonly maxData: number;
  /** Whether extended lengths are understood. */
  readonly extended: boolean;
  /** Whether CLA 80 is understood: commands of the card's own (§5.4.1). */
  readonly proprietary?: boolean;
}

/** Puts chained commands together (§5.3.3) and gives long answers out in parts by GET RESPONSE (§5.3.4). */
export class ApduExchange {
  readonly #limits: ExchangeLimits;
  #chain: { header: string; data: Buffer } | undefined;
  #waiting = Buffer.alloc(0);

  constructor(limits: ExchangeLimits) {
    this.#limits = limits;
  }

  /** Forgets chained commands and what waits for GET RESPONSE. */
  reset(): void {
    this.#chain = undefined;
    this.#waiting = Buffer.alloc(0);
  }

  /** @returns the response APDU. @param handle answers a whole command with response data, or throws a StatusWord. */
  async run(bytes: Uint8Array, handle: (command: Command) => Promise<Uint8Array>): Promise<Buffer> {
    try {
      const command = parseCommand(bytes);
      if (command === undefined || (command.extended && !this.#limits.extended)) throw new StatusWord(SW.wrongLength);
      // CLA: secure messaging and logical channels are not offered (§5.4.1); bit 5 is chaining.
      const own = this.#limits.proprietary === true ? 0x80 : 0x00;
      if ((command.cla & 0xef & ~own) !== 0) throw new StatusWord(SW.class);
      if (command.ins === 0xc0) return this.#part(command.le ?? 256);
      this.#waiting = Buffer.alloc(0);
      const whole = this.#gather(command);
      if (whole === undefined) return respond(Buffer.alloc(0));
      this.#waiting = Buffer.from(await handle(whole));
      return this.#part(whole.le ?? (whole.extended ? 65536 : 256));
    } catch (error) {
      if (!(error instanceof StatusWord)) throw error;
      this.#chain = undefined;
      return respond(Buffer.alloc(0), error.status);
    }
  }

  /** @returns the whole command, or undefined while more is to come. A chain that another command breaks into is forgotten. */
  #gather(command: Command): Command | undefined {
    const header = [command.ins, command.p1, command.p2].join();
    const before = this.#chain?.header === header ? this.#chain.data : Buffer.alloc(0);
    const data = Buffer.concat([before, command.data]);
    this.#chain = undefined;
    if (data.length > this.#limits.maxData) throw new StatusWord(SW.wrongLength);
    if ((command.cla & 0x10) === 0) return { ...command, data };
    this.#chain = { header, data };
    return undefined;
  }

  #part(length: number): Buffer {
    const part = this.#waiting.subarray(0, length);
    this.#waiting = this.#waiting.subarray(part.length);
    const left = this.#waiting.length;
    return respond(part, left === 0 ? SW.success : 0x6100 | (left > 0xff ? 0 : left));
  }
}
