import { useEffect, type ReactNode } from 'react';
import type { StoreStatus } from '../../app/contract/index.ts';
import { useOperation } from '../bridge/index.ts';
import { useText } from '../i18n/index.ts';
import { Button, ErrorNotice } from '../ui/index.ts';
import { FirstRun } from './FirstRun.tsx';
import { LockScreen } from './LockScreen.tsx';

/** Shows what is within while the store is open; else the way to make, restore or unlock one. @param held  it stays although the store is locked */
export function StoreGate({ children, onOpen, held }: { children: (status: StoreStatus) => ReactNode; onOpen: (open: boolean) => void; held: boolean }) {
  const t = useText();
  const status = useOperation('store.status', {});
  const state = status.data?.state;
  useEffect(() => onOpen(state === 'unlocked'), [onOpen, state]);
  if (status.data === undefined) {
    return (
      <main aria-busy={status.isPending} className="flex min-h-0 grow items-center justify-center p-6">
        {status.error !== null && <div className="w-[28rem] max-w-full"><ErrorNotice error={status.error} actions={<Button small onPress={() => void status.refetch()}>{t('common.tryAgain')}</Button>} /></div>}
      </main>
    );
  }
  if (status.data.state === 'absent') return <FirstRun status={status.data} />;
  if (status.data.state === 'locked' && !held) return <LockScreen status={status.data} />;
  return children(status.data);
}
