import { Ellipsis, FolderOpen, History, KeySquare, LockOpen } from 'lucide-react';
import { useState } from 'react';
import type { StoreStatus } from '../../app/contract/index.ts';
import { useAction } from '../bridge/index.ts';
import { useText } from '../i18n/index.ts';
import { Button, ErrorNotice, Menu, Notice, Sentence } from '../ui/index.ts';
import { AskedElsewhere, Doorstep } from './Doorstep.tsx';
import { OpenStoreDialog } from './OpenStoreDialog.tsx';
import { RestoreDialog } from './RestoreDialog.tsx';

/** The store is locked. What unlocks it is typed in the prompt surface, never here. */
export function LockScreen({ status }: { status: StoreStatus }) {
  const t = useText();
  const unlock = useAction('store.unlock');
  const [dialog, setDialog] = useState<'open' | 'restore'>();
  return (
    <Doorstep title={t('store.locked', { name: status.name })} subtitle={<span className="font-mono text-12 break-all">{status.folder}</span>}>
      {status.problems.length > 0 && (
        <Notice tone="danger" title={t('store.cannotOpen')} actions={<Button small onPress={() => setDialog('restore')}>{t('store.restore')}</Button>}>
          <ul>{status.problems.map(({ record, detail }) => <li key={record}><Sentence text={detail} /></li>)}</ul>
        </Notice>
      )}
      {unlock.pending ? (
        <AskedElsewhere onCancel={unlock.cancel}>{t('store.typePassphraseElsewhere')}</AskedElsewhere>
      ) : (
        <div className="flex items-center gap-2">
          <Button kind="primary" icon={LockOpen} autoFocus onPress={() => void unlock.run({})}>{t('store.unlock')}</Button>
          <Menu
            label={t('store.otherWays')}
            entries={[
              { id: 'recovery', label: t('store.unlockWithRecoveryCode'), icon: KeySquare, onAction: () => void unlock.run({ with: 'recovery-code' }), disabled: status.hasRecoveryCode === false ? t('store.noRecoveryCode') : undefined },
              null,
              { id: 'open', label: t('store.openAnother'), icon: FolderOpen, onAction: () => setDialog('open') },
              { id: 'restore', label: t('store.restore'), icon: History, onAction: () => setDialog('restore') },
            ]}
          >
            <Button icon={Ellipsis}>{t('store.otherWays')}</Button>
          </Menu>
        </div>
      )}
      <ErrorNotice error={unlock.error} actions={unlock.error?.code === 'CORRUPT_RECORD' && <Button small onPress={() => setDialog('restore')}>{t('store.restore')}</Button>} />
      <OpenStoreDialog open={dialog === 'open'} onClose={() => setDialog(undefined)} current={status.folder} />
      <RestoreDialog open={dialog === 'restore'} onClose={() => setDialog(undefined)} replaces />
    </Doorstep>
  );
}
