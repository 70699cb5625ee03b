import { KeywrightError, type SecretBytes } from '../contract/index.ts';
import { Spending } from './spending.ts';
import type { ReadKeysOptions } from './types.ts';

/** A store of keys with a passphrase each is not tried with more than so many that were given for the others. */
const MOST_KNOWN = 4;

/** Asks for a passphrase once; a second key of the same file is tried with those that were given for the others before asking again. */
export class Passphrases {
  readonly signal: AbortSignal;
  /** Of the whole file. */
  readonly spending: Spending;
  readonly #ask: ReadKeysOptions['passphrase'];
  /** The last one first. */
  #known: SecretBytes[] = [];

  constructor(options: Pick<ReadKeysOptions, 'passphrase' | 'signal' | 'spending'>) {
    this.spending = options.spending ?? new Spending();
    this.signal = options.signal;
    this.#ask = options.passphrase;
  }

  async open<T>(note: string | undefined, work: (passphrase: SecretBytes, signal: AbortSignal) => Promise<T>): Promise<T> {
    for (const known of this.#known) {
      try {
        return await work(known, this.signal);
      } catch (thrown) {
        if (!(thrown instanceof KeywrightError) || thrown.code !== 'PIN_INCORRECT') throw thrown;
      }
    }
    const asked = await this.#ask(note);
    this.#known.unshift(asked);
    for (const old of this.#known.splice(MOST_KNOWN)) old.wipe();
    return work(asked, this.signal);
  }

  wipe(): void {
    for (const known of this.#known.splice(0)) known.wipe();
  }
}
