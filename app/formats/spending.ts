import { limits, ROUNDS_SETTING } from './limits.ts';
import { notSupported } from './malformed.ts';

/** What opening one file costs altogether: many keys with many rounds each take as long as one with too many. */
export class Spending {
  #rounds = 0;

  /** To be called before the derivation. @param rounds as of PBKDF2. @throws CAPABILITY_MISSING beyond five times what one derivation may cost */
  spend(rounds: number): void {
    this.#rounds += rounds;
    const most = 5 * limits().rounds;
    if (this.#rounds > most) throw notSupported(`Opening this file would take more than ${most} rounds of key derivation (five times the setting ${ROUNDS_SETTING}).`, 'Write it anew with fewer rounds.');
  }
}
