import { useRef, useState } from 'react';

interface Reach<Row> {
  /** Rows that were selected without having been in sight, by their keys. */
  readonly rows: ReadonlyMap<string, Row>;
  readonly busy: boolean;
  /** Something else is selected: what is on its way comes too late. */
  stop(): void;
  /** Loads all rows from one to another, and tells the keys of those that are there by then, time and again. */
  to(first: number, last: number, onReached: (keys: ReadonlySet<string>) => void): void;
}

/** A selection that reaches beyond the rows that are loaded. @param load as of `RowSource`; undefined: all rows are there */
export function useReach<Row>(load: ((first: number, last: number, signal: AbortSignal) => AsyncIterable<readonly Row[]>) | undefined, keyOf: (row: Row) => string): Reach<Row> {
  const [rows, setRows] = useState<ReadonlyMap<string, Row>>(new Map());
  const [busy, setBusy] = useState(false);
  const under = useRef<AbortController>(undefined);
  const stop = (): void => {
    under.current?.abort();
    setBusy(false);
  };
  return {
    rows, busy, stop,
    to(first, last, onReached) {
      stop();
      if (load === undefined) return;
      const controller = new AbortController();
      under.current = controller;
      setBusy(true);
      void (async () => {
        const reached = new Map<string, Row>();
        for await (const some of load(first, last, controller.signal)) {
          if (controller.signal.aborted) return;
          for (const row of some) reached.set(keyOf(row), row);
          setRows(reached);
          onReached(new Set(reached.keys()));
        }
        setBusy(false);
      })().catch(() => {
        // What asking failed with is told where the list is: how many are selected is told, too.
        if (!controller.signal.aborted) setBusy(false);
      });
    },
  };
}
