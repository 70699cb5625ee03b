import { CircleAlert, Info, KeySquare, X, type LucideIcon } from 'lucide-react';
import { useEffect, useState, type ReactNode } from 'react';
import { useBridge, useCoreEvent, type BridgeState } from '../bridge/index.ts';
import { useText } from '../i18n/index.ts';
import { useAskedInView } from '../store/asked-in-view.ts';
import { Button, IconButton } from '../ui/index.ts';

function Banner({ icon: Icon, children, actions }: { icon: LucideIcon; children: ReactNode; actions?: ReactNode }) {
  return (
    <div role="status" className="flex min-h-10 shrink-0 items-center gap-3 border-b border-border bg-raised px-4 py-1 text-13">
      <Icon aria-hidden className="size-4 shrink-0 text-warning" strokeWidth={1.75} />
      <p className="grow">{children}</p>
      {actions}
    </div>
  );
}

/** What concerns the whole window: the core was restarted, the connection broke, something is asked elsewhere. */
export function Banners() {
  const t = useText();
  const bridge = useBridge();
  const [state, setState] = useState<BridgeState>('connected');
  const [restarted, setRestarted] = useState(false);
  const [pending, setPending] = useState(0);
  const saidInView = useAskedInView();
  useEffect(() => bridge.onState(setState), [bridge]);
  useCoreEvent((event) => {
    if (event.type === 'core.restarted') {
      setRestarted(true);
      setPending(0);
    }
    if (event.type === 'prompts.changed') {
      if (event.pending > pending) bridge.openPromptSurface({ unlessOpen: true });
      setPending(event.pending);
    }
  });
  return (
    <>
      {state === 'interrupted' && <Banner icon={CircleAlert}>{t('shell.interrupted')}</Banner>}
      {state === 'signed-out' && <Banner icon={CircleAlert}>{t('shell.signedOut')}</Banner>}
      {restarted && state === 'connected' && (
        <Banner icon={Info} actions={<IconButton icon={X} label={t('common.dismiss')} onPress={() => setRestarted(false)} />}>{t('shell.coreRestarted')}</Banner>
      )}
      {pending > 0 && !saidInView && state === 'connected' && (
        <Banner icon={KeySquare} actions={<Button small kind="primary" onPress={() => bridge.openPromptSurface()}>{t('shell.showPrompts')}</Button>}>
          {t('shell.promptsWait', { n: pending })}
        </Banner>
      )}
    </>
  );
}
