import { malformed } from '../../formats/malformed.ts';

const MAX_STREAM = 64 * 2 ** 20;
const MAX_TOGETHER = 256 * 2 ** 20;
const MAX_STEPS = 20_000_000;

/** What one file may cost, all its versions and signatures together: small files can claim to hold the world. */
export class Budget {
  #bytes = MAX_TOGETHER;
  #steps = MAX_STEPS;

  /** Bytes that may still come out of one stream. */
  get most(): number {
    return Math.min(MAX_STREAM, this.#bytes);
  }

  spend(bytes: number): void {
    this.#bytes -= bytes;
  }

  /** Counts one value that is compared. @throws INVALID_INPUT when there were too many */
  step(): void {
    if ((this.#steps -= 1) < 0) throw malformed('The versions of the document are too large to be compared.');
  }
}
