import { useNavigate, useSearch } from '@tanstack/react-router';
import { Plus, RotateCw } from 'lucide-react';
import { useState } from 'react';
import type { BackendInstance, BackendType } from '../../app/contract/index.ts';
import { fetchedAt, useOperation } from '../bridge/index.ts';
import { useText, type Text } from '../i18n/index.ts';
import { ListPane, ListStatus, Panes, useCommands } from '../shell/index.ts';
import { Button, EmptyState, ErrorNotice, Skeleton, VirtualTable, type Column } from '../ui/index.ts';
import { AddBackendDialog } from './AddBackendDialog.tsx';
import { BackendDetail } from './BackendDetail.tsx';
import { BackendStateBadge } from './BackendStateBadge.tsx';
import { instanceTitle, typeNames, typeSummary, typeTitle } from './names.ts';

const columnsOf = (t: Text): readonly Column<BackendInstance>[] => [
  { id: 'title', title: t('backends.name'), width: 'minmax(9rem, 1.2fr)', cell: (backend) => <span title={backend.name}>{instanceTitle(backend, t)}</span> },
  { id: 'types', title: t('backends.types'), width: 'minmax(8rem, 1.6fr)', fromWidth: 460, cell: ({ types }) => typeNames(types, t) },
  { id: 'state', title: t('backends.state'), width: 'minmax(9.75rem, 0.8fr)', cell: (backend) => <BackendStateBadge state={backend.state} /> },
];

/** Where keys can live: what is set up, with its true state, and what there is. */
export function BackendsView() {
  const t = useText();
  const navigate = useNavigate();
  const { selected } = useSearch({ from: '/backends' });
  const [adding, setAdding] = useState(false);
  const answer = useOperation('backends.list', {});
  const backends = answer.data?.backends ?? [];
  const shown = backends.find(({ name }) => name === selected);
  const show = (name: string | undefined): void => void navigate({ to: '/backends', search: name === undefined ? {} : { selected: name }, replace: selected !== undefined });
  useCommands([{ id: 'backends.add', label: t('backends.addTitle'), group: t('shell.backends'), icon: Plus, shortcut: 'Mod+N', onRun: () => setAdding(true) }]);
  const active = Math.max(0, backends.findIndex(({ name }) => name === selected));
  return (
    <>
      <Panes
        name="backends" filled="list"
        detailLabel={shown === undefined ? t('backends.title') : instanceTitle(shown, t)}
        onCloseDetail={() => show(undefined)}
        detail={shown && <BackendDetail key={shown.name} backend={shown} />}
        list={
          <ListPane
            title={t('backends.title')}
            actions={<Button kind="primary" icon={Plus} onPress={() => setAdding(true)}>{t('backends.add')}</Button>}
            status={<ListStatus count={t('backends.count', { n: backends.length })} asOf={fetchedAt(answer)} />}
            foot={[{ id: 'refresh', label: t('common.refresh'), icon: RotateCw, onAction: () => void answer.refetch() }]}
          >
            {answer.error !== null && <div className="p-4"><ErrorNotice error={answer.error} /></div>}
            {answer.data === undefined ? answer.error === null && <div className="grow"><Skeleton /></div> : (
              <>
                <VirtualTable
                  label={t('shell.backends')} columns={columnsOf(t)} count={backends.length} rowAt={(index) => backends[index]}
                  keyOf={({ name }) => name} textOf={(backend) => instanceTitle(backend, t)}
                  selection={{ selected: new Set(selected === undefined ? [] : [selected]), active, anchor: active }}
                  onSelection={({ selected: next }) => show([...next].at(-1))}
                  empty={<EmptyState>{t('backends.none')}</EmptyState>}
                />
                <NotInThisVersion types={answer.data.types.filter((type) => !type.available)} />
              </>
            )}
          </ListPane>
        }
      />
      <AddBackendDialog open={adding} onClose={() => setAdding(false)} onAdded={show} types={(answer.data?.types ?? []).filter((type) => type.available)} taken={backends.map(({ name }) => name)} />
    </>
  );
}

/** What a later version brings, said quietly. */
function NotInThisVersion({ types }: { types: readonly BackendType[] }) {
  const t = useText();
  if (types.length === 0) return null;
  return (
    <section aria-labelledby="not-in-this-version" className="max-h-[45%] shrink-0 overflow-y-auto border-t border-border px-4 py-3">
      <h2 id="not-in-this-version" className="mb-1.5 text-13 font-medium text-muted">{t('backends.notInThisVersion')}</h2>
      <ul className="grid grid-cols-[repeat(auto-fill,minmax(15rem,1fr))] gap-x-6 gap-y-1 text-13 text-muted">
        {types.map((type) => <li key={type.type} title={typeSummary(type, t)} className="truncate">{typeTitle(type, t)}</li>)}
      </ul>
    </section>
  );
}

