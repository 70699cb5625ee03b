import { Lock, PauseCircle } from 'lucide-react';
import type { BackendInstance } from '../../app/contract/index.ts';
import { useText } from '../i18n/index.ts';
import { StateBadge } from '../ui/index.ts';

const LOOKS = {
  ready: { tone: 'success' },
  disabled: { tone: 'neutral', icon: PauseCircle },
  unavailable: { tone: 'danger' },
  locked: { tone: 'neutral', icon: Lock },
} as const;

export function BackendStateBadge({ state }: { state: BackendInstance['state'] }) {
  const t = useText();
  return <StateBadge {...LOOKS[state]}>{t(`backends.state.${state}`)}</StateBadge>;
}
