import { useQueries, useQueryClient } from '@tanstack/react-query';
import { useCallback, useMemo, useState } from 'react';
import type { KeyRecord } from '../../app/contract/index.ts';
import { useBridge, type InputFor, type OutputFor } from '../bridge/index.ts';

const PAGE = 200;
const NO_GROUPS: OutputFor<'keys.list'>['groups'] = [];

export type KeyQuery = Pick<InputFor<'keys.list'>, 'search' | 'filter' | 'sort' | 'group' | 'trash' | 'backend'>;

export interface KeyPages {
  /** undefined until the first answer. */
  readonly total: number | undefined;
  readonly groups: OutputFor<'keys.list'>['groups'];
  readonly sources: OutputFor<'keys.list'>['sources'];
  readonly error: unknown;
  rowAt(index: number): KeyRecord | undefined;
  onRange(first: number, last: number): void;
  refetch(): void;
}

/** A list of any length by pages: those that are to be seen are loaded, and stay until an event makes them stale. */
export function useKeyPages(query: KeyQuery): KeyPages {
  const bridge = useBridge();
  const client = useQueryClient();
  const [[first, last], setRange] = useState<readonly [number, number]>([0, 0]);
  const inputFor = useCallback((page: number): InputFor<'keys.list'> => ({ ...query, offset: page * PAGE, limit: PAGE }), [query]);
  const pages = useMemo(() => Array.from({ length: Math.floor(last / PAGE) - Math.floor(first / PAGE) + 1 }, (_, index) => Math.floor(first / PAGE) + index), [first, last]);
  const results = useQueries({
    queries: pages.map((page) => ({
      queryKey: ['keys.list', inputFor(page)],
      queryFn: ({ signal }: { signal: AbortSignal }) => bridge.call('keys.list', inputFor(page), { signal }),
    })),
  });
  const answered = results.find(({ data }) => data !== undefined)?.data;
  const before = client.getQueryData<OutputFor<'keys.list'>>(['keys.list', inputFor(0)]);
  const known = answered ?? before;
  const rowAt = useCallback((index: number): KeyRecord | undefined => {
    const page = client.getQueryData<OutputFor<'keys.list'>>(['keys.list', inputFor(Math.floor(index / PAGE))]);
    return page?.keys[index % PAGE];
  }, [client, inputFor]);
  const onRange = useCallback((from: number, to: number) => {
    setRange((range) => (Math.floor(range[0] / PAGE) === Math.floor(from / PAGE) && Math.floor(range[1] / PAGE) === Math.floor(to / PAGE) ? range : [from, to]));
  }, []);
  return {
    total: known?.total, groups: known?.groups ?? NO_GROUPS, sources: known?.sources ?? [], error: results.find(({ error }) => error !== null)?.error, rowAt, onRange,
    refetch: () => void client.invalidateQueries({ queryKey: ['keys.list'] }),
  };
}
