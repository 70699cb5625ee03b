import { because, KeywrightError, SecretBytes, type Call } from '../../contract/index.ts';
import { KEYPAD_SECONDS, statusError, SW, triesIn, type Card, type Pinpad } from '../../devices/index.ts';
import { LastTryNotAgreed, PinKeeper, type Reason, type RefusedSecrets, type Send, type TokenSecret, type TokenSecretKind } from '../../keystore/pins.ts';
import type { TokenFacts } from '../../keystore/tokens.ts';
import { enterAtKeypad } from '../cards/keypad.ts';
import { INS, OFFICER_PIN_DIGITS, PIN_LENGTH, REFERENCE } from './applet.ts';
import type { Cvc } from './cvc.ts';
import type { Discovered } from './discovery.ts';
import { HsmSession, pinState, type HsmChannel } from './session.ts';

interface HsmOptions {
  /** Of the configured backend: the first part of the token's id. */
  readonly instance: string;
  readonly keepPinMinutes: () => number;
  readonly refused: RefusedSecrets;
  /** The configured source of the PIN. */
  readonly fromFile?: (kind: TokenSecretKind) => Promise<SecretBytes | undefined>;
  /** Roots that device certificates may lead to. */
  readonly roots: readonly Cvc[];
}

/** One SmartCard-HSM from its insertion to its removal: what all that is done with it shares. */
export class SmartCardHsm implements Disposable {
  readonly session: HsmSession;
  /** The same for what goes through OpenSC: one PIN, whichever way it goes. */
  readonly pins: PinKeeper;
  readonly options: HsmOptions;
  #discovered: Discovered;

  /** @param card in which the application is selected. */
  constructor(card: Card, discovered: Discovered, options: HsmOptions) {
    this.session = new HsmSession(card);
    this.#discovered = discovered;
    this.options = options;
    this.pins = new CardPins(this, options);
  }

  get discovered(): Discovered {
    return this.#discovered;
  }

  /** It was set up anew. */
  rediscovered(discovered: Discovered): void {
    this.#discovered = discovered;
  }

  get facts(): TokenFacts {
    const { serial, version, label } = this.#discovered;
    return {
      id: `${this.options.instance}-${serial}`.toLowerCase(), model: 'SmartCard-HSM', serial, firmware: version === null ? null : version.join('.'), manufacturer: 'CardContact',
      label, reader: this.session.card.reader, form: 'hsm',
    };
  }

  get title(): string {
    return `SmartCard-HSM ${this.#discovered.serial}`;
  }

  get pin(): TokenSecret {
    return {
      kind: 'pin', token: this.title, triesLeft: () => this.#triesLeft(REFERENCE.pin),
      problemOf: (value) => (value.length >= PIN_LENGTH.least && value.length <= PIN_LENGTH.most ? null : `A PIN of a SmartCard-HSM has ${PIN_LENGTH.least} to ${PIN_LENGTH.most} characters.`),
      remedyWhenBlocked: 'Set a new one with the SO PIN: `keywright tokens unblock-pin`.',
    };
  }

  get officerPin(): TokenSecret {
    return {
      kind: 'so-pin', token: this.title, triesLeft: () => this.#triesLeft(REFERENCE.officerPin),
      problemOf: (value) => (/^[0-9a-f]{16}$/i.test(Buffer.from(value).toString('latin1')) ? null : `The SO PIN of a SmartCard-HSM has ${OFFICER_PIN_DIGITS} hexadecimal digits.`),
      remedyWhenBlocked: 'Nothing brings it back: the token goes on working with its PIN, but can neither be set up anew nor have its PIN unblocked.',
    };
  }

  /**
   * Runs `work` with the PIN verified, in one transaction with its verification. It is sent only where the card does not hold it as verified already.
   * @param title what for: "Wrap the key “Signing”". @throws what `pins.ts` says, and what `work` does
   */
  async withPin<T>(title: string, call: Call, work: (hsm: HsmChannel) => Promise<T>): Promise<T> {
    let outcome: { readonly value: T } | { readonly error: unknown } | undefined;
    const settle = (hsm: HsmChannel): Promise<void> => work(hsm).then((value) => { outcome = { value }; }, (error: unknown) => { outcome = { error }; });
    if (this.pins.isVerified('pin', call)) {
      await this.session.run(async (hsm) => { if ((await pinState(hsm, REFERENCE.pin)).verified) await settle(hsm); }, call.signal);
    }
    // What the PIN was accepted for may fail without the PIN being at fault.
    const pinpad = outcome === undefined ? await this.session.card.pinpad() : undefined;
    if (pinpad !== undefined) await this.#atKeypad(pinpad, title, call, settle);
    else if (outcome === undefined) {
      await this.pins.use(this.pin, { title, keep: 'insertion' }, call, (pin, lastTry) => this.session.run(async (hsm) => {
        await assertAgreed(hsm, REFERENCE.pin, lastTry);
        judge((await hsm.transmit({ ins: INS.verify, p2: REFERENCE.pin, data: pin.reveal() })).sw, 'PIN', 'Nothing was done.');
        await settle(hsm);
      }, call.signal));
    }
    if (outcome === undefined) throw new KeywrightError('INTERNAL', 'The work with the PIN was not begun.');
    if ('error' in outcome) throw outcome.error;
    return outcome.value;
  }

  [Symbol.dispose](): void {
    this.pins[Symbol.dispose]();
  }

  /** The PIN goes from the keys to the card (PC/SC part 10). It has no padding, so that the reader makes the command as long as what is entered. */
  async #atKeypad(pinpad: Pinpad, title: string, call: Call, work: (hsm: HsmChannel) => Promise<void>): Promise<void> {
    const left = await this.#triesLeft(REFERENCE.pin);
    if (left === 0) throw new KeywrightError('PIN_BLOCKED', { ...because('secret.blocked', { secret: 'PIN', token: this.title }), triesLeft: 0, remedy: this.pin.remedyWhenBlocked });
    const digits = { minDigits: PIN_LENGTH.least, maxDigits: PIN_LENGTH.most };
    const request = { apdu: Buffer.of(0, INS.verify, 0, REFERENCE.pin, 0), ...digits };
    await enterAtKeypad(this, { title, what: `Enter the PIN of ${this.title}`, seconds: KEYPAD_SECONDS, triesLeft: left, ...digits }, call, call.signal, (hsm) => pinpad.verify(hsm, request), async (hsm, sw, cancelled) => {
      judge(sw, 'PIN', 'Nothing was done.');
      this.pins.enteredElsewhere('pin', call);
      cancelled.throwIfAborted();
      await work(hsm);
    });
  }

  async #triesLeft(reference: number): Promise<number | null> {
    const state = await this.session.run((hsm) => pinState(hsm, reference));
    return 'triesLeft' in state ? state.triesLeft : null;
  }
}

/** Asks the card itself for the tries that are left, also for what goes through OpenSC, which does not tell them. */
class CardPins extends PinKeeper {
  readonly #hsm: SmartCardHsm;

  constructor(hsm: SmartCardHsm, { keepPinMinutes, refused, fromFile }: HsmOptions) {
    super({ keepMinutes: keepPinMinutes, refused, ...(fromFile === undefined ? {} : { fromFile }) });
    this.#hsm = hsm;
  }

  override use<T>(secret: TokenSecret, reason: Reason, call: Call, send: Send<T>): Promise<T> {
    const own = secret.kind === 'pin' ? this.#hsm.pin : secret.kind === 'so-pin' ? this.#hsm.officerPin : secret;
    return super.use(own, reason, call, async (value, lastTry) => {
      // OpenSC sends to whatever is selected.
      await this.#hsm.session.run((hsm) => assertAgreed(hsm, secret.kind === 'pin' ? REFERENCE.pin : REFERENCE.officerPin, lastTry));
      return send(value, lastTry).catch(async (thrown: unknown) => {
        if (!(thrown instanceof KeywrightError) || thrown.code !== 'PIN_INCORRECT' || thrown.facts.triesLeft !== undefined) throw thrown;
        const left = await own.triesLeft().catch(() => null);
        if (typeof left === 'number') judge(left === 0 ? SW.blocked : 0x63c0 | Math.min(left, 15), secret.kind === 'pin' ? 'PIN' : 'SO PIN', '');
        throw thrown;
      });
    });
  }
}

/**
 * Before a command that carries a PIN, in the same transaction. @param lastTry the person knows that it is the last one.
 * @throws LastTryNotAgreed where another program has used the others since they were told
 */
export async function assertAgreed(hsm: HsmChannel, reference: number, lastTry: boolean): Promise<void> {
  await hsm.ensureSelected();
  if (lastTry) return;
  const state = await pinState(hsm, reference);
  if ('triesLeft' in state && state.triesLeft === 1) throw new LastTryNotAgreed();
}

/** @throws PIN_INCORRECT or PIN_BLOCKED for the status word of a command that carried a PIN, or what {@link statusError} gives for others. */
export function judge(sw: number, name: 'PIN' | 'SO PIN', otherwise: string): void {
  const left = triesIn(sw);
  if (left !== undefined && left > 0) throw new KeywrightError('PIN_INCORRECT', { reason: 'secret.wrong', values: { secret: name }, detail: `The ${name} is wrong: ${left === 1 ? 'one try is' : `${left} tries are`} left.`, triesLeft: left });
  if (left === 0 || sw === SW.blocked) throw new KeywrightError('PIN_BLOCKED', { detail: `The ${name} is wrong and now blocked.`, triesLeft: 0 });
  if (sw !== SW.ok) throw statusError(sw, otherwise);
}

/** @returns the 8 bytes that the card takes, which the caller wipes. */
export function officerPinBytes(digits: SecretBytes): SecretBytes {
  const bytes = new Uint8Array(digits.length / 2);
  const value = (digit: number | undefined): number => Number.parseInt(String.fromCharCode(digit ?? 0), 16);
  const text = digits.reveal();
  for (let index = 0; index < bytes.length; index += 1) bytes[index] = 16 * value(text[2 * index]) + value(text[2 * index + 1]);
  return new SecretBytes(bytes);
}
