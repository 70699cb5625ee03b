import { z } from 'zod';

/**
 * What faces are told without asking. An event says what is stale, never what the new value is: whoever cares reads it
 * again, with its own permission. Never sent: labels, secrets, inputs.
 */
export const CoreEvent = z.discriminatedUnion('type', [
  /** Inventory changed. Without `ids`: anything may have. */
  z.strictObject({ type: z.literal('keys.changed'), ids: z.array(z.string()).optional() }),
  z.strictObject({ type: z.literal('store.changed'), state: z.enum(['absent', 'locked', 'unlocked']) }),
  z.strictObject({ type: z.literal('backends.changed') }),
  /** A token came, went or changed. */
  z.strictObject({ type: z.literal('tokens.changed'), id: z.string().optional() }),
  z.strictObject({ type: z.literal('certificates.changed') }),
  /** A certificate ends within so many days: told once for each certificate and threshold. */
  z.strictObject({ type: z.literal('certificates.expiring'), id: z.string(), days: z.int() }),
  /** What asks for attention may be other than before. */
  z.strictObject({ type: z.literal('health.changed') }),
  z.strictObject({ type: z.literal('jobs.changed'), id: z.string().optional() }),
  z.strictObject({ type: z.literal('audit.changed') }),
  z.strictObject({ type: z.literal('access.changed') }),
  z.strictObject({ type: z.literal('config.changed') }),
  z.strictObject({ type: z.literal('prompts.changed'), pending: z.int() }),
  /** The core process was started again by its host after it died. Made by the host, not by the core. */
  z.strictObject({ type: z.literal('core.restarted') }),
  /** The core process dies each time that its host starts it, or does so no more. Made by the host. */
  z.strictObject({ type: z.literal('core.failing'), failing: z.boolean() }),
]);
export type CoreEvent = z.output<typeof CoreEvent>;
