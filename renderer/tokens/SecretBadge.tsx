import type { OutputFor } from '../bridge/index.ts';
import { useText } from '../i18n/index.ts';
import { StateBadge } from '../ui/index.ts';

export type SecretStatus = NonNullable<OutputFor<'tokens.show'>['status']>['secrets'][number];

const TONES = { set: 'success', default: 'warning', 'not-set': 'warning', blocked: 'danger', unknown: 'neutral' } as const;

/** How a PIN, PUK or key of the token stands: its state, and the tries left where they are counted; `stacked` where there is little room. */
export function SecretBadge({ secret: { state, triesLeft, triesAtMost }, stacked = false }: { secret: SecretStatus; stacked?: boolean }) {
  const t = useText();
  const tries = state === 'blocked' || triesLeft === null ? undefined : triesAtMost === null || triesLeft === triesAtMost ? t('tokens.tries', { n: triesLeft }) : t('tokens.triesOf', { n: triesLeft, most: triesAtMost });
  const isLast = state !== 'blocked' && triesLeft === 1 && triesAtMost !== 1;
  // What is as it should be is told by its tries; anything else by its name first.
  const words = [state === 'set' && tries !== undefined ? undefined : t(`tokens.secretState.${state}`), tries].filter((word) => word !== undefined);
  const tone = isLast ? 'danger' : TONES[state];
  if (!stacked || words.length < 2) return <StateBadge tone={tone}>{words.join(', ')}</StateBadge>;
  return (
    <>
      <StateBadge tone={tone}>{words[0]}</StateBadge>
      <span className="block text-12 text-muted">{words[1]}</span>
    </>
  );
}
