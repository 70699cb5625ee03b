import { CircleAlert, Info, TriangleAlert } from 'lucide-react';
import type { HealthFinding } from '../../app/contract/index.ts';
import { useText } from '../i18n/index.ts';
import { cx } from '../ui/index.ts';

const LOOKS = { problem: { icon: CircleAlert, colour: 'text-danger' }, warning: { icon: TriangleAlert, colour: 'text-warning' }, note: { icon: Info, colour: 'text-muted' } } as const;

/** How grave it is, in a row: icon and colour, and the word for who hears it. */
export function LevelIcon({ level }: Pick<HealthFinding, 'level'>) {
  const t = useText();
  const { icon: Icon, colour } = LOOKS[level];
  return <Icon role="img" aria-label={t(`health.level.${level}`)} className={cx('size-4 shrink-0', colour)} strokeWidth={1.75} />;
}
