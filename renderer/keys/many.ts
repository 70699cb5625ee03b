import { useRef, useState } from 'react';

export interface Many {
  /** How far it is; undefined while nothing is under way. */
  readonly at: { readonly done: number; readonly total: number } | undefined;
  /** Does one after another, until one fails or it is stopped. @returns those that were done */
  run<T>(items: readonly T[], work: (item: T) => Promise<boolean>): Promise<T[]>;
  stop(): void;
}

/** Something done to many things, one after another: how far it is, and how to end it. */
export function useMany(): Many {
  const [at, setAt] = useState<Many['at']>();
  const stopped = useRef(false);
  return {
    at,
    async run(items, work) {
      stopped.current = false;
      const done: (typeof items)[number][] = [];
      try {
        for (const item of items) {
          if (stopped.current) break;
          setAt({ done: done.length, total: items.length });
          if (!(await work(item))) break;
          done.push(item);
        }
      } finally {
        setAt(undefined);
      }
      return done;
    },
    stop: () => {
      stopped.current = true;
    },
  };
}
