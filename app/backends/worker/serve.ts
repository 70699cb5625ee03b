import type { Readable, Writable } from 'node:stream';
import { asKeywrightError } from '../../contract/index.ts';
import { encodeFrame, FrameReader } from '../../rpc/frames.ts';
import { batching } from './batch.ts';
import { MAX_FRAME, PROTOCOL_VERSION, type FromProvider, type ProviderHello, type ToProvider } from './protocol.ts';

export type Method = (input: never, signal: AbortSignal) => unknown;

export interface Served {
  /** @returns what it says of itself. @throws what keeps it from working at all. */
  hello(settings: unknown): ProviderHello | Promise<ProviderHello>;
  readonly methods: Readonly<Record<string, Method>>;
  /** The core has gone. */
  end(): void;
}

/** The provider's side, for providers of our own. The core is trusted, so what it sends is not checked again. */
export function serve(input: Readable, output: Writable, { hello, methods, end }: Served): { event(name: string): void } {
  const running = new Map<number, AbortController>();
  const write = batching(output);
  const send = (message: FromProvider): void => write(encodeFrame(message, MAX_FRAME));
  const fail = (thrown: unknown, id?: number): void => {
    const { code, facts } = asKeywrightError(thrown);
    if (code === 'INTERNAL') console.error(thrown);
    send({ type: 'failed', ...(id === undefined ? {} : { id }), error: { code, detail: facts.detail, ...(facts.remedy === undefined ? {} : { remedy: facts.remedy }), ...(facts.alternatives === undefined ? {} : { alternatives: facts.alternatives }), ...(facts.triesLeft === undefined ? {} : { triesLeft: facts.triesLeft }) } });
  };

  async function call({ id, method, input: given }: Extract<ToProvider, { type: 'call' }>): Promise<void> {
    const controller = new AbortController();
    running.set(id, controller);
    try {
      const work = methods[method];
      if (work === undefined) throw new TypeError(`there is no method ${method}`);
      const answer = await work(given as never, controller.signal);
      send({ type: 'result', id, output: answer ?? null });
    } catch (thrown) {
      fail(thrown, id);
    } finally {
      running.delete(id);
    }
  }

  async function receive(message: ToProvider): Promise<void> {
    if (message.type === 'call') await call(message);
    else if (message.type === 'cancel') running.get(message.id)?.abort();
    else {
      try {
        send({ type: 'hello', protocol: PROTOCOL_VERSION, ...(await hello(message.settings)) });
      } catch (thrown) {
        fail(thrown);
      }
    }
  }

  const reader = new FrameReader(MAX_FRAME);
  input.on('data', (piece: Buffer) => {
    for (const message of reader.push(piece)) void receive(message as ToProvider);
  });
  input.on('end', end);
  input.on('error', end);
  output.on('error', end);
  return { event: (name) => send({ type: 'event', event: name }) };
}
