import type { Answers, Request } from './messages.ts';

/** Where a database is: in a thread of its own, or here. */
export interface Asked {
  /** @param where the record that is asked for, to be named when it is damaged. @throws as `storageError` tells. */
  ask<Op extends Request['op']>(request: Extract<Request, { op: Op }>, where?: string): Promise<Answers[Op]>;
  close(): Promise<void>;
}
