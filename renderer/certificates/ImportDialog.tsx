import { useEffect, useState } from 'react';
import { asProblem, useAction, useBridge, type ChosenFile } from '../bridge/index.ts';
import { useText } from '../i18n/index.ts';
import { Button, Checkbox, CopyAsCommand, Dialog, DialogActions, DialogBody, ErrorNotice, Notice, TextField } from '../ui/index.ts';

/** Certificates out of a file, told by its content. */
export function ImportDialog({ file, onClose, onImported }: { file: ChosenFile | undefined; onClose: () => void; onImported: (id: string) => void }) {
  const t = useText();
  const bridge = useBridge();
  const imports = useAction('certificates.import');
  const [chosen, setChosen] = useState(file);
  const [label, setLabel] = useState('');
  const [trusted, setTrusted] = useState(false);
  const [unreadable, setUnreadable] = useState<unknown>();
  useEffect(() => {
    if (file !== undefined) setChosen(file);
  }, [file]);
  const options = { ...(label.trim() !== '' && { label: label.trim() }), ...(trusted && { trusted }) };
  const pick = async (): Promise<void> => {
    const [picked] = await bridge.pickFiles({ title: t('certificates.import.choose') });
    if (picked !== undefined) setChosen(picked);
  };
  const submit = async (): Promise<void> => {
    if (chosen === undefined) return;
    setUnreadable(undefined);
    try {
      const answer = await imports.run({ from: await chosen.toInput(), ...options });
      if (answer === undefined) return;
      onClose();
      if (answer.certificates[0] !== undefined) onImported(answer.certificates[0].id);
    } catch (thrown) {
      setUnreadable(asProblem(thrown));
    }
  };
  return (
    <Dialog title={t('certificates.import.title')} open onClose={onClose} onSubmit={() => void submit()}>
      <DialogBody>
        <p className="text-13 text-muted">{t('certificates.import.reads')}</p>
        <div className="flex items-center gap-3">
          <Button autoFocus onPress={() => void pick()}>{t('certificates.import.choose')}</Button>
          <span className="min-w-0 truncate text-13">{chosen?.name ?? t('keys.import.nothingChosen')}</span>
        </div>
        <TextField label={t('certificates.name')} help={t('certificates.import.nameHelp')} value={label} onChange={setLabel} maxLength={200} />
        <Checkbox isSelected={trusted} onChange={setTrusted}>{t('certificates.import.trust')}</Checkbox>
        {trusted && <Notice tone="warning">{t('certificates.import.trustWarning')}</Notice>}
        <ErrorNotice error={unreadable ?? imports.error} />
      </DialogBody>
      <DialogActions aside={<CopyAsCommand operation="certificates.import" input={{ content: 'FILE', ...options }} />}>
        <Button onPress={imports.pending ? imports.cancel : onClose}>{t('common.cancel')}</Button>
        <Button kind="primary" type="submit" isDisabled={chosen === undefined} pending={imports.pending}>{t('certificates.import.action')}</Button>
      </DialogActions>
    </Dialog>
  );
}
