import { Info } from 'lucide-react';
import type { HealthFinding } from '../../app/contract/index.ts';
import { useText } from '../i18n/index.ts';
import { StateBadge } from '../ui/index.ts';

/** How grave it is: icon, colour and word. */
export function LevelBadge({ level }: Pick<HealthFinding, 'level'>) {
  const t = useText();
  const word = t(`health.level.${level}`);
  return level === 'note' ? <StateBadge tone="neutral" icon={Info}>{word}</StateBadge> : <StateBadge tone={level === 'problem' ? 'danger' : 'warning'}>{word}</StateBadge>;
}
