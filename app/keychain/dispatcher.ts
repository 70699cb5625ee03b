import { randomUUID } from 'node:crypto';
import type { z } from 'zod';
import {
  asKeywrightError, KeywrightError, MISS, nounOf, quickOf, type CallOptions, type Operation,
} from '../contract/index.ts';
import type { AuditFacts } from './audit.ts';
import type { Context } from './context.ts';
import { loadNoun, type Handled } from './handlers/index.ts';
import type { Services } from './services.ts';
import type { Ports } from './ports.ts';
import { RunningCall } from './running-call.ts';

export type Handler = (input: never, context: Context) => Promise<unknown>;

/** Refusals that happened while the store was locked, to be audited once it is open. */
const KEEP_REFUSALS = 1000;
/** Milliseconds in which a job that writes files may end the ones under way, once it was cancelled. */
const GRACE = 10_000;

/**
 * The one way to every handler: authorise, parse, resolve the key, check what it can do, handle, parse the output,
 * audit, answer. Faces differ in how a call comes in and in nothing else.
 */
export class Dispatcher {
  /** The operations of the nouns that were called, by id. */
  readonly #known = new Map<string, Handled>();
  readonly #services: Services;
  readonly #log: Ports['log'];
  #unaudited: AuditFacts[] = [];

  constructor(services: Services, log: Ports['log']) {
    this.#services = services;
    this.#log = log;
  }

  /** @param input wire side. @returns the output, wire side. @throws KeywrightError alone. */
  async call(id: string, input: unknown, options: CallOptions): Promise<unknown> {
    // The clock of `performance` brings a module of its own along, for a few milliseconds of each command.
    const started = process.hrtime.bigint();
    const request = options.requestId ?? randomUUID();
    const { metrics } = this.#services;
    metrics.begin();
    let outcome = 'ok';
    try {
      return await this.#run(id, input, options, request);
    } catch (thrown) {
      const error = asKeywrightError(thrown);
      outcome = error.code;
      if (error.code === 'INTERNAL') this.#log('error', 'a call failed', { request, operation: id, error });
      throw error;
    } finally {
      metrics.end(this.#known.has(id) ? id : 'unknown', outcome, Number(process.hrtime.bigint() - started) / 1e9);
    }
  }

  /** Records something that was refused, in the trail if the store is open, else as soon as it is. */
  async refused(facts: AuditFacts): Promise<void> {
    if (this.#services.stores.state !== 'unlocked') {
      if (this.#unaudited.length < KEEP_REFUSALS) this.#unaudited.push(facts);
      return;
    }
    await this.#services.stores.session.audit.append(facts);
  }

  async #run(id: string, input: unknown, options: CallOptions, request: string): Promise<unknown> {
    const known = this.#known.get(id) ?? await this.#load(id);
    if (known === undefined) {
      throw new KeywrightError('NOT_FOUND', { detail: `There is no operation “${id.slice(0, 80)}”.`, remedy: 'See `keywright --help` or the OpenAPI description.' });
    }
    const { operation, handler } = known;
    const running = new RunningCall(operation, options, request, this.#services);
    try {
      // The body of a request may have taken a while since its token was verified.
      if (options.principal.expiresAt !== undefined) this.#services.stores.session.access.requireValid(options.principal);
      authorise(operation, options);
      const parsed = parse(operation, input);
      if (running.mayBeInToken(parsed)) await running.openSession?.found.settled();
      running.begin(parsed);
      if (running.isJob) await running.startJob(input);
      const output = await running.cancellation.race(handler(parsed as never, running), operation.resumable === undefined ? 0 : GRACE);
      const told = encode(operation, output);
      await this.#finish(running);
      await running.end('done', null);
      return told;
    } catch (thrown) {
      const error = running.reasonOf(thrown);
      const resumable = await running.end(error.code === 'CANCELLED' ? 'cancelled' : 'failed', error.facts.detail);
      await this.#auditFailure(running, error);
      throw resumable === true ? resumableError(error, request) : error;
    }
  }

  async #load(id: string): Promise<Handled | undefined> {
    for (const [name, handled] of await loadNoun(nounOf({ id }))) this.#known.set(name, handled);
    const known = this.#known.get(id);
    // Its writer is made now, while a passphrase's key is derived perhaps, and not when the answer is there.
    if (known !== undefined) quickOf(known.operation.output);
    return known;
  }

  async #finish(running: RunningCall): Promise<void> {
    const { operation } = running;
    const session = running.openSession;
    if (session === undefined) return;
    if (this.#unaudited.length > 0) {
      const late = this.#unaudited;
      this.#unaudited = [];
      for (const facts of late) await session.audit.append(facts);
    }
    if (running.unit !== undefined && !running.unit.isEmpty) {
      running.cancellation.throwIfCancelled();
      const facts = running.auditFacts(operation.effect, 'ok');
      const stored = await running.unit.commit((tx) => session.audit.record(facts, tx));
      running.applyCommitted(stored);
      // The change and its entry are committed: a log that takes no more (a full disk) does not make it undone.
      await session.audit.settle(facts).catch((thrown: unknown) => {
        this.#log('error', 'an audit entry waits for the store to be opened again', { request: running.call.id, operation: operation.id, error: asKeywrightError(thrown) });
      });
    } else {
      running.applyCommitted(new Map());
      if (operation.quiet !== true) await session.audit.append(running.auditFacts(operation.effect, 'ok'));
    }
  }

  async #auditFailure(running: RunningCall, error: KeywrightError): Promise<void> {
    const { effect, quiet } = running.operation;
    const denied = error.code === 'PERMISSION_DENIED' || error.code === 'UNAUTHENTICATED';
    if (!denied && (quiet === true || effect === 'read')) return;
    try {
      await this.refused(running.auditFacts(denied ? 'refused' : effect, error.code));
    } catch (thrown) {
      // The caller is told why the call failed; that its record failed too is for the log.
      this.#log('error', 'an audit entry could not be written', { request: running.call.id, operation: running.operation.id, error: asKeywrightError(thrown) });
    }
  }
}

function resumableError(error: KeywrightError, job: string): KeywrightError {
  return new KeywrightError(error.code, { ...error.facts, remedy: `${error.facts.remedy === undefined ? '' : `${error.facts.remedy} `}What is done is kept: go on with \`keywright jobs resume ${job}\`.` });
}

function authorise(operation: Operation, { principal }: CallOptions): void {
  const reason = operation.notOn?.[principal.face];
  if (reason !== undefined) throw new KeywrightError('PERMISSION_DENIED', { detail: `${operation.id} is not to be had here. ${reason}` });
  if (operation.permission !== null && !principal.permissions.has(operation.permission)) {
    throw new KeywrightError('PERMISSION_DENIED', { detail: `“${principal.name}” may not do this: it needs the permission ${operation.permission}.`, remedy: 'Ask for a token with that permission (`keywright access grant`).' });
  }
}

function parse({ input: schema }: Operation, input: unknown): unknown {
  const quick = quickOf(schema).parse(input);
  if (quick !== MISS) return quick;
  const parsed = schema.safeParse(input);
  if (!parsed.success) throw invalidInput(parsed.error);
  return parsed.data;
}

function encode({ output: schema }: Operation, output: unknown): unknown {
  const quick = quickOf(schema).encode(output);
  return quick === MISS ? schema.encode(output) : quick;
}

/** The first thing that is wrong, with its place as a JSON pointer (RFC 6901). Values are not repeated: they may be secret. */
function invalidInput(error: z.ZodError): KeywrightError {
  const [issue] = error.issues;
  const where = issue === undefined ? '' : issue.path.map((part) => `/${String(part).replaceAll('~', '~0').replaceAll('/', '~1')}`).join('');
  const unknown = issue?.code === 'unrecognized_keys' ? `unknown field ${issue.keys.map((key) => `“${key.slice(0, 60)}”`).join(', ')}` : (issue?.message ?? 'not valid');
  const alternatives = issue?.code === 'invalid_value' ? issue.values.map(String) : undefined;
  return new KeywrightError('INVALID_INPUT', { detail: `The input is not valid${where === '' ? '' : ` at ${where}`}: ${unknown}.`, where: where === '' ? '/' : where, ...(alternatives === undefined ? {} : { alternatives }) });
}
