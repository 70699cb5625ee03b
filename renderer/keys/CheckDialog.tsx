import { useNavigate } from '@tanstack/react-router';
import { useState } from 'react';
import type { HygieneFinding, Mending } from '../../app/contract/index.ts';
import { useAction, useCoreEvent } from '../bridge/index.ts';
import { saidFinding, useText, wholeNumber } from '../i18n/index.ts';
import { actionsWith } from '../mending/MendActions.tsx';
import { MendDialog } from '../mending/MendDialog.tsx';
import { Button, CopyAsCommand, Dialog, DialogActions, DialogBody, ErrorNotice, Findings, ProgressBar, useOnOpen } from '../ui/index.ts';

/** Looks at all keys and certificates together: what is weak, and what mends it. Begins at once. */
export function CheckDialog({ onClose }: { onClose: () => void }) {
  const t = useText();
  const check = useAction('keys.check');
  const [changed, setChanged] = useState(false);
  const { run, cancel } = check;
  const start = (): void => {
    setChanged(false);
    void run({});
  };
  useOnOpen(() => {
    start();
    return cancel;
  });
  useCoreEvent(({ type }) => {
    if (!check.pending && (type === 'keys.changed' || type === 'certificates.changed')) setChanged(true);
  });
  return (
    <Dialog title={t('keys.check.title')} open size="large" onClose={onClose}>
      <DialogBody className="text-13">
        {check.pending && (
          <div className="flex flex-col gap-2">
            <p role="status">{t('keys.check.running')}</p>
            <ProgressBar label={t('keys.check.title')} fraction={check.progress === undefined ? null : check.progress.done / check.progress.total} />
          </div>
        )}
        {check.result !== undefined && !check.pending && <Result answer={check.result} changed={changed} onClose={onClose} />}
        <ErrorNotice error={check.error} />
      </DialogBody>
      <DialogActions aside={<CopyAsCommand operation="keys.check" input={{}} />}>
        {check.pending ? <Button onPress={cancel}>{t('common.cancel')}</Button> : <Button onPress={onClose}>{t('common.close')}</Button>}
        <Button kind="primary" pending={check.pending} onPress={start}>{t('keys.check.again')}</Button>
      </DialogActions>
    </Dialog>
  );
}

type Answer = NonNullable<ReturnType<typeof useAction<'keys.check'>>['result']>;

function Result({ answer, changed, onClose }: { answer: Answer; changed: boolean; onClose: () => void }) {
  const t = useText();
  const [mending, setMending] = useState<Mending>();
  const { findings, total, notes, keys, certificates, compared } = answer;
  const counted = (n: number): { n: number; shown: string } => ({ n, shown: wholeNumber(n, t.language) });
  return (
    <>
      <p role="status" className="font-medium">{total === 0 ? t('keys.check.none') : t('keys.check.found', counted(total))}</p>
      <p className="text-muted">{[t('keys.count', counted(keys)), t('keys.check.certificates', counted(certificates)), t('keys.check.compared', counted(compared))].join(' · ')}</p>
      {changed && <p role="status">{t('keys.check.changed')}</p>}
      {byThing(findings).map((group) => (
        <section key={`${group[0]!.about.kind} ${group[0]!.about.id}`} className="flex flex-col gap-1">
          <h3><ThingButton about={group[0]!.about} onClose={onClose} /></h3>
          <Findings findings={group.map((finding) => saidFinding(finding, t))} actionsOf={actionsWith(setMending)} />
        </section>
      ))}
      {total > findings.length && <p className="text-muted">{t('keys.check.more', { n: total - findings.length })}</p>}
      {notes.map((note) => <p key={note} className="text-muted">{t.sentence(note) ?? note}</p>)}
      {mending !== undefined && <MendDialog action={mending} onClose={() => setMending(undefined)} />}
    </>
  );
}

/** What is found about one thing stands together, the worst thing first. */
function byThing(findings: readonly HygieneFinding[]): HygieneFinding[][] {
  const groups = new Map<string, HygieneFinding[]>();
  for (const finding of findings) {
    const name = `${finding.about.kind} ${finding.about.id}`;
    const known = groups.get(name);
    if (known === undefined) groups.set(name, [finding]);
    else known.push(finding);
  }
  return [...groups.values()];
}

function ThingButton({ about, onClose }: { about: HygieneFinding['about']; onClose: () => void }) {
  const t = useText();
  const navigate = useNavigate();
  const open = (): void => {
    onClose();
    void navigate({ to: about.kind === 'key' ? '/keys' : '/certificates', search: { selected: about.id } });
  };
  return <Button small kind="plain" className="-ml-2 max-w-full" onPress={open}><span className="truncate font-medium">{t(`keys.check.about.${about.kind}`, { name: about.label })}</span></Button>;
}
