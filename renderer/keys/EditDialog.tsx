import type { KeyRecord } from '../../app/contract/index.ts';
import { useAction, type InputFor } from '../bridge/index.ts';
import { useText } from '../i18n/index.ts';
import { Button, CopyAsCommand, Dialog, DialogActions, DialogBody, ErrorNotice, forgetDrafts, Select, TextField, useDraft } from '../ui/index.ts';
import { tagsOf } from './tags.ts';

type Settable = 'active' | 'suspended' | 'deactivated' | 'compromised';

/** States that a key can go to from where it is: there is no way back from the last two. */
function nextStates(state: KeyRecord['state']): Settable[] {
  if (state === 'compromised') return ['compromised'];
  if (state === 'deactivated') return ['deactivated', 'compromised'];
  return ['active', 'suspended', 'deactivated', 'compromised'];
}

export function EditDialog({ keyRecord, open, onClose }: { keyRecord: KeyRecord; open: boolean; onClose: () => void }) {
  const t = useText();
  const update = useAction('keys.update');
  const states = nextStates(keyRecord.state);
  const initial = states.find((name) => name === keyRecord.state) ?? states[0]!;
  const draft = `keys.edit ${keyRecord.id} ${keyRecord.revision}`;
  const [{ label, tags, state, until }, change] = useDraft(draft, {
    label: keyRecord.label, tags: keyRecord.tags.join(', '), state: initial, until: keyRecord.notAfter?.slice(0, 10) ?? '',
  });
  const date = until === '' ? undefined : new Date(`${until}T00:00:00Z`);
  const badDate = date !== undefined && Number.isNaN(date.getTime());
  const notAfter = date === undefined || badDate ? null : date.toISOString();
  const input: InputFor<'keys.update'> = {
    key: keyRecord.uri,
    ...(label.trim() !== keyRecord.label && { label: label.trim() }),
    ...(tagsOf(tags).join() !== keyRecord.tags.join() && { tags: tagsOf(tags) }),
    ...(state !== initial && { state }),
    ...(notAfter?.slice(0, 10) !== keyRecord.notAfter?.slice(0, 10) && { notAfter }),
  };
  const submit = async (): Promise<void> => {
    if (badDate || label.trim() === '') return;
    if ((await update.run({ ...input, ifRevision: keyRecord.revision })) === undefined) return;
    forgetDrafts(draft);
    onClose();
  };
  return (
    <Dialog title={t('keys.edit.title', { name: keyRecord.label })} open={open} onClose={onClose} onSubmit={() => void submit()}>
      <DialogBody>
        <TextField label={t('keys.name')} value={label} onChange={(text) => change({ label: text })} maxLength={200} isInvalid={label.trim() === ''} autoFocus />
        <TextField label={t('keys.tags')} help={t('keys.tagsHelp')} value={tags} onChange={(text) => change({ tags: text })} />
        <Select
          label={t('keys.state')} value={state} onChange={(name) => change({ state: name })}
          choices={states.map((name) => ({ value: name, label: t(`keys.stateName.${name}`), help: t(`keys.stateHelp.${name}`) }))}
        />
        <TextField label={t('keys.validUntil')} help={t('keys.edit.dateHelp')} value={until} onChange={(text) => change({ until: text })} isInvalid={badDate} />
        <ErrorNotice error={update.error} />
      </DialogBody>
      <DialogActions aside={<CopyAsCommand operation="keys.update" input={input} />}>
        <Button onPress={onClose}>{t('common.cancel')}</Button>
        <Button kind="primary" type="submit" pending={update.pending}>{t('common.save')}</Button>
      </DialogActions>
    </Dialog>
  );
}
