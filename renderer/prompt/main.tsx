import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { languageFor } from '../i18n/index.ts';
import { showTheme, THEMES } from '../shell/preferences.tsx';
import '../styles.css';
import { desktopPrompts, httpPrompts } from './client.ts';
import { PromptApp } from './PromptApp.tsx';

/** The window's theme and language come in the address: nothing else is shared with it. */
const wishes = new URLSearchParams(location.hash.slice(1));
const root = document.getElementById('root');
if (root !== null) {
  showTheme(THEMES.find((theme) => theme === wishes.get('theme')) ?? 'system');
  const client = window.keywrightPrompt === undefined ? httpPrompts() : desktopPrompts(window.keywrightPrompt);
  createRoot(root).render(
    <StrictMode>
      <PromptApp client={client} language={languageFor(wishes.get('language') ?? undefined, navigator.languages)} />
    </StrictMode>,
  );
}
