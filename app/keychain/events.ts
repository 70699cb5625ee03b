import type { CoreEvent } from '../contract/index.ts';

/** Tells every listener, each on its own: one that throws neither stops the others nor the work that caused the event. */
export class EventBus {
  readonly #listeners = new Set<(event: CoreEvent) => void>();

  subscribe(listener: (event: CoreEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
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
