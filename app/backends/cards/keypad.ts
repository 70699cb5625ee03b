import { KeywrightError, type Call } from '../../contract/index.ts';
import type { Channel, KeypadOutcome } from '../../devices/index.ts';
import { announceTouch } from '../../keystore/token-prompts.ts';
import type { TokenFacts } from '../../keystore/tokens.ts';

/** What work on a card with a keypad before it gets. */
interface KeypadChannel {
  /** Sends to the reader. */
  readonly control: Channel['control'];
  /** Makes sure that the right application hears what is entered: it cannot be sent again. */
  ensureSelected(): Promise<void>;
}

/** A token, as far as its PIN is entered at the reader. */
interface KeypadDevice<C extends KeypadChannel> {
  /** "YubiKey 5 1234" */
  readonly title: string;
  readonly facts: Pick<TokenFacts, 'reader'>;
  readonly session: { run<T>(work: (channel: C) => Promise<T>, signal?: AbortSignal): Promise<T> };
}

/** A notice while a person is at the keys of the reader. */
interface AtKeypad {
  readonly title: string;
  /** "Enter the PIN of YubiKey 5 1234" */
  readonly what: string;
  readonly seconds: number;
  /** null where the token does not tell. */
  readonly triesLeft: number | null;
  readonly minDigits: number;
  readonly maxDigits: number;
}

/**
 * Has a secret entered at the reader's keys, and runs `then` in the same transaction with the card's status word.
 * @param press asks the reader. @param signal for what has not begun.
 * @throws TIMEOUT or CANCELLED at the keypad, CANCELLED here, and what `then` does
 */
export async function enterAtKeypad<T, C extends KeypadChannel>(device: KeypadDevice<C>, asking: AtKeypad, call: Call, signal: AbortSignal, press: (channel: C) => Promise<KeypadOutcome>, then: (channel: C, sw: number, cancelled: AbortSignal) => Promise<T>): Promise<T> {
  const { title, what, seconds, triesLeft, minDigits, maxDigits } = asking;
  const given = new AbortController();
  const tries = triesLeft === null ? '' : ` ${triesLeft === 1 ? 'One try is' : `${triesLeft} tries are`} left.`;
  using _shown = announceTouch({ title, subject: `${what} on the keys of “${device.facts.reader}”.${tries}`, seconds }, 0, call, (error) => given.abort(error));
  const done = device.session.run(async (channel) => {
    await channel.ensureSelected();
    const answer = await press(channel);
    if ('ended' in answer) {
      throw new KeywrightError(answer.ended === 'timeout' ? 'TIMEOUT' : 'CANCELLED', {
        detail: { timeout: 'Nothing was entered at the reader (timeout).', cancelled: 'Nothing was entered at the reader (cancelled).', differs: 'The two entries of the new one differ, so nothing was changed.', refused: `The reader did not take that: it has ${minDigits} to ${maxDigits} digits.` }[answer.ended], remedy: 'Try again.',
      });
    }
    return then(channel, answer.sw, given.signal);
  }, signal);
  done.catch(() => undefined);
  const taken = Promise.withResolvers<never>();
  given.signal.addEventListener('abort', () => taken.reject(given.signal.reason), { once: true });
  return await Promise.race([done, taken.promise]);
}
