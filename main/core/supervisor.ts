import type { ChildProcess } from 'node:child_process';
import { KeywrightError } from '../../app/contract/errors.ts';
import type { CallOptions, Core, CoreEvent, Principal } from '../../app/contract/index.ts';

interface SupervisorOptions {
  /** Starts the core process, with an IPC channel. */
  readonly launch: () => ChildProcess;
  readonly connect: (child: ChildProcess) => Core;
  readonly log: (line: string) => void;
}

/** Milliseconds before each further start: the first is nearly at once, and a core that dies at once does not spin. */
const BACKOFF = [100, 300, 1000, 2000, 5000, 10_000];
/** So many deaths in a row are no accident any more: the window says so. */
const FAILS_FROM = 3;
/** A core that lived this long (ms) has started well: the next death counts as the first. */
const STEADY_AFTER = 30_000;
/** How long a call waits for a core that is being started (ms). It has not been sent to any core then. */
const WAIT_FOR_CORE = 15_000;
/** How long a core may take to close its store (ms) before it is killed. */
const STOP_WITHIN = 5000;

interface Connection {
  readonly core: Core;
  readonly child: ChildProcess;
  /** Rejects when the process ends. */
  readonly death: Promise<never>;
  readonly surface: Disposable;
}

function gone(): KeywrightError {
  return new KeywrightError('BACKEND_UNAVAILABLE', {
    detail: 'The core process ended while it worked on this. It may or may not have been carried out; it was not tried again.',
    remedy: 'The core is started again by itself. Unlock the store, look whether the change is there, and repeat it if not.',
  });
}

/**
 * Owns the core's life: starts it, starts it again when it dies, stops it. Calls in flight when it dies fail with
 * BACKEND_UNAVAILABLE and are never repeated; calls made meanwhile wait for the next core.
 */
export class CoreSupervisor {
  readonly #options: SupervisorOptions;
  readonly #listeners = new Set<(event: CoreEvent) => void>();
  #connection: Connection | undefined;
  #waiting: ((connection: Connection) => void)[] = [];
  #deaths = 0;
  #isFailing = false;
  #stopping = false;
  #restart: NodeJS.Timeout | undefined;

  constructor(options: SupervisorOptions) {
    this.#options = options;
  }

  /** Process id of the core that runs now. */
  get pid(): number | undefined {
    return this.#connection?.child.pid;
  }

  start(): void {
    if (!this.#stopping) this.#launch(false);
  }

  subscribe(listener: (event: CoreEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /** As {@link Core.call}. @throws BACKEND_UNAVAILABLE also when no core could be started. */
  async call(operation: string, input: unknown, options: CallOptions): Promise<unknown> {
    const connection = await this.#connected(options.signal);
    const output = await Promise.race([connection.core.call(operation, input, options), connection.death]);
    this.#tellFailing(false);
    return output;
  }

  /** Has a refused message audited. Never throws: a refusal stands whether or not it can be written down. */
  async refuse(principal: Principal, request: string, reason: string): Promise<void> {
    try {
      await this.#connection?.core.refuse({ face: principal.face, code: 'PERMISSION_DENIED', request, reason });
    } catch {
      this.#options.log(`A refusal could not be audited: ${request}`);
    }
  }

  /** Closes the store and ends the process; kills it if it does not end. */
  async stop(): Promise<void> {
    this.#stopping = true;
    clearTimeout(this.#restart);
    const connection = this.#connection;
    if (connection === undefined) return;
    const { child, core } = connection;
    const ended = new Promise<void>((resolve) => void child.once('exit', () => resolve()));
    const late = setTimeout(() => child.kill('SIGKILL'), STOP_WITHIN);
    try {
      await Promise.race([core[Symbol.asyncDispose](), ended]);
    } catch {
      // It dies either way: closing the channel below ends it.
    }
    if (child.connected) child.disconnect();
    if (child.exitCode === null && child.signalCode === null) await ended;
    clearTimeout(late);
  }

  #launch(again: boolean): void {
    const startedAt = Date.now();
    const child = this.#options.launch();
    const { promise: death, reject: die } = Promise.withResolvers<never>();
    death.catch(() => undefined);
    let ended = false;
    const onEnd = (how: string) => {
      if (ended) return;
      ended = true;
      die(gone());
      this.#ended(child, Date.now() - startedAt, how);
    };
    child.once('error', (error) => onEnd(error.message));
    child.once('exit', (code, signal) => onEnd(signal ?? `exit code ${code}`));

    const core = this.#options.connect(child);
    const connection: Connection = { core, child, death, surface: core.attachPromptSurface() };
    core.subscribe((event) => this.#emit(event));
    this.#connection = connection;
    for (const resolve of this.#waiting.splice(0)) resolve(connection);
    if (again) this.#emit({ type: 'core.restarted' });
  }

  #ended(child: ChildProcess, lived: number, how: string): void {
    if (this.#connection?.child === child) this.#connection = undefined;
    // Whatever was asked died with its core: nobody may wait for an answer in an open prompt.
    this.#emit({ type: 'prompts.changed', pending: 0 });
    if (this.#stopping) return;
    this.#deaths = lived > STEADY_AFTER ? 1 : this.#deaths + 1;
    if (this.#deaths >= FAILS_FROM) this.#tellFailing(true);
    const delay = BACKOFF[Math.min(this.#deaths, BACKOFF.length) - 1] ?? 0;
    this.#options.log(`The core process ended (${how}); it is started again in ${delay} ms.`);
    this.#restart = setTimeout(() => this.#launch(true), delay);
  }

  #tellFailing(isFailing: boolean): void {
    // At each death anew: a window may have opened since the one before.
    if (!isFailing && !this.#isFailing) return;
    this.#isFailing = isFailing;
    this.#emit({ type: 'core.failing', failing: isFailing });
  }

  #emit(event: CoreEvent): void {
    for (const listener of this.#listeners) listener(event);
  }

  async #connected(signal: AbortSignal | undefined): Promise<Connection> {
    if (this.#connection !== undefined) return this.#connection;
    const { promise, resolve, reject } = Promise.withResolvers<Connection>();
    this.#waiting.push(resolve);
    const refuse = (error: KeywrightError) => () => reject(error);
    const late = setTimeout(refuse(new KeywrightError('BACKEND_UNAVAILABLE', {
      detail: 'The core process does not run and could not be started.',
      remedy: 'Restart Keywright. If it happens again, run `keywright doctor run`.',
    })), WAIT_FOR_CORE);
    const onAbort = refuse(new KeywrightError('CANCELLED', 'The call was cancelled before it was sent.'));
    signal?.addEventListener('abort', onAbort, { once: true });
    try {
      return await promise;
    } finally {
      clearTimeout(late);
      signal?.removeEventListener('abort', onAbort);
      this.#waiting = this.#waiting.filter((one) => one !== resolve);
    }
  }
}
