import type { FastifyReply } from 'fastify';

/** Comments keep proxies and idle timers from closing a stream on which nothing happens. */
const HEARTBEAT_MS = 15_000;
/** What may wait for a reader that does not read. */
const MAX_WAITING = 1024 * 1024;

/** Server-sent events (WHATWG HTML §9.2). Data are JSON of one line. */
export class EventStream {
  readonly #raw: FastifyReply['raw'];
  readonly #heartbeat: NodeJS.Timeout;

  constructor(reply: FastifyReply) {
    reply.hijack();
    this.#raw = reply.raw;
    this.#raw.writeHead(200, { 'Content-Type': 'text/event-stream; charset=utf-8', 'Cache-Control': 'no-store', 'X-Content-Type-Options': 'nosniff', 'X-Accel-Buffering': 'no' });
    this.#raw.write(': open\n\n');
    this.#heartbeat = setInterval(() => this.#write(': still here\n\n'), HEARTBEAT_MS);
    this.#heartbeat.unref();
    this.#raw.once('close', () => clearInterval(this.#heartbeat));
    this.#raw.on('error', () => clearInterval(this.#heartbeat));
  }

  /** Sends what may be lost: it is dropped while the reader is behind. */
  offer(event: string, data: unknown): void {
    if (this.#raw.writableLength < MAX_WAITING) this.#write(frame(event, data));
  }

  /** Sends what must not be lost. A reader that is far behind is cut off instead: it comes back and reads anew. */
  send(event: string, data: unknown): void {
    if (this.#raw.writableLength >= MAX_WAITING) this.#raw.destroy();
    else this.#write(frame(event, data));
  }

  /** Sends the last event, however far behind the reader is. */
  finish(event: string, data: unknown): void {
    this.#write(frame(event, data));
    this.end();
  }

  end(): void {
    clearInterval(this.#heartbeat);
    if (!this.#raw.writableEnded) this.#raw.end();
  }

  onClose(listener: () => void): void {
    if (this.#raw.closed || this.#raw.destroyed) listener();
    else this.#raw.once('close', listener);
  }

  #write(text: string): void {
    if (!this.#raw.writableEnded && !this.#raw.destroyed) this.#raw.write(text);
  }
}

function frame(event: string, data: unknown): string {
  return `event: ${event}\ndata: ${JSON.stringify(data)}\n\n`;
}
