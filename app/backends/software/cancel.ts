import { asKeywrightError } from '../../contract/index.ts';

/** @throws CANCELLED or TIMEOUT when the call has ended already. */
export function throwIfEnded(signal: AbortSignal): void {
  if (signal.aborted) throw asKeywrightError(signal.reason);
}

/**
 * Waits for work that node:crypto cannot interrupt. The call ends as soon as it is cancelled; the thread goes on, and
 * `discard` gets what it makes in the end.
 *
 * @throws CANCELLED, TIMEOUT
 */
export async function untilEnded<T>(work: Promise<T>, signal: AbortSignal, discard?: (result: T) => void): Promise<T> {
  const ended = Promise.withResolvers<never>();
  const stop = (): void => {
    ended.reject(asKeywrightError(signal.reason));
    work.then(discard, () => undefined);
  };
  if (signal.aborted) stop();
  else signal.addEventListener('abort', stop, { once: true });
  try {
    return await Promise.race([work, ended.promise]);
  } finally {
    signal.removeEventListener('abort', stop);
  }
}
