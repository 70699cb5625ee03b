import { randomUUID } from 'node:crypto';
import type { z } from 'zod';
import {
  asKeywrightError, KeywrightError, OPERATIONS_BY_ID, USAGES, type Call, type CallOptions, type Capability, type Operation, type Usage,
} from '../contract/index.ts';
import type { KeyCall } from '../keystore/keystore.ts';
import type { StoredRecord } from '../storage/storage.ts';
import type { AuditFacts } from './audit.ts';
import { assertCapable } from './capabilities.ts';
import type { Context } from './context.ts';
import type { StoredKey } from './inventory.ts';
import type { Services } from './services.ts';
import type { Ports } from './ports.ts';
import type { Session } from './session.ts';
import { UnitOfWork } from './unit.ts';

export type Handler = (input: never, context: Context) => Promise<unknown>;

/** Longest that an operation may take which waits neither for a person nor for a file. */
const DEADLINE = 30_000;
/** Refusals that happened while the store was locked, to be audited once it is open. */
const KEEP_REFUSALS = 1000;

/**
 * The one way to every handler: authorise, parse, resolve the key, check what it can do, handle, parse the output,
 * audit, answer. Faces differ in how a call comes in and in nothing else.
 */
export class Dispatcher {
  readonly #handlers: ReadonlyMap<string, Handler>;
  readonly #services: Services;
  readonly #log: Ports['log'];
  #unaudited: AuditFacts[] = [];

  constructor(handlers: ReadonlyMap<string, Handler>, services: Services, log: Ports['log']) {
    this.#handlers = handlers;
    this.#services = services;
    this.#log = log;
  }

  /** @param input wire side. @returns the output, wire side. @throws KeywrightError alone. */
  async call(id: string, input: unknown, options: CallOptions): Promise<unknown> {
    const started = performance.now();
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
      metrics.end(OPERATIONS_BY_ID.has(id) ? id : 'unknown', outcome, (performance.now() - started) / 1000);
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
    const operation = OPERATIONS_BY_ID.get(id);
    const handler = this.#handlers.get(id);
    if (operation === undefined || handler === undefined) {
      throw new KeywrightError('NOT_FOUND', { detail: `There is no operation “${id.slice(0, 80)}”.`, remedy: 'See `keywright --help` or the OpenAPI description.' });
    }
    const running = new RunningCall(operation, options, request, this.#services);
    try {
      authorise(operation, options);
      const parsed = operation.input.safeParse(input);
      if (!parsed.success) throw invalidInput(parsed.error);
      running.begin(parsed.data);
      const output = await running.race(handler(parsed.data as never, running));
      const told = operation.output.encode(output as never);
      await this.#finish(running);
      running.end('done', null);
      return told;
    } catch (thrown) {
      const error = running.reasonOf(thrown);
      running.end(error.code === 'CANCELLED' ? 'cancelled' : 'failed', error.facts.detail);
      await this.#auditFailure(running, error);
      throw error;
    }
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
      running.call.signal.throwIfAborted();
      const facts = running.auditFacts(operation.effect, 'ok');
      const stored = await running.unit.commit((tx) => session.audit.record(facts, tx));
      running.applyCommitted(stored);
      await session.audit.settle(facts);
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

/** One call on its way through. */
class RunningCall implements Context {
  readonly operation: Operation;
  readonly services: Services;
  readonly call: Call;
  readonly #options: CallOptions;
  readonly #abort = new AbortController();
  readonly #subjects: string[] = [];
  readonly #committed: ((stored: ReadonlyMap<string, StoredRecord>) => void)[] = [];
  #detail: string | null = null;
  #session: Session | undefined;
  #key: StoredKey | undefined;
  #keyCall: KeyCall | undefined;
  #unit: UnitOfWork | undefined;
  #job: ReturnType<Services['jobs']['start']> | undefined;
  #stopListening: (() => void)[] = [];

  constructor(operation: Operation, options: CallOptions, request: string, services: Services) {
    this.operation = operation;
    this.services = services;
    this.#options = options;
    const { progress } = options;
    this.call = {
      id: request,
      principal: options.principal,
      signal: this.#abort.signal,
      prompt: options.prompt ?? services.prompts.prompterFor(options.principal),
      progress: (event) => {
        this.#job?.progress(event);
        progress?.(event);
      },
    };
  }

  begin(input: unknown): void {
    this.#follow(this.#options.signal);
    if (this.operation.unhurried !== true) {
      const deadline = setTimeout(() => this.#abort.abort(new KeywrightError('TIMEOUT', { detail: `It took longer than ${DEADLINE / 1000} s and was stopped.`, remedy: 'Try again; `keywright doctor run` looks for a cause.' })), DEADLINE);
      this.#stopListening.push(() => clearTimeout(deadline));
    }
    if (this.operation.whenLocked !== true || this.services.stores.state === 'unlocked') {
      this.#session = this.services.stores.session;
      if (this.operation.whenLocked !== true) this.#follow(this.#session.signal);
    }
    if (this.operation.quiet !== true) this.services.stores.touch();
    if (this.operation.progress !== undefined && this.operation.follows !== true) this.#job = this.services.jobs.start(this.operation, this.call, () => this.#abort.abort());
    this.#resolveKey(input);
  }

  get session(): Session {
    return (this.#session ??= this.services.stores.session);
  }

  /** The session, if the store is open now: unlocking opens it during the call. */
  get openSession(): Session | undefined {
    return this.services.stores.state === 'unlocked' ? this.services.stores.session : undefined;
  }

  get unit(): UnitOfWork | undefined {
    return this.#unit;
  }

  get wrote(): boolean {
    return this.#unit !== undefined;
  }

  get key(): StoredKey {
    if (this.#key === undefined) throw new Error(`${this.operation.id} names no key`);
    return this.#key;
  }

  get keyCall(): KeyCall {
    if (this.#keyCall === undefined) {
      this.#unit = new UnitOfWork(this.session.storage);
      this.#keyCall = { ...this.call, unit: this.#unit };
    }
    return this.#keyCall;
  }

  subject(name: string): void {
    this.#subjects.push(name);
  }

  note(detail: string): void {
    this.#detail = detail;
  }

  committed(work: (stored: ReadonlyMap<string, StoredRecord>) => void): void {
    this.#committed.push(work);
  }

  applyCommitted(stored: ReadonlyMap<string, StoredRecord>): void {
    for (const work of this.#committed) work(stored);
  }

  /** @returns the handler's result, or the abort, whichever comes first: a backend that hangs must not hang the caller. */
  race<T>(work: Promise<T>): Promise<T> {
    const { signal } = this.call;
    if (signal.aborted) {
      work.catch(() => undefined);
      return Promise.reject(signal.reason as Error);
    }
    return new Promise<T>((resolve, reject) => {
      const abort = (): void => reject(signal.reason as Error);
      signal.addEventListener('abort', abort, { once: true });
      this.#stopListening.push(() => signal.removeEventListener('abort', abort));
      work.then(resolve, reject);
    });
  }

  /** @returns the error; for an aborted call the reason of the abort, whatever the backend made of it. */
  reasonOf(thrown: unknown): KeywrightError {
    const { signal } = this.call;
    if (signal.aborted && signal.reason instanceof KeywrightError) return signal.reason;
    return asKeywrightError(thrown);
  }

  end(state: 'done' | 'failed' | 'cancelled', detail: string | null): void {
    for (const stop of this.#stopListening) stop();
    this.#stopListening = [];
    this.#job?.end(state, detail);
  }

  auditFacts(effect: AuditFacts['effect'], outcome: string): AuditFacts {
    const { principal } = this.#options;
    return {
      at: new Date().toISOString(), request: this.call.id, principal: principal.id, principalName: principal.name, face: principal.face,
      operation: this.operation.id, effect, outcome, subjects: this.#subjects, detail: this.#detail,
    };
  }

  #follow(signal: AbortSignal | undefined): void {
    if (signal === undefined) return;
    if (signal.aborted) {
      this.#abort.abort(signal.reason);
      return;
    }
    const abort = (): void => this.#abort.abort(signal.reason);
    signal.addEventListener('abort', abort, { once: true });
    this.#stopListening.push(() => signal.removeEventListener('abort', abort));
  }

  #resolveKey(input: unknown): void {
    if (typeof input !== 'object' || input === null || !('key' in input) || typeof input.key !== 'string' || this.operation.whenLocked === true) return;
    this.#key = this.session.inventory.resolve(input.key);
    this.subject(this.#key.uri);
    const { capability } = this.operation;
    if (capability !== undefined && isUsage(capability)) assertCapable(this.#key, capability);
  }
}

function authorise(operation: Operation, { principal }: CallOptions): void {
  const reason = operation.notOn?.[principal.face];
  if (reason !== undefined) throw new KeywrightError('PERMISSION_DENIED', { detail: `${operation.id} is not to be had here. ${reason}` });
  if (!principal.permissions.has(operation.permission)) {
    throw new KeywrightError('PERMISSION_DENIED', { detail: `“${principal.name}” may not do this: it needs the permission ${operation.permission}.`, remedy: 'Ask for a token with that permission (`keywright access grant`).' });
  }
}

function isUsage(capability: Capability): capability is Usage {
  return (USAGES as readonly string[]).includes(capability);
}

/** The first thing that is wrong, with its place as a JSON pointer (RFC 6901). Values are not repeated: they may be secret. */
function invalidInput(error: z.ZodError): KeywrightError {
  const [issue] = error.issues;
  const where = issue === undefined ? '' : issue.path.map((part) => `/${String(part).replaceAll('~', '~0').replaceAll('/', '~1')}`).join('');
  const unknown = issue?.code === 'unrecognized_keys' ? `unknown field ${issue.keys.map((key) => `“${key.slice(0, 60)}”`).join(', ')}` : (issue?.message ?? 'not valid');
  const alternatives = issue?.code === 'invalid_value' ? issue.values.map(String) : undefined;
  return new KeywrightError('INVALID_INPUT', { detail: `The input is not valid${where === '' ? '' : ` at ${where}`}: ${unknown}.`, where: where === '' ? '/' : where, ...(alternatives === undefined ? {} : { alternatives }) });
}
