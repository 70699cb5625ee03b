import { Download, Ellipsis, ExternalLink, FolderOpen, SquareTerminal } from 'lucide-react';
import { useMemo, useState, type ReactNode } from 'react';
import { useBridge } from '../bridge/index.ts';
import { useText, type Text } from '../i18n/index.ts';
import { Button, CopyButton, IconButton, Menu, NO_SELECTION, Segments, ROW_HEIGHT, StateBadge, useToast, VirtualTable, type Column, type ListSelection, type MenuEntries } from '../ui/index.ts';
import { baseName } from './chosen-files.tsx';

/** What became of files, one by one, and what can be done with each. */

const TONES = { valid: 'success', done: 'success', kept: 'neutral', untrusted: 'warning', invalid: 'danger', unsigned: 'warning', failed: 'danger' } as const;
type OutcomeKind = keyof typeof TONES;
const KINDS = Object.keys(TONES) as OutcomeKind[];

export interface Outcome {
  readonly key: string;
  /** As the operation calls it: a path, or a name. */
  readonly name: string;
  readonly kind: OutcomeKind;
  /** In a few words, besides the kind. */
  readonly says: ReactNode;
  /** What was written, or the file itself. */
  readonly file: { readonly path: string } | { readonly download: string } | null;
  /** A program can show it: a document and no bare signature. */
  readonly opens: boolean;
  readonly command: string;
}

/** Pixels: the line of titles with its borders; rows that are seen at once. */
const HEADER = 35;
const MOST_SEEN = 8;
/** Few enough that each has its buttons. */
const FEW = 4;

/** @returns what can be done with a file on this platform. */
function useFileActions(): (outcome: Outcome) => MenuEntries {
  const t = useText();
  const bridge = useBridge();
  const toast = useToast();
  const attempt = (work: Promise<unknown>): void => void work.catch(() => toast({ text: t('files.gone') }));
  return ({ file, opens, command }) => {
    const path = file !== null && 'path' in file ? file.path : undefined;
    const { openFile, showInFolder, download } = bridge;
    return [
      ...(path !== undefined && opens && openFile !== undefined ? [{ id: 'open', label: t('files.open'), icon: ExternalLink, onAction: () => attempt(openFile(path).then((how) => how === 'shown' && toast({ text: t('files.shownInstead') }))) }] : []),
      ...(path !== undefined && showInFolder !== undefined ? [{ id: 'show', label: t('files.showInFolder'), icon: FolderOpen, onAction: () => attempt(showInFolder(path)) }] : []),
      ...(file !== null && 'download' in file && download !== undefined ? [{ id: 'download', label: t('files.downloadAgain'), icon: Download, onAction: () => download(file.download, '') }] : []),
      { id: 'command', label: t('common.copyAsCommand'), icon: SquareTerminal, onAction: () => void bridge.copyText(command).then(() => toast({ text: t('common.copied') })) },
    ];
  };
}

/** @param renderDetail what is told of one that is selected. */
export function Outcomes({ label, outcomes, renderDetail }: { label: string; outcomes: readonly Outcome[]; renderDetail?: (outcome: Outcome) => ReactNode }) {
  return outcomes.length <= FEW && renderDetail === undefined ? <FewOutcomes label={label} outcomes={outcomes} /> : <OutcomeTable label={label} outcomes={outcomes} renderDetail={renderDetail} />;
}

function FewOutcomes({ label, outcomes }: { label: string; outcomes: readonly Outcome[] }) {
  const t = useText();
  const actionsOf = useFileActions();
  return (
    <ul className="flex flex-col gap-2" aria-label={label}>
      {outcomes.map((outcome) => (
        <li key={outcome.key} className="flex flex-col gap-1">
          <span className="break-all">{outcome.file !== null && 'path' in outcome.file ? outcome.file.path : baseName(outcome.name)}{outcome.says !== null && <> · {outcome.says}</>}</span>
          <span className="-ml-2 flex flex-wrap gap-1">
            {actionsOf(outcome).map((action) => action !== null && action.id !== 'command' && <Button key={action.id} small kind="plain" {...(action.icon && { icon: action.icon })} onPress={action.onAction}>{action.label}</Button>)}
            <CopyButton small kind="plain" label={t('common.copyAsCommand')} text={outcome.command} />
          </span>
        </li>
      ))}
    </ul>
  );
}

function OutcomeTable({ label, outcomes, renderDetail }: { label: string; outcomes: readonly Outcome[]; renderDetail: ((outcome: Outcome) => ReactNode) | undefined }) {
  const t = useText();
  const actionsOf = useFileActions();
  const [filter, setFilter] = useState<OutcomeKind | 'all'>('all');
  const [selection, setSelection] = useState<ListSelection>(NO_SELECTION);
  const counts = useMemo(() => new Map(KINDS.map((kind) => [kind, outcomes.filter((one) => one.kind === kind).length])), [outcomes]);
  const present = KINDS.filter((kind) => counts.get(kind) !== 0);
  const rows = filter === 'all' ? outcomes : outcomes.filter(({ kind }) => kind === filter);
  const selected = rows.find(({ key }) => selection.selected.has(key));
  const columns = columnsOf(actionsOf, t);
  return (
    <section aria-label={label} className="flex flex-col gap-3">
      {present.length > 1 && (
        <Segments
          label={t('files.filter')} value={filter} onChange={(next) => { setFilter(next); setSelection(NO_SELECTION); }}
          options={[{ value: 'all' as const, label: t('files.kindCount.all', { n: outcomes.length }) }, ...present.map((value) => ({ value, label: t(`files.kindCount.${value}`, { n: counts.get(value) ?? 0 }) }))]}
        />
      )}
      <div className="flex flex-col overflow-hidden rounded-control border border-border bg-surface" style={{ height: HEADER + ROW_HEIGHT * Math.min(MOST_SEEN, Math.max(1, rows.length)) }}>
        <VirtualTable
          label={label} columns={columns} count={rows.length} rowAt={(index) => rows[index]} keyOf={({ key }) => key} textOf={({ name }) => baseName(name)} selection={selection} onSelection={setSelection}
          menu={([row]) => (row === undefined ? [] : actionsOf(row))} onOpen={(row) => actionsOf(row).find((action) => action?.id === 'open')?.onAction()}
        />
      </div>
      {selected !== undefined && renderDetail?.(selected)}
    </section>
  );
}

function columnsOf(actionsOf: (outcome: Outcome) => MenuEntries, t: Text): readonly Column<Outcome>[] {
  return [
    { id: 'name', title: t('files.file'), width: 'minmax(9rem, 3fr)', cell: ({ name }) => <span title={name}>{baseName(name)}</span> },
    { id: 'state', title: t('files.result'), width: 'minmax(8rem, 1.5fr)', cell: ({ kind }) => <StateBadge tone={TONES[kind]}>{t(`files.kind.${kind}`)}</StateBadge> },
    { id: 'says', title: t('files.says'), width: 'minmax(6rem, 2fr)', fromWidth: 520, cell: ({ says }) => says },
    { id: 'more', title: t('common.more'), titleHidden: true, width: '3rem', cell: (row) => <Menu label={t('common.more')} entries={actionsOf(row)}><IconButton icon={Ellipsis} label={t('common.more')} /></Menu> },
  ];
}
