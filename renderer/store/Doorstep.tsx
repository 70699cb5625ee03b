import type { ReactNode } from 'react';
import { useBridge } from '../bridge/index.ts';
import { useText } from '../i18n/index.ts';
import { Mark } from '../shell/Navigation.tsx';
import { Button, Notice } from '../ui/index.ts';
import { useSaysAsked } from './asked-in-view.ts';

/** What stands before the store: one column, at the height where eyes are. */
export function Doorstep({ title, subtitle, children }: { title: string; subtitle: ReactNode; children: ReactNode }) {
  return (
    <main className="flex min-h-0 grow justify-center overflow-y-auto p-6">
      <div className="mt-[14vh] flex w-[28rem] max-w-full flex-col gap-5 pb-6">
        <header className="flex flex-col gap-3">
          <Mark size={36} />
          <div>
            <h1 className="text-20 font-semibold">{title}</h1>
            <div className="mt-1 text-14 text-muted">{subtitle}</div>
          </div>
        </header>
        {children}
      </div>
    </main>
  );
}

/** While the prompt surface asks: says so, brings it back, and takes the request back. */
export function AskedElsewhere({ onCancel, children }: { onCancel: () => void; children: ReactNode }) {
  const t = useText();
  const bridge = useBridge();
  useSaysAsked();
  return (
    <Notice
      live
      actions={
        <>
          <Button small onPress={() => bridge.openPromptSurface()}>{t('shell.showPrompts')}</Button>
          <Button small kind="plain" onPress={onCancel}>{t('common.cancel')}</Button>
        </>
      }
    >
      {children}
    </Notice>
  );
}
