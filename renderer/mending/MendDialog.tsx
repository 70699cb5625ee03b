import { useState } from 'react';
import type { Mending } from '../../app/contract/index.ts';
import { asProblem, useAction, useBridge, type ChosenFile, type InputFor } from '../bridge/index.ts';
import { ConvertDialog } from '../files/ConvertDialog.tsx';
import { useText } from '../i18n/index.ts';
import { ImportDialog } from '../keys/ImportDialog.tsx';
import { NewKeyDialog } from '../keys/NewKeyDialog.tsx';
import { ConfirmDialog, ErrorNotice, useToast } from '../ui/index.ts';

interface Props {
  readonly action: Mending;
  /** The file that was looked into, for what takes it. */
  readonly file?: ChosenFile | undefined;
  readonly onClose: () => void;
}

/** Takes the action of a finding: in the dialog that there is for it, filled in; what asks for nothing says what will happen. */
export function MendDialog({ action, file, onClose }: Props) {
  const t = useText();
  const toast = useToast();
  switch (action.operation) {
    case 'files.convert': return file === undefined ? null : <ConvertDialog file={file} proposed={(action.input as InputFor<'files.convert'>).format!} onClose={onClose} />;
    case 'keys.import': return <ImportDialog file={file} open onClose={onClose} onImported={(keys) => toast({ text: t('mending.imported', { n: keys.length }) })} />;
    case 'keys.generate': return <NewKeyDialog open proposed={action.input as Pick<InputFor<'keys.generate'>, 'algorithm' | 'label'>} onClose={onClose} onMade={({ label }) => toast({ text: t('mending.made', { name: label }) })} />;
    case 'keys.rotate': case 'keys.delete': case 'certificates.renew': case 'certificates.request': return <Confirmed action={action} operation={action.operation} onClose={onClose} />;
    // The view of files does these itself.
    case 'files.decrypt': case 'files.sign': return null;
  }
}

type Confirmable = 'keys.rotate' | 'keys.delete' | 'certificates.renew' | 'certificates.request';
type ConfirmKey = 'rotate' | 'trash' | 'renew' | 'renew-key' | 'request';

function Confirmed({ action, operation, onClose }: { action: Mending; operation: Confirmable; onClose: () => void }) {
  const t = useText();
  const toast = useToast();
  const bridge = useBridge();
  const call = useAction(operation);
  const [unwritten, setUnwritten] = useState<unknown>();
  const key = action.key as ConfirmKey;
  const title = t(`mending.title.${key}`, { about: action.about ?? '' });
  const confirm = async (): Promise<void> => {
    setUnwritten(undefined);
    if (operation !== 'certificates.request') {
      if ((await call.run(action.input as InputFor<typeof operation>)) === undefined) return;
      onClose();
      toast({ text: t('mending.done', { title }) });
      return;
    }
    try {
      const target = await bridge.saveTarget(`${(action.about ?? 'request').replaceAll(/[^\p{L}\p{N}._-]+/gu, '-')}.csr`);
      if (target === undefined) return;
      const answer = await call.run({ ...action.input, to: target.out } as InputFor<'certificates.request'>);
      if (answer === undefined || !('written' in answer) || answer.written === undefined) return;
      const where = await target.finish(answer.written);
      onClose();
      toast({ text: t('mending.requested', { where: where ?? '' }) });
    } catch (thrown) {
      setUnwritten(asProblem(thrown));
    }
  };
  return (
    <ConfirmDialog title={title} open onClose={onClose} action={t(`mending.confirm.${key}`)} pending={call.pending} onConfirm={() => void confirm()}>
      <p>{t(`mending.help.${key}`)}</p>
      <ErrorNotice error={unwritten ?? call.error} />
    </ConfirmDialog>
  );
}
