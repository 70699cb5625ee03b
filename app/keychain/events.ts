import type { CoreEvent } from '../contract/index.ts';

const SPARSE_MS = 250;

/** Tells every listener, each on its own: one that throws neither stops the others nor the work that caused the event. */
export class EventBus {
  readonly #listeners = new Set<(event: CoreEvent) => void>();
  readonly #sparse = new Map<CoreEvent['type'], { again: boolean }>();

  subscribe(listener: (event: CoreEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Tells of an event that comes in swarms: at once, and then at most four times a second. */
  emitSparsely(event: CoreEvent): void {
    const waiting = this.#sparse.get(event.type);
    if (waiting !== undefined) {
      waiting.again = true;
      return;
    }
    const state = { again: false };
    this.#sparse.set(event.type, state);
    this.emit(event);
    setTimeout(() => {
      this.#sparse.delete(event.type);
      if (state.again) this.emitSparsely(event);
    }, SPARSE_MS).unref();
  }

  emit(event: CoreEvent): void {
    for (const listener of this.#listeners) {
      try {
        listener(event);
      } catch {
        // A face's fault: the face notices its own broken pipe.
      }
    }
  }
}
