import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { KeywrightError, type Channel, type PromptRequest } from '../contract/index.ts';
import { channelPair } from './channel.ts';
import { connectCore, wasNeverSent, type RemoteCore } from './client.ts';
import { MAX_CALLS } from './messages.ts';
import { serveCore } from './server.ts';
import { fakeCore, SOMEBODY, type FakeCore } from './testing/fake-core.ts';

const FACTS = { pid: 1, kind: 'serve', version: '0' };
const PROMPT: PromptRequest = { kind: 'secret', purpose: 'store-passphrase', title: 'Unlock' };
const options = { principal: SOMEBODY };
const settle = () => new Promise((resolve) => setTimeout(resolve, 20));

let core: FakeCore;
let near: Channel;
let far: Channel;
let remote: RemoteCore;
beforeEach(async () => {
  core = fakeCore();
  [near, far] = channelPair();
  remote = connectCore(near);
  serveCore(core, far, { owner: FACTS });
  await remote.ready;
});
afterEach(() => near.close());

describe('calls', () => {
  test('go over with their principal and come back with their output', async () => {
    expect(await remote.call('echo', { bytes: 'AAEC' }, options)).toEqual({ bytes: 'AAEC' });
    expect(core.principals).toEqual([SOMEBODY]);
    expect(remote.spoolFolder).toBe(core.spoolFolder);
    expect(remote.owner).toEqual(FACTS);
  });

  test('may be made before the other side listens', async () => {
    const [one, other] = channelPair();
    const early = connectCore(one).call('echo', 1, options);
    await settle();
    serveCore(core, other, { owner: FACTS });
    expect(await early).toBe(1);
  });

  test('fail with the same error, without its cause', async () => {
    const error = await remote.call('fail', {}, options).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(KeywrightError);
    expect(error).toMatchObject({ code: 'PIN_INCORRECT', facts: { detail: 'Wrong.', triesLeft: 2, remedy: 'Try the right one.' } });
    expect(JSON.stringify([error, (error as Error).cause])).not.toContain('secret cause');
    const fault = await remote.call('crash', {}, options).catch((thrown: unknown) => thrown);
    expect(fault).toMatchObject({ code: 'INTERNAL' });
    expect(JSON.stringify(fault)).not.toContain('secret fault');
  });

  test('report progress in order, and only to whoever wants it', async () => {
    const events: unknown[] = [];
    expect(await remote.call('progress', {}, { ...options, progress: (event) => events.push(event) })).toBe('done');
    expect(events).toEqual([1, 2, 3].map((done) => ({ done, total: 3 })));
    expect(await remote.call('progress', {}, options)).toBe('done');
  });

  test('many at once each get their own answer', async () => {
    const answers = await Promise.all(Array.from({ length: 500 }, (_, index) => remote.call('echo', index, options)));
    expect(answers).toEqual(Array.from({ length: 500 }, (_, index) => index));
  });

  test('beyond the bound are refused and the others go on', async () => {
    const waiting = Array.from({ length: MAX_CALLS }, () => remote.call('deaf', {}, options).catch(() => undefined));
    await expect(remote.call('echo', 1, options)).rejects.toMatchObject({ code: 'RATE_LIMITED' });
    expect(waiting).toHaveLength(MAX_CALLS);
  });
});

describe('cancellation', () => {
  test('reaches the core with the reason', async () => {
    const controller = new AbortController();
    const call = remote.call('wait', {}, { ...options, signal: controller.signal });
    await settle();
    controller.abort(new KeywrightError('TIMEOUT', 'Too late.'));
    await expect(call).rejects.toMatchObject({ code: 'TIMEOUT' });
    expect(core.aborted).toEqual(['TIMEOUT']);
  });

  test('by a plain abort is CANCELLED', async () => {
    const controller = new AbortController();
    const call = remote.call('wait', {}, { ...options, signal: controller.signal });
    await settle();
    controller.abort();
    await expect(call).rejects.toMatchObject({ code: 'CANCELLED' });
  });

  test('before the call sends nothing', async () => {
    await expect(remote.call('echo', {}, { ...options, signal: AbortSignal.abort() })).rejects.toMatchObject({ code: 'CANCELLED' });
    expect(core.calls).toEqual([]);
  });

  test('of a core that does not react still frees the caller', async () => {
    const controller = new AbortController();
    const call = remote.call('deaf', {}, { ...options, signal: controller.signal });
    controller.abort();
    await expect(call).rejects.toMatchObject({ code: 'CANCELLED' });
  });

  test('an answer that is faster than the cancellation counts', async () => {
    const controller = new AbortController();
    const call = remote.call('echo', 'done', { ...options, signal: controller.signal });
    queueMicrotask(() => controller.abort());
    expect(await call).toBe('done');
  });
});

describe('prompts', () => {
  test('are asked by the caller’s own prompter', async () => {
    const asked: unknown[] = [];
    const prompt = { interactive: true, ask: async (request: PromptRequest) => (asked.push(request), { kind: 'secret' as const, secret: 'geheim' }) };
    expect(await remote.call('ask', PROMPT, { ...options, prompt })).toEqual({ kind: 'secret', secret: 'geheim' });
    expect(asked).toEqual([PROMPT]);
    expect(await remote.call('interactive', {}, { ...options, prompt })).toBe(true);
    expect(await remote.call('interactive', {}, { ...options, prompt: { ...prompt, interactive: false } })).toBe(false);
  });

  test('are left to the core when the caller has none', async () => {
    expect(await remote.call('ask', PROMPT, options)).toBe('nobody');
    expect(await remote.call('interactive', {}, options)).toBe(null);
  });

  test.each<PromptRequest>([
    { kind: 'touch', purpose: 'touch', title: 'Touch' }, { kind: 'confirm', purpose: 'confirm', title: 'Sure?', action: 'Yes' },
    { kind: 'new-secret', purpose: 'new-pin', title: 'New' }, { kind: 'show-secret', purpose: 'show-recovery-code', title: 'Keep', secret: 'a-b' },
  ])('of the kind $kind go over, and the connection stays', async (request) => {
    const asked: PromptRequest[] = [];
    const prompt = { interactive: true, ask: async (given: PromptRequest) => (asked.push(given), { kind: 'confirmed' as const }) };
    expect(await remote.call('ask', request, { ...options, prompt })).toEqual({ kind: 'confirmed' });
    expect(asked).toEqual([request]);
  });

  test('that nobody answers fail the call with the prompter’s error', async () => {
    const ask = async () => {
      throw new KeywrightError('PIN_REQUIRED', { detail: 'No terminal.', remedy: 'Give a file.' });
    };
    await expect(remote.call('ask', PROMPT, { ...options, prompt: { interactive: false, ask } })).rejects.toMatchObject({ code: 'PIN_REQUIRED', facts: { remedy: 'Give a file.' } });
  });

  test('are withdrawn when the call is cancelled', async () => {
    const controller = new AbortController();
    let withdrawn: unknown;
    const ask = (_request: PromptRequest, signal: AbortSignal) => new Promise<never>((_resolve, reject) => {
      signal.addEventListener('abort', () => {
        withdrawn = signal.reason;
        reject(signal.reason as Error);
      });
    });
    const call = remote.call('ask', PROMPT, { ...options, signal: controller.signal, prompt: { interactive: true, ask } });
    await settle();
    controller.abort();
    await expect(call).rejects.toMatchObject({ code: 'CANCELLED' });
    await settle();
    expect(withdrawn).toMatchObject({ code: 'CANCELLED' });
  });

  test('an answer of another shape is refused', async () => {
    const prompt = { interactive: true, ask: async () => ({ kind: 'secret', secret: 7 }) as never };
    await expect(remote.call('ask', PROMPT, { ...options, prompt })).rejects.toMatchObject({ code: 'INVALID_INPUT' });
  });
});

describe('the rest of a core', () => {
  test('events reach listeners, and cost nothing while nobody listens', async () => {
    expect(core.listeners).toBe(0);
    const heard: string[] = [];
    const stop = remote.subscribe(({ type }) => heard.push(type));
    await settle();
    core.emit({ type: 'audit.changed' });
    await settle();
    stop();
    core.emit({ type: 'jobs.changed' });
    await settle();
    expect(heard).toEqual(['audit.changed']);
  });

  test('tokens are authenticated and refusals audited there', async () => {
    expect(await remote.authenticate('right', 'rest')).toEqual({ id: 'token:1', name: 'ci', face: 'rest', permissions: new Set(['keys:read']) });
    expect(await remote.authenticate('ending', 'rest')).toMatchObject({ id: 'token:1', expiresAt: 1_800_000_000_000 });
    await expect(remote.authenticate('wrong', 'rest')).rejects.toMatchObject({ code: 'UNAUTHENTICATED' });
    const refusal = { face: 'rest', code: 'UNAUTHENTICATED', request: 'GET /v1/keys', reason: 'No token.' } as const;
    await remote.refuse(refusal);
    expect(core.refusals).toEqual([refusal]);
  });

  test('prompt surfaces are attached as long as they and their channel live', async () => {
    const first = remote.attachPromptSurface();
    remote.attachPromptSurface();
    await settle();
    expect(core.surfaces).toBe(2);
    first[Symbol.dispose]();
    first[Symbol.dispose]();
    await settle();
    expect(core.surfaces).toBe(1);
    near.close();
    await settle();
    expect(core.surfaces).toBe(0);
  });
});

describe('a channel that closes', () => {
  test('rejects what is in flight, once, and says that nothing was repeated', async () => {
    const call = remote.call('deaf', {}, options).catch((thrown: unknown) => thrown);
    await settle();
    far.close();
    const error = await call;
    expect(error).toMatchObject({ code: 'BACKEND_UNAVAILABLE' });
    expect((error as KeywrightError).facts.detail).toBe('The core ended while this was in flight; it may or may not have happened; nothing was repeated.');
    expect(wasNeverSent(error)).toBe(false);
    expect(core.calls).toEqual(['deaf']);
    await remote.closed;
  });

  test('refuses later calls and says that they were not sent', async () => {
    far.close();
    await settle();
    const error = await remote.call('echo', {}, options).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: 'BACKEND_UNAVAILABLE' });
    expect(wasNeverSent(error)).toBe(true);
    expect(core.calls).toEqual([]);
  });

  test('cancels in the core what its caller had under way', async () => {
    remote.call('wait', {}, options).catch(() => undefined);
    await settle();
    near.close();
    await settle();
    expect(core.aborted).toEqual(['CANCELLED']);
    expect(core.listeners).toBe(0);
  });

  test('before the other side said who it is makes `ready` fail', async () => {
    const [one, other] = channelPair();
    const early = connectCore(one);
    other.close();
    await expect(early.ready).rejects.toMatchObject({ code: 'BACKEND_UNAVAILABLE' });
  });
});

describe('a peer that does not keep to the protocol', () => {
  const call = { type: 'call', id: 1, operation: 'echo', input: 1, principal: { id: 'a', name: 'b', face: 'cli', permissions: [] }, prompts: 'none', progress: false };
  test.each([
    null, 7, 'call', [], {}, { type: 'unknown' }, { ...call, id: -1 }, { ...call, id: 1.5 }, { ...call, id: '1' }, { ...call, operation: 7 }, { ...call, operation: 'x'.repeat(101) },
    { ...call, principal: null }, { ...call, principal: { ...call.principal, face: 'root' } }, { ...call, principal: { ...call.principal, permissions: ['everything'] } },
    { ...call, principal: { ...call.principal, permissions: Array(1000).fill('keys:use') } }, { ...call, principal: { ...call.principal, name: 'x'.repeat(1000) } },
    { ...call, prompts: true }, { ...call, progress: 1 }, { ...call, requestId: 7 }, { type: 'cancel', id: 1 }, { type: 'cancel', id: 1, problem: { code: 'NONE', detail: '' } },
    { type: 'answer', prompt: 1 }, { type: 'unanswered', prompt: 1 }, { type: 'authenticate', id: 1, token: 'x'.repeat(5000), face: 'rest' }, { type: 'refuse', id: 1, refusal: { face: 'rest' } }, { type: 'attach' },
  ])('is cut off by the owner: %j', async (message) => {
    const [one, other] = channelPair();
    let closed = false;
    one.onClose(() => (closed = true));
    serveCore(core, other, { owner: FACTS });
    one.send(message);
    await settle();
    expect(closed).toBe(true);
    expect(core.calls).toEqual([]);
  });

  test('is cut off when it uses one id for two calls', async () => {
    const [one, other] = channelPair();
    let closed = false;
    one.onClose(() => (closed = true));
    serveCore(core, other, { owner: FACTS });
    one.send({ ...call, operation: 'wait' });
    one.send({ ...call, operation: 'wait' });
    await settle();
    expect(closed).toBe(true);
  });

  test.each([null, 'x', { type: 'welcome' }, { type: 'result', id: 'a' }, { type: 'failed', id: 1, problem: {} }, { type: 'prompt', prompt: 1, id: 1, request: { kind: 'poem' } }, { type: 'event', event: null }])(
    'is cut off by the client: %j', async (message) => {
      const [one, other] = channelPair();
      const early = connectCore(one);
      other.send(message);
      await early.closed;
    });

  test('answers to calls and prompts that never were are ignored', async () => {
    far.send({ type: 'result', id: 99, output: 1 });
    far.send({ type: 'withdraw', prompt: 99 });
    near.send({ type: 'answer', prompt: 99, answer: { kind: 'confirmed' } });
    near.send({ type: 'cancel', id: 99, problem: { code: 'CANCELLED', detail: 'x' } });
    near.send({ type: 'detach', surface: 99 });
    expect(await remote.call('echo', 1, options)).toBe(1);
  });
});
