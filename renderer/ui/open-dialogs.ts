import { createContext, useEffect, useSyncExternalStore, type ReactNode } from 'react';

/** How many dialogs are open. */
let count = 0;
const listeners = new Set<() => void>();

function change(by: number): void {
  count += by;
  for (const listener of listeners) listener();
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** Whether something is being filled in or read in a dialog. */
export const isAnyDialogOpen = (): boolean => count > 0;

export function useIsAnyDialogOpen(): boolean {
  return useSyncExternalStore(subscribe, isAnyDialogOpen);
}

/** Counts a dialog while it is open. */
export function useCountedDialog(open: boolean): void {
  useEffect(() => {
    if (!open) return;
    change(1);
    return () => change(-1);
  }, [open]);
}

/** What concerns the whole window, where a dialog lies over its banners. */
export const AboveDialogs = createContext<ReactNode>(null);
