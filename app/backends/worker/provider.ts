import type { ChildProcess } from 'node:child_process';
import type { Readable, Writable } from 'node:stream';
import { asKeywrightError, KeywrightError } from '../../contract/index.ts';
import type { Finding } from '../../keystore/registry.ts';
import { encodeFrame, FrameReader } from '../../rpc/frames.ts';
import { batching } from './batch.ts';
import { errorOf, MAX_FRAME, PROTOCOL_VERSION, readFromProvider, type FromProvider, type ProviderHello, type ToProvider } from './protocol.ts';

/** A process that was started, and the two ways to it. */
export interface ProviderProcess {
  readonly process: ChildProcess;
  readonly input: Writable;
  readonly output: Readable;
}

interface ProviderOptions {
  /** "The PKCS#11 module /usr/lib/softhsm/libsofthsm2.so": begins the sentences of errors. */
  readonly title: string;
  readonly instance: string;
  readonly settings: unknown;
  /** @throws KeywrightError when it cannot be started. */
  start(): Promise<ProviderProcess>;
  /** How long it may take from its start to its hello. */
  readonly startSeconds: number;
  readonly onEvent?: (event: string) => void;
  /** It came up or went down: what {@link Provider.finding} gives has changed. */
  readonly onChange?: () => void;
}

export interface CallOptions {
  readonly signal: AbortSignal;
  /** A second one, where the call may end for another reason than its caller's: cheaper than to join the two. */
  readonly other?: AbortSignal;
  /** When the provider is killed if it has not answered. */
  readonly seconds: number;
  /** The provider did it after the caller had left: its answer was thrown away. */
  readonly late?: () => void;
}

interface Waiting {
  readonly method: string;
  settle(error: KeywrightError | undefined, output?: unknown): void;
  /** Its caller has left; the deadline still holds. */
  left: boolean;
}

/** One life of the process. */
interface Run {
  readonly ready: Promise<ProviderHello>;
  readonly waiting: Map<number, Waiting>;
  send(message: ToProvider): void;
  end(error: KeywrightError): void;
}

/** Once it has been told to end by the end of its input, so long until it is killed. */
const FAREWELL_MS = 1000;

/**
 * A provider in a process of its own. It is started by the first call and again by the next one after it ended, for whatever
 * reason: one that hangs is killed at the deadline of a call, one that crashes or speaks nonsense fails what is in flight and
 * nothing else. Nothing is ever sent twice.
 */
export class Provider implements AsyncDisposable {
  readonly #options: ProviderOptions;
  #run: Run | undefined;
  #ids = 0;
  #finding: Finding | undefined;
  #closed = false;

  constructor(options: ProviderOptions) {
    this.#options = options;
  }

  /** Why it did not come up, or how it ended last; nothing once it answers again. */
  get finding(): Finding | undefined {
    return this.#finding;
  }

  /** Changes with each start: what an earlier process held (sessions, logins) is gone. */
  get life(): object | undefined {
    return this.#run;
  }

  /** Starts it if need be. @throws BACKEND_UNAVAILABLE, TIMEOUT */
  hello(): Promise<ProviderHello> {
    return this.#current().ready;
  }

  /**
   * @param input becomes JSON. A secret is in it for this call alone.
   * @returns what the provider answers; the caller checks it.
   * @throws what the provider says; CANCELLED; TIMEOUT (it was killed); BACKEND_UNAVAILABLE
   */
  async call(method: string, input: unknown, { signal, other, seconds, late }: CallOptions): Promise<unknown> {
    throwIfAborted(signal, other);
    const run = this.#current();
    await run.ready;
    throwIfAborted(signal, other);
    return new Promise((resolve, reject) => {
      const id = ++this.#ids;
      const deadline = setTimeout(() => run.end(this.#hung(method, seconds)), seconds * 1000);
      const leave = (): void => {
        waiting.left = true;
        run.send({ type: 'cancel', id });
        reject(asKeywrightError(signal.aborted ? signal.reason : other?.reason));
      };
      const waiting: Waiting = {
        method, left: false,
        settle: (error, output) => {
          run.waiting.delete(id);
          clearTimeout(deadline);
          signal.removeEventListener('abort', leave);
          other?.removeEventListener('abort', leave);
          if (error !== undefined) reject(error);
          else if (waiting.left) late?.();
          else resolve(output);
        },
      };
      run.waiting.set(id, waiting);
      signal.addEventListener('abort', leave);
      other?.addEventListener('abort', leave);
      try {
        run.send({ type: 'call', id, method, input, seconds });
      } catch (thrown) {
        waiting.settle(new KeywrightError('INVALID_INPUT', { detail: `${this.#options.title} takes messages of ${MAX_FRAME / 1024 / 1024} MiB at most.`, cause: thrown }));
      }
    });
  }

  /** Ends it; what is in flight fails. A later call starts it afresh unless it was disposed. */
  stop(): void {
    this.#run?.end(new KeywrightError('BACKEND_UNAVAILABLE', { detail: `${this.#options.title} was stopped.`, remedy: 'Try again.' }));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true;
    this.stop();
  }

  #current(): Run {
    if (this.#closed) throw new KeywrightError('BACKEND_UNAVAILABLE', { detail: `${this.#options.title} was closed.` });
    this.#run ??= this.#start();
    return this.#run;
  }

  #start(): Run {
    const { title, instance, settings, startSeconds, onEvent, onChange } = this.#options;
    const waiting = new Map<number, Waiting>();
    const hello = Promise.withResolvers<ProviderHello>();
    hello.promise.catch(() => undefined);
    let started: ProviderProcess | undefined;
    let write: ((frame: Buffer) => void) | undefined;
    let over = false;
    let said = '';

    const end = (error: KeywrightError, finding = error): void => {
      if (over) return;
      over = true;
      clearTimeout(late);
      if (this.#run === run) this.#run = undefined;
      if (!this.#closed) this.#finding = { level: 'problem', code: codeOf(finding), detail: finding.facts.detail, ...(finding.facts.remedy === undefined ? {} : { remedy: finding.facts.remedy }) };
      hello.reject(error);
      for (const one of [...waiting.values()]) one.settle(error);
      if (started !== undefined) quit(started, error.code === 'BACKEND_UNAVAILABLE' && this.#closed);
      onChange?.();
    };
    const late = setTimeout(() => end(new KeywrightError('TIMEOUT', { detail: `${title} did not come up within ${startSeconds} ${startSeconds === 1 ? 'second' : 'seconds'}, and was ended.`, remedy: 'See whether its device or server answers; the next call starts it afresh.' })), startSeconds * 1000);
    const run: Run = {
      ready: hello.promise, waiting, end,
      send: (message) => {
        if (!over) write?.(encodeFrame(message, MAX_FRAME));
      },
    };

    const receive = (message: FromProvider | undefined): void => {
      if (message === undefined) end(this.#breach('it sent a message that is not one of the protocol'));
      else if (message.type === 'hello') {
        if (message.protocol !== PROTOCOL_VERSION) return end(this.#breach(`it speaks version ${message.protocol} of the protocol, and this is version ${PROTOCOL_VERSION}`));
        clearTimeout(late);
        this.#finding = undefined;
        hello.resolve({ name: message.name, version: message.version, facts: message.facts });
        onChange?.();
      } else if (message.type === 'event') onEvent?.(message.event);
      else if (message.type === 'failed' && message.id === undefined) end(errorOf(message.error));
      else {
        const one = waiting.get(message.id as number);
        // An answer to a call that nobody made would be a fault; one that has ended meanwhile is not known any more, and does no harm.
        if (one === undefined) return;
        if (message.type === 'failed') one.settle(errorOf(message.error));
        else one.settle(undefined, message.output);
      }
    };

    this.#options.start().then((process) => {
      started = process;
      if (over) return quit(process, false);
      write = batching(process.input);
      const reader = new FrameReader(MAX_FRAME);
      process.output.on('data', (piece: Buffer) => {
        if (over) return;
        try {
          for (const message of reader.push(piece)) receive(readFromProvider(message));
        } catch (thrown) {
          end(this.#breach(thrown instanceof RangeError ? 'it announced a message that is too long' : 'it sent something that is no message'));
        }
      });
      process.output.on('error', () => undefined);
      process.input.on('error', () => undefined);
      process.process.stderr?.on('data', (piece: Buffer) => { said = `${said}${piece.toString('utf8')}`.slice(-2000); });
      process.process.on('error', (cause) => end(new KeywrightError('BACKEND_UNAVAILABLE', { detail: `${title} cannot be started.`, remedy: 'See whether its program is there and may be run.', cause })));
      process.process.on('close', (code, signal) => end(this.#crashed(code, signal, [...waiting.values()].map(({ method }) => method), said)));
      run.send({ type: 'hello', protocol: PROTOCOL_VERSION, instance, settings });
    }, (thrown: unknown) => end(asKeywrightError(thrown)));
    return run;
  }

  #hung(method: string, seconds: number): KeywrightError {
    return new KeywrightError('TIMEOUT', {
      detail: `${this.#options.title} did not answer within ${seconds} ${seconds === 1 ? 'second' : 'seconds'} (${method}), and was ended.`, remedy: 'See whether its device is there and waits for something (a touch, a PIN on its keys). The next call starts it afresh.',
    });
  }

  #crashed(code: number | null, signal: NodeJS.Signals | null, methods: readonly string[], said: string): KeywrightError {
    const how = signal === null ? `ended with exit code ${code}` : `crashed (${signal})`;
    const during = methods.length === 0 ? '' : ` during ${[...new Set(methods)].join(', ')}`;
    return new KeywrightError('BACKEND_UNAVAILABLE', {
      detail: `${this.#options.title} ${how}${during}.`, remedy: 'Nothing else is affected. Try again: the next call starts it afresh. If it happens again, ask who made it, or install another version.', ...(said === '' ? {} : { cause: new Error(said) }),
    });
  }

  #breach(what: string): KeywrightError {
    return new KeywrightError('BACKEND_UNAVAILABLE', { detail: `${this.#options.title} was ended: ${what}.`, remedy: 'It is not made for this version of Keywright, or is broken: install another version of it.' });
  }
}

function throwIfAborted(...signals: readonly (AbortSignal | undefined)[]): void {
  for (const signal of signals) if (signal?.aborted === true) throw asKeywrightError(signal.reason);
}

function codeOf({ code }: KeywrightError): string {
  return code === 'TIMEOUT' ? 'worker.hung' : 'worker.failed';
}

/** Ends a process: politely, so that it closes its sessions, when it is ours to end; at once when it hangs or speaks nonsense. */
function quit({ process, input }: ProviderProcess, politely: boolean): void {
  if (process.exitCode !== null || process.signalCode !== null) return;
  if (!politely) {
    process.kill('SIGKILL');
    return;
  }
  input.end();
  const timer = setTimeout(() => process.kill('SIGKILL'), FAREWELL_MS);
  timer.unref();
  process.once('close', () => clearTimeout(timer));
}
