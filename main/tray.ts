import { Menu, nativeImage, Tray } from 'electron';
import type { MenuActions } from './menu.ts';
import type { Words } from './texts.ts';

interface TrayActions extends MenuActions {
  readonly show: () => void;
  readonly quit: () => void;
}

/** @returns the icon in the system's tray, or undefined where there is none to put it into. */
export function openTray(icon: string): Tray | undefined {
  const image = nativeImage.createFromPath(icon);
  if (image.isEmpty()) return undefined;
  try {
    const tray = new Tray(image.resize({ width: 22, height: 22 }));
    tray.setToolTip('Keywright');
    return tray;
  } catch {
    return undefined;
  }
}

export function trayMenu(words: Words, actions: TrayActions): Menu {
  return Menu.buildFromTemplate([
    { label: words.show, click: actions.show },
    { label: words.newKey, click: () => actions.command('keys.new') },
    { type: 'separator' },
    { label: words.lock, click: actions.lock },
    { type: 'separator' },
    { label: words.quit, click: actions.quit },
  ]);
}
