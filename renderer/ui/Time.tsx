import { useSyncExternalStore } from 'react';
import { exactTime, relativeTime, useText } from '../i18n/index.ts';

const MINUTE_MS = 60_000;

/** One clock for all that shows times. */
let minute = new Date();
const listeners = new Set<() => void>();
let timer: ReturnType<typeof setInterval> | undefined;

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  if (timer === undefined) {
    minute = new Date();
    timer = setInterval(() => {
      minute = new Date();
      for (const one of listeners) one();
    }, MINUTE_MS);
  }
  return () => {
    listeners.delete(listener);
    if (listeners.size > 0) return;
    clearInterval(timer);
    timer = undefined;
  };
}

/** The time, a minute at a time. */
export function useMinute(): Date {
  return useSyncExternalStore(subscribe, () => minute);
}

/** A time in words, exact when pointed at. */
export function TimeInWords({ at }: { at: string }) {
  const t = useText();
  const minuteAgo = useMinute();
  const time = new Date(at);
  // What has just happened is not in the future because the clock strikes once a minute.
  const now = time > minuteAgo && time.getTime() - minuteAgo.getTime() < MINUTE_MS ? time : minuteAgo;
  return <time dateTime={at} title={exactTime(time, t.language)}>{relativeTime(time, now, t.language)}</time>;
}

export function ExactTime({ at }: { at: string }) {
  const t = useText();
  return <time dateTime={at}>{exactTime(new Date(at), t.language)}</time>;
}
