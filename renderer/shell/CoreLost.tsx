import { useEffect, useEffectEvent, useState } from 'react';
import { useAction, useBridge, useCoreEvent, useOperation, type BridgeState, type HeldView } from '../bridge/index.ts';
import { useText } from '../i18n/index.ts';
import { AskedElsewhere } from '../store/Doorstep.tsx';
import { Button, ErrorNotice, Notice, useIsAnyDialogOpen } from '../ui/index.ts';

const MINUTE_MS = 60_000;

/** Ends that a view is held: when nothing is filled in any more, when its store is open again, or when it would have locked by itself. */
export function useHeldView({ held, isOpenAgain, release, goOn }: HeldView): void {
  const { data: status } = useOperation('store.status', {});
  const isFilledIn = useIsAnyDialogOpen();
  const end = useEffectEvent(release);
  const resume = useEffectEvent(goOn);
  useEffect(() => {
    if (held && !isOpenAgain && !isFilledIn) end();
  }, [held, isOpenAgain, isFilledIn]);
  const isOpen = status?.state === 'unlocked';
  useEffect(() => {
    if (isOpenAgain && isOpen) resume();
  }, [isOpenAgain, isOpen]);
  const minutes = status?.idleLockMinutes ?? 0;
  useEffect(() => {
    if (!held || minutes === 0) return;
    const timer = setTimeout(() => end(), minutes * MINUTE_MS);
    return () => clearTimeout(timer);
  }, [held, minutes]);
}

/** In a dialog: that the core was lost under it, what became of what was typed, and how to go on. */
export function CoreLost({ held }: { held: boolean }) {
  const t = useText();
  const bridge = useBridge();
  const [state, setState] = useState<BridgeState>('connected');
  const [failing, setFailing] = useState(false);
  const unlock = useAction('store.unlock');
  useEffect(() => bridge.onState(setState), [bridge]);
  useCoreEvent((event) => {
    if (event.type === 'core.failing') setFailing(event.failing);
  });
  if (state === 'connected' && !failing && !held) return null;
  const what = state === 'interrupted' ? t('shell.interrupted') : state === 'signed-out' ? t('shell.signedOut') : failing ? t('shell.coreFails') : t('shell.coreRestarted');
  return (
    <div className="flex flex-col gap-3 px-5 pb-3">
      <Notice tone="warning" live title={what} {...(held && !failing && !unlock.pending && { actions: <Button small onPress={() => void unlock.run({})}>{t('store.unlock')}</Button> })}>
        {held ? t('shell.typedStays') : undefined}
      </Notice>
      {unlock.pending && <AskedElsewhere onCancel={unlock.cancel}>{t('store.typePassphraseElsewhere')}</AskedElsewhere>}
      <ErrorNotice error={unlock.error} />
    </div>
  );
}
