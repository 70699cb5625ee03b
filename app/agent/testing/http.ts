import { request, type IncomingHttpHeaders } from 'node:http';
import { connect } from 'node:net';

/** What came as JSON: tests look into it without a schema. */
export type Parsed = ReturnType<typeof JSON.parse>;

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly bytes: Buffer;
  readonly text: string;
  json(): Parsed;
}

/** Sends just what a test says: fetch would add and forbid headers. */
export function send(origin: string, method: string, path: string, headers: Readonly<Record<string, string>> = {}, body?: string | Buffer): Promise<Answer> {
  const { hostname, port } = new URL(origin);
  return new Promise((resolve, reject) => {
    const outgoing = request({ host: hostname.replace(/^\[|\]$/g, ''), port, method, path, headers: { ...(body === undefined ? {} : { 'Content-Length': Buffer.byteLength(body) }), ...headers }, agent: false }, (incoming) => {
      const chunks: Buffer[] = [];
      incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
      incoming.on('error', reject);
      incoming.on('end', () => {
        const bytes = Buffer.concat(chunks);
        const text = bytes.toString('utf8');
        resolve({ status: incoming.statusCode ?? 0, headers: incoming.headers, bytes, text, json: () => JSON.parse(text) });
      });
    });
    outgoing.on('error', reject);
    outgoing.end(body);
  });
}

/** Writes bytes as they are to a fresh connection, and reads until the other side ends it. */
export function sendRaw(origin: string, bytes: string): Promise<string> {
  const { hostname, port } = new URL(origin);
  return new Promise((resolve) => {
    let text = '';
    const socket = connect(Number(port), hostname, () => socket.write(bytes));
    socket.on('data', (chunk) => (text += chunk.toString('latin1')));
    socket.on('error', () => undefined);
    socket.on('close', () => resolve(text));
  });
}

export interface Events {
  readonly seen: { event: string; data: unknown }[];
  /** @returns once an event of that name came. */
  next(event: string): Promise<unknown>;
  readonly ended: Promise<void>;
  close(): void;
}

/** Follows server-sent events. */
export async function follow(origin: string, method: string, path: string, headers: Readonly<Record<string, string>>, body?: string, onEvent?: () => unknown): Promise<Events & { status: number }> {
  const { hostname, port } = new URL(origin);
  const seen: { event: string; data: unknown }[] = [];
  const waiting = new Set<() => void>();
  const { promise: ended, resolve: end } = Promise.withResolvers<void>();
  const { promise: opened, resolve: open, reject: fail } = Promise.withResolvers<number>();
  const outgoing = request({ host: hostname, port, method, path, headers: { Accept: 'text/event-stream', ...(body === undefined ? {} : { 'Content-Length': Buffer.byteLength(body) }), ...headers }, agent: false }, (incoming) => {
    let buffered = '';
    incoming.on('data', (chunk: Buffer) => {
      buffered += chunk.toString('utf8');
      const frames = buffered.split('\n\n');
      buffered = frames.pop() ?? '';
      for (const frame of frames) {
        const event = /^event: (.*)$/m.exec(frame)?.[1];
        if (event === undefined) continue;
        seen.push({ event, data: JSON.parse(/^data: (.*)$/m.exec(frame)?.[1] ?? 'null') });
        onEvent?.();
      }
      for (const wake of waiting) wake();
    });
    incoming.on('error', () => undefined);
    incoming.on('close', () => {
      end();
      for (const wake of waiting) wake();
    });
    open(incoming.statusCode ?? 0);
  });
  outgoing.on('error', fail);
  outgoing.end(body);
  const status = await opened;
  return {
    status, seen, ended,
    close: () => outgoing.destroy(),
    next: (event) => new Promise((resolve, reject) => {
      let over = false;
      void ended.then(() => (over = true));
      const look = (): void => {
        const found = seen.find((one) => one.event === event);
        if (found === undefined && !over) return;
        waiting.delete(look);
        if (found === undefined) reject(new Error(`the stream ended without “${event}”`));
        else resolve(found.data);
      };
      waiting.add(look);
      look();
    }),
  };
}
