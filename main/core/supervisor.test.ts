import { EventEmitter } from 'node:events';
import type { ChildProcess } from 'node:child_process';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { KeywrightError } from '../../app/contract/index.ts';
import type { Core, CoreEvent } from '../../app/contract/index.ts';
import { WINDOW_PRINCIPAL } from '../principals.ts';
import { CoreSupervisor } from './supervisor.ts';

class Child extends EventEmitter {
  exitCode: number | null = null;
  signalCode: NodeJS.Signals | null = null;
  connected = true;
  killed: string[] = [];
  kill(signal: NodeJS.Signals): boolean {
    this.killed.push(signal);
    this.end(signal);
    return true;
  }
  disconnect(): void {
    this.connected = false;
    this.exitCode = 0;
    this.emit('exit', 0, null);
  }
  end(signal: NodeJS.Signals): void {
    this.signalCode = signal;
    this.connected = false;
    this.emit('exit', null, signal);
  }
}

/** A core that answers `echo` and leaves everything else unanswered. */
function fakeCore(calls: string[]): Core {
  return {
    spoolFolder: '',
    call: (operation) => {
      calls.push(operation);
      return operation === 'echo' ? Promise.resolve('echo') : new Promise(() => undefined);
    },
    subscribe: () => () => undefined,
    authenticate: () => Promise.reject(new Error('unused')),
    refuse: () => Promise.resolve(),
    attachPromptSurface: () => ({ [Symbol.dispose]: () => undefined }),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}

let children: Child[];
let calls: string[];
let events: CoreEvent[];
let supervisor: CoreSupervisor;
const options = { principal: WINDOW_PRINCIPAL };

beforeEach(() => {
  vi.useFakeTimers();
  children = [];
  calls = [];
  events = [];
  supervisor = new CoreSupervisor({
    launch: () => {
      const child = new Child();
      children.push(child);
      return child as unknown as ChildProcess;
    },
    connect: () => fakeCore(calls),
    log: () => undefined,
  });
  supervisor.subscribe((event) => events.push(event));
  supervisor.start();
});
afterEach(() => vi.useRealTimers());

test('a core that is killed comes back within a second, and the windows are told', async () => {
  children[0]?.end('SIGKILL');
  await vi.advanceTimersByTimeAsync(1000);
  expect(children).toHaveLength(2);
  expect(events).toContainEqual({ type: 'core.restarted' });
  await expect(supervisor.call('echo', {}, options)).resolves.toBe('echo');
});

test('a call in flight when the core dies fails with a typed error and is not sent again', async () => {
  const call = supervisor.call('keys.sign', {}, options);
  const failure = call.catch((error: unknown) => error);
  await vi.advanceTimersByTimeAsync(0);
  children[0]?.end('SIGSEGV');
  expect(await failure).toMatchObject({ code: 'BACKEND_UNAVAILABLE' });
  await vi.advanceTimersByTimeAsync(5000);
  expect(calls).toEqual(['keys.sign']);
});

test('a call made while no core runs waits for the next one', async () => {
  children[0]?.end('SIGKILL');
  const call = supervisor.call('echo', {}, options);
  await vi.advanceTimersByTimeAsync(1000);
  await expect(call).resolves.toBe('echo');
});

test('a call that waits for a core can be cancelled, and is then never sent', async () => {
  children[0]?.end('SIGKILL');
  const controller = new AbortController();
  const call = supervisor.call('echo', {}, { ...options, signal: controller.signal });
  const failure = call.catch((error: unknown) => error);
  controller.abort();
  expect(await failure).toBeInstanceOf(KeywrightError);
  await vi.advanceTimersByTimeAsync(1000);
  expect(calls).toEqual([]);
});

test('a core that dies at once each time is started ever more slowly', async () => {
  for (let death = 0; death < 6; death += 1) {
    children.at(-1)?.end('SIGKILL');
    await vi.advanceTimersByTimeAsync(10_000);
  }
  expect(children).toHaveLength(7);
  children.at(-1)?.end('SIGKILL');
  await vi.advanceTimersByTimeAsync(9000);
  expect(children).toHaveLength(7);
});

test('the windows are told that the core dies each time, and once that it answers again', async () => {
  const told = () => events.filter(({ type }) => type === 'core.failing');
  for (let death = 0; death < 5; death += 1) {
    children.at(-1)?.end('SIGKILL');
    await vi.advanceTimersByTimeAsync(10_000);
  }
  await supervisor.call('echo', {}, options);
  await supervisor.call('echo', {}, options);
  // From the third on; at each, since a window may have opened meanwhile.
  expect(told()).toEqual([true, true, true, false].map((failing) => ({ type: 'core.failing', failing })));
});

test('prompts of a core that died are taken away', () => {
  children[0]?.end('SIGKILL');
  expect(events).toContainEqual({ type: 'prompts.changed', pending: 0 });
});

test('a stopped core is not started again', async () => {
  await supervisor.stop();
  await vi.advanceTimersByTimeAsync(20_000);
  expect(children).toHaveLength(1);
  expect(children[0]?.connected).toBe(false);
});
