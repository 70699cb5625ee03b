import { useState } from 'react';
import type { BackendType } from '../../app/contract/index.ts';
import { useAction } from '../bridge/index.ts';
import { useText } from '../i18n/index.ts';
import { Button, CopyAsCommand, Dialog, DialogActions, DialogBody, ErrorNotice, RadioGroup, TextField } from '../ui/index.ts';
import { typeSummary, typeTitle } from './names.ts';
import { SettingsFields, type SettingValue } from './SettingsFields.tsx';

const NAME = /^[a-z0-9][a-z0-9-]{0,62}$/;

/** Sets up another place for keys. The fields are drawn from the type's own description of its settings. */
export function AddBackendDialog({ open, onClose, onAdded, types, taken }: { open: boolean; onClose: () => void; onAdded: (name: string) => void; types: readonly BackendType[]; taken: readonly string[] }) {
  const t = useText();
  const [chosen, setChosen] = useState<string>();
  const [name, setName] = useState('');
  const [touched, setTouched] = useState(false);
  const [settings, setSettings] = useState<Readonly<Record<string, SettingValue>>>({});
  const add = useAction('backends.add');
  const type = types.find((one) => one.type === chosen) ?? types[0];
  const wrong = name === '' ? t('backends.nameNeeded') : !NAME.test(name) ? t('backends.nameForm') : taken.includes(name) ? t('backends.nameTaken') : undefined;
  const input = { type: type?.type ?? '', name, settings };
  const submit = (): void => {
    setTouched(true);
    if (wrong !== undefined || type === undefined) return;
    void add.run(input).then((done) => {
      if (done === undefined) return;
      setName('');
      setSettings({});
      setTouched(false);
      onClose();
      onAdded(done.name);
    });
  };
  return (
    <Dialog title={t('backends.addTitle')} open={open} onClose={onClose} onSubmit={submit}>
      <DialogBody>
        <RadioGroup label={t('backends.type')} value={type?.type ?? ''} onChange={setChosen} options={types.map((one) => ({ value: one.type, label: typeTitle(one, t), help: typeSummary(one, t) }))} />
        <TextField
          label={t('backends.instanceName')} value={name} onChange={setName} onBlur={() => setTouched(name !== '')} autoFocus mono
          isInvalid={touched && wrong !== undefined} help={touched && wrong !== undefined ? <span className="text-danger">{wrong}</span> : t('backends.nameForm')}
        />
        {type?.settings && <SettingsFields schema={type.settings} values={settings} onChange={setSettings} />}
        <ErrorNotice error={add.error} />
      </DialogBody>
      <DialogActions aside={NAME.test(name) && <CopyAsCommand operation="backends.add" input={input} />}>
        <Button onPress={onClose}>{t('common.cancel')}</Button>
        <Button kind="primary" type="submit" pending={add.pending}>{t('backends.addNow')}</Button>
      </DialogActions>
    </Dialog>
  );
}
