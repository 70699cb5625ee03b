import { setTimeout as sleep } from 'node:timers/promises';
import { asKeywrightError, KeywrightError, type CallOptions, type Core, type CoreEvent, type Principal, type Refusal } from '../contract/index.ts';

/** A core that may end of itself: an owner in another process. */
type Held = Core & { readonly closed?: Promise<void>; readonly listening?: string[] };

/** After a failure the next one who calls starts another attempt, but not sooner than this (ms). */
const TRY_AGAIN_AFTER = 500;
/** Longest between two attempts of its own (ms). */
const LONGEST_PAUSE = 10_000;

/**
 * A core for programs that outlive whoever owns the store: when the owner in the other process ends, the next is found or
 * become. Calls in flight then fail with BACKEND_UNAVAILABLE and are not repeated; listeners and prompt surfaces go over.
 * A core that cannot be had fails each call with the reason, so that a window can show it.
 */
export class KeptCore implements Core {
  readonly #acquire: () => Promise<Held>;
  readonly #listeners = new Set<(event: CoreEvent) => void>();
  readonly #surfaces = new Map<object, Disposable | undefined>();
  #held: Held | undefined;
  #pending: Promise<Held> | undefined;
  #failure: { readonly error: KeywrightError; readonly at: number } | undefined;
  #disposed = false;
  /** Whoever has begun is told of each further core. */
  #begun = false;

  private constructor(acquire: () => Promise<Held>) {
    this.#acquire = acquire;
  }

  /** Returns once there is a core, or the reason why there is none. */
  static async begin(acquire: () => Promise<Held>): Promise<KeptCore> {
    const kept = new KeptCore(acquire);
    await kept.#core().catch(() => undefined);
    kept.#begun = true;
    return kept;
  }

  /** Why there is no core now; undefined when there is one. */
  get failure(): KeywrightError | undefined {
    return this.#failure?.error;
  }

  get spoolFolder(): string {
    return this.#held?.spoolFolder ?? '';
  }

  /** Of a core in this process; faces add where they listen. */
  get listening(): string[] | undefined {
    return this.#held?.listening;
  }

  async call(operation: string, input: unknown, options: CallOptions): Promise<unknown> {
    return (await this.#core()).call(operation, input, options);
  }

  subscribe(listener: (event: CoreEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  async authenticate(token: string, face: Principal['face']): Promise<Principal> {
    return (await this.#core()).authenticate(token, face);
  }

  async refuse(refusal: Refusal): Promise<void> {
    await (await this.#core()).refuse(refusal);
  }

  attachPromptSurface(): Disposable {
    const surface = {};
    this.#surfaces.set(surface, this.#held?.attachPromptSurface());
    return {
      [Symbol.dispose]: () => {
        this.#surfaces.get(surface)?.[Symbol.dispose]();
        this.#surfaces.delete(surface);
      },
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#disposed = true;
    await this.#pending?.catch(() => undefined);
    await this.#held?.[Symbol.asyncDispose]();
  }

  #core(): Promise<Held> {
    if (this.#held !== undefined) return Promise.resolve(this.#held);
    if (this.#disposed) return Promise.reject(new KeywrightError('BACKEND_UNAVAILABLE', { detail: 'Keywright is ending. This was not carried out.', remedy: 'Start it again.' }));
    if (this.#failure !== undefined && Date.now() - this.#failure.at < TRY_AGAIN_AFTER) return Promise.reject(this.#failure.error);
    this.#pending ??= this.#acquire().then(
      (held) => this.#begin(held),
      (thrown: unknown) => {
        const error = asKeywrightError(thrown);
        this.#failure = { error, at: Date.now() };
        throw error;
      },
    ).finally(() => {
      this.#pending = undefined;
    });
    return this.#pending;
  }

  #begin(held: Held): Held {
    this.#failure = undefined;
    this.#held = held;
    held.subscribe((event) => this.#emit(event));
    for (const surface of this.#surfaces.keys()) this.#surfaces.set(surface, held.attachPromptSurface());
    void held.closed?.then(() => this.#lost(held));
    if (this.#begun) this.#emit({ type: 'core.restarted' });
    return held;
  }

  #lost(held: Held): void {
    if (this.#held !== held || this.#disposed) return;
    this.#held = undefined;
    // Whatever it asked is asked no more; the next core is locked until somebody unlocks it.
    this.#emit({ type: 'prompts.changed', pending: 0 });
    void this.#regain();
  }

  /** Tries until there is a core again: whoever waits to be told need not call. */
  async #regain(): Promise<void> {
    for (let pause = TRY_AGAIN_AFTER; !this.#disposed; pause = Math.min(2 * pause, LONGEST_PAUSE)) {
      try {
        await this.#core();
        return;
      } catch {
        await sleep(pause, undefined, { ref: false });
      }
    }
  }

  #emit(event: CoreEvent): void {
    for (const listener of this.#listeners) listener(event);
  }
}
