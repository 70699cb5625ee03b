import { useAction, useOperation } from '../bridge/index.ts';

export interface KeyCheck {
  readonly pending: boolean;
  /** 0 to 1; null while unknown. */
  readonly fraction: number | null;
  readonly error: unknown;
  start(): void;
  cancel(): void;
}

/** The check of all keys, also one that was begun before this view was opened. */
export function useKeyCheck(): KeyCheck {
  const check = useAction('keys.check');
  const cancelJob = useAction('jobs.cancel');
  const jobs = useOperation('jobs.list', {});
  const job = jobs.data?.jobs.find(({ operation, state }) => operation === 'keys.check' && state === 'running');
  const { progress } = check;
  return {
    pending: check.pending || job !== undefined,
    fraction: progress !== undefined && check.pending ? progress.done / Math.max(1, progress.total) : (job?.fraction ?? null),
    error: check.error ?? cancelJob.error,
    start: () => {
      if (!check.pending && job === undefined) void check.run({});
    },
    cancel: () => {
      if (check.pending) check.cancel();
      else if (job !== undefined) void cancelJob.run({ id: job.id });
    },
  };
}
