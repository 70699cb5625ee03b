import { afterEach, expect, test, vi } from 'vitest';
import type { CoreEvent, Principal } from '../contract/index.ts';
import { EventBus } from './events.ts';
import { patiently, PromptBroker } from './prompts.ts';

const principal: Principal = { id: 'desktop', name: 'this window', face: 'ipc', permissions: new Set() };
const question = { kind: 'secret', purpose: 'store-passphrase', title: 'Unlock' } as const;

function broker(): { broker: PromptBroker; events: CoreEvent[] } {
  const bus = new EventBus();
  const events: CoreEvent[] = [];
  bus.subscribe((event) => events.push(event));
  return { broker: new PromptBroker(bus), events };
}

test('a prompt that nobody can see is refused at once', async () => {
  const { broker: prompts } = broker();
  await expect(prompts.prompterFor(principal).ask(question, new AbortController().signal)).rejects.toMatchObject({ code: 'PIN_REQUIRED' });
});

test('a prompt waits in the surface, says who asked, and is answered once', async () => {
  const { broker: prompts, events } = broker();
  using _ = prompts.attachSurface();
  const answer = prompts.prompterFor(principal).ask(question, new AbortController().signal);
  const [pending] = prompts.pending();
  expect(pending).toMatchObject({ askedBy: 'this window', request: question });
  prompts.answer(pending!.id, { kind: 'secret', secret: 'pass' });
  await expect(answer).resolves.toEqual({ kind: 'secret', secret: 'pass' });
  expect(() => prompts.answer(pending!.id, { kind: 'secret', secret: 'again' })).toThrow(expect.objectContaining({ code: 'NOT_FOUND' }));
  expect(events).toEqual([{ type: 'prompts.changed', pending: 1 }, { type: 'prompts.changed', pending: 0 }]);
});

test('a cancelled prompt, a cancelled call and a surface that goes away all end the wait', async () => {
  const { broker: prompts } = broker();
  const surface = prompts.attachSurface();
  const { ask } = prompts.prompterFor(principal);
  const cancelled = ask(question, new AbortController().signal);
  prompts.answer(prompts.pending()[0]!.id, { kind: 'cancelled' });
  await expect(cancelled).rejects.toMatchObject({ code: 'CANCELLED' });

  const controller = new AbortController();
  const aborted = ask(question, controller.signal);
  controller.abort();
  await expect(aborted).rejects.toMatchObject({ name: 'AbortError' });

  const orphaned = ask(question, new AbortController().signal);
  surface[Symbol.dispose]();
  await expect(orphaned).rejects.toMatchObject({ code: 'CANCELLED' });
  expect(prompts.pending()).toEqual([]);
});

afterEach(() => vi.useRealTimers());

test('a prompt that nobody answers ends after the minutes of the setting, is withdrawn, and says so', async () => {
  vi.useFakeTimers();
  const { broker: prompts } = broker();
  using _ = prompts.attachSurface();
  const patient = patiently(prompts.prompterFor(principal), () => 2);
  const unanswered = patient.ask(question, new AbortController().signal).catch((thrown: unknown) => thrown);
  const touch = patient.ask({ kind: 'touch', purpose: 'touch', title: 'Touch it' }, new AbortController().signal).catch((thrown: unknown) => thrown);
  await vi.advanceTimersByTimeAsync(119_000);
  expect(prompts.pending()).toMatchObject([{ request: { kind: 'secret', seconds: 120 } }, { request: { kind: 'touch' } }]);
  await vi.advanceTimersByTimeAsync(2_000);
  expect(await unanswered).toMatchObject({ code: 'TIMEOUT', facts: { reason: 'prompt.unanswered', values: { minutes: '2' } } });
  expect(prompts.pending()).toMatchObject([{ request: { kind: 'touch' } }]);
  prompts.answer(prompts.pending()[0]!.id, { kind: 'cancelled' });
  expect(await touch).toMatchObject({ code: 'CANCELLED' });
});

test('a prompt waits without end where the setting says so', async () => {
  vi.useFakeTimers();
  const { broker: prompts } = broker();
  using _ = prompts.attachSurface();
  const answer = patiently(prompts.prompterFor(principal), () => 0).ask(question, new AbortController().signal);
  await vi.advanceTimersByTimeAsync(86_400_000);
  prompts.answer(prompts.pending()[0]!.id, { kind: 'secret', secret: 'pass' });
  await expect(answer).resolves.toEqual({ kind: 'secret', secret: 'pass' });
});
