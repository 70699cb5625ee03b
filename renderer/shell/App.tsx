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
  return (
    <PreferencesProvider>
      <BridgeProvider value={bridge}>
        <Translated />
      </BridgeProvider>
    </PreferencesProvider>
  );
}

function Translated() {
  const { language } = usePreferences();
  const [client] = useState(makeQueryClient);
  const [router] = useState(() => makeRouter());
  return (
    <TextProvider language={language}>
      <QueryClientProvider client={client}>
        <CommandProvider>
          <ToastProvider>
            <FileDropProvider>
              <RouterProvider router={router} />
            </FileDropProvider>
          </ToastProvider>
        </CommandProvider>
      </QueryClientProvider>
    </TextProvider>
  );
}
