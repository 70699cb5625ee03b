import { useCallback, useState } from 'react';

/** What was typed into forms that were closed without being sent. */
const drafts = new Map<string, unknown>();

/** Forgets what was typed into forms whose name begins so, as it was sent; without a name all of it: it must not outlive a lock. */
export function forgetDrafts(name = ''): void {
  for (const one of drafts.keys()) if (one.startsWith(name)) drafts.delete(one);
}

/**
 * State of a form that is there again when the form is opened the next time. Never for secrets.
 * @param name  of the form and of what it is about; undefined: nothing of it is kept
 * @returns the state, and how to change a part of it; `forgetDrafts` once it was sent
 */
export function useDraft<D extends object>(name: string | undefined, initial: D): [draft: D, change: (part: Partial<D>) => void] {
  const [draft, setDraft] = useState<D>(() => (name !== undefined && drafts.has(name) ? (drafts.get(name) as D) : initial));
  const change = useCallback((part: Partial<D>) => setDraft((before) => {
    const after = { ...before, ...part };
    if (name !== undefined) drafts.set(name, after);
    return after;
  }), [name]);
  return [draft, change];
}
