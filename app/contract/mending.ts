import { z } from 'zod';

/** What mends a finding: a call that anybody can make, as a button, a command or a request. */

/**
 * What an action does, by a name that stays: `convert` (the file anew, in a sound form), `protect` (with a passphrase), `import` (into this store), `reencrypt` (opened, and encrypted
 * anew), `renew` (the certificate, with its key), `renew-key` (with a new one), `request` (a new certificate from its authority), `rotate` (a new version of the key), `generate` (another
 * key), `sign` (anew), `trash` (a copy that is not needed), `restore` (from the trash), `backup` (of the
 * store), `change-pin`, `unblock-pin`, `change-puk` and `set-management-key` (of a token).
 */
const MENDINGS = ['convert', 'protect', 'import', 'reencrypt', 'renew', 'renew-key', 'request', 'rotate', 'generate', 'sign', 'trash', 'restore', 'backup', 'change-pin', 'unblock-pin', 'change-puk', 'set-management-key'] as const;
export type MendingName = (typeof MENDINGS)[number];

export const Mending = z.strictObject({
  key: z.enum(MENDINGS),
  operation: z.enum(['files.convert', 'files.decrypt', 'files.sign', 'keys.import', 'keys.rotate', 'keys.generate', 'keys.delete', 'certificates.renew', 'certificates.request', 'keys.restore', 'store.backup', 'tokens.change-pin', 'tokens.unblock-pin', 'tokens.change-puk', 'tokens.set-management-key']),
  /** Fields of the operation's input. A file that it takes or writes is none of them, and no secret is: those are asked for. */
  input: z.record(z.string(), z.unknown()),
  /** What the operation is about, for who reads it: a label; null for the file. */
  about: z.string().nullable(),
  /** Whether the operation takes the file that was looked into. */
  takesFile: z.boolean(),
  /** What must follow with what it made, for two calls that belong together; null for one that is enough. */
  next: z.strictObject({ operation: z.literal('files.encrypt'), input: z.record(z.string(), z.unknown()) }).nullable(),
  /** The same as a command. */
  command: z.string(),
});
export type Mending = z.output<typeof Mending>;
