import { Duplex, duplexPair } from 'node:stream';
import { describe, expect, test } from 'vitest';
import { socketChannel } from './channel.ts';
import { encodeFrame, FrameReader, MAX_FRAME } from './frames.ts';

function header(length: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(length);
  return bytes;
}

const settle = () => new Promise((resolve) => setTimeout(resolve, 20));

describe('frames', () => {
  test('any cut of the stream yields the same messages', () => {
    const messages = [{ a: 1 }, 'Grüße ✓', null, { long: 'x'.repeat(1000) }];
    const stream = Buffer.concat(messages.map((message) => encodeFrame(message)));
    for (const size of [1, 2, 3, 5, 7, 100, stream.length]) {
      const reader = new FrameReader();
      const read: unknown[] = [];
      for (let from = 0; from < stream.length; from += size) read.push(...reader.push(stream.subarray(from, from + size)));
      expect(read).toEqual(messages);
    }
  });

  test('a frame over the limit is refused from its head alone', () => {
    expect(() => [...new FrameReader().push(header(MAX_FRAME + 1))]).toThrow(RangeError);
    expect(() => [...new FrameReader(10).push(header(11))]).toThrow(RangeError);
  });

  test('a message over the limit is not sent', () => {
    expect(() => encodeFrame('x'.repeat(20), 20)).toThrow(RangeError);
  });

  test('what is no JSON is refused', () => {
    expect(() => [...new FrameReader().push(Buffer.concat([header(3), Buffer.from('{"a')]))]).toThrow(SyntaxError);
    expect(() => [...new FrameReader().push(header(0))]).toThrow(SyntaxError);
  });
});

describe('a channel over a stream', () => {
  test('carries messages both ways, also those that come before anybody listens', async () => {
    const [left, right] = duplexPair();
    const [a, b] = [socketChannel(left), socketChannel(right)];
    a.send({ first: 1 });
    b.send('back');
    await settle();
    const heard: unknown[] = [];
    b.onMessage((message) => heard.push(message));
    a.onMessage((message) => heard.push(message));
    a.send({ second: 2 });
    await settle();
    expect(heard).toEqual([{ first: 1 }, 'back', { second: 2 }]);
  });

  test.each([
    ['a giant frame', header(0xffffffff)],
    ['no JSON', Buffer.concat([header(2), Buffer.from('{{')])],
    ['an HTTP request', Buffer.from('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n')],
  ])('cuts off a peer that sends %s', async (_what, bytes) => {
    const [left, right] = duplexPair();
    const channel = socketChannel(left);
    let closed = 0;
    channel.onClose(() => (closed += 1));
    right.on('error', () => undefined).on('data', () => undefined);
    right.write(bytes);
    await settle();
    expect(closed).toBe(1);
    expect(left.destroyed).toBe(true);
  });

  test('a listener for the close that comes late is still told', async () => {
    const [left] = duplexPair();
    const channel = socketChannel(left);
    left.destroy();
    await settle();
    let told = false;
    channel.onClose(() => (told = true));
    expect(told).toBe(true);
    channel.send('into the void');
  });

  test('a peer that reads nothing does not fill our memory', async () => {
    const stuck = new Duplex({ read: () => undefined, write: () => undefined });
    const channel = socketChannel(stuck);
    const message = 'x'.repeat(16 * 1024 * 1024);
    for (let sent = 0; sent < 9; sent += 1) channel.send(message);
    expect(stuck.destroyed).toBe(true);
  });
});
