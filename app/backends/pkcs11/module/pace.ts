/**
 * A module in software signs in less time than it takes to hand the work to a thread of the pool and back (some 0.1 ms of processor time).
 * Calls that prove as quick as that are made at once, in the thread that asks; all others (cards, touches, the network) in the pool, where
 * they wait without holding up each other.
 */

/** What a call in the pool may take, its share where several run: then it is tried at once. */
const PROMISING_MS = 1;
/** What a call at once may take. */
const QUICK_MS = 0.3;
/** So many in the pool must have been promising, one after the other. */
const PROOF = 8;
/** A call may be slow because the machine is busy: this many are forgiven, if others were quick between them. */
const FORGIVEN = 3;
const QUICK_FOR_ONE_SLOW = 8;
/** Then so many are left to the pool before one is tried again. */
const PATIENCE = 2000;

/** The pace of one kind of call: one mechanism of one key. */
class Pace {
  /** Promising calls in a row; negative while patience is needed. */
  #promising = 0;
  #slow = 0;
  #running = 0;

  get atOnce(): boolean {
    return this.#promising >= PROOF;
  }

  async inPool<T>(call: () => Promise<T>): Promise<T> {
    this.#running += 1;
    const atStart = this.#running;
    const started = performance.now();
    try {
      const answer = await call();
      const share = (performance.now() - started) / Math.max(atStart, this.#running);
      this.#promising = this.#promising < 0 || share <= PROMISING_MS ? this.#promising + 1 : 0;
      return answer;
    } finally {
      this.#running -= 1;
    }
  }

  now<T>(call: () => T): T {
    const started = performance.now();
    const answer = call();
    if (performance.now() - started <= QUICK_MS) this.#slow = Math.max(0, this.#slow - 1 / QUICK_FOR_ONE_SLOW);
    else this.#slow += 1;
    if (this.#slow > FORGIVEN) {
      this.#slow = 0;
      this.#promising = -PATIENCE;
    }
    return answer;
  }
}

/** The paces of one token's calls. */
export class Paces {
  readonly #paces = new Map<string, Pace>();

  /** @param kind names the key and what is done with it. @param now the same call as `inPool`, without the pool. */
  async run<T>(kind: string, inPool: () => Promise<T>, now: () => T): Promise<T> {
    let pace = this.#paces.get(kind);
    if (pace === undefined) this.#paces.set(kind, (pace = new Pace()));
    return pace.atOnce ? pace.now(now) : pace.inPool(inPool);
  }

  clear(): void {
    this.#paces.clear();
  }
}
