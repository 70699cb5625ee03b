import { Wrench } from 'lucide-react';
import type { Mending } from '../../app/contract/index.ts';
import { useText } from '../i18n/index.ts';
import { Button, CopyButton } from '../ui/index.ts';

/** What mends a finding, as buttons, each with the command that does the same. */
export function MendActions({ actions, onMend }: { actions: readonly Mending[]; onMend: (action: Mending) => void }) {
  const t = useText();
  if (actions.length === 0) return null;
  return (
    <ul className="mt-1 flex flex-col gap-1">
      {actions.map((action) => (
        <li key={action.command} className="flex flex-wrap items-center gap-1">
          <Button small icon={Wrench} onPress={() => onMend(action)}>{t(`mending.do.${action.key}`, { about: action.about ?? '' })}</Button>
          <CopyButton small kind="plain" label={t('common.copyAsCommand')} text={action.command} />
        </li>
      ))}
    </ul>
  );
}
