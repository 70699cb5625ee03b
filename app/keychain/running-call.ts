import {
  asKeywrightError, KeywrightError, needsStore, USAGES, type CallOptions, type Capability, type Operation, type Principal, type Prompter, type Usage,
} from '../contract/index.ts';
import type { KeyCall } from '../keystore/keystore.ts';
import type { StoredRecord } from '../storage/storage.ts';
import type { AuditFacts } from './audit.ts';
import { Cancellation } from './cancellation.ts';
import { assertCapable } from './capabilities.ts';
import type { Context } from './context.ts';
import type { StoredKey } from './inventory.ts';
import type { JobItem, RunningJob } from './jobs.ts';
import { patiently } from './prompts.ts';
import type { Services } from './services.ts';
import type { CallInFlight, Session } from './session.ts';
import { UnitOfWork } from './unit.ts';

/** Longest that an operation may take which waits neither for a person nor for a file. */
const DEADLINE = 30_000;

/** One call on its way through the dispatcher. */
export class RunningCall implements Context, CallInFlight {
  readonly operation: Operation;
  readonly services: Services;
  readonly call: KeyCall;
  readonly #options: CallOptions;
  readonly cancellation = new Cancellation();
  endsWithStore = false;
  readonly #subjects: string[] = [];
  readonly #committed: ((stored: ReadonlyMap<string, StoredRecord>) => void)[] = [];
  #detail: string | null = null;
  #session: Session | undefined;
  #key: StoredKey | undefined;
  #unit: UnitOfWork | undefined;
  #job: RunningJob | undefined;
  /** Whether it keeps the store from locking by itself. */
  #inUse = false;
  #hasEnded = false;

  constructor(operation: Operation, options: CallOptions, request: string, services: Services) {
    this.operation = operation;
    this.services = services;
    this.#options = options;
    this.call = new CallOfPrincipal(request, options, this);
  }

  /** The call's own writes: made when first asked for. */
  get ownUnit(): UnitOfWork {
    return (this.#unit ??= new UnitOfWork(this.session.storage));
  }

  progress(event: unknown): void {
    this.#job?.progress(event);
    this.#options.progress?.(event);
  }

  discarded(what: string): void {
    const { operation, services } = this;
    services.stores.session.audit.append({ ...this.auditFacts('use', 'CANCELLED'), detail: `a late result was thrown away: ${what}` }).catch((thrown: unknown) => {
      services.ports.log('error', 'an audit entry could not be written', { request: this.call.id, operation: operation.id, error: asKeywrightError(thrown) });
    });
  }

  begin(input: unknown): void {
    const { signal } = this.#options;
    if (signal !== undefined) this.cancellation.follow(signal);
    if (this.operation.unhurried !== true) {
      const deadline = setTimeout(() => this.cancellation.cancel(new KeywrightError('TIMEOUT', { detail: `It took longer than ${DEADLINE / 1000} s and was stopped.`, remedy: 'Try again; `keywright doctor run` looks for a cause.' })), DEADLINE);
      this.cancellation.onEnd(() => clearTimeout(deadline));
    }
    const needed = needsStore(this.operation, input);
    if (needed || this.services.stores.state === 'unlocked') {
      this.#session = this.services.stores.session;
      this.endsWithStore = needed;
      this.#session.inFlight.add(this);
    }
    if (this.operation.quiet !== true) this.#use(true);
    this.#resolveKey(input);
  }

  /** Whether the call is one that others can list, watch and cancel: then {@link startJob} comes before its handler. */
  get isJob(): boolean {
    return this.operation.progress !== undefined && this.operation.follows !== true;
  }

  /** @param input wire side */
  async startJob(input: unknown): Promise<void> {
    this.#job = await this.services.jobs.start(this.operation, this.call, input, (reason) => this.cancellation.cancel(reason));
  }

  /** Whether the input names a key that is not known, in a process that has not looked into the tokens yet: a command that runs by itself. */
  mayBeInToken(input: unknown): boolean {
    const reference = referenceIn(input);
    return reference !== undefined && this.services.about.kind === 'cli' && this.operation.whenLocked !== true && this.openSession?.inventory.knows(reference) === false;
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
    return this.call;
  }

  subject(name: string): void {
    this.#subjects.push(name);
  }

  note(detail: string): void {
    this.#detail = detail;
  }

  async expanded(items: readonly unknown[]): Promise<void> {
    await this.#job?.expanded(items);
  }

  completed(index: number): void {
    this.#job?.completed(index);
  }

  item(index: number): JobItem | undefined {
    return this.#job?.item(index);
  }

  committed(work: (stored: ReadonlyMap<string, StoredRecord>) => void): void {
    this.#committed.push(work);
  }

  applyCommitted(stored: ReadonlyMap<string, StoredRecord>): void {
    for (const work of this.#committed) work(stored);
  }

  /** @returns the error; for a cancelled call the reason of that, whatever the backend made of it. */
  reasonOf(thrown: unknown): KeywrightError {
    const { reason } = this.cancellation;
    return reason instanceof KeywrightError ? reason : asKeywrightError(thrown);
  }

  /** @returns whether it was a job that can be gone on with, once that is kept. */
  end(state: 'done' | 'failed' | 'cancelled', detail: string | null): Promise<boolean> | undefined {
    this.cancellation.end();
    this.#hasEnded = true;
    this.#session?.inFlight.delete(this);
    this.#use(false);
    return this.#job?.end(state, detail);
  }

  /** Whoever waits for a person uses nothing meanwhile: a prompt that nobody answers does not keep the store open. */
  async asking<T>(question: () => Promise<T>): Promise<T> {
    const wasInUse = this.#inUse;
    this.#use(false);
    try {
      return await question();
    } finally {
      if (wasInUse && !this.#hasEnded) this.#use(true);
    }
  }

  #use(inUse: boolean): void {
    if (inUse === this.#inUse) return;
    this.#inUse = inUse;
    if (inUse) this.services.stores.useBegins();
    else this.services.stores.useEnds();
  }

  auditFacts(effect: AuditFacts['effect'], outcome: string): AuditFacts {
    const { principal } = this.#options;
    return {
      at: timeNow(), request: this.call.id, principal: principal.id, principalName: principal.name, face: principal.face,
      operation: this.operation.id, effect, outcome, subjects: this.#subjects, detail: this.#detail,
    };
  }

  #resolveKey(input: unknown): void {
    const reference = referenceIn(input);
    if (reference === undefined || this.operation.whenLocked === true) return;
    this.#key = this.session.inventory.resolve(reference);
    this.subject(this.#key.uri);
    const { capability } = this.operation;
    if (capability !== undefined && isUsage(capability)) assertCapable(this.#key, capability);
  }
}

let lastTime = 0;
let lastText = '';

/** @returns now, RFC 3339 in UTC with milliseconds. Calls of one millisecond share the text: making it takes longer than reading a clock. */
function timeNow(): string {
  const now = Date.now();
  if (now !== lastTime) {
    lastTime = now;
    lastText = new Date(now).toISOString();
  }
  return lastText;
}

/** What handlers and backends see of the call. All but its name is made when asked for: a signature needs none of it. */
class CallOfPrincipal implements KeyCall {
  readonly id: string;
  readonly principal: Principal;
  readonly #running: RunningCall;
  /** The caller's own way to a person. */
  readonly #given: Prompter | undefined;
  #prompt: Prompter | undefined;
  #progress: ((event: unknown) => void) | undefined;
  #discarded: ((what: string) => void) | undefined;

  constructor(id: string, { principal, prompt }: CallOptions, running: RunningCall) {
    this.id = id;
    this.principal = principal;
    this.#running = running;
    this.#given = prompt;
  }

  get progress(): (event: unknown) => void {
    return (this.#progress ??= (event) => this.#running.progress(event));
  }

  get discarded(): (what: string) => void {
    return (this.#discarded ??= (what) => this.#running.discarded(what));
  }

  get signal(): AbortSignal {
    return this.#running.cancellation.signal;
  }

  get unit(): UnitOfWork {
    return this.#running.ownUnit;
  }

  get prompt(): Prompter {
    return (this.#prompt ??= this.#patient(this.#given ?? this.#running.services.prompts.prompterFor(this.principal)));
  }

  #patient(prompter: Prompter): Prompter {
    const { given } = prompter;
    return patiently({
      get interactive() {
        return prompter.interactive;
      },
      ...(given === undefined ? {} : { given }),
      ask: (request, signal) => this.#running.asking(() => prompter.ask(request, signal)),
    }, () => Number(this.#running.services.config.get('prompts.waitMinutes')));
  }
}

function referenceIn(input: unknown): string | undefined {
  return typeof input === 'object' && input !== null && 'key' in input && typeof input.key === 'string' ? input.key : undefined;
}

function isUsage(capability: Capability): capability is Usage {
  return (USAGES as readonly string[]).includes(capability);
}
