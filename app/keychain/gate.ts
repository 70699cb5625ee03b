import { because, KeywrightError } from '../contract/index.ts';

/** Wrong passphrases that cost nothing but the derivation. */
const FREE = 5;
const LONGEST_SECONDS = 300;

/** Slows down who guesses passphrases through us: after five wrong ones each further try waits twice as long. */
export class Gate {
  #failures = 0;
  #closedUntil = 0;

  /** @throws RATE_LIMITED with `retryAfter` */
  enter(): void {
    const wait = Math.ceil((this.#closedUntil - Date.now()) / 1000);
    if (wait <= 0) return;
    throw new KeywrightError('RATE_LIMITED', { ...because('secret.guessed', { wait }), retryAfter: wait });
  }

  failed(): void {
    this.#failures += 1;
    if (this.#failures >= FREE) this.#closedUntil = Date.now() + Math.min(LONGEST_SECONDS, 2 ** (this.#failures - FREE)) * 1000;
  }

  passed(): void {
    this.#failures = 0;
    this.#closedUntil = 0;
  }
}
