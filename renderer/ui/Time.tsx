import { useEffect, useState } from 'react';
import { exactTime, relativeTime, useText } from '../i18n/index.ts';

const MINUTE_MS = 60_000;

/** The time, a minute at a time. */
export function useMinute(): Date {
  const [now, setNow] = useState(() => new Date());
  useEffect(() => {
    const timer = setInterval(() => setNow(new Date()), MINUTE_MS);
    return () => clearInterval(timer);
  }, []);
  return now;
}

/** A time in words, exact when pointed at. */
export function TimeInWords({ at }: { at: string }) {
  const t = useText();
  const now = useMinute();
  const time = new Date(at);
  return <time dateTime={at} title={exactTime(time, t.language)}>{relativeTime(time, now, t.language)}</time>;
}

export function ExactTime({ at }: { at: string }) {
  const t = useText();
  return <time dateTime={at}>{exactTime(new Date(at), t.language)}</time>;
}
