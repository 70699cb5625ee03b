import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/** By then the program has started, and hardly anybody has asked it for anything yet. */
const AFTER_START_MS = 2000;

/**
 * Gives back what starting needed. It makes tens of megabytes of garbage, and V8 keeps those pages until the program allocates much
 * again, which an agent that waits may not do for days. One whole collection that also returns empty pages to the system ends that.
 */
export function giveBackMemoryOfStart(): void {
  setTimeout(() => {
    setFlagsFromString('--expose-gc');
    const collect = runInNewContext('gc') as (options: { type: 'major'; execution: 'sync'; flavor: 'last-resort' }) => void;
    setFlagsFromString('--no-expose-gc');
    collect({ type: 'major', execution: 'sync', flavor: 'last-resort' });
  }, AFTER_START_MS).unref();
}
