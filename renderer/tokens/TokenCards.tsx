import { ToggleButton, ToggleButtonGroup, type Key } from 'react-aria-components';
import type { TokenRecord } from '../../app/contract/index.ts';
import { useOperation } from '../bridge/index.ts';
import { useText } from '../i18n/index.ts';
import { cx, StateBadge, TimeInWords } from '../ui/index.ts';
import { SecretBadge } from './SecretBadge.tsx';
import { TokenSketch } from './TokenSketch.tsx';

/** The tokens as they lie on the desk: a card each, one of them chosen. */
export function TokenCards({ tokens, chosen, onChoose }: { tokens: readonly TokenRecord[]; chosen: string | undefined; onChoose: (id: string) => void }) {
  const t = useText();
  return (
    <ToggleButtonGroup
      aria-label={t('tokens.title')} selectionMode="single" disallowEmptySelection selectedKeys={chosen === undefined ? [] : [chosen]}
      onSelectionChange={(keys: Set<Key>) => { for (const key of keys) onChoose(String(key)); }}
      className="flex max-h-72 shrink-0 flex-wrap gap-2 overflow-y-auto px-4 pt-1 pb-3"
    >
      {tokens.map((token) => (
        <ToggleButton
          key={token.id} id={token.id} aria-label={token.present ? token.name : t('tokens.cardNotPresent', { name: token.name })}
          className={cx('flex w-96 max-w-full items-center gap-3 rounded-panel border px-3 py-2 text-left', token.id === chosen ? 'border-accent bg-selected' : 'border-border bg-surface hover:bg-hover', token.present ? 'text-text' : 'text-muted')}
        >
          <TokenSketch form={token.form} present={token.present} />
          <span className="flex min-w-0 grow flex-col">
            <span className="truncate text-14 font-medium">{token.name}</span>
            <span className="truncate text-12 text-muted">{factsOf(token)}</span>
            {token.present ? <Secrets id={token.id} /> : <span className="truncate text-12">{t.rich('tokens.lastSeen', { when: <TimeInWords at={token.lastSeenAt} /> })}</span>}
          </span>
        </ToggleButton>
      ))}
    </ToggleButtonGroup>
  );
}

/** "5.7.1 · 12345678", without what its name says already. */
function factsOf({ name, model, serial, firmware }: TokenRecord): string {
  return [name.includes(model) ? null : model, firmware, serial !== null && !name.includes(serial) ? serial : null].filter((fact) => fact !== null).join(' · ');
}

/** PIN and PUK as they stand; what else guards it is in the detail. */
function Secrets({ id }: { id: string }) {
  const t = useText();
  const { data, error } = useOperation('tokens.show', { token: id });
  if (error) return <StateBadge tone="warning">{t('tokens.unreadable')}</StateBadge>;
  const secrets = data?.status?.secrets.filter(({ kind }) => kind === 'pin' || kind === 'puk' || kind === 'so-pin') ?? [];
  return (
    <span className="grid min-h-10 grid-cols-[max-content_minmax(0,1fr)] content-start gap-x-2">
      {secrets.map((secret) => (
        <span key={secret.kind} className="contents">
          <span className="text-12 leading-5 text-muted">{t(`tokens.secret.${secret.kind}`)}</span>
          <SecretBadge secret={secret} />
        </span>
      ))}
    </span>
  );
}
