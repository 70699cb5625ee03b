import { useNavigate, useSearch } from '@tanstack/react-router';
import { BadgeCheck, CalendarDays, FileDown, Globe, RotateCw } from 'lucide-react';
import { useEffect, useMemo, useState } from 'react';
import type { CertificateRecord } from '../../app/contract/index.ts';
import { useAction, useBridge, usePages, type ChosenFile, type InputFor, type OutputFor } from '../bridge/index.ts';
import { useText, type Text } from '../i18n/index.ts';
import { Expiry } from '../keys/Expiry.tsx';
import { commonNameIn } from './common-name.ts';
import { ListPane, ListStatus, Panes, useCommands, useDropTarget } from '../shell/index.ts';
import { Button, EmptyState, ErrorNotice, FilterBar, NO_SELECTION, SearchField, Select, StateBadge, useAtRest, VirtualTable, type Column, type ListSelection, type Sort } from '../ui/index.ts';
import { useCertificateActions } from './certificate-actions.tsx';
import { CertificateDetail } from './CertificateDetail.tsx';
import { ExamineDialog } from './ExamineDialog.tsx';
import { ImportDialog } from './ImportDialog.tsx';
import { KeyPlace } from './key-place.tsx';
import { MakeDialog } from './MakeDialog.tsx';

const SHOWN = ['all', 'expiring', 'expired', 'trusted', 'authorities', 'trash'] as const;
type Shown = (typeof SHOWN)[number];
/** What soon is, in days. */
const SOON = 30;

const BY_NAME: Sort = { by: 'label', descending: false };
const BY_END: Sort = { by: 'notAfter', descending: false };

const WITHIN: Readonly<Record<Shown, Partial<InputFor<'certificates.list'>>>> = {
  all: {}, expiring: { expiring: SOON }, expired: { filter: 'validity=expired' }, trusted: { filter: 'trusted=true' }, authorities: { filter: 'purpose=ca' }, trash: { trash: true },
};
const certificatesIn = ({ certificates }: OutputFor<'certificates.list'>): readonly CertificateRecord[] => certificates;

function columnsOf(t: Text): Column<CertificateRecord>[] {
  return [
    { id: 'label', title: t('certificates.name'), width: 'minmax(10rem, 2fr)', sortable: true, cell: ({ label, trusted }) => <span className="flex min-w-0 items-center gap-1.5"><span className="truncate">{label}</span>{trusted && <BadgeCheck aria-label={t('certificates.trusted')} className="size-4 shrink-0 text-success" strokeWidth={1.75} />}</span> },
    { id: 'key', title: t('certificates.keyPlace'), width: 'minmax(9.5rem, 1.2fr)', fromWidth: 560, cell: (certificate) => <KeyPlace certificate={certificate} /> },
    { id: 'issuer', title: t('certificates.issuer'), width: 'minmax(8rem, 1.2fr)', sortable: true, fromWidth: 640, cell: ({ issuer, selfSigned }) => (selfSigned ? t('certificates.itself') : <span title={issuer}>{commonNameIn(issuer)}</span>) },
    { id: 'notAfter', title: t('certificates.validUntil'), width: 'minmax(8.5rem, 0.8fr)', sortable: true, fits: true, cell: ({ notAfter, revocation }) => (revocation?.state === 'revoked' ? <StateBadge tone="danger">{t('certificates.revoked')}</StateBadge> : <Expiry at={notAfter} />) },
  ];
}

/** All certificates, of the store and of tokens, and one of them in detail. */
export function CertificatesView() {
  const t = useText();
  const bridge = useBridge();
  const navigate = useNavigate();
  const { selected, shown: asked } = useSearch({ strict: false }) as { selected?: string; shown?: 'expiring' };
  const [shown, setShownAlone] = useState<Shown>(asked ?? 'all');
  const [search, setSearch] = useState('');
  const [sort, setSort] = useState<Sort>(asked === undefined ? BY_NAME : BY_END);
  // What ends is looked at in the order in which it ends.
  const setShown = (next: Shown): void => {
    setShownAlone(next);
    setSort(next === 'expiring' || next === 'expired' ? BY_END : BY_NAME);
  };
  useEffect(() => {
    if (asked !== undefined) setShown(asked);
  }, [asked]);
  const [dialog, setDialog] = useState<'make' | 'import' | 'examine'>();
  const [files, setFiles] = useState<readonly ChosenFile[]>([]);
  const query = useMemo<InputFor<'certificates.list'>>(() => ({ ...WITHIN[shown], sort: `${sort.descending ? '-' : ''}${sort.by}`, ...(search.trim() !== '' && { search: search.trim() }) }), [shown, sort, search]);
  const pages = usePages('certificates.list', query, certificatesIn);
  const expiring = useAction('certificates.expiring');
  const open = (id: string | undefined): void => void navigate({ to: '/certificates', search: id === undefined ? {} : { selected: id }, replace: selected !== undefined });
  /** A request that is dropped asks for a certificate; all else is imported. */
  const take = async (dropped: readonly ChosenFile[]): Promise<void> => {
    const isRequest = dropped.length === 1 && (await bridge.call('files.inspect', { from: await dropped[0]!.toInput() }).then(({ kind }) => kind === 'certificate-request', () => false));
    setFiles(dropped);
    setDialog(isRequest ? 'make' : 'import');
  };
  const calendar = async (format: 'ics' | 'csv'): Promise<void> => {
    const answer = await expiring.run({ days: 3650, format });
    if (answer?.content !== undefined) await bridge.saveFile(new TextEncoder().encode(answer.content), `certificates.${format}`);
  };
  useCommands([
    { id: 'certificates.make', label: t('certificates.make.title'), group: t('certificates.title'), onRun: () => setDialog('make') },
    { id: 'certificates.import', label: t('certificates.import.title'), group: t('certificates.title'), onRun: () => setDialog('import') },
    { id: 'certificates.examine', label: t('certificates.examine.title'), group: t('certificates.title'), icon: Globe, onRun: () => setDialog('examine') },
    { id: 'certificates.ics', label: t('certificates.calendar'), group: t('certificates.title'), icon: CalendarDays, onRun: () => void calendar('ics') },
    { id: 'certificates.csv', label: t('certificates.table'), group: t('certificates.title'), icon: FileDown, onRun: () => void calendar('csv') },
  ]);
  useDropTarget({
    hint: (n) => t('certificates.import.drop', { n }),
    onDrop: (dropped) => void take(dropped),
  });
  const close = (): void => {
    setDialog(undefined);
    setFiles([]);
  };
  const total = pages.answer?.total;
  const [selection, setSelection] = useState<ListSelection>(selected === undefined ? NO_SELECTION : { ...NO_SELECTION, selected: new Set([selected]) });
  return (
    <>
      <Panes
        name="certificates" detailLabel={t('certificates.detail')} onCloseDetail={() => open(undefined)}
        detail={selected === undefined ? undefined : <CertificateDetail key={selected} id={selected} onGone={() => open(undefined)} onOpen={open} />}
        list={(
          <ListPane
            title={shown === 'trash' ? t('certificates.trashTitle') : t('certificates.title')}
            secondary={[
              { id: 'examine', label: t('certificates.examine.open'), icon: Globe, onAction: () => setDialog('examine') },
              { id: 'import', label: t('certificates.import.open'), onAction: () => setDialog('import') },
            ]}
            actions={<Button kind="primary" onPress={() => setDialog('make')}>{t('certificates.make.open')}</Button>}
            filters={(
              <FilterBar room={376} active={Number(shown !== 'all')} search={<SearchField label={t('certificates.search')} value={search} onChange={setSearch} className="min-w-24 flex-1 max-w-72" />}>
                <Select inline neutral="all" label={t('certificates.show')} value={shown} onChange={setShown} className="w-48" choices={SHOWN.map((name) => ({ value: name, label: t(`certificates.shown.${name}`) }))} />
              </FilterBar>
            )}
            status={total !== undefined && <ListStatus count={t('certificates.count', { n: total })} selected={selection.selected.size} asOf={pages.fetchedAt} />}
            foot={[
              { id: 'calendar', label: t('certificates.calendar'), icon: CalendarDays, onAction: () => void calendar('ics') },
              { id: 'table', label: t('certificates.table'), icon: FileDown, onAction: () => void calendar('csv') },
              { id: 'refresh', label: t('common.refresh'), icon: RotateCw, onAction: pages.refetch },
            ]}
          >
            {(pages.error ?? expiring.error) !== undefined && <div className="px-4 pb-2"><ErrorNotice error={pages.error ?? expiring.error} /></div>}
            {total === undefined ? <div className="grow" /> : <CertificateTable pages={pages} total={total} selection={selection} onSelection={setSelection} sort={sort} onSort={setSort} selectedId={selected} onOpen={open} filtered={shown !== 'all' || search !== ''} onMake={() => setDialog('make')} onShowAll={() => { setShown('all'); setSearch(''); }} />}
          </ListPane>
        )}
      />
      {dialog === 'make' && <MakeDialog file={files[0]} onClose={close} onMade={open} />}
      {dialog === 'import' && <ImportDialog files={files} onClose={close} onImported={open} />}
      {dialog === 'examine' && <ExamineDialog onClose={() => setDialog(undefined)} />}
    </>
  );
}

function CertificateTable({ pages, total, selection, onSelection, sort, onSort, selectedId, onOpen, filtered, onMake, onShowAll }: {
  pages: ReturnType<typeof usePages<'certificates.list', CertificateRecord>>; total: number; selection: ListSelection; onSelection: (selection: ListSelection) => void; sort: Sort; onSort: (sort: Sort) => void; selectedId: string | undefined; onOpen: (id: string | undefined) => void;
  filtered: boolean; onMake: () => void; onShowAll: () => void;
}) {
  const t = useText();
  const does = useCertificateActions((gone) => {
    onSelection({ ...selection, selected: new Set() });
    if (gone.some(({ id }) => id === selectedId)) onOpen(undefined);
  }, onOpen);
  const columns = useMemo(() => columnsOf(t), [t]);
  const openAtRest = useAtRest((id: string) => id !== selectedId && onOpen(id));
  const select = (next: ListSelection): void => {
    onSelection(next);
    const [only] = next.selected;
    if (next.selected.size === 1 && only !== undefined) openAtRest(only);
  };
  return (
    <>
      <VirtualTable
        label={t('certificates.title')} columns={columns} count={total} rowAt={pages.rows.rowAt} rows={pages.rows} keyOf={({ id }) => id} textOf={({ label }) => label}
        selection={selection} onSelection={select} onOpen={({ id }) => onOpen(id)} onPreview={({ id }) => onOpen(id)} onDelete={(certificates) => void does.trash(certificates)} menu={does.menuOf} sort={sort} onSort={onSort}
        empty={filtered
          ? <EmptyState action={<Button onPress={onShowAll}>{t('certificates.showAll')}</Button>}>{t('certificates.noneFound')}</EmptyState>
          : <EmptyState action={<Button onPress={onMake}>{t('certificates.make.open')}</Button>}>{t('certificates.none')}</EmptyState>}
      />
      {does.error && <div className="px-4 py-2"><ErrorNotice error={does.error} /></div>}
      {does.dialogs}
    </>
  );
}

