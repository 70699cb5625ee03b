import { QueryClientProvider } from '@tanstack/react-query';
import { RouterProvider } from '@tanstack/react-router';
import { useState } from 'react';
import { BridgeProvider, makeQueryClient, type Bridge } from '../bridge/index.ts';
import { TextProvider } from '../i18n/index.ts';
import { ToastProvider } from '../ui/index.ts';
import { CommandProvider } from './commands.tsx';
import { FileDropProvider } from './FileDrop.tsx';
import { PreferencesProvider, usePreferences } from './preferences.tsx';
import { makeRouter } from './router.tsx';

export function App({ bridge }: { bridge: Bridge }) {
  const [client] = useState(makeQueryClient);
  return (
    <BridgeProvider value={bridge}>
      <QueryClientProvider client={client}>
        <PreferencesProvider>
          <Translated />
        </PreferencesProvider>
      </QueryClientProvider>
    </BridgeProvider>
  );
}

function Translated() {
  const { language } = usePreferences();
  const [router] = useState(() => makeRouter());
  return (
    <TextProvider language={language}>
      <CommandProvider>
        <ToastProvider>
          <FileDropProvider>
            <RouterProvider router={router} />
          </FileDropProvider>
        </ToastProvider>
      </CommandProvider>
    </TextProvider>
  );
}
