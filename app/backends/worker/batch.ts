import type { Writable } from 'node:stream';

/** @returns a way to write in which everything of one turn of the event loop goes out at once: a system call costs more than a small message. */
export function batching(output: Writable): (frame: Buffer) => void {
  let corked = false;
  return (frame) => {
    if (!corked) {
      corked = true;
      output.cork();
      setImmediate(() => {
        corked = false;
        output.uncork();
      });
    }
    output.write(frame);
  };
}
