import { createHash, randomBytes } from 'node:crypto';

/** What became of a command that carried a PIN, a PUK or another reference value. */
export type PinOutcome = 'accepted' | 'refused' | 'blocked';

export interface PinUse {
  /** Which value was tried: `pin`, `puk`, `so-pin`. */
  readonly reference: string;
  readonly outcome: PinOutcome;
  /** The how-many-th insertion of the card it was, from 1. */
  readonly insertion: number;
  /** The card had refused this very value before, and has not been given another one since. */
  readonly repeated: boolean;
  /** A user entered this value during this insertion, as far as the test said what was entered (`entered`). */
  readonly entered: boolean;
}

/**
 * The card's record of every command that carried a PIN. Values are kept as salted hashes alone.
 * No program may send a PIN that the card has refused, or one that nobody entered since the card was put in.
 */
export class PinLedger {
  readonly uses: PinUse[] = [];
  readonly #salt = randomBytes(16);
  /** By reference. */
  readonly #refused = new Map<string, Set<string>>();
  readonly #entered = new Set<string>();
  #insertion = 0;

  /** The card was put in: what was entered before no longer counts. */
  inserted(): void {
    this.#insertion += 1;
    this.#entered.clear();
  }

  /** The test says that a user has entered this value during this insertion. */
  entered(value: string | Uint8Array): void {
    this.#entered.add(this.#hash(value));
  }

  /** The card tried a value. @param value without padding. */
  record(reference: string, value: Uint8Array, outcome: PinOutcome): void {
    const hash = this.#hash(value);
    const refused = this.#refused.get(reference) ?? new Set();
    this.#refused.set(reference, refused);
    this.uses.push({ reference, outcome, insertion: this.#insertion, repeated: refused.has(hash), entered: this.#entered.has(hash) });
    if (outcome !== 'accepted') refused.add(hash);
  }

  /** The reference has a new value: one that was refused may be right now. */
  changed(reference: string): void {
    this.#refused.delete(reference);
  }

  /** How many times a value was sent that the card had refused. Must be zero, unless a user insists. */
  get repeats(): number {
    return this.uses.filter(({ repeated }) => repeated).length;
  }

  /** How many times a value was sent that nobody had entered during that insertion. Says something only where the test calls `entered`. */
  get unentered(): number {
    return this.uses.filter(({ entered }) => !entered).length;
  }

  /** @returns how many times a reference was tried, by outcome. */
  count(reference: string, outcome: PinOutcome): number {
    return this.uses.filter((use) => use.reference === reference && use.outcome === outcome).length;
  }

  #hash(value: string | Uint8Array): string {
    return createHash('sha256').update(this.#salt).update(value).digest('hex');
  }
}
