import { useState } from 'react';
import { encodeBase64url, useAction, useBridge, useOperation, type InputFor } from '../bridge/index.ts';

/** Bytes of a list: as many as the core takes. */
const LONGEST_LIST = 16 * 1024 * 1024;

export interface KeyCheck {
  readonly pending: boolean;
  /** 0 to 1; null while unknown. */
  readonly fraction: number | null;
  readonly error: unknown;
  start(): void;
  /** Asks for a list of keys known to be weak, and checks with it. */
  startWithList(title: string): void;
  cancel(): void;
}

/** The check of all keys, also one that was begun before this view was opened. */
export function useKeyCheck(): KeyCheck {
  const check = useAction('keys.check');
  const cancelJob = useAction('jobs.cancel');
  const jobs = useOperation('jobs.list', {});
  const job = jobs.data?.jobs.find(({ operation, state }) => operation === 'keys.check' && state === 'running');
  const bridge = useBridge();
  const [unreadable, setUnreadable] = useState<unknown>(null);
  const { progress } = check;
  const start = (input: InputFor<'keys.check'>): void => {
    setUnreadable(null);
    if (!check.pending && job === undefined) void check.run(input);
  };
  const startWithList = async (title: string): Promise<void> => {
    try {
      const [file] = await bridge.pickFiles({ title });
      if (file !== undefined) start({ weakList: encodeBase64url(await file.bytes(LONGEST_LIST)) });
    } catch (thrown) {
      setUnreadable(thrown);
    }
  };
  return {
    pending: check.pending || job !== undefined,
    fraction: progress !== undefined && check.pending ? progress.done / Math.max(1, progress.total) : (job?.fraction ?? null),
    error: unreadable ?? check.error ?? cancelJob.error,
    start: () => start({}),
    startWithList: (title) => void startWithList(title),
    cancel: () => {
      if (check.pending) check.cancel();
      else if (job !== undefined) void cancelJob.run({ id: job.id });
    },
  };
}
