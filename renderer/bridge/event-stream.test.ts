import { expect, test } from 'vitest';
import { readEventStream } from './event-stream.ts';

async function read(...pieces: string[]): Promise<[string, string][]> {
  const body = new ReadableStream<Uint8Array>({
    start(controller) {
      for (const piece of pieces) controller.enqueue(new TextEncoder().encode(piece));
      controller.close();
    },
  });
  const events: [string, string][] = [];
  for await (const { event, data } of readEventStream(body)) events.push([event, data]);
  return events;
}

test('events come whole, wherever the pieces are cut', async () => {
  const text = 'event: progress\ndata: {"done":1}\n\n: a comment\n\nevent: result\r\ndata: {"a":\r\ndata: 2}\r\n\r\n';
  const whole: [string, string][] = [['progress', '{"done":1}'], ['result', '{"a":\n2}']];
  expect(await read(text)).toEqual(whole);
  expect(await read(...text)).toEqual(whole);
});

test('a letter of several bytes may be cut in two', async () => {
  const bytes = new TextEncoder().encode('data: Schlüssel\n\n');
  const body = new ReadableStream<Uint8Array>({
    start(controller) {
      for (const byte of bytes) controller.enqueue(Uint8Array.of(byte));
      controller.close();
    },
  });
  const events = await Array.fromAsync(readEventStream(body));
  expect(events).toEqual([{ event: 'message', data: 'Schlüssel' }]);
});

test('an event that is not finished is not told', async () => {
  expect(await read('data: 1\n\ndata: 2\n')).toEqual([['message', '1']]);
});
