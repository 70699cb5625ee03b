import { KeywrightError, type SecretBytes } from '../contract/index.ts';
import type { ReadKeysOptions } from './types.ts';

/** Asks for a passphrase once; a second key of the same file is tried with what opened the first before asking again. */
export class Passphrases {
  readonly signal: AbortSignal;
  readonly #ask: ReadKeysOptions['passphrase'];
  #known: SecretBytes | undefined;

  constructor(options: Pick<ReadKeysOptions, 'passphrase' | 'signal'>) {
    this.signal = options.signal;
    this.#ask = options.passphrase;
  }

  async open<T>(note: string | undefined, work: (passphrase: SecretBytes, signal: AbortSignal) => Promise<T>): Promise<T> {
    if (this.#known !== undefined) {
      try {
        return await work(this.#known, this.signal);
      } catch (thrown) {
        if (!(thrown instanceof KeywrightError) || thrown.code !== 'PIN_INCORRECT') throw thrown;
      }
    }
    const asked = await this.#ask(note);
    this.wipe();
    this.#known = asked;
    return work(asked, this.signal);
  }

  wipe(): void {
    this.#known?.wipe();
    this.#known = undefined;
  }
}
