import type { Fault } from '../faults.ts';
import type { IfRevision } from '../storage.ts';

/** What the storage asks of SQLite's thread. Flat, and few of them: each costs a thread switch. */
export type Request =
  | { readonly op: 'open'; readonly folder: string; readonly create: boolean }
  | { readonly op: 'get'; readonly key: string }
  | { readonly op: 'page'; readonly from: string; readonly below: string; readonly limit: number }
  | { readonly op: 'commit'; readonly writes: readonly Row[] }
  | { readonly op: 'check' }
  | { readonly op: 'close' };

export interface Row {
  readonly key: string;
  readonly ifRevision: IfRevision;
  readonly value: Uint8Array | undefined;
  readonly revision: string;
  /** JSON, or null for none. */
  readonly summary: string | null;
}

export interface Answers {
  readonly open: Opened;
  readonly get: { readonly value: Uint8Array; readonly revision: string; readonly summary: string | null; readonly intact: boolean } | undefined;
  /** One line a record in each column: three strings cross to another thread many times faster than 10,000 rows. */
  readonly page: { readonly keys: string; readonly revisions: string; readonly summaries: string; readonly more: boolean };
  /** The first write whose condition did not hold, and the revision that stands; undefined when all is committed. */
  readonly commit: { readonly write: number; readonly current: string | undefined } | undefined;
  readonly check: readonly { readonly where: string; readonly why: string }[];
  readonly close: undefined;
}

export type Opened =
  | { readonly state: 'open' | 'absent' | 'present' }
  | { readonly state: 'too new'; readonly found: number; readonly known: number }
  | { readonly state: 'damaged'; readonly why: string };

export interface Reply {
  readonly id: number;
  readonly answer?: Answers[keyof Answers];
  readonly fault?: Fault;
}
