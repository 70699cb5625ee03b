import type { Readable, Writable } from 'node:stream';
import { asKeywrightError } from '../../contract/index.ts';
import { encodeFrame, FrameReader } from '../../rpc/frames.ts';
import { batching } from './batch.ts';
import { MAX_FRAME, PROTOCOL_VERSION, type FromProvider, type ProviderHello, type ToProvider } from './protocol.ts';

/** Nothing that a module has begun can be stopped half way: a caller who leaves is not told of, and the core throws the answer away. */
export type Method = (input: never) => unknown;

export interface Served {
  /** @returns what it says of itself. @throws what keeps it from working at all. */
  hello(settings: unknown): ProviderHello | Promise<ProviderHello>;
  readonly methods: Readonly<Record<string, Method>>;
  /** The core has gone. */
  end(): void;
}

/** The provider's side, for providers of our own. The core is trusted, so what it sends is not checked again. */
export function serve(input: Readable, output: Writable, { hello, methods, end }: Served): { event(name: string): void } {
  const write = batching(output);
  const send = (message: FromProvider): void => write(encodeFrame(message, MAX_FRAME));
  const fail = (thrown: unknown, id?: number): void => {
    const { code, facts } = asKeywrightError(thrown);
    if (code === 'INTERNAL') console.error(thrown);
    send({ type: 'failed', ...(id === undefined ? {} : { id }), error: { code, detail: facts.detail, ...(facts.remedy === undefined ? {} : { remedy: facts.remedy }), ...(facts.alternatives === undefined ? {} : { alternatives: facts.alternatives }), ...(facts.triesLeft === undefined ? {} : { triesLeft: facts.triesLeft }) } });
  };

  async function call({ id, method, input: given }: Extract<ToProvider, { type: 'call' }>): Promise<void> {
    try {
      const work = methods[method];
      if (work === undefined) throw new TypeError(`there is no method ${method}`);
      const answer = await work(given as never);
      send({ type: 'result', id, output: answer ?? null });
    } catch (thrown) {
      fail(thrown, id);
    }
  }

  async function receive(message: ToProvider): Promise<void> {
    if (message.type === 'call') await call(message);
    else if (message.type === 'hello') {
      try {
        send({ type: 'hello', protocol: PROTOCOL_VERSION, ...(await hello(message.settings)) });
      } catch (thrown) {
        fail(thrown);
      }
    }
  }

  // One a turn: where methods answer at once, the first answer is on its way while the second is worked out.
  const received: ToProvider[] = [];
  let taking = false;
  const takeNext = (): void => {
    const message = received.shift();
    taking = received.length > 0;
    if (taking) setImmediate(takeNext);
    if (message !== undefined) void receive(message);
  };
  const reader = new FrameReader(MAX_FRAME);
  input.on('data', (piece: Buffer) => {
    for (const message of reader.push(piece)) received.push(message as ToProvider);
    if (!taking) takeNext();
  });
  input.on('end', end);
  input.on('error', end);
  output.on('error', end);
  return { event: (name) => send({ type: 'event', event: name }) };
}
