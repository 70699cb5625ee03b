import { because, KeywrightError } from '../../contract/index.ts';
import { Backends } from '../backends.ts';
import type { Context } from '../context.ts';
import { handlersOf } from './handlers.ts';

export const backendHandlers = handlersOf('backends', {
  async 'backends.list'(_input, { services }) {
    const backends = services.stores.state === 'unlocked' ? services.stores.session.backends.list() : [];
    return { backends, types: await Backends.types(services.ports) };
  },
  async 'backends.show'(input, { services }) {
    const type = (await Backends.types(services.ports)).find(({ type: name }) => name === input.name);
    if (services.stores.state === 'unlocked' && (type === undefined || services.stores.session.backends.has(input.name))) return services.stores.session.backends.show(input.name);
    if (type !== undefined) return type;
    return services.stores.session.backends.show(input.name);
  },
  async 'backends.add'(input, context) {
    const { backends } = context.session;
    const configured = await backends.add(input.type, input.name, input.settings, context.keyCall.unit);
    return after(context, input.name, configured);
  },
  async 'backends.configure'(input, context) {
    return after(context, input.name, await context.session.backends.configure(input.name, input.settings, context.keyCall.unit));
  },
  async 'backends.remove'(input, context) {
    const { backends, inventory } = context.session;
    const keys = [...inventory.all()].filter(({ backend }) => backends.instanceOf(backend) === input.name);
    const inTokens = keys.filter(({ hardware }) => hardware !== null).length;
    const held = keys.length - inTokens;
    await backends.remove(input.name, context.keyCall.unit);
    if (held > 0) throw new KeywrightError('CONFLICT', because('backend.holds-keys', { backend: input.name, count: held }));
    context.committed(() => void applied(context, input.name, undefined));
    return { hiddenKeys: inTokens };
  },
  async 'backends.enable'(input, context) {
    return after(context, input.name, await context.session.backends.switch(input.name, true, context.keyCall.unit));
  },
  async 'backends.disable'(input, context) {
    return after(context, input.name, await context.session.backends.switch(input.name, false, context.keyCall.unit));
  },
  async 'backends.test'(input, { session, call }) {
    const started = performance.now();
    const { types } = session.backends.show(input.name);
    try {
      const source = await session.backends.openTokens(input.name);
      if (source !== undefined) {
        await source.ready();
        const problem = source.findings().find(({ level }) => level === 'problem');
        return { ok: problem === undefined, milliseconds: Math.round(performance.now() - started), detail: problem === undefined ? `“${input.name}” answers.` : [problem.detail, problem.remedy].filter(Boolean).join(' ') };
      }
      for (const type of types) await (await session.backends.storeOf({ backend: input.name, type })).list({ limit: 1 }, call);
    } catch (thrown) {
      if (!(thrown instanceof KeywrightError)) throw thrown;
      return { ok: false, milliseconds: Math.round(performance.now() - started), detail: [thrown.facts.detail, thrown.facts.remedy].filter(Boolean).join(' ') };
    }
    return { ok: true, milliseconds: Math.round(performance.now() - started), detail: `“${input.name}” answers.` };
  },
  async 'backends.diagnose'(input, { session, call }) {
    const findings = [];
    for await (const finding of session.backends.diagnose(input.name, call)) {
      const record = { ...finding, remedy: finding.remedy ?? null };
      call.progress(record);
      findings.push(record);
    }
    return { findings };
  },
});

type Configured = Parameters<Backends['applied']>[1];

function after(context: Context, name: string, configured: NonNullable<Configured>): ReturnType<Backends['tried']> {
  context.committed(() => void applied(context, name, configured));
  return context.session.backends.tried(configured);
}

async function applied(context: Context, name: string, configured: Configured): Promise<void> {
  await context.session.backends.applied(name, configured);
  context.services.events.emit({ type: 'backends.changed' });
}
