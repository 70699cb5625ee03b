import { useState } from 'react';
import type { Mending } from '../../app/contract/index.ts';
import { asProblem, useAction, useBridge, type ChosenFile, type InputFor, type SaveTarget } from '../bridge/index.ts';
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
    case 'certificates.request': case 'store.backup': return <Written action={action} operation={action.operation} onClose={onClose} />;
    // The view of files does these itself.
    case 'files.decrypt': case 'files.sign': return null;
    default: return <Confirmed action={action} operation={action.operation} onClose={onClose} />;
  }
}

type Confirmable = 'keys.rotate' | 'keys.delete' | 'keys.restore' | 'certificates.renew' | 'tokens.change-pin' | 'tokens.unblock-pin' | 'tokens.change-puk' | 'tokens.set-management-key';
type ConfirmKey = 'rotate' | 'trash' | 'restore' | 'renew' | 'renew-key' | 'change-pin' | 'unblock-pin' | 'change-puk' | 'set-management-key';

function Confirmed({ action, operation, onClose }: { action: Mending; operation: Confirmable; onClose: () => void }) {
  const t = useText();
  const toast = useToast();
  const call = useAction(operation);
  const key = action.key as ConfirmKey;
  const title = t(`mending.title.${key}`, { about: action.about ?? '' });
  const confirm = async (): Promise<void> => {
    if ((await call.run(action.input as InputFor<typeof operation>)) === undefined) return;
    onClose();
    toast({ text: t('mending.done', { title }) });
  };
  return (
    <ConfirmDialog title={title} open onClose={onClose} action={t(`mending.confirm.${key}`)} pending={call.pending} onConfirm={() => void confirm()}>
      <p>{t(`mending.help.${key}`)}</p>
      <ErrorNotice error={call.error} />
    </ConfirmDialog>
  );
}

/** What writes a file asks where to, first. */
function Written({ action, operation, onClose }: { action: Mending; operation: 'certificates.request' | 'store.backup'; onClose: () => void }) {
  const t = useText();
  const toast = useToast();
  const bridge = useBridge();
  const request = useAction('certificates.request');
  const backup = useAction('store.backup');
  const [unwritten, setUnwritten] = useState<unknown>();
  const key = operation === 'store.backup' ? 'backup' : 'request';
  const name = action.about ?? key;
  const write = async ({ out }: SaveTarget): Promise<{ path: string } | { download: string } | undefined> => {
    if (operation === 'store.backup') return (await backup.run({ out }))?.written;
    const answer = await request.run({ ...action.input, to: out } as InputFor<'certificates.request'>);
    return answer !== undefined && 'written' in answer ? answer.written : undefined;
  };
  const confirm = async (): Promise<void> => {
    setUnwritten(undefined);
    try {
      const target = await bridge.saveTarget(operation === 'store.backup' ? `${name}-${new Date().toISOString().slice(0, 10)}.keywright-backup` : `${name.replaceAll(/[^\p{L}\p{N}._-]+/gu, '-')}.csr`);
      const written = target === undefined ? undefined : await write(target);
      if (target === undefined || written === undefined) return;
      const where = (await target.finish(written)) ?? t('settings.downloads');
      onClose();
      toast({ text: t(operation === 'store.backup' ? 'mending.backedUp' : 'mending.requested', { where }) });
    } catch (thrown) {
      setUnwritten(asProblem(thrown));
    }
  };
  return (
    <ConfirmDialog title={t(`mending.title.${key}`, { about: name })} open onClose={onClose} action={t(`mending.confirm.${key}`)} pending={request.pending || backup.pending} onConfirm={() => void confirm()}>
      <p>{t(`mending.help.${key}`)}</p>
      <ErrorNotice error={unwritten ?? request.error ?? backup.error} />
    </ConfirmDialog>
  );
}
