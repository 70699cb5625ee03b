import { useInfiniteQuery } from '@tanstack/react-query';
import type { AuditEntry } from '../../app/contract/index.ts';
import { fetchedAt, useBridge, type ProblemError } from '../bridge/index.ts';

const PAGE = 200;

interface AuditFilter {
  outcome?: string;
  operation?: string;
  subject?: string;
}

/** The audit trail, newest first, a page at a time as it is scrolled. */
export function useAudit(filter: AuditFilter): { entries: readonly AuditEntry[]; more: boolean; error: ProblemError | null; pending: boolean; /** When the core last told of it (ISO 8601). */ fetchedAt: string | undefined; loadMore: () => void; refetch: () => void } {
  const bridge = useBridge();
  const query = useInfiniteQuery<{ entries: AuditEntry[]; cursor: string | null }, ProblemError, { pages: { entries: AuditEntry[] }[] }, unknown[], string | undefined>({
    queryKey: ['audit.list', filter],
    initialPageParam: undefined,
    queryFn: ({ signal, pageParam }) => bridge.call('audit.list', { ...filter, limit: PAGE, ...(pageParam === undefined ? {} : { cursor: pageParam }) }, { signal }),
    getNextPageParam: (last) => last.cursor ?? undefined,
    maxPages: 200,
  });
  return {
    entries: query.data?.pages.flatMap((page) => page.entries) ?? [],
    more: query.hasNextPage,
    error: query.error,
    pending: query.isPending,
    fetchedAt: fetchedAt(query),
    refetch: () => void query.refetch(),
    loadMore: () => {
      if (query.hasNextPage && !query.isFetchingNextPage) void query.fetchNextPage();
    },
  };
}
