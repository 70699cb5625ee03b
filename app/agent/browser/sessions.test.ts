import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { Sessions } from './sessions.ts';

const [SECOND, HOUR] = [1000, 60 * 60 * 1000];
let sessions: Sessions;
beforeEach(() => {
  vi.useFakeTimers({ toFake: ['Date'] });
  sessions = new Sessions('a', false);
});
afterEach(() => vi.useRealTimers());

const pass = (milliseconds: number): void => void vi.setSystemTime(Date.now() + milliseconds);
const begun = (): string => sessions.begin(sessions.newCode())!.split(';', 1)[0]!;

test('a code works once, and within a minute', () => {
  const [first, second] = [sessions.newCode(), sessions.newCode()];
  pass(59 * SECOND);
  expect(sessions.begin(first)).toContain('a=');
  expect(sessions.begin(first)).toBeUndefined();
  pass(SECOND);
  expect(sessions.begin(second)).toBeUndefined();
});

test('a session ends twelve hours after its last use, and a week after its beginning', () => {
  const cookie = begun();
  for (let days = 0; days < 14; days += 1) {
    pass(12 * HOUR);
    expect(sessions.holds(cookie)).toBe(true);
  }
  pass(SECOND);
  expect(sessions.holds(cookie)).toBe(false);
  const idle = begun();
  pass(12 * HOUR + 1);
  expect(sessions.holds(idle)).toBe(false);
  expect(sessions.holds(idle)).toBe(false);
});

test('no more codes and sessions are kept than a person can need', () => {
  const codes = Array.from({ length: 33 }, () => sessions.newCode());
  expect(codes.filter((code) => sessions.begin(code) !== undefined).length).toBeLessThanOrEqual(32);
  const cookies = Array.from({ length: 65 }, begun);
  expect(cookies.filter((cookie) => sessions.holds(cookie))).toEqual(cookies.slice(1));
});
