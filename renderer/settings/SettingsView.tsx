import { useSearch } from '@tanstack/react-router';
import { useState } from 'react';
import { useText } from '../i18n/index.ts';
import { Tabs } from '../ui/index.ts';
import { AboutSettings } from './AboutSettings.tsx';
import { AccessSettings } from './AccessSettings.tsx';
import { GeneralSettings } from './GeneralSettings.tsx';
import { StoreSettings } from './StoreSettings.tsx';

export function SettingsView() {
  const t = useText();
  const asked = useSearch({ from: '/settings' }).tab;
  const [tab, setTab] = useState<string>(asked ?? 'general');
  return (
    <div className="flex min-h-0 min-w-0 grow flex-col bg-surface">
      <header className="flex min-h-12 shrink-0 items-center px-4 pt-1"><h1 className="text-16 font-semibold">{t('settings.title')}</h1></header>
      <Tabs
        label={t('shell.settings')} selected={tab} onSelect={setTab}
        tabs={[
          { id: 'general', label: t('settings.general'), content: <GeneralSettings /> },
          { id: 'store', label: t('settings.store'), content: <StoreSettings /> },
          { id: 'access', label: t('settings.access'), content: <AccessSettings /> },
          { id: 'about', label: t('settings.about'), content: <AboutSettings /> },
        ]}
      />
    </div>
  );
}
