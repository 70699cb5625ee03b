import { useNavigate, useSearch } from '@tanstack/react-router';
import { Blocks, RotateCw, Wand } from 'lucide-react';
import { useState } from 'react';
import type { TokenRecord } from '../../app/contract/index.ts';
import { fetchedAt, useOperation } from '../bridge/index.ts';
import { useText } from '../i18n/index.ts';
import { ListPane, ListStatus, ONE_PANE_UNDER, Panes, useCommands, useWindowWidth } from '../shell/index.ts';
import { Button, EmptyState, ErrorNotice, Skeleton } from '../ui/index.ts';
import { AddModuleDialog } from './AddModuleDialog.tsx';
import { SetUpDialog } from './SetUpDialog.tsx';
import { SlotDetail } from './SlotDetail.tsx';
import { SlotTable } from './SlotTable.tsx';
import { useSlotMenu } from './slot-menu.tsx';
import { TokenCards } from './TokenCards.tsx';
import { TokenDetail } from './TokenDetail.tsx';
import { TokenFindings } from './TokenFindings.tsx';

/** What is plugged in and what was before; of one token its slots, and the token or one of its slots in detail. */
export function TokensView() {
  const t = useText();
  const navigate = useNavigate();
  const { selected, slot } = useSearch({ from: '/tokens' });
  const onePane = useWindowWidth() < ONE_PANE_UNDER;
  const [adding, setAdding] = useState(false);
  const [settingUp, setSettingUp] = useState<TokenRecord>();
  const answer = useOperation('tokens.list', {});
  const tokens = answer.data?.tokens ?? [];
  const token = tokens.find(({ id }) => id === selected) ?? tokens[0];
  const show = (id: string | undefined, in_?: string): void => void navigate({ to: '/tokens', search: { ...(id !== undefined && { selected: id }), ...(in_ !== undefined && { slot: in_ }) }, replace: selected !== undefined });
  useCommands([
    ...(token?.present === true ? [{ id: 'tokens.setUp', label: t('tokens.setUp.title', { name: token.name }), group: t('tokens.title'), icon: Wand, shortcut: 'Mod+N', onRun: () => setSettingUp(token) }] : []),
    { id: 'tokens.addModule', label: t('tokens.module.title'), group: t('tokens.title'), icon: Blocks, onRun: () => setAdding(true) },
  ]);
  return (
    <>
      <Panes
        name="tokens"
        detailLabel={slot === undefined ? t('tokens.detail') : t('tokens.slotDetail')}
        onCloseDetail={() => show(undefined)}
        detail={token !== undefined && !(onePane && selected === undefined) && (
          slot === undefined
            ? <TokenDetail key={token.id} token={token} onSetUp={() => setSettingUp(token)} />
            : <SlotDetail key={`${token.id} ${slot}`} token={token} slot={slot} onBack={() => show(token.id)} />
        )}
        list={(
          <ListPane
            title={t('tokens.title')}
            actions={token !== undefined && <Button onPress={() => setAdding(true)}>{t('tokens.module.open')}</Button>}
            status={<ListStatus count={t('tokens.count', { present: tokens.filter(({ present }) => present).length, n: tokens.length })} asOf={fetchedAt(answer)} />}
            foot={[{ id: 'refresh', label: t('common.refresh'), icon: RotateCw, onAction: () => void answer.refetch() }]}
          >
            {answer.error !== null && <div className="px-4 pb-2"><ErrorNotice error={answer.error} /></div>}
            {answer.data === undefined && answer.error === null && <div className="grow"><Skeleton /></div>}
            {answer.data !== undefined && <div className="px-4"><TokenFindings findings={answer.data.findings} /></div>}
            {answer.data !== undefined && token === undefined && <EmptyState action={<Button onPress={() => setAdding(true)}>{t('tokens.module.open')}</Button>}>{t('tokens.none')}</EmptyState>}
            {token !== undefined && <TokenCards tokens={tokens} chosen={token.id} onChoose={(id) => show(id)} />}
            {token !== undefined && <Slots key={token.id} token={token} slot={slot} onSlot={(name) => show(token.id, name)} />}
          </ListPane>
        )}
      />
      {adding && <AddModuleDialog onClose={() => setAdding(false)} />}
      {settingUp !== undefined && <SetUpDialog token={settingUp} onClose={() => setSettingUp(undefined)} />}
    </>
  );
}

/** The slots of the chosen token; of one that is out, what is remembered is under Keys. */
function Slots({ token, slot, onSlot }: { token: TokenRecord; slot: string | undefined; onSlot: (slot: string) => void }) {
  const t = useText();
  const navigate = useNavigate();
  const answer = useOperation('tokens.slots', token.present ? { token: token.id } : undefined);
  const { menuOf, dialogs } = useSlotMenu(token, answer.data?.slots ?? []);
  if (!token.present) {
    return <EmptyState action={token.keys > 0 && <Button onPress={() => void navigate({ to: '/keys' })}>{t('tokens.showKeys')}</Button>}>{t('tokens.putBack', { name: token.name, n: token.keys })}</EmptyState>;
  }
  return (
    <section aria-labelledby="slots-of-token" className="flex min-h-0 grow flex-col">
      <h2 id="slots-of-token" className="px-4 pb-1 text-14 font-semibold">{t('tokens.slotsOf', { name: token.name })}</h2>
      {answer.error !== null && <div className="px-4 pb-2"><ErrorNotice error={answer.error} /></div>}
      {answer.data === undefined ? answer.error === null && <div className="grow"><Skeleton /></div> : (
        <>
          <SlotTable slots={answer.data.slots} selected={slot} onSelect={onSlot} menuOf={menuOf} />
          {!answer.data.complete && <p className="px-4 py-1 text-12 text-muted">{t('tokens.incomplete')}</p>}
        </>
      )}
      {dialogs}
    </section>
  );
}
