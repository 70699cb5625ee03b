import { Worker } from 'node:worker_threads';
import { KeywrightError } from '../../contract/index.ts';
import type { HygieneMessage, HygieneResult, HygieneTask } from './messages.ts';

export { readWeakList } from './known-weak.ts';
export type { HygieneResult } from './messages.ts';

/**
 * Looks at many public keys in a thread of its own, which ends with the call.
 *
 * @throws the signal's reason when it is cancelled; INTERNAL when the thread ends by itself (no memory)
 */
export async function lookAtAll(task: HygieneTask, { signal, progress }: { signal: AbortSignal; progress(done: number, total: number): void }): Promise<HygieneResult> {
  signal.throwIfAborted();
  const { promise, resolve, reject } = Promise.withResolvers<HygieneResult>();
  const worker = new Worker(new URL('./worker.ts', import.meta.url), { name: 'key hygiene', execArgv: [], workerData: task });
  const cancel = (): void => reject(signal.reason as Error);
  signal.addEventListener('abort', cancel, { once: true });
  worker.on('message', (message: HygieneMessage) => {
    if ('result' in message) resolve(message.result);
    else progress(message.done, message.total);
  });
  const ended = (cause?: unknown): void => reject(new KeywrightError('INTERNAL', { detail: 'The thread that compares keys ended.', remedy: 'Try again with more memory free.', cause }));
  worker.on('error', ended);
  const exited = new Promise<void>((done) => {
    worker.on('exit', () => {
      ended();
      done();
    });
  });
  try {
    const result = await promise;
    // It ends by itself with its last message; whoever terminates it meanwhile takes away what it is tidying up.
    await exited;
    return result;
  } catch (thrown) {
    await worker.terminate();
    throw thrown;
  } finally {
    signal.removeEventListener('abort', cancel);
  }
}
