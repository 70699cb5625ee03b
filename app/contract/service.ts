import { z } from 'zod';
import { operation, PERMISSIONS } from './operation.ts';
import { Cursor, Empty, FindingRecord, Limit, Timestamp } from './records.ts';
import { PendingPrompt, PromptAnswer } from './prompts.ts';

/** Operations of the service itself: jobs, audit, access, config, agent, doctor, prompts. */

/** `interrupted`: its process ended meanwhile. */
export const JobState = z.enum(['running', 'done', 'failed', 'cancelled', 'paused', 'interrupted']);
export type JobState = z.output<typeof JobState>;

export const Job = z.strictObject({
  id: z.string(),
  operation: z.string(),
  title: z.string(),
  state: JobState,
  startedAt: Timestamp,
  endedAt: Timestamp.nullable(),
  startedBy: z.string(),
  /** 0 to 1; null while unknown. */
  fraction: z.number().nullable(),
  /** Jobs over many files: how many are done. */
  items: z.strictObject({ done: z.int(), total: z.int() }).nullable(),
  /** It can be paused and, when it has ended early, gone on with: what is done is not done again. */
  resumable: z.boolean(),
  detail: z.string().nullable(),
});
export type Job = z.output<typeof Job>;

const jobById = { input: z.strictObject({ id: z.string().max(100) }), cli: { arguments: ['id'] } } as const;

export const jobsList = operation({
  id: 'jobs.list', summary: 'List running and recent jobs', effect: 'read', permission: 'jobs:read', quiet: true, whenLocked: true,
  http: { method: 'GET', path: '/v1/jobs', status: 200 }, cli: { opensStore: true, table: { rows: 'jobs', columns: ['id', 'title', 'state', 'startedAt'] } },
  input: Empty, output: z.strictObject({ jobs: z.array(Job) }), errors: [],
});
export const jobsShow = operation({
  id: 'jobs.show', summary: 'Show a job', effect: 'read', permission: 'jobs:read', quiet: true, whenLocked: true,
  http: { method: 'GET', path: '/v1/jobs/{id}', status: 200 }, input: jobById.input, cli: { ...jobById.cli, opensStore: true }, output: Job, errors: ['NOT_FOUND'],
});
export const jobsWatch = operation({
  id: 'jobs.watch', summary: 'Follow a job until it ends', effect: 'read', permission: 'jobs:read', quiet: true, whenLocked: true, unhurried: true, follows: true,
  http: { method: 'POST', path: '/v1/jobs/{id}/watch', status: 200 }, ...jobById, output: Job, progress: Job, errors: ['NOT_FOUND', 'CANCELLED'],
});
export const jobsCancel = operation({
  id: 'jobs.cancel', summary: 'Cancel a job', effect: 'write', permission: 'jobs:write', whenLocked: true,
  http: { method: 'POST', path: '/v1/jobs/{id}/cancel', status: 200 }, ...jobById, output: Job, errors: ['NOT_FOUND', 'CONFLICT'],
});

export const jobsPause = operation({
  id: 'jobs.pause', summary: 'Pause a job over many files, to go on with it later', effect: 'write', permission: 'jobs:write',
  http: { method: 'POST', path: '/v1/jobs/{id}/pause', status: 200 }, ...jobById, output: Job, errors: ['NOT_FOUND', 'CONFLICT'],
});
export const jobsResume = operation({
  id: 'jobs.resume', summary: 'Go on with a job that was paused, cancelled or interrupted: what is done is not done again', effect: 'write', permission: 'jobs:write', unhurried: true, follows: true,
  http: { method: 'POST', path: '/v1/jobs/{id}/resume', status: 200 }, ...jobById, output: Job, progress: Job, errors: ['NOT_FOUND', 'CONFLICT', 'CANCELLED', 'PIN_REQUIRED', 'PERMISSION_DENIED'],
});
export const jobsForget = operation({
  id: 'jobs.forget', summary: 'Forget a job that could be gone on with; what it made stays', effect: 'write', permission: 'jobs:write',
  http: { method: 'DELETE', path: '/v1/jobs/{id}', status: 200 }, ...jobById, output: Empty, errors: ['NOT_FOUND', 'CONFLICT'],
});

export const AuditEntry = z.strictObject({
  number: z.int().positive(),
  at: Timestamp,
  request: z.string(),
  principal: z.string(),
  principalName: z.string(),
  face: z.string(),
  operation: z.string(),
  effect: z.enum(['read', 'use', 'write', 'destroy', 'refused']),
  /** `ok` or an error code. */
  outcome: z.string(),
  /** Key URIs or record ids that it was about; never labels, contents or secrets. */
  subjects: z.array(z.string()),
  detail: z.string().nullable(),
});
export type AuditEntry = z.output<typeof AuditEntry>;

export const auditList = operation({
  id: 'audit.list', summary: 'List the audit trail, newest first', effect: 'read', permission: 'audit:read', quiet: true,
  http: { method: 'GET', path: '/v1/audit', status: 200 }, cli: { table: { rows: 'entries', columns: ['number', 'at', 'principalName', 'operation', 'outcome', 'subjects'] } },
  input: z.strictObject({ limit: Limit.default(100), cursor: Cursor.optional(), subject: z.string().max(1024).optional(), operation: z.string().max(100).optional(), outcome: z.string().max(40).optional() }),
  output: z.strictObject({ entries: z.array(AuditEntry), cursor: z.string().nullable() }), errors: ['INVALID_INPUT'],
});
export const auditVerify = operation({
  id: 'audit.verify', summary: 'Check the hash chain of the audit trail', effect: 'read', permission: 'audit:read', unhurried: true, check: 'ok',
  http: { method: 'POST', path: '/v1/audit/verify', status: 200 },
  input: Empty, output: z.strictObject({ ok: z.boolean(), entries: z.int(), firstBroken: z.int().nullable(), detail: z.string() }),
  progress: z.strictObject({ done: z.int(), total: z.int() }), errors: [],
});
export const auditExport = operation({
  id: 'audit.export', summary: 'Export the audit trail, one JSON record a line, with its hash chain', effect: 'read', permission: 'audit:read', unhurried: true,
  http: { method: 'POST', path: '/v1/audit/export', status: 200 }, cli: { out: 'content' },
  input: z.strictObject({ from: z.int().positive().default(1), limit: z.int().min(1).max(50_000).default(50_000) }),
  output: z.strictObject({ content: z.string(), entries: z.int(), next: z.int().nullable() }), errors: [],
});

const PermissionName = z.enum(PERMISSIONS);
const Grant = z.strictObject({ id: z.string(), name: z.string(), scope: z.array(PermissionName), createdAt: Timestamp, expiresAt: Timestamp.nullable(), lastUsedAt: Timestamp.nullable() });

export const accessGrant = operation({
  id: 'access.grant', summary: 'Make an access token for a program; it is shown once', effect: 'write', permission: 'access:admin',
  http: { method: 'POST', path: '/v1/access', status: 201 }, cli: { options: { scope: 'scope', expires: 'expires' }, examples: ['keywright access grant --name ci --scope keys:read --scope keys:use --expires 30d'] },
  input: z.strictObject({
    name: z.string().trim().min(1).max(100),
    /** Never more than the granter has. */
    scope: z.array(PermissionName).min(1).max(PERMISSIONS.length),
    /** `12h`, `30d`, or a time; default 90 days; at most 366. */
    expires: z.string().max(40).default('90d'),
  }),
  output: z.strictObject({ token: z.string(), grant: Grant }), errors: ['PERMISSION_DENIED', 'INVALID_INPUT'],
});
export const accessList = operation({
  id: 'access.list', summary: 'List access tokens', effect: 'read', permission: 'access:read', quiet: true,
  http: { method: 'GET', path: '/v1/access', status: 200 }, cli: { table: { rows: 'grants', columns: ['id', 'name', 'scope', 'expiresAt', 'lastUsedAt'] } },
  input: Empty, output: z.strictObject({ grants: z.array(Grant) }), errors: [],
});
export const accessRevoke = operation({
  id: 'access.revoke', summary: 'Revoke an access token, at once', effect: 'write', permission: 'access:admin',
  http: { method: 'DELETE', path: '/v1/access/{id}', status: 200 }, cli: { arguments: ['id'] },
  input: z.strictObject({ id: z.string().max(100) }), output: Empty, errors: ['NOT_FOUND'],
});
export const accessWhoami = operation({
  id: 'access.whoami', summary: 'Tell who is calling and what they may do', effect: 'read', permission: null, quiet: true, whenLocked: true,
  http: { method: 'GET', path: '/v1/access/whoami', status: 200 },
  input: Empty, output: z.strictObject({ principal: z.string(), name: z.string(), face: z.string(), permissions: z.array(PermissionName) }), errors: [],
});

const ConfigValue = z.union([z.string().max(4096), z.number(), z.boolean(), z.null()]);
const ConfigEntry = z.strictObject({ key: z.string(), value: ConfigValue, origin: z.enum(['flag', 'environment', 'file', 'default']), source: z.string().nullable(), summary: z.string(), restart: z.boolean() });
const configTable = { table: { rows: 'entries', columns: ['key', 'value', 'origin', 'source'] } } as const;

export const configShow = operation({
  id: 'config.show', summary: 'Show the configuration in force', effect: 'read', permission: 'config:read', quiet: true, whenLocked: true,
  http: { method: 'GET', path: '/v1/config', status: 200 }, cli: configTable,
  input: Empty, output: z.strictObject({ entries: z.array(ConfigEntry) }), errors: [],
});
export const configExplain = operation({
  id: 'config.explain', summary: 'Tell where each value of the configuration comes from', effect: 'read', permission: 'config:read', quiet: true, whenLocked: true,
  http: { method: 'GET', path: '/v1/config/explain', status: 200 }, cli: { arguments: ['key?'], ...configTable },
  input: z.strictObject({ key: z.string().max(100).optional() }), output: z.strictObject({ entries: z.array(ConfigEntry) }), errors: ['NOT_FOUND'],
});
export const configSet = operation({
  id: 'config.set', summary: 'Change a value in the configuration file', effect: 'write', permission: 'config:write', whenLocked: true,
  http: { method: 'PUT', path: '/v1/config/{key}', status: 200 }, cli: { arguments: ['key', 'value'] },
  input: z.strictObject({ key: z.string().max(100), value: ConfigValue }), output: ConfigEntry, errors: ['INVALID_INPUT', 'NOT_FOUND', 'STORAGE_READ_ONLY'],
});
export const configValidate = operation({
  id: 'config.validate', summary: 'Check the configuration file', effect: 'read', permission: 'config:read', quiet: true, whenLocked: true, check: 'ok',
  http: { method: 'POST', path: '/v1/config/validate', status: 200 },
  input: Empty, output: z.strictObject({ ok: z.boolean(), problems: z.array(z.strictObject({ where: z.string(), detail: z.string(), suggestion: z.string().nullable() })) }), errors: [],
});

export const agentStatus = operation({
  id: 'agent.status', summary: 'Tell what this agent is and where it listens', effect: 'read', permission: 'agent:read', quiet: true, whenLocked: true,
  http: { method: 'GET', path: '/v1/agent', status: 200 },
  input: Empty,
  output: z.strictObject({
    version: z.string(), pid: z.int(), node: z.string(), openssl: z.string(), startedAt: Timestamp, kind: z.string(),
    listening: z.array(z.string()), residentBytes: z.int(), store: z.enum(['absent', 'locked', 'unlocked']),
  }),
  errors: [],
});
export const agentHealth = operation({
  id: 'agent.health', summary: 'Tell whether the agent is live and ready', effect: 'read', permission: 'agent:read', quiet: true, whenLocked: true, check: 'live',
  http: { method: 'GET', path: '/v1/agent/health', status: 200 },
  input: Empty, output: z.strictObject({ live: z.boolean(), ready: z.boolean(), detail: z.string() }), errors: [],
});
export const agentMetrics = operation({
  id: 'agent.metrics', summary: 'Give metrics in the Prometheus text format', effect: 'read', permission: 'agent:read', quiet: true, whenLocked: true,
  http: { method: 'GET', path: '/v1/agent/metrics', status: 200 }, cli: { out: 'text' },
  input: Empty, output: z.strictObject({ text: z.string() }), errors: [],
});
export const agentOpenapi = operation({
  id: 'agent.openapi', summary: 'Give the OpenAPI 3.1 description of REST', effect: 'read', permission: 'agent:read', quiet: true, whenLocked: true,
  http: { method: 'GET', path: '/v1/agent/openapi', status: 200 }, cli: { out: 'text' },
  input: Empty, output: z.strictObject({ text: z.string() }), errors: [],
});

export const doctorRun = operation({
  id: 'doctor.run', summary: 'Look for whatever keeps Keywright from working, and tell how to mend it', effect: 'read', permission: 'doctor:read', whenLocked: true, unhurried: true, check: 'ok',
  http: { method: 'POST', path: '/v1/doctor', status: 200 }, cli: { opensStoreIfGiven: true, table: { rows: 'findings', columns: ['level', 'detail', 'remedy'] } },
  input: Empty, output: z.strictObject({ ok: z.boolean(), findings: z.array(FindingRecord) }), progress: FindingRecord, errors: [],
});

const SURFACE_ALONE = 'Secrets are typed in the prompt surface alone: the desktop’s prompt window or the browser’s prompt page.';
const surface = { notOn: { rest: SURFACE_ALONE, cli: SURFACE_ALONE, ipc: SURFACE_ALONE }, permission: 'prompts:admin', whenLocked: true, quiet: true } as const;

export const promptsPending = operation({
  id: 'prompts.pending', summary: 'List prompts that wait for a person', effect: 'read', ...surface,
  http: { method: 'GET', path: '/v1/prompts', status: 200 },
  input: Empty, output: z.strictObject({ prompts: z.array(PendingPrompt) }), errors: [],
});
export const promptsAnswer = operation({
  id: 'prompts.answer', summary: 'Answer a prompt', effect: 'write', ...surface,
  http: { method: 'POST', path: '/v1/prompts/{id}/answer', status: 200 },
  input: z.strictObject({ id: z.string().max(100), answer: PromptAnswer }), output: Empty, errors: ['NOT_FOUND'],
});
