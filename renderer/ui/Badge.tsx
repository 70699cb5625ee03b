import { CircleAlert, CircleCheck, CircleDashed, TriangleAlert, type LucideIcon } from 'lucide-react';
import type { ReactNode } from 'react';
import { cx } from './cx.ts';

const drawn = (Icon: LucideIcon) => <Icon aria-hidden className="size-4 shrink-0" strokeWidth={1.75} />;

/** Each is drawn once: lists show thousands. */
const TONES = {
  neutral: { icon: drawn(CircleDashed), colour: 'text-muted' },
  success: { icon: drawn(CircleCheck), colour: 'text-success' },
  warning: { icon: drawn(TriangleAlert), colour: 'text-warning' },
  danger: { icon: drawn(CircleAlert), colour: 'text-danger' },
} as const satisfies Record<string, { icon: ReactNode; colour: string }>;

/** A state: icon, colour and word. */
export function StateBadge({ tone, icon, children }: { tone: keyof typeof TONES; icon?: LucideIcon; children: ReactNode }) {
  const { icon: standard, colour } = TONES[tone];
  return (
    <span className={cx('inline-flex max-w-full items-center gap-1.5 align-middle text-13 whitespace-nowrap', colour)}>
      {icon === undefined ? standard : drawn(icon)}
      <span className="min-w-0 truncate">{children}</span>
    </span>
  );
}

/** A word about a thing: a tag, a kind. */
export function Badge({ children, icon: Icon }: { children: ReactNode; icon?: LucideIcon }) {
  return (
    <span className="inline-flex h-5 max-w-full items-center align-middle gap-1 rounded-control border border-border bg-canvas px-1.5 text-12 whitespace-nowrap text-text">
      {Icon && <Icon aria-hidden className="size-3 shrink-0" strokeWidth={1.75} />}
      <span className="min-w-0 truncate">{children}</span>
    </span>
  );
}
