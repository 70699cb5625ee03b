import type { Principal, Prompter } from './call.ts';
import type { CoreEvent } from './events.ts';
import type { Face } from './operation.ts';

export interface CallOptions {
  readonly principal: Principal;
  readonly signal?: AbortSignal;
  /** The face's own way to the person. Without it the core's prompt broker asks in an attached prompt surface, if there is one. */
  readonly prompt?: Prompter;
  /** Progress as the operation's record declares it, wire side. */
  readonly progress?: (event: unknown) => void;
  readonly requestId?: string;
}

/** What a face refused before it became a call: no token, wrong Host or Origin, a used code. It is audited. */
export interface Refusal {
  readonly face: Face;
  readonly code: 'UNAUTHENTICATED' | 'PERMISSION_DENIED' | 'INVALID_INPUT' | 'RATE_LIMITED';
  /** What was asked for, without secrets and without the query: `GET /v1/keys`. */
  readonly request: string;
  readonly reason: string;
}

/**
 * The core as every face sees it, in this process or across a channel (`rpc`). Inputs and outputs are wire side: JSON
 * values in which bytes are base64url.
 */
export interface Core extends AsyncDisposable {
  /** @throws KeywrightError alone: whatever else happens arrives as INTERNAL. */
  call(operation: string, input: unknown, options: CallOptions): Promise<unknown>;
  subscribe(listener: (event: CoreEvent) => void): () => void;
  /** @returns the principal of a bearer token. @throws UNAUTHENTICATED, STORE_LOCKED (tokens are in the store). */
  authenticate(token: string, face: Face): Promise<Principal>;
  refuse(refusal: Refusal): Promise<void>;
  /** Says that a prompt surface is there to show prompts, until disposed. */
  attachPromptSurface(): Disposable;
  /** Where uploads and downloads wait: a folder of ours at 0700. See `files/spool.ts` in the keychain. */
  readonly spoolFolder: string;
}

/** A pipe of JSON messages between two processes. */
export interface Channel {
  send(message: unknown): void;
  onMessage(listener: (message: unknown) => void): void;
  onClose(listener: () => void): void;
  close(): void;
}
