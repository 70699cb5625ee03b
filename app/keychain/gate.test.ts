import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { Gate } from './gate.ts';

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

test('five wrong passphrases make the next one wait, twice as long each time', () => {
  const gate = new Gate();
  for (let attempt = 0; attempt < 5; attempt += 1) {
    gate.enter();
    gate.failed();
  }
  expect(() => gate.enter()).toThrow(expect.objectContaining({ code: 'RATE_LIMITED', facts: expect.objectContaining({ retryAfter: 1 }) }));
  vi.advanceTimersByTime(1000);
  gate.enter();
  gate.failed();
  vi.advanceTimersByTime(1000);
  expect(() => gate.enter()).toThrow(expect.objectContaining({ code: 'RATE_LIMITED' }));
});

test('a right passphrase forgets the wrong ones', () => {
  const gate = new Gate();
  for (let attempt = 0; attempt < 4; attempt += 1) gate.failed();
  gate.passed();
  for (let attempt = 0; attempt < 4; attempt += 1) gate.failed();
  expect(() => gate.enter()).not.toThrow();
});
