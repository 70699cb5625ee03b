import { useEffect, useState } from 'react';
import { useText } from '../i18n/index.ts';

/** Told to who does not see the time run: at the beginning of a touch, and before the end. */
const TOUCH_SPOKEN = [15, 10, 5];
const CLOSING_SPOKEN = [60, 10];

/** How long a prompt stays, by the second; nothing where that is not known. */
export function Countdown({ since, seconds, touch = false }: { since: string; seconds: number | undefined; touch?: boolean }) {
  const t = useText();
  const left = useSecondsLeft(since, seconds);
  if (left === undefined) return null;
  // Changes at these moments alone, so that it is spoken then and not each second.
  const spoken = (touch ? TOUCH_SPOKEN : CLOSING_SPOKEN).findLast((moment) => left <= moment);
  const clock = `${Math.floor(left / 60)}:${String(left % 60).padStart(2, '0')}`;
  return (
    <>
      <p aria-hidden className={touch ? 'pt-2 text-13 tabular-nums' : 'text-12 text-muted tabular-nums'}>{touch ? t('prompt.secondsLeft', { n: left }) : t('prompt.closesIn', { time: clock })}</p>
      <p role="status" className="sr-only">{spoken === undefined ? '' : t(touch ? 'prompt.touchWithin' : 'prompt.closesSoon', { n: spoken })}</p>
    </>
  );
}

function useSecondsLeft(since: string, seconds: number | undefined): number | undefined {
  const [now, setNow] = useState(() => Date.now());
  useEffect(() => {
    if (seconds === undefined) return;
    const timer = setInterval(() => setNow(Date.now()), 250);
    return () => clearInterval(timer);
  }, [seconds]);
  return seconds === undefined ? undefined : Math.max(0, Math.ceil((Date.parse(since) + seconds * 1000 - now) / 1000));
}
