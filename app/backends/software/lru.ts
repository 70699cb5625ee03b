/** A map that forgets what was not used for longest, once it holds more than `capacity` entries. */
export class LeastRecentlyUsed<T> {
  readonly #capacity: number;
  readonly #entries = new Map<string, T>();
  #newest: string | undefined;

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  get size(): number {
    return this.#entries.size;
  }

  get(key: string): T | undefined {
    const found = this.#entries.get(key);
    if (found === undefined || key === this.#newest) return found;
    // A Map keeps the order of insertion: the last used one moves to its end.
    this.#entries.delete(key);
    this.#entries.set(key, found);
    this.#newest = key;
    return found;
  }

  set(key: string, value: T): void {
    this.#entries.delete(key);
    this.#entries.set(key, value);
    this.#newest = key;
    if (this.#entries.size > this.#capacity) this.#entries.delete(this.#entries.keys().next().value as string);
  }

  /** Forgets all entries whose key starts with `prefix`. */
  forget(prefix: string): void {
    for (const key of this.#entries.keys()) if (key.startsWith(prefix)) this.#entries.delete(key);
  }

  clear(): void {
    this.#entries.clear();
  }
}
