import { FileUp } from 'lucide-react';
import { useState } from 'react';
import { asProblem, useAction, useBridge, type ChosenFile } from '../bridge/index.ts';
import { byteSize, useText } from '../i18n/index.ts';
import { Button, Dialog, DialogActions, DialogBody, ErrorNotice, Notice, ProgressBar } from '../ui/index.ts';
import { AskedElsewhere } from './Doorstep.tsx';

/** Makes the store anew from a backup. @param replaces whether a store is here already. */
export function RestoreDialog({ open, onClose, replaces }: { open: boolean; onClose: () => void; replaces: boolean }) {
  const t = useText();
  const bridge = useBridge();
  const [file, setFile] = useState<ChosenFile>();
  const [failed, setFailed] = useState<unknown>();
  const restore = useAction('store.restore');
  const submit = async (): Promise<void> => {
    if (file === undefined) return;
    setFailed(undefined);
    try {
      const done = await restore.run({ from: await file.toInput() });
      if (done !== undefined) onClose();
    } catch (thrown) {
      setFailed(asProblem(thrown).code === 'CANCELLED' ? undefined : thrown);
    }
  };
  const { progress } = restore;
  return (
    <Dialog title={t('store.restoreTitle')} open={open} onClose={onClose} onSubmit={() => void submit()}>
      <DialogBody>
        <p className="text-13">{t('store.restoreWhat')}</p>
        <div className="flex items-center gap-3">
          <Button icon={FileUp} autoFocus isDisabled={restore.pending} onPress={() => void bridge.pickFiles({ title: t('store.restoreTitle') }).then(([chosen]) => chosen && setFile(chosen))}>{t('store.chooseBackup')}</Button>
          <span className="min-w-0 truncate text-13">{file === undefined ? t('store.noBackupChosen') : t('store.backupChosen', { name: file.name, size: byteSize(file.size, t.language) })}</span>
        </div>
        {replaces && <Notice tone="warning">{t('store.restoreSetsAside')}</Notice>}
        {restore.pending && (progress === undefined
          ? <AskedElsewhere onCancel={restore.cancel}>{t('store.answerElsewhere')}</AskedElsewhere>
          : <ProgressBar label={t('store.restoreTitle')} fraction={progress.total === 0 ? null : progress.done / progress.total} />)}
        <ErrorNotice error={failed ?? restore.error} />
      </DialogBody>
      <DialogActions>
        <Button onPress={onClose}>{t('common.cancel')}</Button>
        <Button kind="primary" type="submit" pending={restore.pending} isDisabled={file === undefined}>{t('store.restoreNow')}</Button>
      </DialogActions>
    </Dialog>
  );
}
