import { FolderOpen, History, Plus } from 'lucide-react';
import { useState } from 'react';
import type { StoreStatus } from '../../app/contract/index.ts';
import { useAction } from '../bridge/index.ts';
import { useText } from '../i18n/index.ts';
import { Button, Checkbox, CopyAsCommand, ErrorNotice, Form, TextField } from '../ui/index.ts';
import { AskedElsewhere, Doorstep } from './Doorstep.tsx';
import { OpenStoreDialog } from './OpenStoreDialog.tsx';
import { RestoreDialog } from './RestoreDialog.tsx';

/** No store yet: make one, open another, or restore one. */
export function FirstRun({ status }: { status: StoreStatus }) {
  const t = useText();
  const [name, setName] = useState(t('store.defaultName'));
  const [recoveryCode, setRecoveryCode] = useState(true);
  const [dialog, setDialog] = useState<'open' | 'restore'>();
  const create = useAction('store.create');
  const input = { name: name.trim(), recoveryCode };
  return (
    <Doorstep title={t('store.welcome')} subtitle={t('store.welcomeWhat')}>
      <Form onSubmit={() => input.name !== '' && !create.pending && void create.run(input)} className="flex flex-col gap-4">
        <TextField label={t('store.name')} value={name} onChange={setName} maxLength={100} isDisabled={create.pending} autoFocus help={t('store.nameHelp', { folder: status.folder })} />
        <Checkbox isSelected={recoveryCode} onChange={setRecoveryCode} isDisabled={create.pending} help={t('store.recoveryCodeHelp')}>{t('store.recoveryCode')}</Checkbox>
        {create.pending ? (
          <AskedElsewhere onCancel={create.cancel}>{t('store.choosePassphraseElsewhere')}</AskedElsewhere>
        ) : (
          <div className="flex items-center gap-2">
            <Button kind="primary" icon={Plus} type="submit" isDisabled={input.name === ''}>{t('store.create')}</Button>
            <CopyAsCommand operation="store.create" input={input} />
          </div>
        )}
        <ErrorNotice error={create.error} />
      </Form>
      <section className="flex flex-col gap-2 border-t border-border pt-4">
        <h2 className="text-13 text-muted">{t('store.haveOne')}</h2>
        <div className="flex flex-wrap gap-2">
          <Button icon={FolderOpen} isDisabled={create.pending} onPress={() => setDialog('open')}>{t('store.openAnother')}</Button>
          <Button icon={History} isDisabled={create.pending} onPress={() => setDialog('restore')}>{t('store.restore')}</Button>
        </div>
      </section>
      <OpenStoreDialog open={dialog === 'open'} onClose={() => setDialog(undefined)} current={status.folder} />
      <RestoreDialog open={dialog === 'restore'} onClose={() => setDialog(undefined)} replaces={false} />
    </Doorstep>
  );
}
