import { setImmediate as nextTurn } from 'node:timers/promises';

/** Milliseconds for which a long piece of work keeps the event loop to itself. */
const SLICE = 15;

/** Long work in slices: between them others are answered, and a cancellation is heard. */
export class Turns {
  readonly #signal: AbortSignal | undefined;
  #since = performance.now();

  constructor(signal?: AbortSignal) {
    this.#signal = signal;
  }

  /** To be waited for after each little piece: gives others their turn once a slice is over. @throws the signal's reason */
  async next(): Promise<void> {
    if (performance.now() - this.#since < SLICE) return;
    await nextTurn();
    this.#signal?.throwIfAborted();
    this.#since = performance.now();
  }
}
