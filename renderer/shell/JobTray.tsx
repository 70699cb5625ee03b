import { Pause, X } from 'lucide-react';
import { useEffect, useState } from 'react';
import type { Job } from '../../app/contract/index.ts';
import { useAction, useBridge, useOperation } from '../bridge/index.ts';
import { useText, type Text } from '../i18n/index.ts';
import { IconButton, ProgressBar } from '../ui/index.ts';

/** A job that ends sooner is not worth a flicker. */
const SHOW_AFTER_MS = 700;
const REFRESH_MS = 500;

/** @returns what a job does, in the window's language. */
export function jobTitle(job: Pick<Job, 'operation' | 'title'>, t: Text): string {
  const key = `job.${job.operation}`;
  return t.has(key) ? t(key) : job.title;
}

/** @returns "about 3 minutes left"; undefined while that is not known. */
function timeLeft({ startedAt, fraction }: Job, t: Text): string | undefined {
  const seconds = (Date.now() - Date.parse(startedAt)) / 1000;
  if (fraction === null || fraction < 0.05 || seconds < 3) return undefined;
  const left = (seconds / fraction) * (1 - fraction);
  return left < 60 ? t('jobs.secondsLeft', { n: Math.ceil(left) }) : t('jobs.minutesLeft', { n: Math.round(left / 60) });
}

/** Long work at the window's foot: name, progress, time left, cancel. On the desktop it goes on when the window is closed; a browser asks before. */
export function JobTray() {
  const t = useText();
  const [now, setNow] = useState(() => Date.now());
  const jobs = useOperation('jobs.list', {});
  const running = (jobs.data?.jobs ?? []).filter((job) => job.state === 'running');
  const { refetch } = jobs;
  const any = running.length > 0;
  useEffect(() => {
    if (!any) return;
    const timer = setInterval(() => {
      setNow(Date.now());
      void refetch();
    }, REFRESH_MS);
    return () => clearInterval(timer);
  }, [any, refetch]);
  const { kind } = useBridge();
  useEffect(() => {
    if (!any || kind === 'desktop') return;
    const ask = (event: BeforeUnloadEvent): void => event.preventDefault();
    window.addEventListener('beforeunload', ask);
    return () => window.removeEventListener('beforeunload', ask);
  }, [any, kind]);
  const cancel = useAction('jobs.cancel');
  const pause = useAction('jobs.pause');
  const shown = running.filter((job) => now - Date.parse(job.startedAt) > SHOW_AFTER_MS);
  if (shown.length === 0) return null;
  return (
    <section aria-label={t('jobs.running')} className="shrink-0 border-t border-border bg-canvas">
      <ul>
        {shown.slice(0, 3).map((job) => (
          <li key={job.id} className="flex h-9 items-center gap-3 px-4 text-13">
            <span className="truncate font-medium">{jobTitle(job, t)}</span>
            <div className="ml-auto w-40 shrink-0"><ProgressBar label={jobTitle(job, t)} fraction={job.fraction} /></div>
            {job.items !== null && <span className="shrink-0 text-12 text-muted tabular-nums">{t('jobs.items', job.items)}</span>}
            <span className="w-36 shrink-0 text-12 text-muted">{timeLeft(job, t) ?? ''}</span>
            {job.resumable && <IconButton icon={Pause} label={t('jobs.pause', { title: jobTitle(job, t) })} onPress={() => void pause.run({ id: job.id })} />}
            <IconButton icon={X} label={t('jobs.cancel', { title: jobTitle(job, t) })} onPress={() => void cancel.run({ id: job.id })} />
          </li>
        ))}
      </ul>
    </section>
  );
}
