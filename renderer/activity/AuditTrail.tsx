import { FileDown, RotateCw, ShieldCheck } from 'lucide-react';
import { useCallback, useMemo, useState, type ReactNode } from 'react';
import type { AuditEntry } from '../../app/contract/index.ts';
import { asProblem, ERROR_CODES, OPERATION_FACTS, useAction, useBridge, type ProblemError } from '../bridge/index.ts';
import { deedName, deedOf, faceName, useText, whoName, wholeNumber, type MessageKey, type Text } from '../i18n/index.ts';
import { DetailPane, ListPane, ListStatus, Panes, useCommands } from '../shell/index.ts';
import { Button, CopyAsCommand, EmptyState, ErrorNotice, ExactTime, Fact, Facts, FilterBar, NO_SELECTION, Notice, Select, Sentence, Skeleton, StateBadge, TimeInWords, useToast, VirtualTable, type ChoiceGroup, type Column } from '../ui/index.ts';
import { Subject } from './Subject.tsx';
import { useAudit } from './use-audit.ts';

const ALL = 'all';

const columnsOf = (t: Text): readonly Column<AuditEntry>[] => [
  { id: 'deed', title: t('activity.what'), width: 'minmax(9rem, 2fr)', cell: (entry) => <span title={entry.operation}>{deedOf(entry, t)}</span> },
  { id: 'at', title: t('activity.when'), width: 'minmax(6.5rem, 1fr)', cell: ({ at }) => <TimeInWords at={at} /> },
  { id: 'who', title: t('activity.who'), width: 'minmax(7rem, 1fr)', fromWidth: 560, cell: ({ principalName }) => whoName(principalName, t) },
  { id: 'outcome', title: t('activity.outcome'), width: 'minmax(7.5rem, 1.2fr)', cell: ({ outcome }) => <Outcome outcome={outcome} /> },
  { id: 'operation', title: t('activity.operation'), width: 'minmax(7rem, 1fr)', fromWidth: 860, cell: ({ operation }) => <code className="font-mono text-12 text-muted">{operation}</code> },
  { id: 'number', title: t('activity.number'), width: '5rem', fromWidth: 760, cell: ({ number }) => wholeNumber(number, t.language) },
];

function Outcome({ outcome }: { outcome: string }) {
  const t = useText();
  if (outcome === 'ok') return <StateBadge tone="success">{t('activity.done')}</StateBadge>;
  const key = `errors.${outcome}`;
  return <StateBadge tone={outcome === 'CANCELLED' ? 'neutral' : 'danger'}>{t.has(key) ? t(key) : outcome}</StateBadge>;
}

/** Headings of the list of operations, by the first part of their ids; what is in none of them stands under the last. */
const GROUPS: Readonly<Record<string, MessageKey>> = {
  keys: 'shell.keys', certificates: 'shell.certificates', files: 'shell.files', tokens: 'shell.tokens', backends: 'shell.backends', store: 'settings.store', access: 'settings.access', audit: 'activity.audit', jobs: 'activity.jobs',
  other: 'settings.general',
};

function operationGroups(t: Text): ChoiceGroup<string>[] {
  const facts: Readonly<Record<string, { readonly effect: string }>> = OPERATION_FACTS;
  // What only looks is rarely looked for.
  const choices = Object.keys(facts).map((id) => ({ value: id, label: deedName(id, t), help: id, reads: facts[id]?.effect === 'read' }))
    .sort((one, other) => Number(one.reads) - Number(other.reads) || one.label.localeCompare(other.label, t.language));
  const groupOf = (id: string): string => (id.split('.', 1)[0] as string in GROUPS ? (id.split('.', 1)[0] as string) : 'other');
  return Object.entries(GROUPS).map(([group, title]) => ({ title: t(title), choices: choices.filter(({ value }) => groupOf(value) === group) }));
}

export function AuditTrail({ choose }: { choose: ReactNode }) {
  const t = useText();
  const bridge = useBridge();
  const toast = useToast();
  const [outcome, setOutcome] = useState(ALL);
  const [operation, setOperation] = useState(ALL);
  const [selection, setSelection] = useState(NO_SELECTION);
  const [failed, setFailed] = useState<ProblemError>();
  const [exporting, setExporting] = useState(false);
  const audit = useAudit({ ...(outcome !== ALL && { outcome }), ...(operation !== ALL && { operation }) });
  const verify = useAction('audit.verify');
  const { entries, more, loadMore } = audit;
  const problem = failed ?? verify.error ?? audit.error;
  const shown = entries.find(({ number }) => selection.selected.has(String(number)));
  const columns = useMemo(() => columnsOf(t), [t]);
  const groups = useMemo(() => operationGroups(t), [t]);
  const onRange = useCallback((_first: number, last: number) => {
    if (last >= entries.length - 50) loadMore();
  }, [entries.length, loadMore]);

  async function exportAll(): Promise<void> {
    setExporting(true);
    setFailed(undefined);
    try {
      const pieces: string[] = [];
      for (let from: number | null = 1; from !== null;) {
        const piece: { content: string; next: number | null } = await bridge.call('audit.export', { from });
        pieces.push(piece.content);
        from = piece.next;
      }
      const where = await bridge.saveFile(new TextEncoder().encode(pieces.join('')), 'keywright-audit.jsonl');
      if (where !== undefined) toast({ text: t('activity.exported', { where }) });
    } catch (thrown) {
      if (asProblem(thrown).code !== 'CANCELLED') setFailed(thrown as ProblemError);
    }
    setExporting(false);
  }

  useCommands([
    { id: 'audit.verify', label: t('activity.verify'), group: t('shell.activity'), icon: ShieldCheck, onRun: () => void verify.run({}) },
    { id: 'audit.export', label: t('activity.export'), group: t('shell.activity'), icon: FileDown, onRun: () => void exportAll() },
  ]);

  return (
    <Panes
      name="activity" filled="list" detailLabel={t('activity.entry')} onCloseDetail={() => setSelection({ ...selection, selected: new Set() })}
      detail={shown && <AuditDetail entry={shown} />}
      list={
        <ListPane
          title={t('activity.title')}
          actions={
            <>
              <Button icon={FileDown} pending={exporting} onPress={() => void exportAll()}>{t('activity.export')}</Button>
              <Button kind="primary" icon={ShieldCheck} pending={verify.pending} onPress={() => void verify.run({})}>{t('activity.verify')}</Button>
            </>
          }
          filters={
            <FilterBar search={choose} active={[operation, outcome].filter((one) => one !== ALL).length} room={584}>
              <Select inline neutral={ALL} label={t('activity.operation')} value={operation} onChange={setOperation} className="w-48" choices={[{ value: ALL, label: t('activity.allOperations') }]} groups={groups} />
              <Select
                inline neutral={ALL} label={t('activity.outcome')} value={outcome} onChange={setOutcome} className="w-48"
                choices={[{ value: ALL, label: t('activity.allOutcomes') }, { value: 'ok', label: t('activity.done') }, ...ERROR_CODES.map((code) => ({ value: code as string, label: t(`errors.${code}`) }))]}
              />
            </FilterBar>
          }
          status={<ListStatus count={more ? t('activity.countMore', { n: entries.length }) : t('activity.count', { n: entries.length })} asOf={audit.fetchedAt} />}
          foot={[{ id: 'refresh', label: t('common.refresh'), icon: RotateCw, onAction: audit.refetch }]}
        >
          {problem !== null && <div className="px-4 pb-3"><ErrorNotice error={problem} /></div>}
          {verify.result !== undefined && (
            <div className="px-4 pb-3">
              <Notice tone={verify.result.ok ? 'success' : 'danger'} live title={verify.result.ok ? t('activity.intact', { n: verify.result.entries }) : t('activity.broken', { n: verify.result.firstBroken ?? 0 })} actions={<Button small onPress={verify.reset}>{t('common.dismiss')}</Button>}>
                {verify.result.ok ? undefined : <Sentence text={verify.result.detail} />}
              </Notice>
            </div>
          )}
          {audit.pending ? <div className="grow"><Skeleton /></div> : (
            <VirtualTable
              label={t('activity.audit')} columns={columns} count={entries.length} rowAt={(index) => entries[index]} keyOf={({ number }) => String(number)} textOf={(entry) => deedOf(entry, t)}
              selection={selection} onSelection={setSelection} onRange={onRange} empty={<EmptyState>{t('activity.nothing')}</EmptyState>}
            />
          )}
        </ListPane>
      }
    />
  );
}

/** Who called, and by which way where the name does not say it already. */
function whoWhere({ principalName, face }: AuditEntry, t: Text): string {
  const [name, way] = [whoName(principalName, t), faceName(face, t)];
  return name === way ? name : t('activity.whoWhere', { name, face: way });
}

function AuditDetail({ entry }: { entry: AuditEntry }) {
  const t = useText();
  return (
    <DetailPane title={deedOf(entry, t)} subtitle={<ExactTime at={entry.at} />} actions={<CopyAsCommand operation="audit.list" input={{ operation: entry.operation }} />}>
      <Facts>
        <Fact name={t('activity.outcome')}><Outcome outcome={entry.outcome} /></Fact>
        <Fact name={t('activity.who')}>{whoWhere(entry, t)}</Fact>
        <Fact name={t('activity.operation')}><code className="font-mono text-12">{entry.operation}</code></Fact>
        <Fact name={t('activity.effect')}>{t(`activity.effect.${entry.effect}`)}</Fact>
        <Fact name={t('activity.number')}>{wholeNumber(entry.number, t.language)}</Fact>
        <Fact name={t('activity.request')}><span className="font-mono text-12 break-all">{entry.request}</span></Fact>
        {entry.subjects.length > 0 && <Fact name={t('activity.subjects')}><ul className="flex flex-col gap-1">{entry.subjects.map((subject) => <li key={subject}><Subject uri={subject} /></li>)}</ul></Fact>}
        {entry.detail !== null && <Fact name={t('activity.detail')}><Sentence text={entry.detail} /></Fact>}
      </Facts>
    </DetailPane>
  );
}
