import { Cloud, Ellipsis, FolderArchive, HardDrive, RotateCw, ShieldCheck, Trash2, Unplug, Usb, type LucideIcon } from 'lucide-react';
import { useNavigate, useSearch } from '@tanstack/react-router';
import { memo, useMemo, useState } from 'react';
import type { KeyRecord } from '../../app/contract/index.ts';
import { instanceTitle } from '../backends/names.ts';
import { useOperation, type ChosenFile } from '../bridge/index.ts';
import { useText, wholeNumber, type Text } from '../i18n/index.ts';
import { useCommands } from '../shell/commands.tsx';
import { useDropTarget } from '../shell/FileDrop.tsx';
import { ListPane, ListStatus, ONE_PANE_UNDER, Panes } from '../shell/Panes.tsx';
import { useWindowWidth } from '../shell/window-width.ts';
import {
  Badge, Button, cx, EmptyState, ErrorNotice, FilterBar, Menu, NO_SELECTION, SearchField, Select, StateBadge, TimeInWords, useAtRest, VirtualTable, type Column, type ListSelection, type Sort,
} from '../ui/index.ts';
import { algorithmName } from './algorithms.ts';
import { Expiry } from './Expiry.tsx';
import { ImportDialog } from './ImportDialog.tsx';
import { useKeyActions } from './key-actions.tsx';
import { KeyDetail, placeName } from './KeyDetail.tsx';
import { useKeyPages, type KeyPages, type KeyQuery } from './key-pages.ts';
import { MissingSources } from './MissingSources.tsx';
import { NewKeyDialog } from './NewKeyDialog.tsx';
import { SelectionDetail } from './SelectionDetail.tsx';
import { stateTone } from './state.ts';

const USES = ['sign', 'encrypt', 'wrap', 'agree', 'mac', 'encapsulate'] as const;
const STATES = ['active', 'pre-active', 'suspended', 'deactivated', 'compromised'] as const;
const GROUPINGS = ['backend', 'algorithm', 'state', 'publicKey'] as const;
const ANY = 'any';
const NONE = 'none';

interface Filters {
  search: string;
  place: string;
  use: (typeof USES)[number] | typeof ANY;
  state: (typeof STATES)[number] | 'trash' | typeof ANY;
  group: (typeof GROUPINGS)[number] | typeof NONE;
}

const NO_FILTERS: Filters = { search: '', place: ANY, use: ANY, state: ANY, group: NONE };

function queryOf({ search, place, use, state, group }: Filters, sort: Sort): KeyQuery {
  const terms = [...(use === ANY ? [] : [`usage=${use}`]), ...(state === ANY || state === 'trash' ? [] : [`state=${state}`])];
  return {
    sort: `${sort.descending ? '-' : ''}${sort.by}`, trash: state === 'trash',
    ...(search.trim() !== '' && { search: search.trim() }), ...(place !== ANY && { backend: place }), ...(terms.length > 0 && { filter: terms.join(' ') }), ...(group !== NONE && { group }),
  };
}

const isFiltered = ({ search, place, use, state }: Filters): boolean => search !== '' || place !== ANY || use !== ANY || state !== ANY;

/** All keys, wherever they live, and one of them in detail. */
export function KeysView() {
  const t = useText();
  const navigate = useNavigate();
  const { selected } = useSearch({ strict: false }) as { selected?: string };
  const [filters, setFilters] = useState(NO_FILTERS);
  const [sort, setSort] = useState<Sort>({ by: 'label', descending: false });
  const query = useMemo(() => queryOf(filters, sort), [filters, sort]);
  const pages = useKeyPages(query);
  const dialogs = useDialogs();
  const [selection, setSelection] = useState<ListSelection>(selected === undefined ? NO_SELECTION : { ...NO_SELECTION, selected: new Set([selected]) });
  // From one key to the next is no step: back leads to the list.
  const [several, setSeveral] = useState<readonly KeyRecord[]>([]);
  // In a narrow window a detail would hide the list in which one is still choosing: there the menu at its foot has what can be done.
  const hasRoom = useWindowWidth() >= ONE_PANE_UNDER;
  const isSeveral = several.length > 1;
  const openKey = (id: string | undefined): void => void navigate({ to: '/keys', search: id === undefined ? {} : { selected: id }, replace: selected !== undefined });
  const forget = (gone: readonly KeyRecord[]): void => {
    setSelection({ ...selection, selected: new Set() });
    if (gone.some(({ id }) => id === selected)) openKey(undefined);
  };
  const checkKeys = (): void => void navigate({ to: '/health', search: { check: true } });
  useCommands([
    { id: 'keys.new', label: t('keys.new.title'), group: t('keys.title'), shortcut: 'Mod+N', onRun: () => dialogs.setMaking(true) },
    { id: 'keys.import', label: t('keys.import.title'), group: t('keys.title'), shortcut: 'Mod+I', onRun: () => dialogs.setImporting(true) },
    { id: 'keys.check', label: t('keys.check.open'), group: t('keys.title'), icon: ShieldCheck, onRun: checkKeys },
    { id: 'keys.trash', label: t('keys.showTrash'), group: t('keys.title'), onRun: () => setFilters({ ...NO_FILTERS, state: 'trash' }) },
  ]);
  useDropTarget({
    hint: (n) => t('keys.import.drop', { n }),
    onDrop: ([file]) => {
      dialogs.setFile(file);
      dialogs.setImporting(true);
    },
  });
  return (
    <>
      <Panes
        name="keys"
        detailLabel={t('keys.detail')}
        onCloseDetail={() => openKey(undefined)}
        detail={isSeveral ? hasRoom && <SelectionDetail keys={several} selected={selection.selected.size} onGone={forget} /> : selected === undefined ? undefined : <KeyDetail key={selected} id={selected} onGone={() => openKey(undefined)} />}
        list={(
          <ListPane title={filters.state === 'trash' ? t('keys.trashTitle') : t('keys.title')} actions={<NewKeyButton dialogs={dialogs} />} secondary={[{ id: 'import', label: t('keys.import.open'), onAction: () => dialogs.setImporting(true) }]} filters={<KeyFilters value={filters} onChange={setFilters} />} status={<Status pages={pages} selected={selection.selected.size} />} foot={[{ id: 'check', label: t('keys.check.open'), icon: ShieldCheck, onAction: checkKeys }, { id: 'refresh', label: t('common.refresh'), icon: RotateCw, onAction: pages.refetch }]}>
            {pages.error !== undefined && pages.error !== null && <div className="px-4 pb-2"><ErrorNotice error={pages.error} /></div>}
            <KeyTable pages={pages} selection={selection} onSelection={setSelection} onSelectedRows={setSeveral} onGone={forget} several={hasRoom ? [] : several} grouping={filters.group} sort={sort} onSort={setSort} selectedId={selected} onOpen={openKey} dialogs={dialogs} filtered={isFiltered(filters)} onShowAll={() => setFilters({ ...NO_FILTERS, group: filters.group })} />
          </ListPane>
        )}
      />
      <NewKeyDialog open={dialogs.making} onClose={() => dialogs.setMaking(false)} onMade={(key) => openKey(key.id)} />
      <ImportDialog file={dialogs.file} open={dialogs.importing} onClose={dialogs.endImport} onImported={([key]) => key !== undefined && openKey(key.id)} />
    </>
  );
}

function useDialogs() {
  const [making, setMaking] = useState(false);
  const [importing, setImporting] = useState(false);
  const [file, setFile] = useState<ChosenFile>();
  const endImport = (): void => {
    setImporting(false);
    setFile(undefined);
  };
  return { making, setMaking, importing, setImporting, file, setFile, endImport };
}

function NewKeyButton({ dialogs }: { dialogs: ReturnType<typeof useDialogs> }) {
  const t = useText();
  return (
    <Button kind="primary" onPress={() => dialogs.setMaking(true)}>{t('keys.new.open')}</Button>
  );
}

const KeyFilters = memo(function KeyFilters({ value, onChange }: { value: Filters; onChange: (filters: Filters) => void }) {
  const t = useText();
  const backends = useOperation('backends.list', {});
  const places = backends.data?.backends ?? [];
  return (
    <FilterBar
      room={places.length > 1 ? 720 : 584} active={[value.place, value.use, value.state].filter((one) => one !== ANY).length + Number(value.group !== NONE)}
      search={<SearchField label={t('keys.search')} value={value.search} onChange={(search) => onChange({ ...value, search })} className="min-w-24 flex-1 max-w-72" />}
    >
      {places.length > 1 && (
        <Select inline neutral={ANY} label={t('keys.place')} value={value.place} onChange={(place) => onChange({ ...value, place })} className={FILTER} choices={[{ value: ANY, label: t('keys.anyPlace') }, ...places.map((place) => ({ value: place.name, label: place.name === 'software' ? t('keys.thisComputer') : instanceTitle(place, t) }))]} />
      )}
      <Select inline neutral={ANY} label={t('keys.uses')} value={value.use} onChange={(use) => onChange({ ...value, use })} className={FILTER} choices={[{ value: ANY, label: t('keys.anyUse') }, ...USES.map((use) => ({ value: use, label: t(`keys.usage.${use}`) }))]} />
      <Select inline neutral={ANY} label={t('keys.state')} value={value.state} onChange={(state) => onChange({ ...value, state })} className={FILTER} choices={[{ value: ANY, label: t('keys.anyState') }, ...STATES.map((state) => ({ value: state, label: t(`keys.stateName.${state}`) })), { value: 'trash', label: t('keys.trashTitle'), icon: Trash2 }]} />
      <Select inline neutral={NONE} label={t('keys.group')} value={value.group} onChange={(group) => onChange({ ...value, group })} className={FILTER} choices={[{ value: NONE, label: t('keys.noGroups') }, ...GROUPINGS.map((group) => ({ value: group, label: t(`keys.groupBy.${group}`) }))]} />
    </FilterBar>
  );
});

/** A filter takes what there is, down to what its longest words need. */
const FILTER = 'min-w-32 flex-1 max-w-44';

const PLACE_ICONS: Readonly<Record<KeyRecord['protection'], LucideIcon>> = { store: HardDrive, 'store+passphrase': HardDrive, token: Usb, hsm: Usb, tpm: HardDrive, cloud: Cloud };

function columns(t: Text): Column<KeyRecord>[] {
  return [
    { id: 'label', title: t('keys.name'), width: 'minmax(9rem, 2fr)', sortable: true, cell: ({ label }) => label },
    { id: 'algorithm', title: t('keys.algorithm'), width: 'minmax(8.75rem, 1fr)', sortable: true, cell: ({ algorithm }) => algorithmName(algorithm) },
    { id: 'backend', title: t('keys.place'), width: 'minmax(9.5rem, 1fr)', sortable: true, fromWidth: 480, fits: true, cell: (key) => <Place record={key} t={t} /> },
    { id: 'state', title: t('keys.state'), width: 'minmax(8.5rem, 0.8fr)', sortable: true, fromWidth: 720, fits: true, cell: ({ state }) => <StateBadge tone={stateTone(state)}>{t(`keys.stateName.${state}`)}</StateBadge> },
    { id: 'notAfter', title: t('keys.validUntil'), width: 'minmax(8rem, 0.8fr)', sortable: true, fromWidth: 580, fits: true, cell: ({ notAfter }) => <Expiry at={notAfter} /> },
    { id: 'createdAt', title: t('keys.created'), width: 'minmax(6.5rem, 0.8fr)', sortable: true, fromWidth: 860, fits: true, cell: ({ createdAt }) => <TimeInWords at={createdAt} /> },
  ];
}

function Place({ record, t }: { record: KeyRecord; t: Text }) {
  const Icon = record.backend === 'software' ? PLACE_ICONS[record.protection] : record.protection.startsWith('store') ? FolderArchive : PLACE_ICONS[record.protection];
  return (
    <span className="flex min-w-0 items-center gap-1.5">
      <Icon aria-hidden className="size-4 shrink-0" strokeWidth={1.75} />
      <span className={cx('truncate', !record.present && 'text-muted')}>{placeName(record, t)}</span>
      {!record.present && <Badge icon={Unplug}>{t('keys.notPresent')}</Badge>}
    </span>
  );
}

/** Names that the core gives are said in the window's words. */
function groupTitle({ name, title }: KeyPages['groups'][number], grouping: Filters['group'], t: Text): string {
  if (grouping === 'algorithm') return algorithmName(name as KeyRecord['algorithm']);
  if (grouping === 'state') return t(`keys.stateName.${name as KeyRecord['state']}`);
  return grouping === 'backend' && name === 'software' ? t('keys.thisComputer') : title;
}

function KeyTable({ pages, selection, onSelection, onSelectedRows, onGone, several, grouping, sort, onSort, selectedId, onOpen, dialogs, filtered, onShowAll }: {
  pages: KeyPages; selection: ListSelection; onSelection: (selection: ListSelection) => void; onSelectedRows: (keys: readonly KeyRecord[]) => void; onGone: (keys: readonly KeyRecord[]) => void; /** Selected, and not shown in a detail. */ several: readonly KeyRecord[]; grouping: Filters['group']; sort: Sort; onSort: (sort: Sort) => void; selectedId: string | undefined; onOpen: (id: string | undefined) => void;
  dialogs: ReturnType<typeof useDialogs>; filtered: boolean; onShowAll: () => void;
}) {
  const t = useText();
  const does = useKeyActions(onGone);
  const shown = useMemo(() => columns(t), [t]);
  const groups = useMemo(() => pages.groups.map((group) => ({ ...group, title: groupTitle(group, grouping, t) })), [pages.groups, grouping, t]);
  const openAtRest = useAtRest((id: string) => id !== selectedId && onOpen(id));
  if (pages.total === undefined) return <div className="grow" />;

  const select = (next: ListSelection): void => {
    onSelection(next);
    const [only] = next.selected;
    if (next.selected.size === 1 && only !== undefined) openAtRest(only);
  };
  return (
    <>
      <VirtualTable
        label={t('keys.title')} columns={shown} count={pages.total} groups={groups} rowAt={pages.rows.rowAt} rows={pages.rows} keyOf={({ id }) => id} textOf={({ label }) => label}
        selection={selection} onSelection={select} onSelectedRows={onSelectedRows} onOpen={({ id }) => onOpen(id)} onPreview={({ id }) => onOpen(id)} onDelete={(keys) => void does.trash(keys)} onRename={does.edit} menu={does.menuOf}
        sort={sort} onSort={onSort}
        empty={filtered
          ? <EmptyState action={<Button onPress={onShowAll}>{t('keys.showAll')}</Button>}>{t('keys.noneFound')}</EmptyState>
          : <EmptyState action={<Button onPress={() => dialogs.setMaking(true)}>{t('keys.new.open')}</Button>}>{t('keys.none')}</EmptyState>}
      />
      {does.error && <div className="px-4 py-2"><ErrorNotice error={does.error} /></div>}
      {several.length > 1 && (
        <div className="flex shrink-0 items-center justify-between gap-3 border-t border-border px-4 py-1 text-13">
          <span>{t('keys.severalSelected', { n: several.length, shown: wholeNumber(several.length, t.language) })}</span>
          <Menu label={t('common.more')} entries={does.menuOf(several)}><Button small icon={Ellipsis}>{t('common.more')}</Button></Menu>
        </div>
      )}
      {does.underWay}
      {does.dialogs}
    </>
  );
}

function Status({ pages, selected }: { pages: KeyPages; selected: number }) {
  const t = useText();
  const oldest = pages.sources.map(({ fetchedAt }) => fetchedAt).toSorted()[0];
  return (
    <>
      {pages.total !== undefined && <ListStatus count={t('keys.count', { n: pages.total, shown: wholeNumber(pages.total, t.language) })} selected={selected} asOf={oldest} />}
      <MissingSources pages={pages} />
    </>
  );
}
