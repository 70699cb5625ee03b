import { KeywrightError, type Call } from '../../contract/index.ts';
import type { KeypadOutcome } from '../../devices/index.ts';
import { announceTouch } from '../../keystore/pins.ts';
import type { PivChannel } from './session.ts';
import type { YubiKey } from './yubikey.ts';

/** A notice while a person is at the keys of the reader. */
export interface AtKeypad {
  readonly title: string;
  /** "Enter the PIN of YubiKey 5 1234" */
  readonly what: string;
  readonly seconds: number;
  /** null where the token does not tell. */
  readonly triesLeft: number | null;
}

/**
 * Has a secret entered at the reader's keys, and runs `then` in the same transaction with the card's status word.
 * @param press asks the reader. @param signal for what has not begun.
 * @throws TIMEOUT or CANCELLED at the keypad, CANCELLED here, and what `then` does
 */
export async function enterAtKeypad<T>(key: YubiKey, { title, what, seconds, triesLeft }: AtKeypad, call: Call, signal: AbortSignal, press: (piv: PivChannel) => Promise<KeypadOutcome>, then: (piv: PivChannel, sw: number, cancelled: AbortSignal) => Promise<T>): Promise<T> {
  const given = new AbortController();
  const tries = triesLeft === null ? '' : ` ${triesLeft === 1 ? 'One try is' : `${triesLeft} tries are`} left.`;
  using _shown = announceTouch({ title, subject: `${what} on the keys of “${key.facts.reader}”.${tries}`, seconds }, 0, call, (error) => given.abort(error));
  const done = key.session.run(async (piv) => {
    // What is entered there cannot be sent again.
    await piv.ensureSelected();
    key.trusted = true;
    const answer = await press(piv);
    if ('ended' in answer) {
      throw new KeywrightError(answer.ended === 'timeout' ? 'TIMEOUT' : 'CANCELLED', {
        detail: { timeout: 'Nothing was entered at the reader (timeout).', cancelled: 'Nothing was entered at the reader (cancelled).', differs: 'The two entries of the new one differ, so nothing was changed.', refused: 'The reader did not take that: it has 6 to 8 digits.' }[answer.ended], remedy: 'Try again.',
      });
    }
    return then(piv, answer.sw, given.signal);
  }, signal);
  done.catch(() => undefined);
  const taken = Promise.withResolvers<never>();
  given.signal.addEventListener('abort', () => taken.reject(given.signal.reason), { once: true });
  return await Promise.race([done, taken.promise]);
}
