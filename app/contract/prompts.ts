import { z } from 'zod';

/** What a prompt is for. A face answers by purpose (the command line: a file per purpose), never by the wording. */
export const PROMPT_PURPOSES = [
  'store-passphrase', 'new-store-passphrase', 'recovery-code', 'key-passphrase', 'new-key-passphrase',
  'import-passphrase', 'export-passphrase', 'recipient-passphrase', 'new-recipient-passphrase', 'password', 'confirm', 'show-recovery-code',
  // Tokens: secrets that the token checks and counts tries of, and those that replace them.
  'pin', 'puk', 'so-pin', 'management-key', 'new-pin', 'new-puk', 'new-so-pin', 'new-management-key',
  'dkek-password', 'new-dkek-password', 'touch',
] as const;
export const PromptPurpose = z.enum(PROMPT_PURPOSES);

/** Who asks and what for, in words that the prompt shows. No secret is ever in here, but in `show-secret`. */
const asking = {
  purpose: PromptPurpose,
  /** "Sign 3 files with “Release signing”" */
  title: z.string().max(300),
  /** "This computer, software key" */
  subject: z.string().max(300).optional(),
  /** What went wrong before ("Wrong passphrase."), or what else to know. */
  note: z.string().max(600).optional(),
  /** After so long it ends by itself, where that is known: the token gives up waiting for a touch, or nobody has answered. */
  seconds: z.int().positive().optional(),
};

/** A touch of the token is awaited. It is answered by touching; the prompt goes away by itself, and its only answer is `cancelled`. */
export const TouchPrompt = z.strictObject({ kind: z.literal('touch'), ...asking });
/** A secret to type. */
export const SecretPrompt = z.strictObject({
  kind: z.literal('secret'), ...asking, triesLeft: z.int().optional(), minLength: z.int().default(0),
  /** `password-part`: one part or more of a split password, each “Prime: … Share ID: … Share value: …”. */
  form: z.enum(['text', 'password-part']).default('text'),
});
/** A secret to choose: typed twice, with a strength meter. */
export const NewSecretPrompt = z.strictObject({
  kind: z.literal('new-secret'), ...asking, minLength: z.int().default(8), maxLength: z.int().optional(),
  /** `pin`: printable ASCII. `hex`: two hexadecimal digits a byte. The lengths count characters. */
  form: z.enum(['text', 'pin', 'hex']).default('text'),
});
/** A plain confirmation (`--yes` answers it) or, with `typed`, one where exactly this text must be typed (`--yes` never does). */
export const ConfirmPrompt = z.strictObject({ kind: z.literal('confirm'), ...asking, action: z.string().max(80), typed: z.string().max(300).optional(), destructive: z.boolean().default(false) });
/** A secret to show once and to be confirmed as kept: the recovery code, or one part of a split password. */
export const ShowSecretPrompt = z.strictObject({ kind: z.literal('show-secret'), ...asking, secret: z.string().max(300) });

export const PromptRequest = z.discriminatedUnion('kind', [SecretPrompt, NewSecretPrompt, ConfirmPrompt, ShowSecretPrompt, TouchPrompt]);
export type PromptRequest = z.input<typeof PromptRequest>;

/** A prompt that waits for its answer. */
export const PendingPrompt = z.strictObject({
  id: z.string(),
  request: PromptRequest,
  /** The face that asked ("window", "REST: ci-runner"). */
  askedBy: z.string(),
  askedAt: z.string(),
});
export type PendingPrompt = z.output<typeof PendingPrompt>;

export const PromptAnswer = z.discriminatedUnion('kind', [
  /** UTF-8 of what was typed. */
  z.strictObject({
    kind: z.literal('secret'), secret: z.string().max(4096),
    /** Given on purpose although `triesLeft` was 1: the person typed the sentence of `ask.ts`. No file ever says so. */
    lastTry: z.literal(true).optional(),
  }),
  z.strictObject({ kind: z.literal('confirmed'), typed: z.string().max(300).optional() }),
  z.strictObject({ kind: z.literal('cancelled') }),
]);
export type PromptAnswer = z.output<typeof PromptAnswer>;
