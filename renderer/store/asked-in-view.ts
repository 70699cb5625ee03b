import { useEffect, useSyncExternalStore } from 'react';

/** How many places of the view say already that something is asked in the prompt surface: then the banner need not. */
let places = 0;
const listeners = new Set<() => void>();

function change(by: number): void {
  places += by;
  for (const listener of listeners) listener();
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** Says so for as long as the component is there. */
export function useSaysAsked(): void {
  useEffect(() => {
    change(1);
    return () => change(-1);
  }, []);
}

export function useAskedInView(): boolean {
  return useSyncExternalStore(subscribe, () => places > 0);
}
