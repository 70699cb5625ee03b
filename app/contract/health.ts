import { z } from 'zod';
import { Mending } from './mending.ts';
import { operation } from './operation.ts';
import { Limit, Timestamp } from './records.ts';

/** What asks for attention, of whatever kind, in one list. */

/** What a finding is about: a record by its id, the open store, or this computer. */
const HEALTH_PLACES = ['key', 'certificate', 'token', 'backend', 'store', 'computer'] as const;

export const HealthFinding = z.strictObject({
  /** Stays the same for the same thing: by it a finding is hidden. */
  id: z.string(),
  /** `note`: good to know, and not counted. */
  level: z.enum(['problem', 'warning', 'note']),
  code: z.string(),
  about: z.strictObject({ place: z.enum(HEALTH_PLACES), /** Null for this computer. */ id: z.string().nullable(), /** Its URI, for keys; null for all else. */ uri: z.string().nullable(), label: z.string() }),
  /** Since when it is so, and until when something can be done about it; null where that has no time. */
  since: Timestamp.nullable(),
  until: Timestamp.nullable(),
  detail: z.string(),
  remedy: z.string().nullable(),
  /** What mends it, as a call; the best one first. */
  mendedBy: z.array(Mending),
  /** Known by itself, from the last look at backends and tokens, or from the last check of the keys. */
  from: z.enum(['known', 'look', 'check']),
  hidden: z.boolean(),
});
export type HealthFinding = z.output<typeof HealthFinding>;

export const list = operation({
  id: 'health.list',
  summary: 'List what asks for attention, the worst first: certificates and keys that end, tokens, backends, damage, backups, and what the last check of the keys found',
  effect: 'read',
  permission: 'health:read',
  quiet: true,
  unhurried: true,
  check: 'ok',
  http: { method: 'GET', path: '/v1/health', status: 200 },
  cli: { table: { rows: 'findings', columns: ['level', 'about.label', 'detail', 'remedy', 'until', 'id'] }, examples: ['keywright health list --look', 'keywright health list --hidden'] },
  input: z.strictObject({
    /** Ask backends and tokens first, instead of telling what is known of them. */
    look: z.boolean().default(false),
    /** Those that were hidden, too. */
    hidden: z.boolean().default(false),
    limit: Limit.default(500),
  }),
  output: z.strictObject({
    /** No finding that is not hidden is a problem. */
    ok: z.boolean(),
    findings: z.array(HealthFinding),
    /** Problems and warnings that are not hidden. */
    attention: z.int(),
    hidden: z.int(),
    /** All that could be listed. */
    total: z.int(),
    /** When backends and tokens were looked at; null: not since the store was unlocked. */
    lookedAt: Timestamp.nullable(),
    /** The last check of all keys (`keys.check`); null: there was none. */
    checked: z.strictObject({
      at: Timestamp, keys: z.int(), certificates: z.int(), compared: z.int(),
      /** Keys or certificates have come, gone or changed since. */
      changed: z.boolean(),
      /** What was not looked at, and why. */
      notes: z.array(z.string()),
    }).nullable(),
  }),
  errors: ['CANCELLED'],
});

const byId = {
  effect: 'write', permission: 'health:write', input: z.strictObject({ id: z.string().regex(/^[0-9a-f]{16}$/, 'the id of a finding') }), cli: { arguments: ['id'] }, output: HealthFinding, errors: ['NOT_FOUND', 'INVALID_INPUT'],
} as const;

export const hide = operation({ id: 'health.hide', summary: 'Hide a finding that is accepted: it is neither listed nor counted any more', http: { method: 'POST', path: '/v1/health/{id}/hide', status: 200 }, ...byId });
export const unhide = operation({ id: 'health.unhide', summary: 'List and count a hidden finding again', http: { method: 'POST', path: '/v1/health/{id}/unhide', status: 200 }, ...byId });
