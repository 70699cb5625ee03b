import type { Face, Permission } from './operation.ts';
import type { PromptAnswer, PromptRequest } from './prompts.ts';

/** Who calls. Made by a face after it has authenticated somebody; judged by the dispatcher alone. */
export interface Principal {
  /** `desktop`, `owner` (this user, over the command line or the owner's socket), `browser`, or `token:<id>`. */
  readonly id: string;
  /** For prompts and the audit trail: "this window", "ci-runner". */
  readonly name: string;
  readonly face: Face;
  readonly permissions: ReadonlySet<Permission>;
  /** When it ends to be this principal, in milliseconds since 1970: that of a token. Left out: nothing is known to end it. */
  readonly expiresAt?: number;
}

/** What accompanies every call, straight down to the backend. */
export interface Call {
  readonly id: string;
  readonly principal: Principal;
  /** Aborted by the caller, by the deadline, or because the core stops. */
  readonly signal: AbortSignal;
  readonly prompt: Prompter;
  progress(event: unknown): void;
  /**
   * Says that a device finished after the call had ended (cancelled, timed out) and that its result was thrown away.
   * It is audited. @param what without labels and secrets: `signature of yubikey:serial=1;slot=9c`
   */
  discarded(what: string): void;
}

/** The way to a person. Every secret comes through here, never through an input. */
export interface Prompter {
  /**
   * @returns the answer, never `cancelled` (that is thrown as CANCELLED).
   * @throws PIN_REQUIRED when nobody can be asked, with a remedy; CANCELLED.
   */
  ask(request: PromptRequest, signal: AbortSignal): Promise<PromptAnswer>;
  /** Whether a person can be shown a secret here (a recovery code). */
  readonly interactive: boolean;
  /** Purposes whose secret the caller has handed over already, in a file or with the call. Left out: none. */
  readonly given?: readonly PromptRequest['purpose'][];
}
