import { inBatches } from './raw.ts';

/** A store of so many records is examined whole while it opens; of a larger one, so many now and then in the background. */
const AT_OPEN = 256;
const AT_ONCE = 64;
const EVERY_MS = 500;

/**
 * Opens the records one after the other to find those that the raw listing cannot judge: an older value under the mark
 * of the newer one. Slow on purpose: it must never be felt.
 */
export class Examiner {
  readonly #examine: (name: string) => Promise<void>;
  #names: readonly string[] = [];
  #next = 0;
  #timer: NodeJS.Timeout | undefined;

  /** @param examine reads one record, and reports what it finds. */
  constructor(examine: (name: string) => Promise<void>) {
    this.#examine = examine;
  }

  /** Resolves once a small store is examined; a large one goes on in the background. */
  async start(names: readonly string[]): Promise<void> {
    this.#names = names;
    if (names.length <= AT_OPEN) await this.#examineNext(AT_OPEN);
    else this.#later();
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#names = [];
  }

  #later(): void {
    if (this.#next >= this.#names.length) return;
    this.#timer = setTimeout(() => {
      void this.#examineNext(AT_ONCE).catch(() => undefined).then(() => this.#later());
    }, EVERY_MS).unref();
  }

  async #examineNext(count: number): Promise<void> {
    const names = this.#names.slice(this.#next, this.#next + count);
    this.#next += count;
    await inBatches(names, 32, this.#examine);
  }
}
