import { useNavigate } from '@tanstack/react-router';
import { CalendarClock, CircleAlert, Info, KeySquare, X, type LucideIcon } from 'lucide-react';
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

/** What concerns the whole window: the core was restarted, the connection broke, something is asked elsewhere, certificates end soon. */
export function Banners() {
  const t = useText();
  const bridge = useBridge();
  const [state, setState] = useState<BridgeState>('connected');
  const [restarted, setRestarted] = useState(false);
  const [failing, setFailing] = useState(false);
  const [pending, setPending] = useState(0);
  const [ending, setEnding] = useState<ReadonlySet<string>>(new Set());
  const navigate = useNavigate();
  const saidInView = useAskedInView();
  useEffect(() => bridge.onState(setState), [bridge]);
  useCoreEvent((event) => {
    if (event.type === 'core.restarted') {
      setRestarted(true);
      setPending(0);
    }
    if (event.type === 'core.failing') setFailing(event.failing);
    if (event.type === 'certificates.expiring') setEnding((before) => new Set([...before, event.id]));
    if (event.type === 'prompts.changed') {
      if (event.pending > pending) bridge.openPromptSurface({ unlessOpen: true });
      setPending(event.pending);
    }
  });
  return (
    <>
      {state === 'interrupted' && <Banner icon={CircleAlert}>{t('shell.interrupted')}</Banner>}
      {state === 'signed-out' && <Banner icon={CircleAlert}>{t('shell.signedOut')}</Banner>}
      {failing && <Banner icon={CircleAlert}>{t('shell.coreFails')}</Banner>}
      {restarted && !failing && state === 'connected' && (
        <Banner icon={Info} actions={<IconButton icon={X} label={t('common.dismiss')} onPress={() => setRestarted(false)} />}>{t('shell.coreRestarted')}</Banner>
      )}
      {ending.size > 0 && state === 'connected' && (
        <Banner
          icon={CalendarClock}
          actions={(
            <>
              <Button small onPress={() => { setEnding(new Set()); void navigate({ to: '/certificates', search: { shown: 'expiring' } }); }}>{t('shell.showEnding')}</Button>
              <IconButton icon={X} label={t('common.dismiss')} onPress={() => setEnding(new Set())} />
            </>
          )}
        >
          {t('shell.certificatesEnd', { n: ending.size })}
        </Banner>
      )}
      {pending > 0 && !saidInView && state === 'connected' && (
        <Banner icon={KeySquare} actions={<Button small kind="primary" onPress={() => bridge.openPromptSurface()}>{t('shell.showPrompts')}</Button>}>
          {t('shell.promptsWait', { n: pending })}
        </Banner>
      )}
    </>
  );
}
