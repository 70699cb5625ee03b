import type { Writable } from 'node:stream';

/** Who reads at the other end has a processor of its own to work with meanwhile: nothing is kept from it for longer. */
const KEPT_MS = 0.25;

/** @returns a way to write in which what belongs to one turn of the event loop goes out together: a system call costs more than a small message. */
export function batching(output: Writable): (frame: Buffer) => void {
  let since: number | undefined;
  const flush = (): void => {
    if (since === undefined) return;
    since = undefined;
    output.uncork();
  };
  return (frame) => {
    if (since === undefined) {
      since = performance.now();
      output.cork();
      setImmediate(flush);
    }
    output.write(frame);
    if (performance.now() - since > KEPT_MS) flush();
  };
}
