import { RotateCw } from 'lucide-react';
import { useMemo, useState, type ReactNode } from 'react';
import type { Job } from '../../app/contract/index.ts';
import { fetchedAt, useAction, useOperation } from '../bridge/index.ts';
import { useText, whoName, type Text } from '../i18n/index.ts';
import { DetailPane, jobTitle, ListPane, ListStatus, Panes } from '../shell/index.ts';
import { Button, EmptyState, ErrorNotice, ExactTime, Fact, Facts, NO_SELECTION, ProgressBar, Sentence, Skeleton, StateBadge, TimeInWords, VirtualTable, type Column } from '../ui/index.ts';

const TONES = { running: 'neutral', done: 'success', failed: 'danger', cancelled: 'neutral', paused: 'neutral', interrupted: 'warning' } as const;
const REFRESH_MS = 1000;

const columnsOf = (t: Text): readonly Column<Job>[] => [
  { id: 'title', title: t('activity.job'), width: 'minmax(10rem, 2fr)', cell: (job) => jobTitle(job, t) },
  { id: 'state', title: t('activity.jobState'), width: 'minmax(8rem, 1fr)', cell: ({ state }) => <StateBadge tone={TONES[state]}>{t(`activity.job.${state}`)}</StateBadge> },
  { id: 'startedAt', title: t('activity.started'), width: 'minmax(8rem, 1fr)', cell: ({ startedAt }) => <TimeInWords at={startedAt} /> },
  { id: 'startedBy', title: t('activity.who'), width: 'minmax(7rem, 1fr)', fromWidth: 560, cell: ({ startedBy }) => whoName(startedBy, t) },
];

/** What can be done with a job: stop it, or go on with one that ended early. */
function JobActions({ job: { id, state, resumable }, actions }: { job: Job; actions: Record<'cancel' | 'pause' | 'resume' | 'forget', { run(input: { id: string }): unknown }> }) {
  const t = useText();
  if (state === 'running') {
    return (
      <>
        {resumable && <Button onPress={() => void actions.pause.run({ id })}>{t('activity.jobPause')}</Button>}
        <Button onPress={() => void actions.cancel.run({ id })}>{t('common.cancel')}</Button>
      </>
    );
  }
  if (!resumable) return null;
  return (
    <>
      <Button kind="primary" onPress={() => void actions.resume.run({ id })}>{t('activity.jobResume')}</Button>
      <Button onPress={() => void actions.forget.run({ id })}>{t('activity.jobForget')}</Button>
    </>
  );
}

export function JobList({ choose }: { choose: ReactNode }) {
  const t = useText();
  const [selection, setSelection] = useState(NO_SELECTION);
  const answer = useOperation('jobs.list', {});
  const jobs = answer.data?.jobs ?? [];
  const running = jobs.some(({ state }) => state === 'running');
  // A second watcher with a pace of its own; it shares the answer above.
  useOperation('jobs.list', running ? {} : undefined, { refetchEvery: REFRESH_MS });
  const actions = { cancel: useAction('jobs.cancel'), pause: useAction('jobs.pause'), resume: useAction('jobs.resume'), forget: useAction('jobs.forget') };
  const shown = jobs.find(({ id }) => selection.selected.has(id));
  const columns = useMemo(() => columnsOf(t), [t]);
  return (
    <Panes
      name="activity" detailLabel={t('activity.job')} onCloseDetail={() => setSelection({ ...selection, selected: new Set() })}
      detail={shown && (
        <DetailPane title={jobTitle(shown, t)} subtitle={<ExactTime at={shown.startedAt} />} actions={<JobActions job={shown} actions={actions} />}>
          {Object.entries(actions).map(([name, { error }]) => <ErrorNotice key={name} error={error} />)}
          {shown.state === 'running' && <ProgressBar label={jobTitle(shown, t)} fraction={shown.fraction} />}
          <Facts>
            <Fact name={t('activity.jobState')}><StateBadge tone={TONES[shown.state]}>{t(`activity.job.${shown.state}`)}</StateBadge></Fact>
            {shown.items !== null && <Fact name={t('activity.jobItems')}>{t('activity.jobItemsOf', shown.items)}</Fact>}
            <Fact name={t('activity.operation')}><code className="font-mono text-12">{shown.operation}</code></Fact>
            <Fact name={t('activity.who')}>{whoName(shown.startedBy, t)}</Fact>
            {shown.endedAt !== null && <Fact name={t('activity.ended')}><ExactTime at={shown.endedAt} /></Fact>}
            {shown.detail !== null && <Fact name={t('activity.detail')}><Sentence text={shown.detail} /></Fact>}
          </Facts>
        </DetailPane>
      )}
      list={
        <ListPane title={t('activity.title')} filters={choose} status={<ListStatus count={t('activity.jobCount', { n: jobs.length })} asOf={fetchedAt(answer)} />} foot={[{ id: 'refresh', label: t('common.refresh'), icon: RotateCw, onAction: () => void answer.refetch() }]}>
          {answer.error !== null && <div className="px-4 pb-3"><ErrorNotice error={answer.error} /></div>}
          {answer.isPending ? <div className="grow"><Skeleton /></div> : (
            <VirtualTable
              label={t('activity.jobs')} columns={columns} count={jobs.length} rowAt={(index) => jobs[index]} keyOf={({ id }) => id} textOf={(job) => jobTitle(job, t)}
              selection={selection} onSelection={setSelection} empty={<EmptyState>{t('activity.noJobs')}</EmptyState>}
            />
          )}
        </ListPane>
      }
    />
  );
}
