import { createHash, randomBytes } from 'node:crypto';
import { appendFileSync, readFileSync } from 'node:fs';

/** Environment variable with the path of a file that every process of a test run adds to. */
export const RUN_LEDGER = 'KEYWRIGHT_PIN_LEDGER';

/** What the cards of one test file have seen: commands that carried a PIN, PUK or SO PIN. */
interface RunLine {
  readonly where: string;
  commands: number;
  /** In tests that say what was entered. */
  told: number;
  repeated: number;
  unentered: number;
}

/** @returns what all cards of a run have seen, in words, and where a program sent what it must not. */
export function judgeRun(file: string): { readonly said: string | undefined; readonly bad: readonly string[] } {
  const lines = readFileSync(file, 'utf8').split('\n').filter((line) => line !== '').map((line) => JSON.parse(line) as RunLine);
  const sum = (what: 'commands' | 'told' | 'repeated' | 'unentered'): number => lines.reduce((all, line) => all + line[what], 0);
  return {
    said: lines.length === 0 ? undefined : `Virtual cards saw ${sum('commands')} commands that carried a PIN: ${sum('repeated')} with one that the card had refused, and of ${sum('told')} where the tests say what a person entered, ${sum('unentered')} with one that nobody did.`,
    bad: lines.filter(({ repeated, unentered }) => repeated + unentered > 0).map(({ where, repeated, unentered }) => `${where}: ${repeated} refused before, ${unentered} that nobody entered`),
  };
}

/** What became of a command that carried a PIN, a PUK or another reference value. */
type PinOutcome = 'accepted' | 'refused' | 'blocked';

interface PinUse {
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
  static readonly #all = new Set<PinLedger>();
  readonly uses: PinUse[] = [];
  readonly #salt = randomBytes(16);
  /** By reference. */
  readonly #refused = new Map<string, Set<string>>();
  readonly #entered = new Set<string>();
  #insertion = 0;
  /** Before it the test did not say what was entered. */
  #told = false;

  constructor() {
    PinLedger.#all.add(this);
  }

  /** A person has typed this, whichever card it is for. @param afresh into a program that cannot know what was refused before: a process of its own. */
  static typed(value: string, { afresh = false }: { afresh?: boolean } = {}): void {
    const digits = /^([0-9a-f]{2})+$/i.test(value) ? [Buffer.from(value, 'hex')] : [];
    for (const ledger of PinLedger.#all) {
      for (const one of [Buffer.from(value), ...digits]) {
        ledger.entered(one);
        if (afresh) for (const refused of ledger.#refused.values()) refused.delete(ledger.#hash(one));
      }
    }
  }

  /** What all cards of this process have seen, for the record of the whole run. Forgets it. @param file in which it is kept; nothing happens without one. */
  static report(where: string, file = process.env[RUN_LEDGER]): void {
    const all = [...PinLedger.#all];
    PinLedger.#all.clear();
    const seen: RunLine = { where, commands: 0, told: 0, repeated: 0, unentered: 0 };
    for (const ledger of all) {
      seen.commands += ledger.uses.length;
      seen.repeated += ledger.repeats;
      if (!ledger.#told) continue;
      seen.told += ledger.uses.length;
      seen.unentered += ledger.unentered;
    }
    if (file !== undefined && seen.commands > 0) appendFileSync(file, `${JSON.stringify(seen)}\n`);
  }

  /** The card was put in: what was entered before no longer counts. */
  inserted(): void {
    this.#insertion += 1;
    this.#entered.clear();
  }

  /** The test says that a user has entered this value during this insertion. */
  entered(value: string | Uint8Array): void {
    this.#told = true;
    this.#entered.add(this.#hash(value));
  }

  /** The card has this value now by its own doing, and everybody knows it: as good as entered, where anything is. */
  known(value: Uint8Array): void {
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

  /** The card was reset, which takes a blocked PIN and a blocked PUK: what blocked them was sent on purpose, and nobody's PIN. */
  blockedOnPurpose(): void {
    const since = this.uses.findLastIndex(({ outcome }) => outcome === 'accepted') + 1;
    this.uses.splice(since, this.uses.length - since, ...this.uses.slice(since).map((use) => ({ ...use, entered: true })));
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
