import { ipcMain } from 'electron';
import type { IpcMainEvent, IpcMainInvokeEvent, WebContents } from 'electron';
import { KeywrightError, toProblem } from '../app/contract/errors.ts';
import type { CallOptions, Face, Principal, Problem } from '../app/contract/index.ts';
import { IPC_OPERATIONS, LASTING_OPERATIONS, PROMPT_OPERATIONS } from '../preload/operations.generated.ts';
import type { DesktopResult } from '../renderer/bridge/desktop-api.ts';
import { isFrom } from './security/sender.ts';
import type { Surface } from './security/served-files.ts';

/** What the router needs of the core's host. */
export interface Calls {
  call(operation: string, input: unknown, options: CallOptions): Promise<unknown>;
  refuse(principal: Principal, request: string, reason: string): Promise<void>;
}

/** One window, the messages that it may send, and in whose name. */
export interface Side {
  readonly surface: Surface;
  readonly principal: Principal;
  readonly contents: () => WebContents | undefined;
}

type Refuse = (side: Side, request: string, reason: string) => void;

/** Registers handlers that answer to one window alone. */
export class Post {
  readonly #side: Side;
  readonly #refuse: Refuse;

  constructor(side: Side, refuse: Refuse) {
    this.#side = side;
    this.#refuse = refuse;
  }

  /** A message with an answer. From anywhere else it is refused, audited and answered with nothing but that. */
  answer(channel: string, handler: (event: IpcMainInvokeEvent, ...parts: unknown[]) => unknown): void {
    ipcMain.handle(channel, (event, ...parts: unknown[]) => {
      if (!this.#permitted(event, channel)) throw new Error('Refused.');
      return handler(event, ...parts);
    });
  }

  receive(channel: string, handler: (event: IpcMainEvent, ...parts: unknown[]) => void): void {
    ipcMain.on(channel, (event, ...parts: unknown[]) => {
      if (this.#permitted(event, channel)) handler(event, ...parts);
    });
  }

  #permitted(event: IpcMainEvent | IpcMainInvokeEvent, channel: string): boolean {
    if (isFrom(event, this.#side.surface, this.#side.contents())) return true;
    this.#refuse(this.#side, channel, 'The message did not come from the window that may send it.');
    return false;
  }
}

/** Which operations each window may call. The list is made from the contract, whose schemas stay in the core. */
const ALLOWED: Partial<Record<Face, ReadonlySet<string>>> = { ipc: new Set(IPC_OPERATIONS), prompt: new Set(PROMPT_OPERATIONS) };

const LASTING: ReadonlySet<string> = new Set(LASTING_OPERATIONS);

/** Errors travel as records: a rejected message would lose everything but its text. */
export async function asResult(work: () => Promise<unknown>): Promise<DesktopResult> {
  try {
    return { ok: true, output: await work() };
  } catch (error) {
    const problem: Problem = toProblem(error);
    return { ok: false, problem };
  }
}

interface Flight {
  readonly controller: AbortController;
  readonly lasts: boolean;
}

/** Calls of one window that are in flight: to cancel them, and to end those that nobody waits for when the page goes. */
export class CallTable {
  readonly #calls = new Map<number, Flight>();

  /** @throws INVALID_INPUT for an operation that the face does not have, or a number that is in use. */
  async run(host: Calls, side: Side, number: unknown, operation: unknown, input: unknown, progress: ((event: unknown) => void) | undefined): Promise<unknown> {
    if (typeof operation !== 'string' || ALLOWED[side.principal.face]?.has(operation) !== true) {
      void host.refuse(side.principal, String(operation).slice(0, 100), 'There is no such operation on this face.');
      throw new KeywrightError('INVALID_INPUT', { detail: 'There is no such operation.', where: '/operation' });
    }
    if (typeof number !== 'number' || this.#calls.has(number)) throw new KeywrightError('INVALID_INPUT', { detail: 'This call has no number of its own.', where: '/call' });
    const controller = new AbortController();
    const flight: Flight = { controller, lasts: LASTING.has(operation) };
    this.#calls.set(number, flight);
    const isOurs = (): boolean => this.#calls.get(number) === flight;
    // A page that came in the place of this one counts its calls from the beginning again.
    const told = progress === undefined ? {} : { progress: (event: unknown) => { if (isOurs()) progress(event); } };
    try {
      return await host.call(operation, input, { principal: side.principal, signal: controller.signal, ...told });
    } finally {
      if (isOurs()) this.#calls.delete(number);
    }
  }

  cancel(number: unknown): void {
    if (typeof number === 'number') this.#calls.get(number)?.controller.abort();
  }

  /** The page goes. What it only asked for is cancelled; jobs that make or change something go on, and are found by their ids. */
  leave(): void {
    for (const { controller, lasts } of this.#calls.values()) if (!lasts) controller.abort();
    this.#calls.clear();
  }
}
