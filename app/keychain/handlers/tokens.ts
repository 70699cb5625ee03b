import { X509Certificate } from 'node:crypto';
import { because, KeywrightError } from '../../contract/index.ts';
import { fingerprint } from '../../formats/index.ts';
import type { KeyDescription } from '../../keystore/keystore.ts';
import type { ActionState, Token, TokenManagement } from '../../keystore/tokens.ts';
import type { Context } from '../context.ts';
import type { StoredKey } from '../inventory.ts';
import type { KnownToken } from '../known-tokens.ts';
import type { Session } from '../session.ts';
import { storedKey, titleOf } from '../stored-key.ts';
import { bytesOf, writeSecret } from '../files/places.ts';
import { handlersOf } from './handlers.ts';
import { forgetKey, keepPublicKeys, writeKey, writeNewKey } from './key-records.ts';
import { findingRecord, nameOf, slotRecord, tokenRecord } from './token-records.ts';

/** Certificates, shares and wrapped keys are small. */
const MAX_FILE = 64 * 1024;

export const tokenHandlers = handlersOf('tokens', {
  async 'tokens.list'(input, { session, services }) {
    await ready(session, services.about.kind);
    const known = allTokens(session);
    return {
      tokens: known.map((token) => tokenRecord(token, session)).filter(({ present }) => present || !input.present),
      findings: session.backends.tokens.findings().map(findingRecord),
    };
  },

  async 'tokens.show'(input, { session, call, services }) {
    await ready(session, services.about.kind);
    const known = resolve(input.token, session);
    const record = tokenRecord(known, session);
    const present = session.backends.tokens.get(known.facts.id);
    if (present === undefined) return { ...record, status: null, algorithms: [], capabilities: [], pinPolicies: [], touchPolicies: [], actions: [] };
    const status = await present.token.status(call);
    session.health.sawToken(known.facts.id, present.token, status);
    const { initialised, secrets, findings, details } = status;
    return {
      ...record,
      status: { initialised, secrets: secrets.map((secret) => ({ ...secret })), findings: findings.map(findingRecord), details: details.map((detail) => ({ ...detail })) },
      algorithms: [...present.token.store.capabilities.algorithms], capabilities: [...present.token.store.capabilities.capabilities], pinPolicies: [...(present.token.policies?.pin ?? [])], touchPolicies: [...(present.token.policies?.touch ?? [])],
      actions: present.token.actions.map((action) => ({ ...action })),
    };
  },

  'tokens.watch': watch,

  async 'tokens.slots'(input, { session, services }) {
    await ready(session, services.about.kind);
    const { id } = resolve(input.token, session).facts;
    const { slots, complete } = await session.found.contents(id, input.refresh);
    return { slots: await Promise.all(slots.map((slot) => slotRecord(slot, id, session))), complete };
  },

  async 'tokens.mechanisms'(input, context) {
    const token = await presentToken(input.token, context);
    if (token.mechanisms === undefined) throw new KeywrightError('CAPABILITY_MISSING', { detail: `${titleOf(token.facts)} has no list of mechanisms: that is a thing of PKCS#11.`, remedy: 'See what each key can do with `keywright keys capabilities`.' });
    return { mechanisms: (await token.mechanisms(context.call)).map((mechanism) => ({ ...mechanism, uses: [...mechanism.uses] })) };
  },

  async 'tokens.rename'(input, context) {
    const { session } = context;
    await ready(session, context.services.about.kind);
    const known = resolve(input.token, session);
    const renamed = await session.found.known.rename(known, input.name, context.keyCall.unit);
    context.committed(() => {
      session.found.known.named(renamed);
      context.services.events.emit({ type: 'tokens.changed', id: known.facts.id });
    });
    return tokenRecord(renamed, session);
  },

  async 'tokens.initialize'(input, context) {
    const { token: _token, ...request } = input;
    await managed(input.token, 'initialize', context, (manage) => manage.initialize, (run, manage) => run.call(manage, withoutUndefined(request), context.keyCall));
    return {};
  },
  'tokens.change-pin': (input, context) => plain(input.token, 'change-pin', context, (manage) => manage.changePin),
  'tokens.change-so-pin': (input, context) => plain(input.token, 'change-so-pin', context, (manage) => manage.changeSoPin),
  'tokens.unblock-pin': (input, context) => plain(input.token, 'unblock-pin', context, (manage) => manage.unblockPin),
  'tokens.change-puk': (input, context) => plain(input.token, 'change-puk', context, (manage) => manage.changePuk),
  'tokens.reset': (input, context) => plain(input.token, 'reset', context, (manage) => manage.reset),
  'tokens.set-identifiers': (input, context) => plain(input.token, 'set-identifiers', context, (manage) => manage.setIdentifiers),
  async 'tokens.set-management-key'(input, context) {
    const { token: _token, ...request } = input;
    await managed(input.token, 'set-management-key', context, (manage) => manage.setManagementKey, (run, manage) => run.call(manage, withoutUndefined(request), context.keyCall));
    return {};
  },
  async 'tokens.set-retries'(input, context) {
    await managed(input.token, 'set-retries', context, (manage) => manage.setRetries, (run, manage) => run.call(manage, { pin: input.pin, puk: input.puk }, context.keyCall));
    return {};
  },

  async 'tokens.move-key'(input, context) {
    const { session } = context;
    const token = await presentToken(input.token, context);
    const before = await keyInSlot(token, input.from, session);
    using _held = session.found.hold(token.facts.id, context);
    const description = await managed(input.token, 'move-key', context, (manage) => manage.moveKey, (run, manage) => run.call(manage, { from: input.from, to: input.to }, context.keyCall));
    await keepPublicKeys(context, description);
    const moved = entered(description, token);
    context.subject(description.uri);
    if (before === undefined) return writeNewKey(context, moved);
    const overwritten = session.inventory.atUri(moved.uri);
    if (overwritten !== undefined) await forgetKey(context, overwritten.id);
    return writeKey(context, { ...before, uri: moved.uri, ref: moved.ref, hardware: moved.hardware });
  },

  async 'tokens.delete-key'(input, context) {
    const { session } = context;
    const token = await presentToken(input.token, context);
    const before = await keyInSlot(token, input.slot, session);
    if (before !== undefined) context.subject(before.uri);
    using _held = session.found.hold(token.facts.id, context);
    await managed(input.token, 'delete-key', context, (manage) => manage.deleteKey, (run, manage) => run.call(manage, input.slot, context.keyCall, before?.label));
    if (before !== undefined) await forgetKey(context, before.id);
    return {};
  },

  async 'tokens.attest'(input, context) {
    const { chain, chainFormat, ...told } = await managed(input.token, 'attest', context, (manage) => manage.attest, (run, manage) => run.call(manage, input.slot, context.keyCall));
    const pem = chainFormat === 'x509' ? chain.map(pemOf).join('') : '';
    return { ...told, statements: [...told.statements], problems: [...told.problems], chain: [...chain], chainFormat, pem, chainFile: pem === '' ? Buffer.concat(chain) : Buffer.from(pem) };
  },

  async 'tokens.put-certificate'(input, context) {
    const { session } = context;
    const token = await presentToken(input.token, context);
    const certificate = certificateOf(await bytesOf(input.certificate, input.from, 'certificate', MAX_FILE, context));
    await managed(input.token, 'put-certificate', context, (manage) => manage.putCertificate, (run, manage) => run.call(manage, input.slot, certificate.raw, context.keyCall, labelOf(token, input.slot, session)));
    const { slots } = await session.found.contents(token.facts.id, true);
    const slot = slots.find((each) => each.slot === input.slot);
    if (slot === undefined) throw new KeywrightError('NOT_FOUND', { detail: `The token has no slot “${input.slot}”.`, alternatives: slots.map((each) => each.slot) });
    return slotRecord(slot, token.facts.id, session);
  },

  async 'tokens.get-certificate'(input, context) {
    const token = await presentToken(input.token, context);
    const { slots } = await context.session.found.contents(token.facts.id);
    const slot = slots.find((each) => each.slot === input.slot);
    if (slot === undefined || slot.certificate === null) throw new KeywrightError('NOT_FOUND', { detail: `There is no certificate in slot “${input.slot}” of ${titleOf(token.facts)}.`, alternatives: slots.filter(({ certificate }) => certificate !== null).map((each) => each.slot) });
    return { certificate: Buffer.from(pemOf(slot.certificate)), fingerprint: fingerprint(slot.certificate) };
  },
  async 'tokens.delete-certificate'(input, context) {
    const token = await presentToken(input.token, context);
    await managed(input.token, 'delete-certificate', context, (manage) => manage.deleteCertificate, (run, manage) => run.call(manage, input.slot, context.keyCall, labelOf(token, input.slot, context.session)));
    return {};
  },

  async 'tokens.dkek.create-share'(input, context) {
    if ((input.threshold === undefined) !== (input.total === undefined)) throw new KeywrightError('INVALID_INPUT', { detail: 'A split password needs both: how many parts there are, and how many are needed.', where: input.total === undefined ? '/total' : '/threshold' });
    const split = input.threshold === undefined || input.total === undefined ? {} : { passwordShares: { threshold: input.threshold, total: input.total } };
    const { file, keyCheckValue } = await managed(input.token, 'create-dkek-share', context, (manage) => manage.createDkekShare, (run, manage) => run.call(manage, split, context.keyCall));
    return input.to === undefined ? { share: file, keyCheckValue } : { written: await writeSecret(file, input.to, 'dkek-share.pbe', context), keyCheckValue };
  },
  async 'tokens.dkek.import-share'(input, context) {
    const share = await bytesOf(input.share, input.from, 'share', MAX_FILE, context);
    return managed(input.token, 'import-dkek-share', context, (manage) => manage.importDkekShare, (run, manage) => run.call(manage, share, input.passwordParts === undefined ? {} : { passwordShares: input.passwordParts }, context.keyCall));
  },
  async 'tokens.wrap-key'(input, context) {
    const token = await presentToken(input.token, context);
    const wrapped = await managed(input.token, 'wrap-key', context, (manage) => manage.wrapKey, (run, manage) => run.call(manage, input.slot, context.keyCall, labelOf(token, input.slot, context.session)));
    return input.to === undefined ? { wrapped } : { written: await writeSecret(wrapped, input.to, `key-${input.slot}.wrapped`, context) };
  },
  async 'tokens.unwrap-key'(input, context) {
    const wrapped = await bytesOf(input.wrapped, input.from, 'wrapped', MAX_FILE, context);
    const token = await presentToken(input.token, context);
    using _held = context.session.found.hold(token.facts.id, context);
    const description = await managed(input.token, 'unwrap-key', context, (manage) => manage.unwrapKey,
      (run, manage) => run.call(manage, { wrapped, ...(input.slot === undefined ? {} : { slot: input.slot }) }, context.keyCall));
    await keepPublicKeys(context, description);
    context.subject(description.uri);
    return writeNewKey(context, { ...entered(description, token), origin: 'imported', ...(input.label === undefined ? {} : { label: input.label }) });
  },
});

/** A command that runs by itself has watched nothing: it looks now. The others have been watching since the store was unlocked. */
async function ready({ found }: Session, kind: string): Promise<void> {
  await (kind === 'cli' ? found.settled({ everywhere: true }) : found.watch());
}

function allTokens(session: Session): KnownToken[] {
  const { tokens } = session.backends;
  const known = new Map(session.found.known.all().map((token) => [token.facts.id, token]));
  for (const { token, instance, type } of tokens.all()) {
    const { id } = token.facts;
    known.set(id, { facts: token.facts, instance, type, name: known.get(id)?.name ?? null, lastSeenAt: known.get(id)?.lastSeenAt ?? new Date().toISOString() });
  }
  const here = (token: KnownToken): number => (tokens.has(token.facts.id) ? 0 : 1);
  return [...known.values()].sort((a, b) => here(a) - here(b) || (nameOf(a) < nameOf(b) ? -1 : 1));
}

/** @throws NOT_FOUND; INVALID_INPUT for a reference that fits several, with their ids. */
function resolve(reference: string, session: Session): KnownToken {
  const all = allTokens(session);
  const byId = all.find(({ facts }) => facts.id === reference);
  if (byId !== undefined) return byId;
  const wanted = reference.toLowerCase();
  const fits = all.filter((token) => nameOf(token).toLowerCase() === wanted || token.facts.serial?.toLowerCase() === wanted || token.facts.label?.toLowerCase() === wanted);
  // A type or an instance means the only one that is plugged in.
  const candidates = fits.length > 0 ? fits : all.filter(({ facts, instance, type }) => (instance === wanted || type === wanted) && session.backends.tokens.has(facts.id));
  const [only] = candidates;
  if (only === undefined) throw new KeywrightError('NOT_FOUND', { ...because('token.unknown', { name: reference }), alternatives: all.map(({ facts }) => facts.id) });
  if (candidates.length > 1) throw new KeywrightError('INVALID_INPUT', { detail: `“${reference}” fits ${candidates.length} tokens.`, where: '/token', remedy: 'Name the token by its id.', alternatives: candidates.map(({ facts }) => facts.id) });
  return only;
}

async function presentToken(reference: string, { session, services }: Context): Promise<Token> {
  await ready(session, services.about.kind);
  const known = resolve(reference, session);
  const present = session.backends.tokens.get(known.facts.id);
  if (present === undefined) throw new KeywrightError('BACKEND_UNAVAILABLE', because('token.not-plugged-in', { token: nameOf(known) }));
  return present.token;
}

/** Runs a management verb, and has the token read again afterwards. @throws CAPABILITY_MISSING with the token's reason when it lacks the verb. */
async function managed<F, T>(reference: string, action: ActionState['action'], context: Context, verb: (manage: TokenManagement) => F | undefined, run: (found: F, manage: TokenManagement) => Promise<T>): Promise<T> {
  const token = await presentToken(reference, context);
  const { id } = token.facts;
  context.subject(id);
  const state = token.actions.find((each) => each.action === action);
  const found = verb(token.manage);
  if (found === undefined || state?.available === false) {
    throw new KeywrightError('CAPABILITY_MISSING', { detail: state?.reason ?? `${titleOf(token.facts)} cannot do that.`, alternatives: token.actions.filter(({ available }) => available).map((each) => each.action) });
  }
  try {
    return await run(found, token.manage);
  } finally {
    context.services.events.emit({ type: 'tokens.changed', id });
    if (context.session.backends.tokens.has(id)) void context.session.found.contents(id, true).catch(() => undefined); // a token that left tells it itself
  }
}

async function plain(reference: string, action: ActionState['action'], context: Context, verb: (manage: TokenManagement) => ((call: Context['keyCall']) => Promise<void>) | undefined): Promise<Record<string, never>> {
  await managed(reference, action, context, verb, (run, manage) => run.call(manage, context.keyCall));
  return {};
}

async function keyInSlot(token: Token, slot: string, { found, inventory }: Session): Promise<StoredKey | undefined> {
  await found.contents(token.facts.id);
  return inventory.ofToken(token.facts.id).find(({ hardware }) => hardware?.slot === slot);
}

/** @returns what people call the key of a slot, where the inventory has it. */
function labelOf(token: Token, slot: string, { inventory }: Session): string | undefined {
  return inventory.ofToken(token.facts.id).find(({ hardware }) => hardware?.slot === slot)?.label;
}

function entered(description: KeyDescription, token: Token): StoredKey {
  const { slotTitle, slot } = description.hardware ?? { slotTitle: null, slot: null };
  return storedKey(description, token.store, { label: description.label ?? `${slotTitle ?? slot ?? 'Key'}, ${titleOf(token.facts)}`, tags: [], origin: 'found' }, token);
}

function certificateOf(bytes: Uint8Array): X509Certificate {
  try {
    return new X509Certificate(bytes);
  } catch (cause) {
    throw new KeywrightError('INVALID_INPUT', { detail: 'The file holds no X.509 certificate.', where: '/certificate', remedy: 'Give one certificate, as DER or PEM.', cause });
  }
}

function pemOf(der: Uint8Array): string {
  return `-----BEGIN CERTIFICATE-----\n${Buffer.from(der).toString('base64').replaceAll(/(.{64})(?=.)/g, '$1\n')}\n-----END CERTIFICATE-----\n`;
}

function withoutUndefined<T extends object>(given: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)) as { [K in keyof T]: Exclude<T[K], undefined> };
}

/** Streams what is there, then what comes and goes, until cancelled, until there were so many changes or for so long. */
async function watch({ changes, seconds }: { changes?: number | undefined; seconds?: number | undefined }, { session, call, services }: Context): Promise<{ changes: number }> {
  await ready(session, services.about.kind);
  let count = 0;
  for (const token of allTokens(session)) if (session.backends.tokens.has(token.facts.id)) call.progress({ type: 'present', token: tokenRecord(token, session) });
  const { promise, resolve: end, reject } = Promise.withResolvers<void>();
  const stop = session.backends.tokens.onChange((change) => {
    if (change.type === 'findings') return;
    const { token, instance, type } = change.present;
    const known = session.found.known.get(token.facts.id) ?? { facts: token.facts, instance, type, name: null, lastSeenAt: new Date().toISOString() };
    call.progress({ type: change.type, token: tokenRecord(known, session) });
    count += 1;
    if (count === changes) end();
  });
  const timer = seconds === undefined ? undefined : setTimeout(end, seconds * 1000);
  const abort = (): void => reject(call.signal.reason as Error);
  call.signal.addEventListener('abort', abort, { once: true });
  try {
    call.signal.throwIfAborted();
    await promise;
    return { changes: count };
  } finally {
    stop();
    clearTimeout(timer);
    call.signal.removeEventListener('abort', abort);
  }
}
