import { Wrench } from 'lucide-react';
import type { ReactNode } from 'react';
import type { Mending } from '../../app/contract/index.ts';
import { useText } from '../i18n/index.ts';
import { Button, CopyButton } from '../ui/index.ts';

/** What mends a finding, as buttons, each with the command that does the same. */
function MendActions({ actions, onMend }: { actions: readonly Mending[]; onMend: (action: Mending) => void }) {
  const t = useText();
  if (actions.length === 0) return null;
  return (
    <ul className="mt-1 flex flex-col gap-1">
      {actions.map((action) => (
        <li key={action.command} className="flex flex-wrap items-center gap-1">
          <Button small icon={Wrench} onPress={() => onMend(action)}><span className="max-w-60 truncate">{t(`mending.do.${action.key}`, { about: action.about ?? '' })}</span></Button>
          <CopyButton small kind="plain" label={t('common.copyAsCommand')} text={action.command} />
        </li>
      ))}
    </ul>
  );
}

/** @returns for each finding its actions: for the list of findings. */
export function actionsWith(onMend: (action: Mending) => void): (finding: { mendedBy: readonly Mending[] }) => ReactNode {
  return ({ mendedBy }) => <MendActions actions={mendedBy} onMend={onMend} />;
}
