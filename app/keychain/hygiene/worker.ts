/** A thread that looks at many public keys at once: minutes of arithmetic on numbers of a megabyte and more, while the core answers others. */
import { parentPort, workerData } from 'node:worker_threads';
import { look } from './look.ts';
import type { HygieneMessage, HygieneTask } from './messages.ts';

/** So fine is a bar. */
const STEPS = 200;

const port = parentPort!;
const say = (message: HygieneMessage): void => port.postMessage(message);
let told = 0;

say({ result: look(workerData as HygieneTask, (fraction) => {
  const done = Math.floor(fraction * STEPS);
  if (done === told) return;
  told = done;
  say({ done, total: STEPS });
}) });
