import { asKeywrightError, KeywrightError } from '../contract/index.ts';
import { exchange, exchangeShort, needsExtended, type ApduLength, type Command, type Response } from './apdu.ts';
import { brokenOff, SILENT, isBrokenOff, isCardGone, isHeldElsewhere, isServiceGone, serviceGone, tokenRemoved, wasReset } from './errors.ts';
import { capabilitiesIn, type CardCapabilities } from './historical.ts';
import { heldElsewhere } from './holders.ts';
import type { CardLink } from './link.ts';
import { findPinpad, type Pinpad } from './pinpad.ts';

/** What work on a card gets: nobody else talks to the card meanwhile. */
export interface Channel {
  /** @throws TOKEN_REMOVED, BACKEND_UNAVAILABLE; never for a status word. */
  transmit(command: Command, length?: ApduLength): Promise<Response>;
  /** Sends to the reader. */
  control(code: number, data: Uint8Array): Promise<Uint8Array>;
}

export interface CardOptions {
  readonly reader: string;
  /** Answer to reset (ISO/IEC 7816-3 §8). */
  readonly atr: Uint8Array;
  /** Asked when a command broke off: is the card still there? */
  readonly isPresent?: () => Promise<boolean>;
  /** How long another program's transaction is waited for, in ms. */
  readonly patience?: number;
  readonly onClose?: () => void;
  /** The card was gone when it was used. The watcher may not have noticed, when another one is in already. */
  readonly onLost?: () => void;
}

/** Other programs hold a card for one operation, which may wait for a touch (15 s). */
const PATIENCE_MS = 20_000;
const MOST_RECONNECTS = 3;

/**
 * A connection to a card, shared with other programs. Work on it runs one piece after another, each in a PC/SC transaction, so that
 * neither our own callers nor other programs come in between two commands that belong together.
 */
export class Card {
  readonly reader: string;
  readonly atr: Uint8Array;
  readonly #link: CardLink;
  readonly #options: CardOptions;
  readonly #gone = Promise.withResolvers<never>();
  readonly #says: CardCapabilities | undefined;
  /** The reader refused a long command and carried the same in short ones. */
  #shortReader = false;
  #failure: KeywrightError | undefined;
  #resets = 0;
  #turn: Promise<unknown> = Promise.resolve();
  #operations: Promise<unknown> = Promise.resolve();
  #pinpad: Promise<Pinpad | undefined> | undefined;

  constructor(link: CardLink, options: CardOptions) {
    this.#link = link;
    this.#options = options;
    this.reader = options.reader;
    this.atr = options.atr;
    this.#says = capabilitiesIn(options.atr);
    this.#gone.promise.catch(() => undefined);
  }

  /** How often the card was reset by others: what was selected and verified before is gone when it has changed. */
  get resets(): number {
    return this.#resets;
  }

  /** Removed, closed, or out of reach. */
  get failure(): KeywrightError | undefined {
    return this.#failure;
  }

  /**
   * Runs `work` when its turn comes, within a transaction. Work that has begun is not interrupted by `signal`: the card cannot be.
   * @throws TOKEN_REMOVED at once when the token goes; BACKEND_UNAVAILABLE when another program holds it, naming the likely one; CANCELLED
   */
  exclusively<T>(work: (channel: Channel) => Promise<T>, signal?: AbortSignal): Promise<T> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure);
    const turn = this.#turn.then(() => this.#work(work, signal));
    this.#turn = turn.catch(() => undefined);
    return turn;
  }

  /** The reader's own keypad, when it has one that can verify a PIN (PC/SC part 10). Asked once. */
  pinpad(): Promise<Pinpad | undefined> {
    // Past the guard: a reader that does not know the question says so in ways that look like a card that was pulled.
    this.#pinpad ??= this.exclusively(() => findPinpad((code, data) => this.#operate(() => this.#link.control(code, data)), this.#link.controlCode(3400)));
    return this.#pinpad;
  }

  /** Everything in flight and everything later fails for this reason. */
  fail(reason: KeywrightError): void {
    if (this.#failure !== undefined) return;
    this.#failure = reason;
    this.#gone.reject(reason);
    this.#options.onClose?.();
    // What is still running in the addon ends by itself; the connection is given back after it.
    void this.#operate(() => this.#link.disconnect('leave')).catch(() => undefined);
  }

  /** @param then `reset`: the card forgets what was verified. Waits for work that has begun. */
  async close(then: 'leave' | 'reset'): Promise<void> {
    if (this.#failure !== undefined) return;
    const turn = this.#turn;
    this.#failure = new KeywrightError('BACKEND_UNAVAILABLE', 'The connection to the token was closed.');
    this.#options.onClose?.();
    await turn;
    await this.#operate(() => this.#link.disconnect(then)).catch(() => undefined);
  }

  async #work<T>(work: (channel: Channel) => Promise<T>, signal: AbortSignal | undefined): Promise<T> {
    this.#check();
    if (signal?.aborted === true) throw asKeywrightError(signal.reason);
    await this.#begin();
    const channel: Channel = {
      transmit: (command, length = 'short') => this.#exchange(command, this.#link.isT0 ? 't0' : length),
      control: (code, data) => this.#guard(() => this.#link.control(code, data)),
    };
    try {
      return await Promise.race([work(channel), this.#gone.promise]);
    } finally {
      if (this.#failure === undefined) await this.#operate(() => this.#link.end()).catch(() => undefined);
    }
  }

  /** Not every reader carries long commands. Those that don't say so in ways that look like a fault: then the same goes in short ones. */
  async #exchange(command: Command, length: ApduLength): Promise<Response> {
    const send = (apdu: Buffer): Promise<Uint8Array> => this.#guard(() => this.#link.transmit(apdu));
    if (length !== 'extended' || !needsExtended(command)) return exchange(send, command, length);
    if (this.#shortReader) return exchangeShort(send, command, this.#says);
    try {
      return await exchange(send, command, length, this.#says);
    } catch (thrown) {
      if (this.#failure !== undefined || !(thrown instanceof KeywrightError) || thrown.facts.reason !== SILENT) throw thrown;
    }
    const answer = await exchangeShort(send, command, this.#says);
    this.#shortReader = true;
    return answer;
  }

  async #begin(): Promise<void> {
    for (let tries = 1; ; tries++) {
      try {
        return await this.#patiently();
      } catch (thrown) {
        if (!wasReset(thrown) || tries > MOST_RECONNECTS) throw await this.#explain(thrown);
        await this.#reconnect();
      }
    }
  }

  /** PC/SC waits for another program's transaction without end, and the wait cannot be taken back: what comes too late is ended at once. */
  async #patiently(): Promise<void> {
    let wanted = true;
    const begun = this.#operate(async () => {
      await this.#link.begin();
      if (!wanted) await this.#link.end();
    });
    const { promise: late, reject } = Promise.withResolvers<never>();
    const timer = setTimeout(() => {
      wanted = false;
      reject(Object.assign(new Error('another program holds the card'), { code: 'SharingViolation' }));
    }, this.#options.patience ?? PATIENCE_MS);
    try {
      await Promise.race([begun, late, this.#gone.promise]);
    } finally {
      clearTimeout(timer);
      begun.catch(() => undefined);
    }
  }

  async #reconnect(): Promise<void> {
    this.#resets += 1;
    await this.#guard(() => this.#link.reconnect());
  }

  async #guard<T>(send: () => Promise<T>): Promise<T> {
    this.#check();
    const sent = this.#operate(send);
    sent.catch(() => undefined);
    try {
      return await Promise.race([sent, this.#gone.promise]);
    } catch (thrown) {
      throw await this.#explain(thrown);
    }
  }

  /** The connection takes one operation at a time, and giving it back is one too. */
  #operate<T>(operation: () => Promise<T>): Promise<T> {
    const running = this.#operations.then(operation);
    this.#operations = running.catch(() => undefined);
    return running;
  }

  #check(): void {
    if (this.#failure !== undefined) throw this.#failure;
  }

  async #explain(thrown: unknown): Promise<unknown> {
    if (thrown instanceof KeywrightError) return thrown;
    if (this.#failure !== undefined) return this.#failure;
    if (isHeldElsewhere(thrown)) return heldElsewhere(this.reader, thrown);
    if (wasReset(thrown)) {
      await this.#reconnect().catch(() => undefined);
      return new KeywrightError('CONFLICT', { detail: 'Another program reset the token in the middle of the work.', remedy: 'Try again.', cause: thrown });
    }
    if (isServiceGone(thrown)) return this.#lost(serviceGone(thrown));
    if (isCardGone(thrown)) return this.#lost(tokenRemoved(thrown));
    if (!isBrokenOff(thrown)) return brokenOff(this.reader, thrown);
    const present = await this.#options.isPresent?.() ?? true;
    return present ? brokenOff(this.reader, thrown) : this.#lost(tokenRemoved(thrown));
  }

  #lost(error: KeywrightError): KeywrightError {
    this.fail(error);
    if (error.code === 'TOKEN_REMOVED') this.#options.onLost?.();
    return this.#failure ?? error;
  }
}
