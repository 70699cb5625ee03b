import type { ReactNode } from 'react';

/** Nothing here: one line, one action. */
export function EmptyState({ children, action }: { children: ReactNode; action?: ReactNode }) {
  return (
    <div className="flex h-full flex-col items-center justify-center gap-3 p-6 text-center">
      <p className="max-w-96 text-14 text-muted">{children}</p>
      {action}
    </div>
  );
}

/** Stands in for what is on its way, and only when that takes a while. */
export function Skeleton({ lines = 6 }: { lines?: number }) {
  return (
    <div aria-hidden className="appear-late flex flex-col gap-4 p-4">
      {Array.from({ length: lines }, (_, index) => (
        <div key={index} className="h-3 rounded-control bg-hover" style={{ width: `${[72, 54, 63, 80, 47, 58][index % 6] ?? 60}%` }} />
      ))}
    </div>
  );
}

/** Progress of something; unknown while `fraction` is null. */
export function ProgressBar({ label, fraction }: { label: string; fraction: number | null }) {
  return (
    <div role="progressbar" aria-label={label} aria-valuemin={0} aria-valuemax={100} {...(fraction !== null && { 'aria-valuenow': Math.round(fraction * 100) })} className="h-1.5 w-full overflow-hidden rounded-round bg-hover outline outline-border">
      <div className="h-full rounded-round bg-accent" style={{ width: fraction === null ? '35%' : `${Math.max(2, fraction * 100)}%` }} />
    </div>
  );
}

/** The foot of a list: how many, how fresh, what failed to answer. */
export function StatusLine({ children }: { children: ReactNode }) {
  return <div role="status" className="flex min-h-8 shrink-0 flex-wrap items-center gap-x-3 gap-y-1 border-t border-border px-4 py-1 text-12 text-muted">{children}</div>;
}
