import { QueriesObserver, type QueryClient, type QueryKey } from '@tanstack/react-query';

export const PAGE = 200;
/** So many rows ahead of those in sight are loaded too: a fast turn of the wheel takes half a second for them. */
const AHEAD = 300;
/** So many rows are asked for at once where all of very many are wanted: the most that the core gives. */
const MANY = 1000;

/** Where the pages of one list come from. */
interface PageSource<Answer, Row> {
  keyOf(page: number): QueryKey;
  load(page: number, signal: AbortSignal): Promise<Answer>;
  /** So many rows from one on, without regard to pages. */
  loadMany(offset: number, limit: number, signal: AbortSignal): Promise<Answer>;
  rowsIn(answer: Answer): readonly Row[];
  /** @returns the position of the next row whose name begins so, from a position on and around; undefined for none */
  seek(beginning: string, from: number, signal: AbortSignal): Promise<number | undefined>;
}

/** Rows of a list by pages, for whoever draws them. Told of what is in sight, it has that loaded, and what comes next. */
export interface PageLoader<Row> {
  /** A row, or undefined while it is not loaded. */
  rowAt(index: number): Row | undefined;
  onRange(first: number, last: number): void;
  /** Gives all rows from one to another, some at a time, whether in sight or not: for what is done to many. @throws what asking for them failed with */
  load(first: number, last: number, signal: AbortSignal): AsyncIterable<readonly Row[]>;
  /** @returns the position of the next row whose name begins so, from a position on and around, loaded or not; undefined for none. @throws what asking failed with */
  seek(beginning: string, from: number, signal: AbortSignal): Promise<number | undefined>;
  /** Calls `listener` when rows have come or changed. @returns how to end that */
  subscribe(listener: () => void): () => void;
  /** Another number whenever rows have come or changed. */
  version(): number;
  error(): unknown;
}

/**
 * Keeps the pages in sight loaded and fresh. One load is under way at a time, and the next is for what is in sight by then: a thumb that is dragged
 * through a hundred thousand rows passes most pages without asking for them.
 */
export function pageLoader<Answer extends { readonly total: number }, Row>(client: QueryClient, source: PageSource<Answer, Row>): PageLoader<Row> {
  const listeners = new Set<() => void>();
  let version = 0;
  let failed: unknown;
  let [first, last, forward] = [0, 0, true];
  /** The list has come to quite another place: what is there comes first, and what is next to it after that. */
  let leapt = false;
  let watched: readonly number[] = [0];
  let shown: readonly unknown[] = [];
  let busy = false;

  const queryOf = (page: number) => ({ queryKey: source.keyOf(page), queryFn: ({ signal }: { signal: AbortSignal }) => source.load(page, signal) });
  const observer = new QueriesObserver(client, [queryOf(0)]);

  /** Pages in sight, and those that are come to next. */
  function wanted(): number[] {
    const ahead = leapt ? 0 : AHEAD;
    const from = Math.max(0, forward ? first : first - ahead);
    const to = Math.min(Math.max(last, (client.getQueryData<Answer>(source.keyOf(0))?.total ?? 0) - 1), forward ? last + ahead : last);
    return Array.from({ length: Math.floor(to / PAGE) - Math.floor(from / PAGE) + 1 }, (_, index) => Math.floor(from / PAGE) + index);
  }

  function watch(): void {
    if (busy) return;
    const pages = wanted();
    if (pages.join() === watched.join()) return;
    watched = pages;
    observer.setQueries(pages.map(queryOf));
  }

  function told(results: readonly { readonly fetchStatus: string; readonly data: unknown; readonly error: unknown }[]): void {
    // Refreshing what is there already holds nothing up.
    busy = results.some(({ fetchStatus, data }) => fetchStatus === 'fetching' && data === undefined);
    if (!busy) leapt = false;
    known.clear();
    failed = results.find(({ error }) => error !== null)?.error;
    const inSight = [failed, ...results.flatMap(({ data }, index) => (watched[index]! >= Math.floor(first / PAGE) && watched[index]! <= Math.floor(last / PAGE) ? [data] : []))];
    // What comes ahead of being seen is no reason to draw anything.
    if (inSight.length !== shown.length || inSight.some((data, index) => data !== shown[index])) {
      shown = inSight;
      version += 1;
      for (const listener of listeners) listener();
    }
    watch();
  }

  /** Pages as they are now; finding them anew for each row would take longer than drawing it. */
  const known = new Map<number, readonly Row[]>();
  function rowsOf(page: number): readonly Row[] | undefined {
    const answer = known.has(page) ? undefined : client.getQueryData<Answer>(source.keyOf(page));
    if (answer !== undefined) known.set(page, source.rowsIn(answer));
    return known.get(page);
  }

  let end: (() => void) | undefined;
  return {
    rowAt: (index) => rowsOf(Math.floor(index / PAGE))?.[index % PAGE],
    onRange(from, to) {
      forward = from === first ? forward : from > first;
      leapt ||= Math.abs(from - first) > PAGE;
      [first, last] = [from, to];
      watch();
    },
    async *load(from, to, signal) {
      // What was loaded for this is not kept among the pages.
      for (let at = from; at <= to && !signal.aborted; at += MANY) yield source.rowsIn(await source.loadMany(at, Math.min(MANY, to + 1 - at), signal));
    },
    seek: (beginning, from, signal) => source.seek(beginning, from, signal),
    subscribe(listener) {
      listeners.add(listener);
      if (end === undefined) {
        end = observer.subscribe(told);
        told(observer.getCurrentResult());
      }
      return () => {
        listeners.delete(listener);
        if (listeners.size > 0) return;
        end?.();
        end = undefined;
      };
    },
    version: () => version,
    error: () => failed,
  };
}
