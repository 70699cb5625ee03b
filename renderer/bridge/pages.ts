import { useQueries, useQueryClient } from '@tanstack/react-query';
import { useCallback, useMemo, useState } from 'react';
import type { InputFor, OperationId, OutputFor } from './bridge.ts';
import { useBridge } from './hooks.tsx';

const PAGE = 200;

/** A list of any length, of which what is to be seen is loaded. */
export interface Pages<Answer, Row> {
  /** Of some page: how many there are is the same in all. undefined until the first answer. */
  readonly answer: Answer | undefined;
  readonly error: unknown;
  rowAt(index: number): Row | undefined;
  onRange(first: number, last: number): void;
  refetch(): void;
}

/** A list by pages: those that are to be seen are loaded, and stay until an event makes them stale. @param rowsIn a stable function */
export function usePages<K extends OperationId, Row>(operation: K, query: InputFor<K>, rowsIn: (answer: OutputFor<K>) => readonly Row[]): Pages<OutputFor<K>, Row> {
  const bridge = useBridge();
  const client = useQueryClient();
  const [[first, last], setRange] = useState<readonly [number, number]>([0, 0]);
  const inputFor = useCallback((page: number): InputFor<K> => ({ ...query, offset: page * PAGE, limit: PAGE }), [query]);
  const pages = useMemo(() => Array.from({ length: Math.floor(last / PAGE) - Math.floor(first / PAGE) + 1 }, (_, index) => Math.floor(first / PAGE) + index), [first, last]);
  const results = useQueries({
    queries: pages.map((page) => ({
      queryKey: [operation, inputFor(page)],
      queryFn: ({ signal }: { signal: AbortSignal }) => bridge.call(operation, inputFor(page), { signal }),
    })),
  });
  const answered = results.find(({ data }) => data !== undefined)?.data;
  const rowAt = useCallback((index: number): Row | undefined => {
    const page = client.getQueryData<OutputFor<K>>([operation, inputFor(Math.floor(index / PAGE))]);
    return page === undefined ? undefined : rowsIn(page)[index % PAGE];
  }, [client, inputFor, operation, rowsIn]);
  const onRange = useCallback((from: number, to: number) => {
    setRange((range) => (Math.floor(range[0] / PAGE) === Math.floor(from / PAGE) && Math.floor(range[1] / PAGE) === Math.floor(to / PAGE) ? range : [from, to]));
  }, []);
  return {
    answer: answered ?? client.getQueryData<OutputFor<K>>([operation, inputFor(0)]), error: results.find(({ error }) => error !== null)?.error, rowAt, onRange,
    refetch: () => void client.invalidateQueries({ queryKey: [operation] }),
  };
}
