import { fromProblem, KeywrightError, PromptAnswer, toProblem, type Channel, type Core, type Prompter, type PromptRequest } from '../contract/index.ts';
import { fromWire, MAX_CALLS, readRequest, toWire, type OwnerFacts, type Reply, type Request } from './messages.ts';

export interface ServeOptions {
  /** Who has the store: told to the other side. */
  readonly owner: OwnerFacts;
}

/** What goes on for one peer. */
export interface Served {
  /** Calls that are under way. */
  readonly busy: number;
}

/**
 * Lets the other end of a channel use a core. Whoever is there has been proved to be this user, so it says itself in whose
 * name it calls; each name is checked for its form, and its permissions by the dispatcher.
 *
 * When the channel closes, what the peer had under way is cancelled. A peer that breaks the protocol is cut off.
 */
export function serveCore(core: Core, channel: Channel, options: ServeOptions): Served {
  return new Server(core, channel, options);
}

interface Asked {
  readonly answer: (answer: PromptAnswer) => void;
  readonly refuse: (error: KeywrightError) => void;
}

class Server implements Served {
  readonly #core: Core;
  readonly #channel: Channel;
  readonly #calls = new Map<number, AbortController>();
  readonly #prompts = new Map<number, Asked>();
  readonly #surfaces = new Map<number, Disposable>();
  #unsubscribe: (() => void) | undefined;
  #lastPrompt = 0;
  #closed = false;

  constructor(core: Core, channel: Channel, { owner }: ServeOptions) {
    this.#core = core;
    this.#channel = channel;
    channel.onClose(() => this.#close());
    this.#send({ type: 'welcome', spoolFolder: core.spoolFolder, owner });
    channel.onMessage((message) => {
      const request = readRequest(message);
      if (request === undefined) channel.close();
      else this.#receive(request);
    });
  }

  get busy(): number {
    return this.#calls.size;
  }

  #receive(request: Request): void {
    switch (request.type) {
      case 'call': return this.#call(request);
      case 'cancel': return this.#calls.get(request.id)?.abort(fromProblem(request.problem));
      case 'answer': return this.#answered(request.prompt, request.answer);
      case 'unanswered': return this.#prompts.get(request.prompt)?.refuse(fromProblem(request.problem));
      case 'authenticate':
        return void this.#reply(request.id, async () => ({ type: 'principal', id: request.id, principal: toWire(await this.#core.authenticate(request.token, request.face)) }));
      case 'refuse':
        return void this.#reply(request.id, async () => {
          await this.#core.refuse(request.refusal);
          return { type: 'result', id: request.id, output: null };
        });
      case 'subscribe':
        this.#unsubscribe ??= this.#core.subscribe((event) => this.#send({ type: 'event', event }));
        return;
      case 'attach':
        if (!this.#surfaces.has(request.surface) && this.#surfaces.size < MAX_CALLS) this.#surfaces.set(request.surface, this.#core.attachPromptSurface());
        return;
      case 'detach':
        this.#surfaces.get(request.surface)?.[Symbol.dispose]();
        this.#surfaces.delete(request.surface);
    }
  }

  #call(request: Request & { type: 'call' }): void {
    const { id } = request;
    // An id that is in use names two calls: nothing sensible can come of it.
    if (this.#calls.has(id)) return this.#channel.close();
    void this.#reply(id, async () => {
      if (this.#calls.size >= MAX_CALLS) throw new KeywrightError('RATE_LIMITED', { detail: `More than ${MAX_CALLS} calls are in flight.`, remedy: 'Wait until some of them have ended.', retryAfter: 1 });
      const controller = new AbortController();
      this.#calls.set(id, controller);
      try {
        const output = await this.#core.call(request.operation, request.input, {
          principal: fromWire(request.principal),
          signal: controller.signal,
          ...(request.prompts === 'none' ? {} : { prompt: this.#prompter(id, request.prompts === 'interactive', request.given) }),
          ...(request.progress ? { progress: (event: unknown) => this.#send({ type: 'progress', id, event }) } : {}),
          ...(request.requestId === undefined ? {} : { requestId: request.requestId }),
        });
        return { type: 'result', id, output };
      } finally {
        this.#calls.delete(id);
      }
    });
  }

  async #reply(id: number, work: () => Promise<Reply>): Promise<void> {
    try {
      this.#send(await work());
    } catch (thrown) {
      const error = thrown instanceof RangeError
        ? new KeywrightError('INVALID_INPUT', { detail: 'The answer is too long for one message between processes (64 MiB).', remedy: 'Ask for less, or have it written to a file.', cause: thrown })
        : thrown;
      this.#send({ type: 'failed', id, problem: toProblem(error) });
    }
  }

  /** The caller's own way to a person, at the other end of the channel. */
  #prompter(id: number, interactive: boolean, given: Prompter['given']): Prompter {
    return { interactive, ...(given === undefined ? {} : { given }), ask: (request, signal) => this.#ask(id, request, signal) };
  }

  #ask(id: number, request: PromptRequest, signal: AbortSignal): Promise<PromptAnswer> {
    this.#lastPrompt += 1;
    const prompt = this.#lastPrompt;
    return new Promise<PromptAnswer>((resolve, reject) => {
      const settle = (how: () => void): void => {
        this.#prompts.delete(prompt);
        signal.removeEventListener('abort', withdraw);
        how();
      };
      const withdraw = (): void => {
        this.#send({ type: 'withdraw', prompt });
        settle(() => reject(signal.reason as Error));
      };
      if (signal.aborted) return reject(signal.reason as Error);
      if (this.#closed) return reject(wentAway());
      this.#prompts.set(prompt, { answer: (answer) => settle(() => resolve(answer)), refuse: (error) => settle(() => reject(error)) });
      signal.addEventListener('abort', withdraw, { once: true });
      this.#send({ type: 'prompt', prompt, id, request });
    });
  }

  #answered(prompt: number, answer: unknown): void {
    const asked = this.#prompts.get(prompt);
    const parsed = PromptAnswer.safeParse(answer);
    if (!parsed.success) return asked?.refuse(new KeywrightError('INVALID_INPUT', { detail: 'The answer to a prompt is not valid.', where: '/answer' }));
    if (parsed.data.kind === 'cancelled') asked?.refuse(new KeywrightError('CANCELLED', 'The prompt was cancelled. Nothing was changed.'));
    else asked?.answer(parsed.data);
  }

  #send(reply: Reply): void {
    if (!this.#closed) this.#channel.send(reply);
  }

  #close(): void {
    this.#closed = true;
    this.#unsubscribe?.();
    for (const controller of this.#calls.values()) controller.abort(wentAway());
    for (const { refuse } of [...this.#prompts.values()]) refuse(wentAway());
    for (const surface of this.#surfaces.values()) surface[Symbol.dispose]();
    this.#surfaces.clear();
  }
}

function wentAway(): KeywrightError {
  return new KeywrightError('CANCELLED', 'The caller went away.');
}
