import { z } from 'zod';
import { operation } from './operation.ts';
import { Empty, FileIn, FileOut, FileWritten, Timestamp } from './records.ts';

const SlotKind = z.enum(['passphrase', 'recovery-code']);
const Slot = z.strictObject({ id: z.string(), kind: z.string(), label: z.string(), createdAt: Timestamp });
const SECRET_ERRORS = ['PIN_REQUIRED', 'PIN_INCORRECT', 'CANCELLED'] as const;
const RecordProgress = z.strictObject({ done: z.int(), total: z.int() });
const admin = { effect: 'write', permission: 'store:admin', unhurried: true } as const;

export const StoreStatus = z.strictObject({
  state: z.enum(['absent', 'locked', 'unlocked']),
  id: z.string().nullable(),
  name: z.string(),
  folder: z.string(),
  kind: z.string().nullable(),
  formatVersion: z.int().nullable(),
  createdAt: Timestamp.nullable(),
  keys: z.int().nullable(),
  records: z.int().nullable(),
  hasRecoveryCode: z.boolean().nullable(),
  /** Minutes without use after which it locks; 0: never. */
  idleLockMinutes: z.int(),
  /** Records that were found damaged, missing or rolled back at open. */
  problems: z.array(z.strictObject({ record: z.string(), detail: z.string() })),
  owner: z.strictObject({ pid: z.int(), kind: z.string(), since: Timestamp }),
});
export type StoreStatus = z.output<typeof StoreStatus>;

/** Access tokens are in the store: while it is locked, REST cannot tell one caller from another. */
const NOBODY_KNOWN_YET = 'Access tokens are in the store, so that nobody can be told apart before it is open: give `keywright serve` a passphrase file, or use `keywright store`.';

export const create = operation({
  id: 'store.create',
  summary: 'Create the encrypted store',
  ...admin,
  whenLocked: true,
  notOn: { rest: NOBODY_KNOWN_YET },
  http: { method: 'POST', path: '/v1/store', status: 201 },
  cli: { prompts: { 'new-store-passphrase': 'passphrase-file' }, examples: ['keywright store create --passphrase-file pw'] },
  input: z.strictObject({
    kind: z.string().max(40).default('sqlite'),
    name: z.string().trim().min(1).max(100).default('Keys'),
    /** Also make a recovery code, shown once. */
    recoveryCode: z.boolean().default(false),
  }),
  output: StoreStatus,
  errors: ['ALREADY_EXISTS', 'STORAGE_FULL', 'STORAGE_READ_ONLY', ...SECRET_ERRORS],
});

export const status = operation({
  id: 'store.status',
  summary: 'Tell the state of the store',
  effect: 'read',
  permission: 'store:read',
  whenLocked: true,
  quiet: true,
  http: { method: 'GET', path: '/v1/store', status: 200 },
  input: Empty,
  output: StoreStatus,
  errors: [],
});

export const unlock = operation({
  id: 'store.unlock',
  summary: 'Unlock the store',
  effect: 'write',
  permission: 'store:use',
  unhurried: true,
  whenLocked: true,
  notOn: { rest: NOBODY_KNOWN_YET },
  http: { method: 'POST', path: '/v1/store/unlock', status: 200 },
  cli: { background: true, examples: ['keywright store unlock --passphrase-file pw'] },
  input: z.strictObject({ with: SlotKind.default('passphrase') }),
  output: StoreStatus,
  errors: ['NOT_FOUND', 'CORRUPT_RECORD', 'STORE_TOO_NEW', 'RATE_LIMITED', ...SECRET_ERRORS],
});

export const lock = operation({
  id: 'store.lock',
  summary: 'Lock the store: forget all keys, end what is in flight',
  effect: 'write',
  permission: 'store:use',
  whenLocked: true,
  http: { method: 'POST', path: '/v1/store/lock', status: 200 },
  input: Empty,
  output: StoreStatus,
  errors: [],
});

export const changePassphrase = operation({
  id: 'store.change-passphrase',
  summary: 'Change the passphrase; records stay as they are',
  ...admin,
  http: { method: 'POST', path: '/v1/store/change-passphrase', status: 200 },
  input: Empty,
  output: StoreStatus,
  errors: SECRET_ERRORS,
});

export const slotsList = operation({
  id: 'store.slots.list',
  summary: 'List the ways to unlock the store',
  effect: 'read',
  permission: 'store:read',
  quiet: true,
  http: { method: 'GET', path: '/v1/store/slots', status: 200 },
  cli: { table: { rows: 'slots', columns: ['id', 'kind', 'label', 'createdAt'] } },
  input: Empty,
  output: z.strictObject({ slots: z.array(Slot) }),
  errors: [],
});

export const slotsAdd = operation({
  id: 'store.slots.add',
  summary: 'Add a way to unlock the store',
  ...admin,
  http: { method: 'POST', path: '/v1/store/slots', status: 201 },
  cli: { arguments: ['kind'] },
  input: z.strictObject({ kind: SlotKind, label: z.string().trim().min(1).max(100).optional() }),
  output: Slot,
  errors: SECRET_ERRORS,
});

export const slotsRemove = operation({
  id: 'store.slots.remove',
  summary: 'Remove a way to unlock the store; never the last one',
  ...admin,
  effect: 'destroy',
  http: { method: 'DELETE', path: '/v1/store/slots/{id}', status: 200 },
  cli: { arguments: ['id'], table: { rows: 'slots', columns: ['id', 'kind', 'label', 'createdAt'] } },
  input: z.strictObject({ id: z.string().max(100) }),
  output: z.strictObject({ slots: z.array(Slot) }),
  errors: ['NOT_FOUND', 'CONFLICT', 'CANCELLED'],
});

export const backup = operation({
  id: 'store.backup',
  summary: 'Write the whole store, as sealed as it is, into one file',
  effect: 'read',
  permission: 'store:admin',
  unhurried: true,
  http: { method: 'POST', path: '/v1/store/backup', status: 200 },
  cli: { options: { 'out.path': 'out', 'out.overwrite': 'force' }, paths: { 'out.path': 'out' } },
  input: z.strictObject({ out: FileOut }),
  output: z.strictObject({ written: FileWritten, records: z.int(), bytes: z.int(), sha256: z.string() }),
  progress: RecordProgress,
  errors: ['ALREADY_EXISTS', 'STORAGE_FULL', 'CORRUPT_RECORD'],
});

export const restore = operation({
  id: 'store.restore',
  summary: 'Make the store anew from a backup; one that is there is set aside, not deleted',
  ...admin,
  effect: 'destroy',
  whenLocked: true,
  http: { method: 'POST', path: '/v1/store/restore', status: 200 },
  cli: { arguments: ['from.path'], paths: { 'from.path': 'in' } },
  input: z.strictObject({ from: FileIn, kind: z.string().max(40).optional() }),
  output: z.strictObject({ store: StoreStatus, records: z.int(), setAside: z.string().nullable() }),
  progress: RecordProgress,
  errors: ['INVALID_INPUT', 'CORRUPT_RECORD', 'STORE_TOO_NEW', 'STORAGE_FULL', ...SECRET_ERRORS],
});

export const verify = operation({
  id: 'store.verify',
  summary: 'Open every record and tell which are damaged, missing or rolled back',
  effect: 'read',
  permission: 'store:admin',
  unhurried: true,
  check: 'ok',
  http: { method: 'POST', path: '/v1/store/verify', status: 200 },
  cli: { table: { rows: 'problems', columns: ['record', 'detail'] } },
  input: Empty,
  output: z.strictObject({ ok: z.boolean(), records: z.int(), problems: z.array(z.strictObject({ record: z.string(), detail: z.string() })) }),
  progress: RecordProgress,
  errors: [],
});

export const open = operation({
  id: 'store.open',
  summary: 'Close this store and go on with one in another folder',
  effect: 'write',
  permission: 'store:admin',
  unhurried: true,
  whenLocked: true,
  notOn: { rest: 'A caller from elsewhere must not choose a folder on this machine.', cli: '`--data-dir` chooses the store of each call.' },
  http: { method: 'POST', path: '/v1/store/open', status: 200 },
  input: z.strictObject({ folder: z.string().min(1).max(4096) }),
  output: StoreStatus,
  errors: ['CONFLICT', 'INVALID_INPUT'],
});

export const recent = operation({
  id: 'store.recent',
  summary: 'List stores that were open lately',
  effect: 'read',
  permission: 'store:read',
  whenLocked: true,
  quiet: true,
  http: { method: 'GET', path: '/v1/store/recent', status: 200 },
  cli: { table: { rows: 'stores', columns: ['name', 'folder', 'openedAt'] } },
  input: Empty,
  output: z.strictObject({ stores: z.array(z.strictObject({ name: z.string(), folder: z.string(), openedAt: Timestamp, exists: z.boolean() })) }),
  errors: [],
});
