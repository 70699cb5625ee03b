import { useCallback, useEffect, useRef } from 'react';

/** As long as a key that is held down takes to repeat, and a little. */
const REST_MS = 120;

/**
 * @returns `act`, done at once when it has not been for a while, and else only when no other call follows: who walks through a list with a key held down
 * sees the row that they stop at in detail, not each that they pass.
 */
export function useAtRest<A extends unknown[]>(act: (...args: A) => void): (...args: A) => void {
  const latest = useRef(act);
  const at = useRef(-REST_MS);
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  useEffect(() => {
    latest.current = act;
  });
  useEffect(() => () => clearTimeout(timer.current), []);
  return useCallback((...args) => {
    const now = performance.now();
    const rested = now - at.current >= REST_MS;
    at.current = now;
    clearTimeout(timer.current);
    if (rested) latest.current(...args);
    else timer.current = setTimeout(() => latest.current(...args), REST_MS);
  }, []);
}
