import { asKeywrightError, type Call, type KeywrightError } from '../contract/index.ts';

/** What work on a token gets, to know that nobody waits for it any longer. */
export interface Leaving {
  /** Aborted when the caller was answered: begin nothing that has not begun. */
  readonly signal: AbortSignal;
  /** Answers the caller with an error now: the prompt that announced a touch was cancelled. */
  leave(reason: KeywrightError): void;
}

/**
 * Runs work that a token cannot interrupt, and answers the caller at once when the call is cancelled. What the token makes in
 * the end is thrown away and told through `call.discarded`.
 * @param late what that is, without labels and secrets: `signature of yubikey:serial=1;slot=9c`
 * @param wipe gets the late result.
 * @throws CANCELLED, TIMEOUT, and what `work` does.
 */
export async function orLeave<T>(call: Call, late: string, wipe: (result: T) => void, work: (leaving: Leaving) => Promise<T>): Promise<T> {
  if (call.signal.aborted) throw asKeywrightError(call.signal.reason);
  const left = new AbortController();
  const { promise: leaving, reject } = Promise.withResolvers<never>();
  const leave = (reason: KeywrightError): void => {
    left.abort(reason);
    reject(reason);
  };
  const aborted = (): void => leave(asKeywrightError(call.signal.reason));
  call.signal.addEventListener('abort', aborted, { once: true });
  const running = work({ signal: left.signal, leave });
  try {
    return await Promise.race([running, leaving]);
  } finally {
    call.signal.removeEventListener('abort', aborted);
    if (left.signal.aborted) {
      running.then((result) => {
        wipe(result);
        call.discarded(late);
      }, () => undefined);
    }
  }
}
