import { DISPOSITION, newClient, PROTOCOL_T0, SHARE, type Addon, type AddonClient, type AddonSession } from './addon.ts';

/** One connection to a card in bytes: what PC/SC offers, without any meaning. Rejects with PC/SC's own errors. */
export interface CardLink {
  /** Whether the card speaks the older protocol, which carries commands otherwise. */
  readonly isT0: boolean;
  transmit(apdu: Buffer): Promise<Uint8Array>;
  /** Sends to the reader itself. @param code of a feature, as the reader told, or a function number for {@link controlCode}. */
  control(code: number, data: Uint8Array): Promise<Uint8Array>;
  controlCode(functionNumber: number): number;
  begin(): Promise<void>;
  end(): Promise<void>;
  /** Takes the connection up again after another program reset the card. */
  reconnect(): Promise<void>;
  disconnect(then: keyof typeof DISPOSITION): Promise<void>;
}

/** The longest answer in extended form, and its status word. */
const MOST_ANSWER = 65_538;

/**
 * A connection through the addon. Each has a client of its own, whose sessions never run out, and which must live as long as the session;
 * what is sent is held and wiped after the answer, since the addon keeps no reference to it; answers come in one buffer, which is wiped.
 */
export class PcscLink implements CardLink {
  readonly #addon: Addon;
  readonly #session: AddonSession;
  /** Only held: without it the session would lie in freed memory. */
  readonly #client: AddonClient;
  readonly #answer = new ArrayBuffer(MOST_ANSWER);
  /** Answer to reset. */
  readonly atr: Uint8Array;
  #transaction: { end(then: number): Promise<void> } | undefined;

  private constructor(addon: Addon, client: AddonClient, session: AddonSession, atr: Uint8Array) {
    this.#addon = addon;
    this.#client = client;
    this.#session = session;
    this.atr = atr;
  }

  static async connect(addon: Addon, reader: string): Promise<PcscLink> {
    const client = newClient(addon);
    const session = await client.connect(reader, SHARE.shared);
    try {
      // Asked for here, since what the watcher tells of it is garbage.
      const { atr } = await session.state();
      return new PcscLink(addon, client, session, Uint8Array.from(atr));
    } catch (thrown) {
      await session.disconnect(DISPOSITION.leave).catch(() => undefined);
      throw thrown;
    }
  }

  get isT0(): boolean {
    return this.#session.protocol() === PROTOCOL_T0;
  }

  async transmit(apdu: Buffer): Promise<Uint8Array> {
    const answer = await this.#answered(apdu, (command) => this.#session.transmit(undefined, command, this.#answer));
    // Some drivers answer a command to a card that was just pulled with success and nothing.
    if (answer.length === 0) throw Object.assign(new Error('the card gave no answer'), { code: 'NotTransacted' });
    return answer;
  }

  control(code: number, data: Uint8Array): Promise<Uint8Array> {
    return this.#answered(data, (command) => this.#session.control(code, command, this.#answer));
  }

  controlCode(functionNumber: number): number {
    return this.#addon.controlCode(functionNumber);
  }

  async begin(): Promise<void> {
    this.#transaction = await this.#session.transaction();
  }

  async end(): Promise<void> {
    await this.#transaction?.end(DISPOSITION.leave);
    this.#transaction = undefined;
  }

  async reconnect(): Promise<void> {
    await this.#session.reconnect(SHARE.shared, DISPOSITION.leave);
  }

  async disconnect(then: keyof typeof DISPOSITION): Promise<void> {
    await this.#session.disconnect(DISPOSITION[then]);
    if (this.#client === undefined) throw new TypeError('unreachable: holds the client until here');
  }

  async #answered(command: Uint8Array, send: (command: Uint8Array) => Promise<Uint8Array>): Promise<Uint8Array> {
    let used = MOST_ANSWER;
    try {
      const answer = await send(command);
      used = answer.length;
      return Uint8Array.from(answer);
    } finally {
      command.fill(0);
      new Uint8Array(this.#answer, 0, used).fill(0);
    }
  }
}
