/** What the batch and its thread say to each other: many requests in one message, many answers in another. */

/** A small file is had as a whole. */
export const SMALL = 256 * 1024;

export interface ReadRequest {
  readonly id: number;
  readonly read: string;
  /** Whether something has this name already is told too. */
  readonly beside: string | null;
}

export interface PlaceRequest {
  readonly id: number;
  /** Where the file goes, where it is written until it is whole, and what it holds. */
  readonly place: string;
  readonly aside: string;
  readonly bytes: Uint8Array;
  readonly mode: number;
  /** What lies aside is of an earlier run of the same job, and goes. */
  readonly mayReplaceAside: boolean;
}

export interface KindsRequest {
  readonly id: number;
  readonly kinds: readonly string[];
}

export type Request = ReadRequest | PlaceRequest | KindsRequest;

/** `whole`: null for what is not small, not regular, not there, not readable, or changed while it was read: who asked looks again, and finds out which. */
export interface ReadReply {
  readonly id: number;
  readonly whole: Uint8Array | null;
  readonly facts: { readonly size: bigint; readonly mtimeNs: bigint; readonly ctimeNs: bigint; readonly ino: bigint; readonly dev: bigint } | null;
  readonly taken: boolean;
}

/** `code`: that of the file system's fault. */
export interface PlaceReply {
  readonly id: number;
  readonly fault: { readonly code: string | undefined; readonly message: string } | null;
}

/** One a path: `d` for a folder, `-` for what is not there, `f` for everything else. */
export interface KindsReply {
  readonly id: number;
  readonly kinds: string;
}

export type Reply = ReadReply | PlaceReply | KindsReply;
