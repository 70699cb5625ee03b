/**
 * Whether a call was cancelled, and why. An AbortSignal costs more than a signature's share of the dispatcher, so that
 * one is made only for who asks for it.
 */
export class Cancellation {
  #reason: Error | undefined;
  #controller: AbortController | undefined;
  #reject: ((reason: Error) => void) | undefined;
  #atEnd: (() => void)[] = [];

  get reason(): Error | undefined {
    return this.#reason;
  }

  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      if (this.#reason !== undefined) this.#controller.abort(this.#reason);
    }
    return this.#controller.signal;
  }

  /** The first reason counts. */
  cancel(reason: Error): void {
    if (this.#reason !== undefined) return;
    this.#reason = reason;
    this.#controller?.abort(reason);
    this.#reject?.(reason);
  }

  /** Is cancelled when the caller's signal is. */
  follow(signal: AbortSignal): void {
    if (signal.aborted) {
      this.cancel(signal.reason as Error);
      return;
    }
    const abort = (): void => this.cancel(signal.reason as Error);
    signal.addEventListener('abort', abort, { once: true });
    this.onEnd(() => signal.removeEventListener('abort', abort));
  }

  onEnd(work: () => void): void {
    this.#atEnd.push(work);
  }

  /** The call is over: nothing listens any more. */
  end(): void {
    for (const work of this.#atEnd) work();
    this.#atEnd = [];
    this.#reject = undefined;
  }

  throwIfCancelled(): void {
    if (this.#reason !== undefined) throw this.#reason;
  }

  /**
   * @param grace milliseconds that work gets to end by itself once it was cancelled: what writes files shall write none after it was answered.
   * @returns the result, or the cancellation, whichever comes first: a backend that hangs must not hang the caller.
   */
  race<T>(work: Promise<T>, grace = 0): Promise<T> {
    if (grace === 0) {
      return new Promise<T>((resolve, reject) => {
        this.#reject = reject;
        work.then(resolve, reject);
        if (this.#reason !== undefined) reject(this.#reason);
      });
    }
    return new Promise<T>((resolve, reject) => {
      let patience: NodeJS.Timeout | undefined;
      const stop = (reason: Error): void => {
        patience = setTimeout(() => reject(reason), grace);
      };
      this.#reject = stop;
      work.then(resolve, reject).finally(() => clearTimeout(patience));
      if (this.#reason !== undefined) stop(this.#reason);
    });
  }
}
