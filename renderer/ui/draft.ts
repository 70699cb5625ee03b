import { useCallback, useState } from 'react';

/** What was typed into forms that were closed without being sent. */
const drafts = new Map<string, unknown>();

/** Forgets all that was typed: it must not outlive a lock. */
export function forgetDrafts(): void {
  drafts.clear();
}

/**
 * State of a form that is there again when the form is opened the next time. Never for secrets.
 * @param name  of the form and of what it is about; undefined: nothing of it is kept
 * @returns the state, how to change a part of it, and how to forget it once it was sent
 */
export function useDraft<D extends object>(name: string | undefined, initial: D): [draft: D, change: (part: Partial<D>) => void, forget: () => void] {
  const [draft, setDraft] = useState<D>(() => (name !== undefined && drafts.has(name) ? (drafts.get(name) as D) : initial));
  const change = useCallback((part: Partial<D>) => setDraft((before) => {
    const after = { ...before, ...part };
    if (name !== undefined) drafts.set(name, after);
    return after;
  }), [name]);
  const forget = useCallback(() => {
    if (name !== undefined) drafts.delete(name);
  }, [name]);
  return [draft, change, forget];
}
