import { BrowserWindow, nativeTheme, session } from 'electron';
import type { Places } from '../places.ts';
import { lockSession, securePreferences } from '../security/lockdown.ts';
import { serveScheme } from '../security/scheme.ts';
import { pageUrl } from '../security/served-files.ts';
import { onFirstPaint } from './first-paint.ts';
import { readWindowState, rememberWindowState, SMALLEST } from './state.ts';

/** The canvas of each theme (renderer/ui/tokens.css), so that nothing flashes before the first paint. */
const CANVAS = { light: '#f8f9f9', dark: '#15191a' } as const;

/** Prepares the main window's session. Once, when the app is ready. */
export function prepareMainSession(where: Places): void {
  lockSession(session.defaultSession);
  serveScheme(session.defaultSession, 'window', where.renderer);
}

/** @returns the main window, shown as soon as it has something to show. */
export function openMainWindow(where: Places, stateFile: string, onShown: () => void): BrowserWindow {
  const { bounds, maximized } = readWindowState(stateFile);
  const window = new BrowserWindow({
    ...bounds,
    minWidth: SMALLEST.width,
    minHeight: SMALLEST.height,
    title: 'Keywright',
    icon: where.icon,
    show: false,
    backgroundColor: nativeTheme.shouldUseDarkColors ? CANVAS.dark : CANVAS.light,
    webPreferences: securePreferences(session.defaultSession, where.preload('window')),
  });
  rememberWindowState(window, stateFile);
  onFirstPaint(window, () => {
    if (maximized) window.maximize();
    window.show();
    onShown();
  });
  void window.loadURL(pageUrl('window'));
  return window;
}
