import { useEffect, useSyncExternalStore } from 'react';

interface Tally {
  isAny(): boolean;
  /** The same, for what is shown by it. */
  useIsAny(): boolean;
  /** Counts the component, as long as it is there and `counts`. */
  useCounted(counts: boolean): void;
}

/** How many components of a kind are there just now, for who is elsewhere in the window. */
export function tally(): Tally {
  let count = 0;
  const listeners = new Set<() => void>();
  const change = (by: number): void => {
    count += by;
    for (const listener of listeners) listener();
  };
  const subscribe = (listener: () => void): (() => void) => {
    listeners.add(listener);
    return () => listeners.delete(listener);
  };
  const isAny = (): boolean => count > 0;
  return {
    isAny,
    useIsAny: () => useSyncExternalStore(subscribe, isAny),
    useCounted(counts) {
      useEffect(() => {
        if (!counts) return;
        change(1);
        return () => change(-1);
      }, [counts]);
    },
  };
}
