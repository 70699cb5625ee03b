import { keepPreviousData, QueryClient, useMutation, useQuery, useQueryClient, type UseQueryResult } from '@tanstack/react-query';
import { createContext, useContext, useEffect, useRef, useState } from 'react';
import type { CoreEvent } from '../../app/contract/index.ts';
import type { Bridge, InputFor, OperationId, OutputFor, ProgressFor } from './bridge.ts';
import { STALE_AFTER } from './invalidation.ts';
import { asProblem, isCancelled, ProblemError } from './problem.ts';

const BridgeContext = createContext<Bridge | undefined>(undefined);
export const BridgeProvider = BridgeContext.Provider;

export function useBridge(): Bridge {
  const bridge = useContext(BridgeContext);
  if (bridge === undefined) throw new Error('no bridge around this component');
  return bridge;
}

/** A client whose answers stay fresh until an event says otherwise. */
export function makeQueryClient(): QueryClient {
  return new QueryClient({
    defaultOptions: {
      queries: {
        staleTime: Infinity,
        gcTime: 10 * 60_000,
        refetchOnWindowFocus: false,
        // The core says what to do in its error; asking again helps only where it did not answer at all.
        retry: (count, error) => count < 2 && error instanceof ProblemError && error.code === 'BACKEND_UNAVAILABLE',
        networkMode: 'always',
      },
      mutations: { networkMode: 'always' },
    },
  });
}

/** Reads with an operation: what is known is shown at once, an event refreshes it. `undefined` as input: nothing to read yet. */
export function useOperation<K extends OperationId>(operation: K, input: InputFor<K> | undefined, options: { keepPrevious?: boolean; refetchEvery?: number | false } = {}): UseQueryResult<OutputFor<K>, ProblemError> {
  const bridge = useBridge();
  return useQuery<OutputFor<K>, ProblemError, OutputFor<K>>({
    queryKey: [operation, input],
    queryFn: ({ signal }) => bridge.call(operation, input as InputFor<K>, { signal }),
    enabled: input !== undefined,
    ...(options.keepPrevious ? { placeholderData: keepPreviousData } : {}),
    ...(options.refetchEvery === undefined ? {} : { refetchInterval: options.refetchEvery }),
  });
}

/** @returns when an answer was given last (ISO 8601); undefined until it was. */
export function fetchedAt({ dataUpdatedAt }: { readonly dataUpdatedAt: number }): string | undefined {
  return dataUpdatedAt === 0 ? undefined : new Date(dataUpdatedAt).toISOString();
}

export interface Action<K extends OperationId> {
  /** Runs it. @returns the answer, or undefined when it failed (see `error`) or was cancelled. Never rejects. */
  run(input: InputFor<K>): Promise<OutputFor<K> | undefined>;
  cancel(): void;
  /** Forgets the last answer and error. */
  reset(): void;
  readonly pending: boolean;
  readonly progress: ProgressFor<K> | undefined;
  /** What went wrong; a cancellation is not told here. */
  readonly error: ProblemError | undefined;
  readonly result: OutputFor<K> | undefined;
}

/** Does something with an operation. It goes on when the component is gone; only `cancel` ends it. */
export function useAction<K extends OperationId>(operation: K): Action<K> {
  const bridge = useBridge();
  const client = useQueryClient();
  const abort = useRef<AbortController>(undefined);
  const [progress, setProgress] = useState<ProgressFor<K>>();
  const mutation = useMutation<OutputFor<K>, ProblemError, InputFor<K>>({
    mutationFn: (input) => {
      const controller = new AbortController();
      abort.current = controller;
      setProgress(undefined);
      return bridge.call(operation, input, { signal: controller.signal, onProgress: setProgress });
    },
    onError: (error) => {
      if (error.code === 'STORE_LOCKED') void client.invalidateQueries({ queryKey: ['store.status'] });
    },
  });
  return {
    run: async (input) => {
      try {
        return await mutation.mutateAsync(input);
      } catch {
        return undefined;
      }
    },
    cancel: () => abort.current?.abort(),
    reset: mutation.reset,
    pending: mutation.isPending,
    progress,
    error: mutation.error !== null && !isCancelled(mutation.error) ? asProblemError(mutation.error) : undefined,
    result: mutation.data,
  };
}

function asProblemError(thrown: unknown): ProblemError {
  return thrown instanceof ProblemError ? thrown : new ProblemError(asProblem(thrown));
}

/** Tells of each event of the core. */
export function useCoreEvent(listener: (event: CoreEvent) => void): void {
  const bridge = useBridge();
  const latest = useRef(listener);
  useEffect(() => {
    latest.current = listener;
  });
  useEffect(() => bridge.onEvent((event) => latest.current(event)), [bridge]);
}

/** What may still be known of a store that is not open. */
const KNOWN_WHILE_LOCKED: readonly unknown[] = ['store.status', 'store.recent', 'config.show', 'agent.status', 'jobs.list'] satisfies OperationId[];

/** A view that stays although its store was locked by the end of its core: something is being filled in there. */
export interface HeldView {
  readonly held: boolean;
  /** The store was opened again: it is held until that is known everywhere. */
  readonly isOpenAgain: boolean;
  /** It needs holding no more: what is read from then on is as ever. */
  goOn(): void;
  /** Gives it up: what a locked store does not tell is forgotten. */
  release(): void;
}

/**
 * Makes stale what an event says is stale, and forgets what a locked store does not tell. Mounted once.
 * @param onLocked  somebody, or the time, has locked it
 * @param isFilledIn  whether something is being filled in, which a core that is lost shall not take along
 */
export function useInvalidation(onLocked: () => void, isFilledIn: () => boolean): HeldView {
  const client = useQueryClient();
  const [held, setHeld] = useState<'locked' | 'open again'>();
  const isHeld = useRef(false);
  const hold = (next: typeof held): void => {
    isHeld.current = next === 'locked';
    setHeld(next);
  };
  const forget = (): void => client.removeQueries({ predicate: ({ queryKey }) => !KNOWN_WHILE_LOCKED.includes(queryKey[0]) });
  useCoreEvent((event) => {
    if (event.type === 'core.restarted' && isFilledIn() && client.getQueryData<OutputFor<'store.status'>>(['store.status', {}])?.state === 'unlocked') hold('locked');
    if (isHeld.current) {
      if (event.type !== 'store.changed' || event.state !== 'unlocked') {
        // The core is locked, so that all else would only fail.
        void client.invalidateQueries({ predicate: ({ queryKey }) => KNOWN_WHILE_LOCKED.includes(queryKey[0]) });
        return;
      }
      hold('open again');
    }
    if (event.type === 'store.changed' && event.state !== 'unlocked') {
      client.setQueriesData<OutputFor<'store.status'>>({ queryKey: ['store.status'] }, (known) => known && { ...known, state: event.state, keys: null, records: null });
      forget();
      onLocked();
    }
    const stale = STALE_AFTER[event.type];
    if (stale === 'all') void client.invalidateQueries();
    else for (const operation of stale) void client.invalidateQueries({ queryKey: [operation] });
  });
  return {
    held: held !== undefined,
    isOpenAgain: held === 'open again',
    goOn: () => hold(undefined),
    release() {
      if (!isHeld.current) return;
      hold(undefined);
      forget();
    },
  };
}
