import { keepPreviousData, useQuery, useQueryClient } from '@tanstack/react-query';
import { useMemo, useState, useSyncExternalStore } from 'react';
import type { InputFor, OutputFor } from './bridge.ts';
import { fetchedAt, useBridge } from './hooks.tsx';
import { PAGE, pageLoader, type PageLoader } from './page-loader.ts';

/** A list of any length, of which what is to be seen is loaded. */
export interface Pages<Answer, Row> {
  /** Of the first page: how many there are is the same in all. undefined until the first answer; that of the query before until a new one is answered. */
  readonly answer: Answer | undefined;
  readonly error: unknown;
  /** When the core last told of it (ISO 8601); undefined until it did. */
  readonly fetchedAt: string | undefined;
  /** Its rows, for the table alone: whoever draws the view does not draw it anew for each page that comes. */
  readonly rows: PageLoader<Row>;
  refetch(): void;
}

/** A list by pages: those that are to be seen are loaded, and stay until an event makes them stale. @param rowsIn a stable function */
export function usePages<K extends 'keys.list' | 'certificates.list', Row>(operation: K, query: InputFor<K>, rowsIn: (answer: OutputFor<K>) => readonly Row[]): Pages<OutputFor<K> & { readonly total: number }, Row> {
  type Answer = OutputFor<K> & { readonly total: number };
  const bridge = useBridge();
  const client = useQueryClient();
  const source = useMemo(() => {
    const inputFor = (page: number): InputFor<K> => ({ ...query, offset: page * PAGE, limit: PAGE });
    return {
      query, keyOf: (page: number) => [operation, inputFor(page)], load: (page: number, signal: AbortSignal) => bridge.call(operation, inputFor(page), { signal }) as Promise<Answer>,
      loadMany: (offset: number, limit: number, signal: AbortSignal) => bridge.call(operation, { ...query, offset, limit }, { signal }) as Promise<Answer>,
      rowsIn,
      seek: async (beginning: string, from: number, signal: AbortSignal) => ((await bridge.call(operation, { ...query, seek: beginning, seekFrom: from, limit: 1 }, { signal })) as { position?: number | null }).position ?? undefined,
    };
  }, [bridge, operation, query, rowsIn]);
  const head = useQuery<Answer>({ queryKey: source.keyOf(0), queryFn: ({ signal }) => source.load(0, signal), placeholderData: keepPreviousData });
  // What was found before stays until it is known what is found now: a list does not blink with each letter that is typed.
  const [shown, setShown] = useState(source);
  if (shown !== source && !head.isPlaceholderData) setShown(source);
  const rows = useMemo(() => pageLoader<Answer, Row>(client, shown), [client, shown]);
  const error = useSyncExternalStore(rows.subscribe, rows.error);
  return { answer: head.data, fetchedAt: fetchedAt(head), error: head.error ?? error ?? undefined, rows, refetch: () => void client.invalidateQueries({ queryKey: [operation] }) };
}
