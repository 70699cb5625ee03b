import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { desktopBridge, httpBridge } from './bridge/index.ts';
import { App } from './shell/App.tsx';
import { readPreferences, showTheme } from './shell/preferences.tsx';
import './styles.css';

const root = document.getElementById('root');
if (root !== null) {
  showTheme(readPreferences(localStorage.getItem('keywright.preferences')).theme);
  const bridge = window.keywright === undefined ? httpBridge() : desktopBridge(window.keywright);
  createRoot(root).render(
    <StrictMode>
      <App bridge={bridge} />
    </StrictMode>,
  );
}
