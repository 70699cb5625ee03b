import { useNavigate, useSearch } from '@tanstack/react-router';
import { Eye, EyeOff, RotateCw, ShieldCheck } from 'lucide-react';
import { useEffect, useMemo, useState } from 'react';
import type { HealthFinding } from '../../app/contract/index.ts';
import { useAction, useOperation, type OutputFor } from '../bridge/index.ts';
import { useText, wholeNumber, type Text } from '../i18n/index.ts';
import { Expiry } from '../keys/Expiry.tsx';
import { ListPane, Panes, useCommands } from '../shell/index.ts';
import { Button, CopyAsCommand, cx, EmptyState, ErrorNotice, NO_SELECTION, ProgressBar, Skeleton, TimeInWords, useAtRest, useOnOpen, useToast, VirtualTable, type Column, type ListSelection, type MenuEntries } from '../ui/index.ts';
import { FindingDetail } from './FindingDetail.tsx';
import { LevelIcon } from './LevelIcon.tsx';
import { useOpenPlace } from './open-place.ts';
import { useKeyCheck, type KeyCheck } from './use-check.ts';
import { aboutOf, PLACE_ICONS, titleOf } from './words.ts';

/** What was looked at so lately is not looked at again by opening the view. */
const FRESH_MS = 30_000;

type Health = OutputFor<'health.list'>;

/** What has no time of its own was seen when it was looked for. */
const seenAt = (from: HealthFinding['from'], { lookedAt, checked }: Pick<Health, 'lookedAt' | 'checked'>): string | null => (from === 'look' ? lookedAt : from === 'check' ? (checked?.at ?? null) : null);

function columnsOf(t: Text, seen: Pick<Health, 'lookedAt' | 'checked'>): Column<HealthFinding>[] {
  return [
    { id: 'what', title: t('health.what'), width: 'minmax(13rem, 2fr)', cell: (finding) => <What finding={finding} t={t} /> },
    { id: 'about', title: t('health.about'), width: 'minmax(8rem, 1.2fr)', fromWidth: 500, fits: true, cell: (finding) => <About finding={finding} t={t} /> },
    { id: 'when', title: t('health.when'), width: 'minmax(8rem, 0.7fr)', fits: true, fromWidth: 340, cell: ({ since, until, from }) => <When since={since ?? seenAt(from, seen)} until={until} /> },
  ];
}

function When({ since, until }: Pick<HealthFinding, 'since' | 'until'>) {
  if (until !== null) return <Expiry at={until} />;
  return since === null ? null : <TimeInWords at={since} />;
}

function What({ finding, t }: { finding: HealthFinding; t: Text }) {
  return (
    <span className={cx('flex min-w-0 items-center gap-2', finding.hidden && 'text-muted')}>
      <LevelIcon level={finding.level} />
      <span className="truncate">{titleOf(finding, t)}</span>
      {finding.hidden && <EyeOff role="img" aria-label={t('health.isHidden')} className="size-4 shrink-0" strokeWidth={1.75} />}
    </span>
  );
}

function About({ finding, t }: { finding: HealthFinding; t: Text }) {
  const Icon = PLACE_ICONS[finding.about.place];
  return <span className="flex min-w-0 items-center gap-1.5"><Icon aria-hidden className="size-4 shrink-0" strokeWidth={1.75} /><span className="truncate">{aboutOf(finding, t)}</span></span>;
}

/** All that asks for attention, the worst first, and one finding in detail. */
export function HealthView() {
  const t = useText();
  const toast = useToast();
  const navigate = useNavigate();
  const { selected, check: asked } = useSearch({ from: '/health' });
  const [withHidden, setWithHidden] = useState(false);
  const answer = useOperation('health.list', withHidden ? { hidden: true } : {}, { keepPrevious: true });
  const look = useAction('health.list');
  const hide = useAction('health.hide');
  const unhide = useAction('health.unhide');
  const check = useKeyCheck();
  const health = answer.data;
  const shown = health?.findings.find(({ id }) => id === selected);
  const open = (id: string | undefined): void => void navigate({ to: '/health', search: id === undefined ? {} : { selected: id }, replace: selected !== undefined });
  const lookNow = (): void => void look.run({ look: true, limit: 1 });

  useOnOpen(() => {
    const at = health?.lookedAt ?? null;
    if (at === null || Date.now() - Date.parse(at) > FRESH_MS) lookNow();
  });
  // Asked for from elsewhere: once.
  const { start } = check;
  useEffect(() => {
    if (asked !== true) return;
    start();
    void navigate({ to: '/health', search: {}, replace: true });
  }, [asked, start, navigate]);

  const hideAll = async (findings: readonly HealthFinding[]): Promise<void> => {
    const done: HealthFinding[] = [];
    for (const finding of findings) if (!finding.hidden && (await hide.run({ id: finding.id })) !== undefined) done.push(finding);
    const [first] = done;
    if (first === undefined) return;
    const undo = async (): Promise<void> => {
      for (const { id } of done) await unhide.run({ id });
    };
    toast({ text: t('health.hid', { title: done.length === 1 ? titleOf(first, t) : t('health.hiddenCount', { n: done.length }) }), action: { label: t('common.undo'), onAction: () => void undo() } });
    if (!withHidden && done.some(({ id }) => id === selected)) open(undefined);
  };

  useCommands([
    { id: 'health.look', label: t('health.look'), group: t('health.title'), icon: RotateCw, onRun: lookNow },
    { id: 'keys.check', label: t('health.check'), group: t('health.title'), icon: ShieldCheck, onRun: check.start },
  ]);

  return (
    <Panes
      name="health"
      detailLabel={t('health.detail')}
      onCloseDetail={() => open(undefined)}
      detail={shown && health !== undefined && <FindingDetail key={shown.id} finding={shown} seen={seenAt(shown.from, health)} onHide={(finding) => void hideAll([finding])} />}
      list={(
        <ListPane
          title={t('health.title')}
          actions={<Button kind="primary" icon={ShieldCheck} pending={check.pending} onPress={check.start}>{t('health.check')}</Button>}
          status={health !== undefined && <Status health={health} looking={look.pending} />}
          foot={[
            ...(health !== undefined && health.hidden > 0 ? [{ id: 'hidden', label: withHidden ? t('health.leaveHidden') : t('health.showHidden', { n: health.hidden }), icon: withHidden ? EyeOff : Eye, onAction: () => setWithHidden(!withHidden) }] : []),
            { id: 'refresh', label: t('health.look'), icon: RotateCw, onAction: lookNow },
          ]}
        >
          <Checked check={check} health={health} />
          {(answer.error ?? look.error ?? hide.error ?? unhide.error) && <div className="px-4 pb-2"><ErrorNotice error={answer.error ?? look.error ?? hide.error ?? unhide.error} /></div>}
          {health === undefined ? <div className="grow">{answer.error === null && <Skeleton />}</div> : <FindingTable health={health} selectedId={selected} onOpen={open} onHide={(findings) => void hideAll(findings)} onUnhide={(findings) => findings.forEach(({ id }) => void unhide.run({ id }))} />}
        </ListPane>
      )}
    />
  );
}

function FindingTable({ health, selectedId, onOpen, onHide, onUnhide }: { health: Health; selectedId: string | undefined; onOpen: (id: string | undefined) => void; onHide: (findings: readonly HealthFinding[]) => void; onUnhide: (findings: readonly HealthFinding[]) => void }) {
  const t = useText();
  const openPlace = useOpenPlace();
  const { findings, lookedAt, checked, total } = health;
  const [selection, setSelection] = useState<ListSelection>(selectedId === undefined ? NO_SELECTION : { ...NO_SELECTION, selected: new Set([selectedId]) });
  const columns = useMemo(() => columnsOf(t, { lookedAt, checked }), [t, lookedAt, checked]);
  const openAtRest = useAtRest((id: string) => id !== selectedId && onOpen(id));
  const select = (next: ListSelection): void => {
    setSelection(next);
    const [only] = next.selected;
    if (next.selected.size === 1 && only !== undefined) openAtRest(only);
  };
  const menu = (chosen: readonly HealthFinding[]): MenuEntries => {
    const [only] = chosen;
    if (only === undefined) return [];
    return [
      ...(chosen.length === 1 ? [{ id: 'open', label: t(`health.open.${only.about.place}`), onAction: () => openPlace(only) }, null] : []),
      only.hidden ? { id: 'unhide', label: t('health.unhide'), icon: Eye, onAction: () => onUnhide(chosen) } : { id: 'hide', label: t('health.hide'), icon: EyeOff, onAction: () => onHide(chosen) },
    ];
  };
  return (
    <>
      <VirtualTable
        label={t('health.title')} columns={columns} count={findings.length} rowAt={(index) => findings[index]} keyOf={({ id }) => id} textOf={(finding) => titleOf(finding, t)}
        selection={selection} onSelection={select} onOpen={({ id }) => onOpen(id)} onPreview={({ id }) => onOpen(id)} menu={menu}
        empty={<EmptyState>{lookedAt === null ? t('health.nothing') : t.rich('health.nothingLooked', { when: <TimeInWords at={lookedAt} /> })}</EmptyState>}
      />
      {total > findings.length && <p className="px-4 py-2 text-13 text-muted">{t('health.more', { n: total - findings.length })}</p>}
    </>
  );
}

/** The check that runs, with its progress; else what its last result is worth. */
function Checked({ check, health }: { check: KeyCheck; health: Health | undefined }) {
  const t = useText();
  if (check.pending) {
    return (
      <div className="flex flex-col gap-2 px-4 pb-3 text-13">
        <p role="status">{t('health.checking')}</p>
        <div className="flex items-center gap-3">
          <ProgressBar label={t('health.check')} fraction={check.fraction} />
          <Button small onPress={check.cancel}>{t('health.cancelCheck')}</Button>
        </div>
      </div>
    );
  }
  const checked = health?.checked ?? null;
  const found = health?.findings.some(({ from }) => from === 'check') ?? false;
  return (
    <div className="flex flex-col gap-1 px-4 pb-2 text-13 text-muted empty:hidden">
      {checked !== null && (
        <>
          <p className="flex flex-wrap items-center gap-x-2">
            <span>{t.rich('health.checkedAt', { when: <TimeInWords at={checked.at} /> })}: {checkedWhat(checked, t)} {!found && t('health.checkedNone')}</span>
            <CopyAsCommand small operation="keys.check" input={{}} />
          </p>
          {checked.changed && <p role="status" className="text-text">{t('health.checkedChanged')}</p>}
          {checked.notes.map((note) => <p key={note}>{t.sentence(note) ?? note}</p>)}
          {checked.notes.length > 0 && <div><Button small onPress={() => check.startWithList(t('health.weakList'))}>{t('health.checkWithList')}</Button></div>}
        </>
      )}
      <ErrorNotice error={check.error} />
    </div>
  );
}

function checkedWhat({ keys, certificates, compared }: NonNullable<Health['checked']>, t: Text): string {
  const shown = (n: number): string => wholeNumber(n, t.language);
  return t('health.checkedWhat', { keys, keysShown: shown(keys), certificates, certificatesShown: shown(certificates), compared, comparedShown: shown(compared) });
}

function Status({ health: { attention, hidden, lookedAt, checked }, looking }: { health: Health; looking: boolean }) {
  const t = useText();
  return (
    <>
      <span>{t('health.attention', { n: attention, shown: wholeNumber(attention, t.language) })}</span>
      {hidden > 0 && <span>{t('health.hiddenCount', { n: hidden })}</span>}
      {looking ? <span>{t('health.looking')}</span> : lookedAt !== null && <span>{t.rich('health.lookedAt', { when: <TimeInWords at={lookedAt} /> })}</span>}
      {checked === null && <span>{t('health.neverChecked')}</span>}
    </>
  );
}
