import type { KeywrightError } from '../../contract/index.ts';
import { closed, storageError } from '../faults.ts';
import type { Asked } from './asked.ts';
import type { Answers, Request } from './messages.ts';
import { faultOf, Requests } from './requests.ts';

/**
 * A database in the caller's own thread, for a process that does one thing and ends: a thread takes longer to start than all that
 * a command asks of it. Each request is answered before {@link ask} returns, and in the order in which they came.
 */
export class DatabaseHere implements Asked {
  readonly #requests = new Requests();
  #ended = false;

  async ask<Op extends Request['op']>(request: Extract<Request, { op: Op }>, where?: string): Promise<Answers[Op]> {
    if (this.#ended) throw closed();
    try {
      return this.#requests.answer(request) as Answers[Op];
    } catch (thrown) {
      throw storageError(faultOf(thrown), where) satisfies KeywrightError;
    }
  }

  async close(): Promise<void> {
    this.#ended = true;
    // What was closed already stays so; of one that an error left open, nothing that was committed is lost.
    this.#requests.answer({ op: 'close' });
  }
}
