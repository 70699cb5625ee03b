import { FolderOpen } from 'lucide-react';
import { useState } from 'react';
import { useAction, useBridge, useOperation } from '../bridge/index.ts';
import { useText } from '../i18n/index.ts';
import { Button, Dialog, DialogActions, DialogBody, ErrorNotice, RadioGroup, TextField } from '../ui/index.ts';

/** Go on with the store of another folder: one that was open lately, or any. */
export function OpenStoreDialog({ open, onClose, current }: { open: boolean; onClose: () => void; current: string }) {
  const t = useText();
  const bridge = useBridge();
  const recent = useOperation('store.recent', open ? {} : undefined);
  const others = (recent.data?.stores ?? []).filter((store) => store.folder !== current && store.exists);
  const [folder, setFolder] = useState('');
  const action = useAction('store.open');
  const submit = (): void => {
    if (folder.trim() === '') return;
    void action.run({ folder: folder.trim() }).then((done) => done && onClose());
  };
  const pick = async (): Promise<void> => {
    const chosen = await bridge.pickFolder?.(t('store.openAnother'));
    if (chosen !== undefined) setFolder(chosen);
  };
  return (
    <Dialog title={t('store.openTitle')} open={open} onClose={onClose} onSubmit={submit}>
      <DialogBody>
        {others.length > 0 && (
          <RadioGroup label={t('store.recent')} value={folder} onChange={setFolder} options={others.map((store) => ({ value: store.folder, label: store.name, help: store.folder }))} />
        )}
        <TextField
          label={t('store.folder')} value={folder} onChange={setFolder} autoFocus={others.length === 0} mono help={t('store.folderHelp')}
          trailing={bridge.pickFolder && <Button icon={FolderOpen} onPress={() => void pick()}>{t('store.chooseFolder')}</Button>}
        />
        <ErrorNotice error={action.error} />
      </DialogBody>
      <DialogActions>
        <Button onPress={onClose}>{t('common.cancel')}</Button>
        <Button kind="primary" type="submit" pending={action.pending} isDisabled={folder.trim() === ''}>{t('store.openThis')}</Button>
      </DialogActions>
    </Dialog>
  );
}
