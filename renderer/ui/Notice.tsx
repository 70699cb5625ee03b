import { CircleAlert, CircleCheck, Info, TriangleAlert, type LucideIcon } from 'lucide-react';
import type { ReactNode } from 'react';
import type { Problem } from '../../app/contract/index.ts';
import { asProblem } from '../bridge/index.ts';
import { faultPlace, useText, type Telling } from '../i18n/index.ts';
import { CopyButton } from './Copy.tsx';
import { cx } from './cx.ts';
import { Prose } from './Prose.tsx';

const TONES = {
  info: { icon: Info, colour: 'text-muted', edge: 'border-border' },
  success: { icon: CircleCheck, colour: 'text-success', edge: 'border-success' },
  warning: { icon: TriangleAlert, colour: 'text-warning', edge: 'border-warning' },
  danger: { icon: CircleAlert, colour: 'text-danger', edge: 'border-danger' },
} as const satisfies Record<string, { icon: LucideIcon; colour: string; edge: string }>;
type Tone = keyof typeof TONES;

export function Notice({ tone = 'info', title, children, actions, live = false }: { tone?: Tone; title?: ReactNode; children?: ReactNode; actions?: ReactNode; live?: boolean }) {
  const { icon: Icon, colour, edge } = TONES[tone];
  return (
    <div {...(live && { role: tone === 'danger' ? 'alert' : 'status' })} className={cx('flex gap-2.5 rounded-control border bg-surface px-3 py-2.5 text-13', edge)}>
      <Icon aria-hidden className={cx('mt-0.5 size-4 shrink-0', colour)} strokeWidth={1.75} />
      <div className="flex min-w-0 grow flex-col gap-1">
        {title !== undefined && <p className="font-medium">{title}</p>}
        {children !== undefined && <div className="text-text break-words">{children}</div>}
        {actions !== undefined && <div className="mt-1 flex flex-wrap gap-2">{actions}</div>}
      </div>
    </div>
  );
}

/** @returns everything about an error, to paste into a report. Problems never hold secrets. */
function problemDetails(problem: Problem): string {
  return JSON.stringify({ at: new Date().toISOString(), ...problem }, null, 2);
}

/** What failed or what helps, in the window's language where the reason or the wording is known; else it is said that the rest is English, and then what the core says. */
export function Saying({ telling, part, muted = false }: { telling: Telling; part: 'detail' | 'remedy'; muted?: boolean }) {
  const t = useText();
  const said = t.said(telling, part);
  return said === undefined ? <p className="text-muted">{t('errors.inEnglish')} <span lang="en"><Prose text={telling[part] ?? ''} /></span></p> : <p className={muted ? 'text-muted' : undefined}><Prose text={said} /></p>;
}

/** An error: what failed, the likely cause, the remedy, and all of it to copy. */
export function ErrorNotice({ error, actions }: { error: unknown; actions?: ReactNode }) {
  const t = useText();
  if (error === undefined || error === null) return null;
  const problem = asProblem(error);
  return (
    <Notice
      tone="danger"
      live
      title={t(`errors.${problem.code}`)}
      actions={<>{actions}<CopyButton small kind="quiet" label={t('common.copyDetails')} text={() => problemDetails(problem)} /></>}
    >
      <Saying telling={problem} part="detail" />
      {problem.where !== undefined && !problem.detail.includes(problem.where) && !problem.where.startsWith('/') && <p className="text-muted">{t('errors.where', { where: faultPlace(problem.where, t) })}</p>}
      {problem.triesLeft !== undefined && problem.triesLeft > 0 && <p>{t('errors.triesLeft', { n: problem.triesLeft })}</p>}
      {problem.remedy !== undefined && <Saying telling={problem} part="remedy" muted />}
      {problem.alternatives !== undefined && problem.alternatives.length > 0 && <p className="text-muted">{t('errors.alternatives', { list: problem.alternatives.join(', ') })}</p>}
    </Notice>
  );
}
