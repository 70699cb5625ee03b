import { because, type HealthFinding, KeywrightError } from '../../contract/index.ts';
import type { Context } from '../context.ts';
import { checkConcerns } from '../health/check.ts';
import { byGravity, idOf, type Concern } from '../health/concern.ts';
import { backupConcern, certificateConcerns, changedSince, keyConcerns } from '../health/inventory.ts';
import { look } from '../health/look.ts';
import { backendConcerns, lookConcerns, storeConcerns, tokenConcerns } from '../health/places.ts';
import { thresholds } from '../expiry-watch.ts';
import { handlersOf } from './handlers.ts';

/** Days before its end that something is told of, where the setting names none. */
const SOON = 30;

interface Found {
  readonly id: string;
  readonly concern: Concern;
  readonly hidden: boolean;
}

export const healthHandlers = handlersOf('health', {
  async 'health.list'(input, context) {
    const { session, services } = context;
    const { health } = session;
    if (input.look) {
      // A command that runs by itself has watched nothing.
      if (services.about.kind === 'cli') await session.found.settled({ everywhere: true });
      await look(context);
    }
    const { all, changed } = await collect(context);
    const shown = all.filter(({ hidden }) => input.hidden || !hidden);
    const asking = all.filter(({ hidden, concern: { level } }) => !hidden && level !== 'note');
    const { check } = health;
    return {
      ok: asking.every(({ concern: { level } }) => level !== 'problem'), findings: await toldOf(shown.slice(0, input.limit), context), attention: asking.length, hidden: all.filter(({ hidden }) => hidden).length, total: shown.length,
      lookedAt: health.look?.at ?? null,
      checked: check === null ? null : { at: check.at, keys: check.keys, certificates: check.certificates, compared: check.compared, changed, notes: [...check.notes] },
    };
  },
  'health.hide': (input, context) => setHidden(input.id, true, context),
  'health.unhide': (input, context) => setHidden(input.id, false, context),
});

async function setHidden(id: string, hidden: boolean, context: Context): Promise<HealthFinding> {
  const { session } = context;
  const { all } = await collect(context);
  const found = all.find((one) => one.id === id);
  if (found === undefined) throw new KeywrightError('NOT_FOUND', because('health.gone', {}));
  context.subject(`health:${id}`);
  context.note(found.concern.code);
  context.committed(await session.health.hide(id, hidden, context.keyCall.unit));
  const [told] = await toldOf([{ ...found, hidden }], context);
  return told!;
}

/** @returns all that is known to ask for attention, the worst first, and whether keys or certificates have changed since they were checked. */
async function collect(context: Context): Promise<{ all: Found[]; changed: boolean }> {
  const { session, services } = context;
  await session.health.ready();
  const now = Date.now();
  const soon = thresholds(services.config.get('certificates.notifyDays')).at(-1) ?? SOON;
  const { header } = session.storage;
  const keys = keyConcerns(session, soon, now);
  const certificates = certificateConcerns(session, soon, now);
  const known = [...keys.concerns, ...certificates.concerns, ...storeConcerns(session, header), ...backendConcerns(session), ...tokenConcerns(session), ...backupConcern(keys.counted, session.health.backupAt, header, now)];
  const concerns = [...known, ...lookConcerns(session, known), ...checkConcerns(context)].sort(byGravity);
  const all = new Map<string, Found>();
  for (const concern of concerns) {
    const id = idOf(concern);
    if (!all.has(id)) all.set(id, { id, concern, hidden: session.health.isHidden(id) });
  }
  const { check } = session.health;
  return { all: [...all.values()], changed: check !== null && changedSince(check, keys.counted, certificates) };
}

async function toldOf(found: readonly Found[], { session, call }: Context): Promise<HealthFinding[]> {
  if (found.length === 0) return [];
  // What finds out about actions brings half of the contract along.
  const { Mender } = await import('../mending.ts');
  const mender = new Mender(session);
  const told: HealthFinding[] = [];
  for (const { id, concern, hidden } of found) {
    call.signal.throwIfAborted();
    const { which: _which, mend, ...rest } = concern;
    told.push({ id, ...rest, mendedBy: await mend(mender), hidden });
  }
  return told;
}
