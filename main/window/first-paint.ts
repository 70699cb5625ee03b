import type { BrowserWindow } from 'electron';

/**
 * Milliseconds after the page has loaded. Where graphics are not accelerated, the process that paints ends and is started
 * again while the page loads; a window that is still hidden is then never told of its first paint.
 */
const LOADED_IS_ENOUGH_AFTER = 1500;

/** Calls back once, when the window has something to show: at its first paint, or soon after its page has loaded. */
export function onFirstPaint(window: BrowserWindow, show: () => void): void {
  let late: NodeJS.Timeout | undefined;
  let isDone = false;
  const once = () => {
    clearTimeout(late);
    if (isDone || window.isDestroyed()) return;
    isDone = true;
    show();
  };
  window.once('ready-to-show', once);
  window.webContents.once('did-stop-loading', () => {
    if (!isDone) late = setTimeout(once, LOADED_IS_ENOUGH_AFTER);
  });
}
