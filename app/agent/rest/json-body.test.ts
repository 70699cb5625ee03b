import type { IncomingMessage } from 'node:http';
import { PassThrough } from 'node:stream';
import { expect, test, vi } from 'vitest';
import { readJsonBody } from './json-body.ts';

test('a body that comes in drops is given up after half a minute, however much came', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  try {
    const message = Object.assign(new PassThrough(), { headers: {} });
    const outcome = readJsonBody(message as unknown as IncomingMessage).catch((thrown: unknown) => thrown);
    for (let drops = 0; drops < 30; drops += 1) {
      message.write(' ');
      await vi.advanceTimersByTimeAsync(1000);
    }
    expect(await outcome).toMatchObject({ code: 'TIMEOUT' });
    expect(vi.getTimerCount()).toBe(0);
  } finally {
    vi.useRealTimers();
  }
});
