import { randomUUID } from 'node:crypto';
import { because, KeywrightError, PromptRequest, type PendingPrompt, type Principal, type PromptAnswer, type Prompter } from '../contract/index.ts';
import type { EventBus } from './events.ts';

interface Waiting {
  readonly prompt: PendingPrompt;
  readonly settle: (answer: PromptAnswer) => void;
}

/**
 * Asks people through prompt surfaces: a call waits here until the surface answers. Used by faces that have no way to
 * a person of their own (the window, REST); the command line brings its own prompter.
 */
export class PromptBroker {
  readonly #events: EventBus;
  readonly #waiting = new Map<string, Waiting>();
  #surfaces = 0;

  constructor(events: EventBus) {
    this.#events = events;
  }

  attachSurface(): Disposable {
    this.#surfaces += 1;
    let attached = true;
    return {
      [Symbol.dispose]: () => {
        if (!attached) return;
        attached = false;
        this.#surfaces -= 1;
        // Nobody is left to ask: who waits must not wait for ever.
        if (this.#surfaces === 0) for (const { settle } of this.#waiting.values()) settle({ kind: 'cancelled' });
      },
    };
  }

  pending(): PendingPrompt[] {
    return [...this.#waiting.values()].map(({ prompt }) => prompt);
  }

  /** @throws NOT_FOUND when it was answered, cancelled or never asked. */
  answer(id: string, answer: PromptAnswer): void {
    const waiting = this.#waiting.get(id);
    if (waiting === undefined) throw new KeywrightError('NOT_FOUND', 'This prompt is gone: it was answered or its call ended.');
    waiting.settle(answer);
  }

  prompterFor(principal: Principal): Prompter {
    const broker = this;
    return {
      get interactive() {
        return broker.#surfaces > 0;
      },
      ask: (request, signal) => broker.#ask(request, principal, signal),
    };
  }

  async #ask(request: PromptRequest, principal: Principal, signal: AbortSignal): Promise<PromptAnswer> {
    if (this.#surfaces === 0) throw nobodyToAsk(request);
    signal.throwIfAborted();
    const prompt: PendingPrompt = { id: randomUUID(), request: PromptRequest.parse(request), askedBy: principal.name, askedAt: new Date().toISOString() };
    const { promise, resolve, reject } = Promise.withResolvers<PromptAnswer>();
    const abort = (): void => reject(signal.reason);
    signal.addEventListener('abort', abort, { once: true });
    this.#waiting.set(prompt.id, { prompt, settle: resolve });
    this.#announce();
    try {
      const answer = await promise;
      if (answer.kind === 'cancelled') throw new KeywrightError('CANCELLED', because('prompt.cancelled', {}));
      return answer;
    } finally {
      signal.removeEventListener('abort', abort);
      this.#waiting.delete(prompt.id);
      this.#announce();
    }
  }

  #announce(): void {
    this.#events.emit({ type: 'prompts.changed', pending: this.#waiting.size });
  }
}

/**
 * Ends prompts that nobody answers: a token must not be kept from others for ever. A touch ends with its call, and what is shown to be written
 * down takes the time that it takes.
 * @param minutes 0: never. @throws TIMEOUT, and what `prompter` does
 */
export function patiently(prompter: Prompter, minutes: () => number): Prompter {
  return {
    get interactive() {
      return prompter.interactive;
    },
    ...(prompter.given === undefined ? {} : { given: prompter.given }),
    async ask(request, signal) {
      const most = minutes();
      if (!(most > 0) || request.kind === 'touch' || request.kind === 'show-secret') return prompter.ask(request, signal);
      const ended = new AbortController();
      const timer = setTimeout(() => ended.abort(new KeywrightError('TIMEOUT', because('prompt.unanswered', { minutes: String(most) }))), most * 60_000).unref();
      try {
        return await prompter.ask({ ...request, seconds: Math.max(1, Math.round(most * 60)) }, AbortSignal.any([signal, ended.signal]));
      } finally {
        clearTimeout(timer);
      }
    },
  };
}

/** @returns the error of a prompt that nobody can see. */
function nobodyToAsk(request: PromptRequest): KeywrightError {
  const what = request.kind === 'confirm' ? 'A confirmation is needed' : request.kind === 'show-secret' ? 'A secret must be shown to a person' : 'A secret is needed';
  return new KeywrightError('PIN_REQUIRED', {
    detail: `${what} (${request.purpose}), and there is nobody here to ask: no terminal and no window.`,
    remedy: request.kind === 'confirm' && request.typed === undefined
      ? 'Confirm with --yes on the command line, or open the window.'
      : 'Give it by a file (see --help for the option), answer on a terminal, or open the window.',
  });
}
