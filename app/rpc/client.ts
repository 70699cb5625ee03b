import type { Principal, Prompter } from '../contract/call.ts';
import type { CallOptions, Channel, Core, Refusal } from '../contract/core.ts';
import { asKeywrightError, fromProblem, KeywrightError, toProblem } from '../contract/errors.ts';
import type { CoreEvent } from '../contract/events.ts';
import { fromWire, readReply, toWire, type OwnerFacts, type Reply, type Request } from './messages.ts';

/** How long an aborted call may take to say how it ended (ms) before the caller is told that it was cancelled. */
const CANCEL_GRACE = 2000;

/** A core in another process. */
export interface RemoteCore extends Core {
  /** Resolves once the other side has said who it is; until then `spoolFolder` is empty. Rejects when it never does. */
  readonly ready: Promise<void>;
  /** Who owns the store; known once `ready`. */
  readonly owner: OwnerFacts | undefined;
  /** Resolves when the channel has closed, from whichever side. */
  readonly closed: Promise<void>;
}

interface Waiting {
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: KeywrightError) => void;
  readonly progress: ((event: unknown) => void) | undefined;
  readonly prompt: Prompter | undefined;
}

interface Manner {
  readonly signal?: AbortSignal | undefined;
  readonly prompt?: Prompter | undefined;
  readonly progress?: ((event: unknown) => void) | undefined;
}

/**
 * Uses a core at the other end of a channel. Calls may be made at once: they wait in the channel until it listens.
 * Runs in Electron's main process too, which is an older Node.
 *
 * A channel that closes rejects what is in flight with BACKEND_UNAVAILABLE, once and for all: whether it happened is not
 * known here, so nothing is ever sent a second time.
 */
export function connectCore(channel: Channel): RemoteCore {
  return new Client(channel);
}

class Client implements RemoteCore {
  readonly ready: Promise<void>;
  readonly closed: Promise<void>;
  owner: OwnerFacts | undefined;
  spoolFolder = '';
  readonly #channel: Channel;
  readonly #waiting = new Map<number, Waiting>();
  /** Prompts that this side shows now. */
  readonly #asking = new Map<number, AbortController>();
  readonly #listeners = new Set<(event: CoreEvent) => void>();
  #subscribed = false;
  #lastId = 0;
  #ended = false;
  #welcome!: () => void;

  constructor(channel: Channel) {
    this.#channel = channel;
    let fail!: (error: KeywrightError) => void;
    this.ready = new Promise((resolve, reject) => {
      this.#welcome = resolve;
      fail = reject;
    });
    // Who does not ask whether it is ready learns it from the calls.
    this.ready.catch(() => undefined);
    let close!: () => void;
    this.closed = new Promise((resolve) => {
      close = resolve;
    });
    channel.onMessage((message) => this.#receive(message));
    channel.onClose(() => {
      this.#ended = true;
      for (const controller of this.#asking.values()) controller.abort(lost());
      for (const { reject } of [...this.#waiting.values()]) reject(lost());
      fail(neverSent());
      close();
    });
  }

  call(operation: string, input: unknown, options: CallOptions): Promise<unknown> {
    const { principal, signal, prompt, progress, requestId } = options;
    return this.#ask(
      (id) => ({
        type: 'call', id, operation, input, principal: toWire(principal), progress: progress !== undefined,
        prompts: prompt === undefined ? 'none' : prompt.interactive ? 'interactive' : 'plain', ...(prompt?.given === undefined ? {} : { given: prompt.given }), ...(requestId === undefined ? {} : { requestId }),
      }),
      { progress, prompt, signal },
    );
  }

  async authenticate(token: string, face: Principal['face']): Promise<Principal> {
    return (await this.#ask((id) => ({ type: 'authenticate', id, token, face }))) as Principal;
  }

  async refuse(refusal: Refusal): Promise<void> {
    await this.#ask((id) => ({ type: 'refuse', id, refusal }));
  }

  subscribe(listener: (event: CoreEvent) => void): () => void {
    this.#listeners.add(listener);
    if (!this.#subscribed) {
      this.#subscribed = true;
      this.#send({ type: 'subscribe' });
    }
    return () => void this.#listeners.delete(listener);
  }

  attachPromptSurface(): Disposable {
    this.#lastId += 1;
    const surface = this.#lastId;
    this.#send({ type: 'attach', surface });
    let attached = true;
    return {
      [Symbol.dispose]: () => {
        if (attached) this.#send({ type: 'detach', surface });
        attached = false;
      },
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#channel.close();
    await this.closed;
  }

  #send(request: Request): void {
    if (!this.#ended) this.#channel.send(request);
  }

  #ask(request: (id: number) => Request, { signal, prompt, progress }: Manner = {}): Promise<unknown> {
    if (this.#ended) return Promise.reject(neverSent());
    if (signal?.aborted === true) return Promise.reject(asKeywrightError(signal.reason));
    this.#lastId += 1;
    const id = this.#lastId;
    return new Promise((resolve, reject) => {
      let grace: ReturnType<typeof setTimeout> | undefined;
      const settle = (how: () => void): void => {
        this.#waiting.delete(id);
        signal?.removeEventListener('abort', cancel);
        clearTimeout(grace);
        how();
      };
      const cancel = (): void => {
        const reason = asKeywrightError(signal?.reason);
        this.#send({ type: 'cancel', id, problem: toProblem(reason) });
        grace = setTimeout(() => settle(() => reject(reason)), CANCEL_GRACE);
      };
      this.#waiting.set(id, { progress, prompt, resolve: (value) => settle(() => resolve(value)), reject: (error) => settle(() => reject(error)) });
      signal?.addEventListener('abort', cancel, { once: true });
      try {
        this.#channel.send(request(id));
      } catch (cause) {
        settle(() => reject(new KeywrightError('INVALID_INPUT', { detail: 'This is too long for one message between processes (64 MiB).', remedy: 'Give it as a file.', cause })));
      }
    });
  }

  #receive(message: unknown): void {
    const reply = readReply(message);
    if (reply === undefined) return this.#channel.close();
    switch (reply.type) {
      case 'welcome':
        this.owner = reply.owner;
        this.spoolFolder = reply.spoolFolder;
        return this.#welcome();
      case 'result': return this.#waiting.get(reply.id)?.resolve(reply.output);
      case 'principal': return this.#waiting.get(reply.id)?.resolve(fromWire(reply.principal));
      case 'failed': return this.#waiting.get(reply.id)?.reject(fromProblem(reply.problem));
      case 'progress': return this.#waiting.get(reply.id)?.progress?.(reply.event);
      case 'prompt': return void this.#prompt(reply);
      case 'withdraw': return this.#asking.get(reply.prompt)?.abort(new KeywrightError('CANCELLED', 'The call that asked has ended.'));
      case 'event':
        for (const listener of this.#listeners) listener(reply.event);
    }
  }

  /** Asks in the caller's own way, and tells the core what came of it. */
  async #prompt({ prompt, id, request }: Reply & { type: 'prompt' }): Promise<void> {
    const prompter = this.#waiting.get(id)?.prompt;
    const withdrawn = new AbortController();
    this.#asking.set(prompt, withdrawn);
    try {
      if (prompter === undefined) throw new KeywrightError('PIN_REQUIRED', { detail: 'The call has ended or has nobody to ask.' });
      this.#send({ type: 'answer', prompt, answer: await prompter.ask(request, withdrawn.signal) });
    } catch (thrown) {
      this.#send({ type: 'unanswered', prompt, problem: toProblem(thrown) });
    } finally {
      this.#asking.delete(prompt);
    }
  }
}

function lost(): KeywrightError {
  return new KeywrightError('BACKEND_UNAVAILABLE', {
    detail: 'The core ended while this was in flight; it may or may not have happened; nothing was repeated.',
    remedy: 'Look whether it was done, and repeat it if not.',
  });
}

const NEVER_SENT = new WeakSet<KeywrightError>();

function neverSent(): KeywrightError {
  const error = new KeywrightError('BACKEND_UNAVAILABLE', { detail: 'The process that owned the store has ended. This was not sent to it.', remedy: 'Try again.' });
  NEVER_SENT.add(error);
  return error;
}

/** Whether a call certainly never reached a core, so that it may be made to another one. */
export function wasNeverSent(thrown: unknown): boolean {
  return thrown instanceof KeywrightError && NEVER_SENT.has(thrown);
}
