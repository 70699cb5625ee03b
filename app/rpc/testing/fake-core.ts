import { KeywrightError, PERMISSIONS, type CallOptions, type Core, type CoreEvent, type Principal, type PromptRequest, type Refusal } from '../../contract/index.ts';

export const SOMEBODY: Principal = { id: 'owner', name: 'a test', face: 'cli', permissions: new Set(PERMISSIONS) };

/** A core that echoes, waits, asks, fails and reports progress, and remembers what was asked of it. */
export interface FakeCore extends Core {
  readonly calls: string[];
  readonly refusals: Refusal[];
  readonly principals: Principal[];
  /** Operations that were aborted, with the code of the reason. */
  readonly aborted: string[];
  surfaces: number;
  disposed: boolean;
  listeners: number;
  emit(event: CoreEvent): void;
}

export function fakeCore(): FakeCore {
  const listeners = new Set<(event: CoreEvent) => void>();
  const core: FakeCore = {
    calls: [], refusals: [], principals: [], aborted: [], surfaces: 0, disposed: false, spoolFolder: '/nowhere/spool',
    get listeners() {
      return listeners.size;
    },
    async call(operation, input, options) {
      core.calls.push(operation);
      core.principals.push(options.principal);
      return behave(core, operation, input, options);
    },
    subscribe(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    emit: (event) => listeners.forEach((listener) => listener(event)),
    async authenticate(token, face) {
      if (token === 'ending') return { id: 'token:1', name: 'ci', face, permissions: new Set(['keys:read']), expiresAt: 1_800_000_000_000 };
      if (token !== 'right') throw new KeywrightError('UNAUTHENTICATED', 'No such token.');
      return { id: 'token:1', name: 'ci', face, permissions: new Set(['keys:read']) };
    },
    async refuse(refusal) {
      core.refusals.push(refusal);
    },
    attachPromptSurface() {
      core.surfaces += 1;
      return { [Symbol.dispose]: () => void (core.surfaces -= 1) };
    },
    async [Symbol.asyncDispose]() {
      core.disposed = true;
    },
  };
  return core;
}

async function behave(core: FakeCore, operation: string, input: unknown, { signal, progress, prompt }: CallOptions): Promise<unknown> {
  switch (operation) {
    case 'echo': return input;
    case 'pid': return process.pid;
    case 'wait':
      return new Promise((_resolve, reject) => {
        signal?.addEventListener('abort', () => {
          core.aborted.push((signal.reason as KeywrightError).code);
          reject(signal.reason as Error);
        });
      });
    case 'deaf': return new Promise(() => undefined);
    case 'sleep': return new Promise((resolve) => setTimeout(() => resolve('slept'), Number(input)));
    case 'progress':
      for (let done = 1; done <= 3; done += 1) progress?.({ done, total: 3 });
      return 'done';
    case 'ask': return prompt === undefined ? 'nobody' : prompt.ask(input as PromptRequest, signal ?? new AbortController().signal);
    case 'interactive': return prompt?.interactive ?? null;
    case 'fail': throw new KeywrightError('PIN_INCORRECT', { detail: 'Wrong.', triesLeft: 2, remedy: 'Try the right one.', cause: new Error('a secret cause') });
    case 'crash': throw new TypeError('a secret fault');
    default: throw new KeywrightError('NOT_FOUND', `There is no operation ${operation}.`);
  }
}
