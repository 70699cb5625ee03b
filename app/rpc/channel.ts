import type { ChildProcess } from 'node:child_process';
import type { Duplex } from 'node:stream';
import type { Channel } from '../contract/core.ts';
import { encodeFrame, FrameReader, MAX_FRAME } from './frames.ts';

/** What waits to be sent to a peer that does not read: beyond it the channel is closed, since memory is not endless. */
const MAX_UNSENT = 2 * MAX_FRAME;

/**
 * Messages over a stream of bytes (a socket, a pipe), each a frame of at most 64 MiB.
 * A peer that sends something else, or does not read what it is sent, is cut off.
 *
 * @param reader what was read from the stream so far, if a handshake came before.
 * @param early messages that came behind the handshake's.
 */
export function socketChannel(stream: Duplex, reader: FrameReader = new FrameReader(), early: readonly unknown[] = []): Channel {
  const ends = new Ends();
  reader.limit = MAX_FRAME;
  for (const message of early) ends.deliver(message);
  stream.on('data', (piece: Buffer) => {
    try {
      for (const message of reader.push(piece)) ends.deliver(message);
    } catch {
      stream.destroy();
    }
  });
  stream.on('error', () => stream.destroy());
  stream.on('end', () => stream.destroy());
  stream.on('close', () => ends.close());
  if (stream.destroyed) ends.close();
  return {
    send(message) {
      if (ends.closed || !stream.writable) return;
      stream.write(encodeFrame(message));
      if (stream.writableLength > MAX_UNSENT) stream.destroy();
    },
    onMessage: (listener) => ends.onMessage(listener),
    onClose: (listener) => ends.onClose(listener),
    close() {
      // What was written before goes out first; the other side gets a moment to read it.
      stream.end();
      setTimeout(() => stream.destroy(), 1000).unref();
    },
  };
}

/** Messages between a process and the child that it started with an IPC channel; each end gives its own side of it. */
export function processChannel(peer: NodeJS.Process | ChildProcess): Channel {
  const ends = new Ends();
  const emitter = peer as ChildProcess;
  emitter.on('message', (message) => ends.deliver(message));
  emitter.on('disconnect', () => ends.close());
  if (!emitter.connected) ends.close();
  return {
    send(message) {
      // A peer that is dying has closed its end before we hear of it: the close tells, not this error.
      if (!ends.closed && emitter.connected) emitter.send(message as object, () => undefined);
    },
    onMessage: (listener) => ends.onMessage(listener),
    onClose: (listener) => ends.onClose(listener),
    close() {
      if (emitter.connected) emitter.disconnect();
    },
  };
}

/** Two channels in one process, each the other's far end. */
export function channelPair(): [Channel, Channel] {
  const [left, right] = [new Ends(), new Ends()];
  const side = (mine: Ends, theirs: Ends): Channel => ({
    send(message) {
      // As text, so that nothing crosses that another process could not be sent.
      const text = JSON.stringify(message);
      queueMicrotask(() => theirs.deliver(JSON.parse(text)));
    },
    onMessage: (listener) => mine.onMessage(listener),
    onClose: (listener) => mine.onClose(listener),
    close: () => queueMicrotask(() => {
      mine.close();
      theirs.close();
    }),
  });
  return [side(left, right), side(right, left)];
}

/** One side's listeners. Messages that come before anybody listens are kept for the first who does. */
class Ends {
  closed = false;
  readonly #messages: ((message: unknown) => void)[] = [];
  readonly #closes: (() => void)[] = [];
  #early: unknown[] = [];

  deliver(message: unknown): void {
    if (this.closed) return;
    if (this.#messages.length === 0) this.#early.push(message);
    for (const listener of this.#messages) listener(message);
  }

  close(): void {
    if (this.closed) return;
    this.closed = true;
    for (const listener of this.#closes) listener();
  }

  onMessage(listener: (message: unknown) => void): void {
    this.#messages.push(listener);
    for (const message of this.#early.splice(0)) listener(message);
  }

  onClose(listener: () => void): void {
    if (this.closed) listener();
    else this.#closes.push(listener);
  }
}
