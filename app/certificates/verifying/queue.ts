/** A binary heap: the least first; of equals, whoever came first. */
export class Queue<T> {
  readonly #heap: { readonly item: T; readonly by: readonly number[] }[] = [];
  #count = 0;

  /** @param by what is compared, the first number first */
  push(item: T, by: readonly number[]): void {
    const heap = this.#heap;
    heap.push({ item, by: [...by, (this.#count += 1)] });
    let at = heap.length - 1;
    while (at > 0) {
      const above = (at - 1) >> 1;
      if (!this.#before(at, above)) return;
      this.#swap(at, above);
      at = above;
    }
  }

  pop(): T | undefined {
    const heap = this.#heap;
    const first = heap[0];
    const last = heap.pop();
    if (first === undefined || last === undefined || heap.length === 0) return first?.item;
    heap[0] = last;
    for (let at = 0; ; ) {
      const left = 2 * at + 1;
      const least = left + 1 < heap.length && this.#before(left + 1, left) ? left + 1 : left;
      if (least >= heap.length || !this.#before(least, at)) return first.item;
      this.#swap(at, least);
      at = least;
    }
  }

  #before(one: number, other: number): boolean {
    const [a, b] = [this.#heap[one]!.by, this.#heap[other]!.by];
    for (let index = 0; index < a.length; index++) if (a[index] !== b[index]) return a[index]! < b[index]!;
    return false;
  }

  #swap(one: number, other: number): void {
    const heap = this.#heap;
    [heap[one], heap[other]] = [heap[other]!, heap[one]!];
  }
}
