import { useState, type ReactNode } from 'react';
import type { KeyRecord } from '../../app/contract/index.ts';
import { asProblem, type OutputFor } from '../bridge/index.ts';
import { useText, type Text } from '../i18n/index.ts';
import { algorithmName } from '../keys/algorithms.ts';
import { placeName } from '../keys/KeyDetail.tsx';
import { Button, Dialog, DialogActions, DialogBody, ErrorNotice, forgetDrafts, Notice, RadioGroup, Sentence, TextField, useDraft, type Choice } from '../ui/index.ts';

/** What making any kind of certificate has in common. */

const WAYS = ['self-signed', 'request', 'issue', 'issue-request', 'ssh'] as const;
export type Way = (typeof WAYS)[number];
const MAX_DAYS = 36_500;
/** What was typed is kept under names that begin so, until a certificate is made of it. */
export const MAKING = 'certificates.make';

/** Keys to choose from, with what they are and where. */
export const keyChoices = (keys: readonly KeyRecord[], t: Text): Choice<string>[] => keys.map((key) => ({ value: key.uri, label: key.label, help: t('keys.summary', { algorithm: algorithmName(key.algorithm), place: placeName(key, t) }) }));

/** How long it will be valid. @param usual days, for as long as nothing else was typed. */
export function useDays(usual: number): { count: number; bad: boolean; field: ReactNode } {
  const t = useText();
  const [{ typed }, change] = useDraft(`${MAKING}.days`, { typed: '' });
  const count = typed === '' ? usual : Number(typed);
  const bad = !Number.isInteger(count) || count < 1 || count > MAX_DAYS;
  return { count, bad, field: <TextField label={t('certificates.make.days')} value={typed === '' ? String(usual) : typed} onChange={(text) => change({ typed: text })} isInvalid={bad} inputMode="numeric" /> };
}

type Made = OutputFor<'certificates.issue'>;

/** Runs what makes a certificate, and keeps what came of it. */
export function useMaking(onMade: (id: string) => void, onClose: () => void) {
  const [problem, setProblem] = useState<unknown>();
  const [discouraged, setDiscouraged] = useState<Made>();
  /** @param make undefined when it was cancelled, or its error is told already. */
  const run = async (make: () => Promise<Made | undefined>): Promise<void> => {
    setProblem(undefined);
    try {
      const made = await make();
      if (made === undefined) return;
      forgetDrafts(MAKING);
      if (made.warnings.length > 0) {
        setDiscouraged(made);
        return;
      }
      onClose();
      onMade(made.id);
    } catch (thrown) {
      setProblem(asProblem(thrown));
    }
  };
  const show = (): void => {
    onClose();
    if (discouraged !== undefined) onMade(discouraged.id);
  };
  return { problem, discouraged, run, show };
}

/** The dialog around the fields: what to make, and in words what it will be. */
export function MakingDialog({ way, onWay, making, result, error, aside, action, ready, pending, done, onCancel, onSubmit, onClose, children }: {
  way: Way; onWay: (way: Way) => void; making: ReturnType<typeof useMaking>; result: string; error: unknown; aside: ReactNode; action: string; ready: boolean; pending: boolean;
  /** What was made, when that is no certificate. */
  done?: ReactNode;
  onCancel: () => void; onSubmit: () => void; onClose: () => void; children: ReactNode;
}) {
  const t = useText();
  const { discouraged } = making;
  if (discouraged !== undefined) {
    return (
      <Dialog title={t('certificates.make.title')} open onClose={making.show} onSubmit={making.show}>
        <DialogBody>
          <Notice tone="warning" live title={t('certificates.make.discouraged', { name: discouraged.label })}>
            <ul className="list-disc pl-4">{discouraged.warnings.map(({ warning, rule }) => <li key={warning}><Sentence text={warning} /> ({rule})</li>)}</ul>
          </Notice>
        </DialogBody>
        <DialogActions><Button kind="primary" type="submit" autoFocus>{t('certificates.make.show')}</Button></DialogActions>
      </Dialog>
    );
  }
  return (
    <Dialog title={t('certificates.make.title')} open onClose={onClose} onSubmit={() => ready && onSubmit()}>
      <DialogBody>
        <RadioGroup label={t('certificates.make.way')} horizontal value={way} onChange={onWay} help={t(`certificates.wayHelp.${way}`)} options={WAYS.map((value) => ({ value, label: t(`certificates.way.${value}`) }))} />
        {children}
        {done}
        <ErrorNotice error={making.problem ?? error} />
      </DialogBody>
      {/* It does not scroll away: what is typed is seen in it. */}
      <p className="border-t border-border px-5 py-3 text-13 break-words"><span className="font-medium">{t('certificates.make.result')}</span>{' '}{result}</p>
      <DialogActions aside={aside}>
        <Button onPress={pending ? onCancel : onClose}>{done === undefined ? t('common.cancel') : t('common.close')}</Button>
        <Button kind="primary" type="submit" isDisabled={!ready} pending={pending}>{action}</Button>
      </DialogActions>
    </Dialog>
  );
}
