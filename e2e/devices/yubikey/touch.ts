/** The metal contact of a YubiKey. A test touches it by hand, or lets it be touched by itself. */
export class TouchSensor {
  /** Milliseconds that a command waits for a touch before it gives up. */
  timeout = 15_000;
  /** Milliseconds for which a touch counts under the policy *cached*. */
  cache = 15_000;
  /** Touched by itself as soon as a command waits, or after that many milliseconds. */
  automatic: boolean | number = false;
  /** How many commands waited for a touch. */
  waits = 0;
  #waiting: ((touched: boolean) => void) | undefined;
  #announced: (() => void)[] = [];
  #last = -Infinity;

  /** @returns whether a command waited for it. */
  touch(): boolean {
    const waiting = this.#waiting;
    waiting?.(true);
    return waiting !== undefined;
  }

  get waiting(): boolean {
    return this.#waiting !== undefined;
  }

  /** @returns once a command waits for a touch. */
  async whenWaiting(): Promise<void> {
    if (this.waiting) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#announced.push(resolve);
    await promise;
  }

  /** @returns whether the last touch is recent enough for the policy *cached*. */
  isCached(): boolean {
    return performance.now() - this.#last < this.cache;
  }

  /** @returns whether it was touched in time. */
  async wait(): Promise<boolean> {
    this.waits += 1;
    const { promise, resolve } = Promise.withResolvers<boolean>();
    this.#waiting = resolve;
    const timers = [setTimeout(() => resolve(false), this.timeout)];
    if (this.automatic !== false) timers.push(setTimeout(() => resolve(true), this.automatic === true ? 0 : this.automatic));
    for (const announce of this.#announced.splice(0)) announce();
    const touched = await promise;
    for (const timer of timers) clearTimeout(timer);
    this.#waiting = undefined;
    if (touched) this.#last = performance.now();
    return touched;
  }

  /** Power is gone: nobody waits, and no touch counts any longer. */
  powerOff(): void {
    this.#waiting?.(false);
    this.#last = -Infinity;
  }
}
