import { KeywrightError, PERMISSIONS, type AuditEntry } from '../../contract/index.ts';
import type { Handler } from '../dispatcher.ts';
import { runDoctor } from '../doctor.ts';
import { handlersOf } from './handlers.ts';

const PAGE = 1000;

const jobHandlers = handlersOf('jobs', {
  'jobs.list': async (_input, { services }) => ({ jobs: services.jobs.list() }),
  'jobs.show': async (input, { services }) => services.jobs.show(input.id),
  'jobs.watch': (input, { services, call }) => services.jobs.watch(input.id, call),
  'jobs.cancel': async (input, { services }) => services.jobs.cancel(input.id),
  'jobs.pause': async (input, { services }) => services.jobs.pause(input.id),
  'jobs.resume': (input, { services, call }) => services.jobs.resume(input.id, call, services.run),
  async 'jobs.forget'(input, { services }) {
    await services.jobs.forget(input.id);
    return {};
  },
});

const auditHandlers = handlersOf('audit', {
  async 'audit.list'(input, { session }) {
    let next = input.cursor === undefined ? session.audit.last : Number(input.cursor);
    if (!Number.isSafeInteger(next) || next < 0) throw new KeywrightError('INVALID_INPUT', { detail: 'The cursor is not one of this list.', where: '/cursor', remedy: 'Begin again without a cursor.' });
    const entries: AuditEntry[] = [];
    while (next > 0 && entries.length < input.limit) {
      const from = Math.max(1, next - PAGE + 1);
      const page = (await session.audit.readable(from, next - from + 1)).toReversed();
      next = from - 1;
      for (const { hash: _hash, ...entry } of page) {
        const fits = (input.subject === undefined || entry.subjects.includes(input.subject)) && (input.operation === undefined || entry.operation === input.operation)
          && (input.outcome === undefined || entry.outcome === input.outcome);
        if (fits) entries.push(entry);
        if (entries.length === input.limit) {
          next = entry.number - 1;
          break;
        }
      }
    }
    return { entries, cursor: next > 0 ? String(next) : null };
  },
  'audit.verify': (_input, { session, call }) => session.audit.verify(call),
  async 'audit.export'(input, { session }) {
    const lines: string[] = [];
    let next = input.from;
    while (next <= session.audit.last && lines.length < input.limit) {
      const page = await session.audit.read(next, Math.min(PAGE, input.limit - lines.length));
      if (page.length === 0) break;
      for (const entry of page) lines.push(JSON.stringify(entry));
      next += page.length;
    }
    return { content: lines.map((line) => `${line}\n`).join(''), entries: lines.length, next: next <= session.audit.last ? next : null };
  },
});

const accessHandlers = handlersOf('access', {
  async 'access.grant'(input, context) {
    const { token, grant, committed } = await context.session.access.grant(input, context.call.principal, context.keyCall.unit);
    context.subject(`token:${grant.id}`);
    context.note(`scope ${grant.scope.join(' ')}`);
    context.committed(() => {
      committed();
      context.services.events.emit({ type: 'access.changed' });
    });
    return { token, grant };
  },
  'access.list': async (_input, { session }) => ({ grants: session.access.list() }),
  async 'access.revoke'(input, context) {
    const committed = await context.session.access.revoke(input.id, context.keyCall.unit);
    context.subject(`token:${input.id}`);
    context.committed(() => {
      committed();
      const revoked = new KeywrightError('UNAUTHENTICATED', { detail: 'The access token was revoked while the call was under way.', remedy: 'Make a new one with `keywright access grant`.' });
      for (const { call, cancellation } of context.session.inFlight) if (call.principal.id === `token:${input.id}`) cancellation.cancel(revoked);
      context.services.events.emit({ type: 'access.changed' });
    });
    return {};
  },
  async 'access.whoami'(_input, { call: { principal } }) {
    return { principal: principal.id, name: principal.name, face: principal.face, permissions: PERMISSIONS.filter((permission) => principal.permissions.has(permission)) };
  },
});

const configHandlers = handlersOf('config', {
  'config.show': async (_input, { services }) => ({ entries: [...services.config.explain()] }),
  async 'config.explain'(input, { services }) {
    const all = services.config.explain();
    const entries = input.key === undefined ? [...all] : all.filter(({ key }) => key === input.key);
    if (entries.length === 0) throw new KeywrightError('NOT_FOUND', { detail: `There is no setting “${input.key}”.`, alternatives: all.map(({ key }) => key) });
    return { entries };
  },
  async 'config.set'(input, { services }) {
    const entry = await services.config.set(input.key, input.value);
    services.events.emit({ type: 'config.changed' });
    return entry;
  },
  'config.validate': (_input, { services }) => services.config.validate(),
});

const agentHandlers = handlersOf('agent', {
  async 'agent.status'(_input, { services: { about, stores } }) {
    return {
      version: about.version, pid: process.pid, node: process.version, openssl: process.versions.openssl ?? 'unknown', startedAt: about.startedAt, kind: about.kind,
      listening: [...about.listening], residentBytes: process.memoryUsage.rss(), store: stores.state,
    };
  },
  async 'agent.health'(_input, { services: { stores } }) {
    const ready = stores.state === 'unlocked';
    return { live: true, ready, detail: ready ? 'Live, and the store is unlocked.' : `Live; the store is ${stores.state}.` };
  },
  async 'agent.metrics'(_input, { services: { metrics, stores } }) {
    const unlocked = stores.state === 'unlocked' ? stores.session : undefined;
    return {
      text: metrics.text({
        keywright_store_unlocked: { help: '1 while the store is unlocked.', value: unlocked === undefined ? 0 : 1 },
        keywright_keys: { help: 'Keys in the inventory, those in the trash included.', value: unlocked?.inventory.size ?? 0 },
        keywright_audit_entries: { help: 'Entries of the audit trail.', value: unlocked?.audit.last ?? 0 },
        process_resident_memory_bytes: { help: 'Resident memory.', value: process.memoryUsage.rss() },
      }),
    };
  },
  'agent.openapi': async (_input, { services }) => ({ text: await services.about.openapi() }),
});

const doctorHandlers = handlersOf('doctor', { 'doctor.run': (_input, context) => runDoctor(context) });

const promptHandlers = handlersOf('prompts', {
  'prompts.pending': async (_input, { services }) => ({ prompts: services.prompts.pending() }),
  async 'prompts.answer'(input, { services }) {
    services.prompts.answer(input.id, input.answer);
    return {};
  },
});

export const serviceHandlers: ReadonlyMap<string, Handler> = new Map([
  ...jobHandlers, ...auditHandlers, ...accessHandlers, ...configHandlers, ...agentHandlers, ...doctorHandlers, ...promptHandlers,
]);
