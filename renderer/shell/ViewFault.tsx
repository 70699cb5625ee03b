import { useRouter, type ErrorComponentProps } from '@tanstack/react-router';
import { useText } from '../i18n/index.ts';
import { Button, CopyButton, Notice } from '../ui/index.ts';

/** Stands where a view failed by a fault of its own: navigation and all else go on. */
export function ViewFault({ error, reset }: ErrorComponentProps) {
  const t = useText();
  const router = useRouter();
  const again = (): void => {
    reset();
    void router.invalidate();
  };
  const { name, message, stack } = error instanceof Error ? error : new Error(String(error));
  return (
    <div className="flex grow flex-col p-4">
      <Notice
        live tone="danger" title={t('shell.fault.title')}
        actions={<><Button small onPress={again}>{t('common.tryAgain')}</Button><CopyButton small kind="quiet" label={t('common.copyDetails')} text={() => JSON.stringify({ at: new Date().toISOString(), fault: name, detail: message, stack }, null, 2)} /></>}
      >
        {t('shell.fault.what')}
      </Notice>
    </div>
  );
}
