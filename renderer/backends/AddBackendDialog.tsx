import { useState } from 'react';
import type { BackendType } from '../../app/contract/index.ts';
import { useAction } from '../bridge/index.ts';
import { useText, type MessageKey } from '../i18n/index.ts';
import { Button, CopyAsCommand, Dialog, DialogActions, DialogBody, ErrorNotice, forgetDrafts, RadioGroup, TextField, useDraft } from '../ui/index.ts';
import { typeSummary, typeTitle } from './names.ts';
import { SettingsFields, type SettingValue } from './SettingsFields.tsx';

const NAME = /^[a-z0-9][a-z0-9-]{0,62}$/;

interface Draft {
  chosen: string | undefined;
  name: string;
  settings: Readonly<Record<string, SettingValue>>;
}

const FRESH: Draft = { chosen: undefined, name: '', settings: {} };

/** Sets up another place for keys. The fields are drawn from the type's own description of its settings. */
export function AddBackendDialog({ title, open, onClose, onAdded, types, taken }: { title?: string; open: boolean; onClose: () => void; onAdded: (name: string) => void; types: readonly BackendType[]; taken: readonly string[] }) {
  const t = useText();
  const draft = `backends.add ${title ?? ''}`;
  const [{ chosen, name, settings }, change] = useDraft<Draft>(draft, FRESH);
  const [touched, setTouched] = useState(false);
  const add = useAction('backends.add');
  const type = types.find((one) => one.type === chosen) ?? types[0];
  const wrong = name === '' ? t('backends.nameNeeded') : !NAME.test(name) ? t('backends.nameForm') : taken.includes(name) ? t('backends.nameTaken') : undefined;
  const input = { type: type?.type ?? '', name, settings };
  /** What is installed fills the form; the rest is typed. */
  const choose = (one: Known | undefined): void => {
    change({ settings: one?.settings ?? {}, name: one === undefined ? '' : freeName(one.name, taken) });
  };
  const submit = (): void => {
    setTouched(true);
    if (wrong !== undefined || type === undefined) return;
    void add.run(input).then((done) => {
      if (done === undefined) return;
      change(FRESH);
      forgetDrafts(draft);
      setTouched(false);
      onClose();
      onAdded(done.name);
    });
  };
  return (
    <Dialog title={title ?? t('backends.addTitle')} open={open} onClose={onClose} onSubmit={submit}>
      <DialogBody>
        {types.length > 1 && <RadioGroup label={t('backends.type')} value={type?.type ?? ''} onChange={(type) => change({ chosen: type })} options={types.map((one) => ({ value: one.type, label: typeTitle(one, t), help: typeSummary(one, t) }))} />}
        {type !== undefined && type.known.length > 0 && <KnownInstances known={type.known} settings={settings} onChoose={choose} />}
        <TextField
          label={t('backends.instanceName')} value={name} onChange={(typed) => change({ name: typed })} onBlur={() => setTouched(name !== '')} autoFocus mono
          isInvalid={touched && wrong !== undefined} help={touched && wrong !== undefined ? <span className="text-danger">{wrong}</span> : t('backends.nameForm')}
        />
        {type?.settings && <SettingsFields type={type.type} schema={type.settings} values={settings} onChange={(typed) => change({ settings: typed })} />}
        <ErrorNotice error={add.error} />
      </DialogBody>
      <DialogActions aside={<CopyAsCommand operation="backends.add" input={input} isDisabled={!NAME.test(name)} />}>
        <Button onPress={onClose}>{t('common.cancel')}</Button>
        <Button kind="primary" type="submit" pending={add.pending}>{t('backends.addNow')}</Button>
      </DialogActions>
    </Dialog>
  );
}

type Known = BackendType['known'][number];
const OTHER = 'other';

function freeName(name: string, taken: readonly string[]): string {
  if (!taken.includes(name)) return name;
  for (let n = 2; ; n += 1) if (!taken.includes(`${name}-${n}`)) return `${name}-${n}`;
}

/** What is installed on this machine, to choose; what else is known, so that nobody looks for it in vain. */
function KnownInstances({ known, settings, onChoose }: { known: readonly Known[]; settings: Readonly<Record<string, SettingValue>>; onChoose: (known: Known | undefined) => void }) {
  const t = useText();
  const installed = known.filter((one) => one.settings !== null);
  const absent = known.filter((one) => one.settings === null);
  const chosen = installed.find((one) => Object.entries(one.settings ?? {}).every(([name, value]) => settings[name] === value));
  return (
    <RadioGroup
      label={t('backends.installed')} value={chosen?.name ?? OTHER} onChange={(name) => onChoose(installed.find((one) => one.name === name))}
      options={[...installed.map(({ name, title, summary }) => ({ value: name, label: title, help: t.has(`backendModule.${title}`) ? t(`backendModule.${title}` as MessageKey) : summary })), { value: OTHER, label: t('backends.otherModule') }]}
      {...(absent.length > 0 && { help: t('backends.notInstalled', { list: absent.map(({ title }) => title).join(', ') }) })}
    />
  );
}
