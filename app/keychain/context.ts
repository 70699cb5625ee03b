import type { Call, Operation } from '../contract/index.ts';
import type { KeyCall } from '../keystore/keystore.ts';
import type { StoredRecord } from '../storage/storage.ts';
import type { StoredKey } from './inventory.ts';
import type { JobItem } from './jobs.ts';
import type { Services } from './services.ts';
import type { Session } from './session.ts';

/** What a handler works with. */
export interface Context {
  readonly operation: Operation;
  readonly call: Call;
  readonly services: Services;
  /** The unlocked store. @throws STORE_LOCKED, or NOT_FOUND when there is no store yet. */
  readonly session: Session;
  /** The call for a backend: its writes, and those of this handler, commit together when the handler succeeds. */
  readonly keyCall: KeyCall;
  /** Whether the call has a unit of work, with writes of its own to be seen. */
  readonly wrote: boolean;
  /** The key that the input names, already checked to be able to do what the operation needs. @throws if the input names none. */
  readonly key: StoredKey;
  /** Names for the audit trail: key URIs or record ids. */
  subject(name: string): void;
  /** More for the audit trail: never labels, contents or secrets. */
  note(detail: string): void;
  /** The items of a job over many are these: what the input named stood for them. Before any is done. */
  expanded(items: readonly unknown[]): Promise<void>;
  /** The n-th item of a job over many (see `resumable` in the contract) is done, durably: it is not done again. */
  completed(index: number): void;
  /** @returns the n-th item of a job that can be gone on with; undefined where the call is none. */
  item(index: number): JobItem | undefined;
  /** Runs once everything has committed, with the records as stored. */
  committed(work: (stored: ReadonlyMap<string, StoredRecord>) => void): void;
}
