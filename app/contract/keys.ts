import { z } from 'zod';
import { KeyAlgorithm } from './algorithms.ts';
import { boundedBytes } from './bytes.ts';
import { inToken } from './hardware.ts';
import { operation } from './operation.ts';
import {
  BackendName, CapabilityEntry, Cursor, Empty, InventorySource, KEY_COLUMNS, KeyFinding, KeyRecord, KeyReference, KeyState, KeyVersion, Label, Limit, seeking, SoughtPosition, Tags, Timestamp, UsageName,
} from './records.ts';

/** Operations on keys as things; how they come and go is in `key-files.ts`, what they do in `key-use.ts`. */
export * from './key-files.ts';

export const generate = operation({
  id: 'keys.generate',
  summary: 'Generate a key in a backend',
  effect: 'write',
  permission: 'keys:write',
  capability: 'generate',
  unhurried: true,
  http: { method: 'POST', path: '/v1/keys', status: 201 },
  cli: { options: { tags: 'tag', usages: 'usage', ownPassphrase: 'own-passphrase' }, examples: ['keywright keys generate --algorithm ec-p256 --label "Release signing"'] },
  input: z.strictObject({
    backend: BackendName.default('software'),
    algorithm: KeyAlgorithm,
    label: Label,
    tags: Tags.default([]),
    /** Default: everything that the algorithm can do. */
    usages: z.array(UsageName).max(12).optional(),
    /** Default: what the backend does; `software` keys are extractable. */
    extractable: z.boolean().optional(),
    notBefore: Timestamp.optional(),
    notAfter: Timestamp.optional(),
    ...inToken,
    /** Ask for a passphrase of the key's own, needed at each use. */
    ownPassphrase: z.boolean().default(false),
  }),
  output: KeyRecord,
  errors: ['INVALID_INPUT', 'NOT_FOUND', 'CAPABILITY_MISSING', 'BACKEND_UNAVAILABLE', 'PIN_REQUIRED'],
});

export const list = operation({
  id: 'keys.list',
  summary: 'List keys of all backends',
  effect: 'read',
  permission: 'keys:read',
  quiet: true,
  http: { method: 'GET', path: '/v1/keys', status: 200 },
  cli: { table: { rows: 'keys', columns: KEY_COLUMNS }, examples: ['keywright keys list --filter "algorithm=ec-p256 tag=release"'] },
  input: z.strictObject({
    backend: BackendName.optional(),
    /** Words to find in label, tags, algorithm, backend, id and fingerprint; all must be there. */
    search: z.string().max(200).optional(),
    /** `field=value`, `field!=value` or `field~part`, separated by spaces, all must hold: algorithm, backend, state, usage, tag, label, protection, extractable. */
    filter: z.string().max(1000).optional(),
    /** `label`, `algorithm`, `backend`, `createdAt`, `notAfter` or `state`; `-` in front: descending. */
    sort: z.string().regex(/^-?(label|algorithm|backend|createdAt|notAfter|state)$/, 'sorted is by label, algorithm, backend, createdAt, notAfter, state; with a minus before it, from the end').default('label'),
    /** Rows of one group stand together, and the answer says where each group begins. `publicKey`: keys that hold the same pair. */
    group: z.enum(['backend', 'algorithm', 'state', 'publicKey']).optional(),
    /** The trash alone. */
    trash: z.boolean().default(false),
    limit: Limit.default(100),
    cursor: Cursor.optional(),
    /** Instead of a cursor: so many are passed over. For lists that are shown by position. */
    offset: z.int().min(0).optional(),
    ...seeking,
  }),
  output: z.strictObject({
    keys: z.array(KeyRecord),
    cursor: z.string().nullable(),
    /** All that match, on all pages. */
    total: z.int(),
    position: SoughtPosition,
    /** With `group`: each group with the position of its first row among all that match. */
    groups: z.array(z.strictObject({ name: z.string(), title: z.string(), start: z.int(), count: z.int() })),
    sources: z.array(InventorySource),
  }),
  errors: ['INVALID_INPUT', 'NOT_FOUND'],
});

/** Largest list of weak keys that is read. */
const MAX_WEAK_LIST = 16 * 1024 * 1024;

/** A finding about a key or certificate that is held. */
export const HygieneFinding = KeyFinding.extend({
  about: z.strictObject({ kind: z.enum(['key', 'certificate']), id: z.string(), /** Its URI; null for a certificate. */ uri: z.string().nullable(), label: z.string() }),
});
export type HygieneFinding = z.output<typeof HygieneFinding>;

export const check = operation({
  id: 'keys.check',
  summary: 'Look for what is weak about all keys and certificates held: primes in common, faulty generators, short keys, copies, old signatures, what has ended',
  effect: 'read',
  permission: 'keys:read',
  unhurried: true,
  check: 'ok',
  http: { method: 'POST', path: '/v1/keys/check', status: 200 },
  cli: { table: { rows: 'findings', columns: ['level', 'about.label', 'detail', 'remedy'] }, examples: ['keywright keys check', 'keywright keys check --weak-list blacklist.RSA-2048'] },
  input: z.strictObject({
    /** Of keys known to be weak: lines of 20 hex digits (openssl-blacklist, openssh-blacklist) or 64 (SHA-256 of a SubjectPublicKeyInfo). */
    weakList: boundedBytes(MAX_WEAK_LIST).optional(),
    /** So many findings, the worst first. */
    limit: Limit.default(200),
  }),
  output: z.strictObject({
    /** No finding is a problem. */
    ok: z.boolean(),
    /** Key pairs, with their older versions, and certificates that were looked at. */
    keys: z.int(),
    certificates: z.int(),
    /** RSA moduli that were compared with each other. */
    compared: z.int(),
    findings: z.array(HygieneFinding),
    /** All that there are. */
    total: z.int(),
    /** What was not looked at, and why. */
    notes: z.array(z.string()),
  }),
  progress: z.strictObject({ done: z.int(), total: z.int() }),
  errors: ['INVALID_INPUT', 'CANCELLED'],
});

export const show = operation({
  id: 'keys.show',
  summary: 'Show a key',
  effect: 'read',
  permission: 'keys:read',
  quiet: true,
  http: { method: 'GET', path: '/v1/keys/{key}', status: 200 },
  cli: { arguments: ['key'] },
  input: z.strictObject({ key: KeyReference }),
  output: KeyRecord,
  errors: ['NOT_FOUND', 'INVALID_INPUT'],
});

export const update = operation({
  id: 'keys.update',
  summary: 'Change label, tags, validity or state of a key, or retire an old version',
  effect: 'write',
  permission: 'keys:write',
  http: { method: 'PATCH', path: '/v1/keys/{key}', status: 200 },
  cli: { arguments: ['key'], options: { tags: 'tag', retireVersions: 'retire-version' } },
  input: z.strictObject({
    key: KeyReference,
    label: Label.optional(),
    tags: Tags.optional(),
    notBefore: Timestamp.nullable().optional(),
    notAfter: Timestamp.nullable().optional(),
    /** SP 800-57: compromised and deactivated cannot become active again. */
    state: KeyState.exclude(['destroyed', 'pre-active']).optional(),
    /** Versions that shall neither verify nor decrypt any more; not the primary one. */
    retireVersions: z.array(z.int().positive()).max(100).optional(),
    ifRevision: z.string().max(100).optional(),
  }),
  output: KeyRecord,
  errors: ['NOT_FOUND', 'INVALID_INPUT', 'CONFLICT'],
});

export const rotate = operation({
  id: 'keys.rotate',
  summary: 'Make a new primary version; old versions still verify and decrypt',
  effect: 'write',
  permission: 'keys:write',
  capability: 'rotate',
  unhurried: true,
  http: { method: 'POST', path: '/v1/keys/{key}/rotate', status: 200 },
  cli: { arguments: ['key'] },
  input: z.strictObject({ key: KeyReference }),
  output: KeyRecord,
  errors: ['NOT_FOUND', 'CAPABILITY_MISSING', 'PIN_REQUIRED', 'PIN_INCORRECT'],
});

export const versions = operation({
  id: 'keys.versions',
  summary: 'List the versions of a key',
  effect: 'read',
  permission: 'keys:read',
  quiet: true,
  http: { method: 'GET', path: '/v1/keys/{key}/versions', status: 200 },
  cli: { arguments: ['key'], table: { rows: 'versions', columns: ['version', 'state', 'createdAt', 'fingerprint'] } },
  input: z.strictObject({ key: KeyReference }),
  output: z.strictObject({ versions: z.array(KeyVersion) }),
  errors: ['NOT_FOUND'],
});

export const remove = operation({
  id: 'keys.delete',
  summary: 'Move a key to the trash, where it stays for 30 days',
  effect: 'write',
  permission: 'keys:write',
  http: { method: 'DELETE', path: '/v1/keys/{key}', status: 200 },
  cli: { arguments: ['key'] },
  input: z.strictObject({ key: KeyReference }),
  output: KeyRecord,
  errors: ['NOT_FOUND', 'CAPABILITY_MISSING'],
});

export const restore = operation({
  id: 'keys.restore',
  summary: 'Take a key out of the trash',
  effect: 'write',
  permission: 'keys:write',
  http: { method: 'POST', path: '/v1/keys/{key}/restore', status: 200 },
  cli: { arguments: ['key'] },
  input: z.strictObject({ key: KeyReference }),
  output: KeyRecord,
  errors: ['NOT_FOUND', 'CONFLICT'],
});

export const purge = operation({
  id: 'keys.purge',
  summary: 'Destroy a key that is in the trash, for good',
  effect: 'destroy',
  permission: 'keys:admin',
  unhurried: true,
  http: { method: 'POST', path: '/v1/keys/{key}/purge', status: 200 },
  cli: { arguments: ['key'] },
  input: z.strictObject({ key: KeyReference }),
  output: Empty,
  errors: ['NOT_FOUND', 'CONFLICT', 'PIN_REQUIRED', 'CANCELLED'],
});

export const capabilities = operation({
  id: 'keys.capabilities',
  summary: 'Tell what a key can do, and why not the rest',
  effect: 'read',
  permission: 'keys:read',
  quiet: true,
  http: { method: 'GET', path: '/v1/keys/{key}/capabilities', status: 200 },
  cli: { arguments: ['key'], table: { rows: 'capabilities', columns: ['capability', 'available', 'algorithms', 'reason'] } },
  input: z.strictObject({ key: KeyReference }),
  output: z.strictObject({ capabilities: z.array(CapabilityEntry) }),
  errors: ['NOT_FOUND'],
});
