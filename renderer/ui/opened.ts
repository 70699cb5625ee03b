import { useEffect, useRef } from 'react';

/** Does `work` once, when what uses this is shown, as it stood then. @param work may return how to end it. */
export function useOnOpen(work: () => (() => void) | void): void {
  const first = useRef(work);
  useEffect(() => first.current(), []);
}
