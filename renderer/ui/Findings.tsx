import { CircleAlert, CircleCheck, Info, TriangleAlert, type LucideIcon } from 'lucide-react';
import type { ReactNode } from 'react';
import { useText } from '../i18n/index.ts';
import { cx } from './cx.ts';
import { Prose } from './Prose.tsx';

interface Finding {
  level: 'ok' | 'note' | 'warning' | 'problem';
  code: string;
  detail: string;
  remedy: string | null;
}

const LOOKS = {
  ok: { icon: CircleCheck, colour: 'text-success', word: 'findings.ok' },
  note: { icon: Info, colour: 'text-muted', word: 'findings.note' },
  warning: { icon: TriangleAlert, colour: 'text-warning', word: 'findings.warning' },
  problem: { icon: CircleAlert, colour: 'text-danger', word: 'findings.problem' },
} as const satisfies Record<Finding['level'], { icon: LucideIcon; colour: string; word: string }>;

/** What a diagnosis found, each with its remedy; `actionsOf` gives the remedy as buttons. */
export function Findings<F extends Finding>({ findings, actionsOf }: { findings: readonly F[]; actionsOf?: (finding: F) => ReactNode }) {
  const t = useText();
  return (
    <ul className="flex flex-col gap-2 text-13">
      {findings.map((finding) => {
        const { level, code, detail, remedy } = finding;
        const { icon: Icon, colour, word } = LOOKS[level];
        return (
          <li key={`${code} ${detail}`} className="flex gap-2">
            <Icon aria-label={t(word)} role="img" className={cx('mt-0.5 size-4 shrink-0', colour)} strokeWidth={1.75} />
            <div className="min-w-0 break-words">
              <p><Prose text={detail} /></p>
              {remedy !== null && <p className="text-muted"><Prose text={remedy} /></p>}
              {actionsOf?.(finding)}
            </div>
          </li>
        );
      })}
    </ul>
  );
}
