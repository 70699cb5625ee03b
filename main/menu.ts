import { app, Menu } from 'electron';
import type { MenuItemConstructorOptions } from 'electron';
import type { Words } from './texts.ts';

export interface MenuActions {
  /** Sends a command to the window, which is brought to the front for it. */
  readonly command: (name: string) => void;
  readonly lock: () => void;
}

const SEPARATOR: MenuItemConstructorOptions = { type: 'separator' };

/**
 * The application menu. Shortcuts shown here are the window's own: those that it handles itself are not registered
 * twice, so that a text field keeps its keys.
 */
export function applicationMenu(words: Words, actions: MenuActions): Menu {
  const isMac = process.platform === 'darwin';
  const command = (label: string, name: string, accelerator?: string): MenuItemConstructorOptions => ({
    label,
    click: () => actions.command(name),
    ...(accelerator === undefined ? {} : { accelerator, registerAccelerator: false }),
  });
  const lock: MenuItemConstructorOptions = { label: words.lock, accelerator: 'CmdOrCtrl+L', registerAccelerator: false, click: actions.lock };
  const settings = command(words.settings, 'navigate:/settings', 'CmdOrCtrl+,');

  const template: MenuItemConstructorOptions[] = [
    ...(isMac ? [{ label: app.name, submenu: [{ role: 'about', label: words.about }, SEPARATOR, settings, lock, SEPARATOR, { role: 'hide' }, { role: 'hideOthers' }, SEPARATOR, { role: 'quit', label: words.quit }] } as MenuItemConstructorOptions] : []),
    {
      label: words.file,
      submenu: [
        command(words.newKey, 'keys.new', 'CmdOrCtrl+N'),
        command(words.importKeys, 'keys.import', 'CmdOrCtrl+I'),
        command(words.signFiles, 'navigate:/files'),
        ...(isMac ? [SEPARATOR, { role: 'close', label: words.close } as const] : [SEPARATOR, settings, lock, SEPARATOR, { role: 'quit', label: words.quit } as const]),
      ],
    },
    {
      label: words.edit,
      submenu: [
        { role: 'undo', label: words.undo }, { role: 'redo', label: words.redo }, SEPARATOR,
        { role: 'cut', label: words.cut }, { role: 'copy', label: words.copy }, { role: 'paste', label: words.paste }, { role: 'selectAll', label: words.selectAll },
      ],
    },
    {
      label: words.view,
      submenu: [
        command(words.palette, 'palette', 'CmdOrCtrl+Shift+P'), SEPARATOR,
        command(words.keys, 'navigate:/keys'), command(words.certificates, 'navigate:/certificates'), command(words.files, 'navigate:/files'), command(words.tokens, 'navigate:/tokens'), command(words.backends, 'navigate:/backends'), command(words.health, 'navigate:/health'), command(words.activity, 'navigate:/activity'), SEPARATOR,
        { role: 'zoomIn', label: words.zoomIn }, { role: 'zoomOut', label: words.zoomOut }, { role: 'resetZoom', label: words.actualSize },
        { role: 'togglefullscreen', label: words.fullScreen },
        ...(app.isPackaged ? [] : [SEPARATOR, { role: 'toggleDevTools', label: words.developerTools } as const]),
      ],
    },
    { label: words.window, submenu: [{ role: 'minimize', label: words.minimize }, { role: 'close', label: words.close }] },
    {
      label: words.help,
      role: 'help',
      submenu: [command(words.shortcuts, 'shortcuts', 'CmdOrCtrl+/'), ...(isMac ? [] : [{ role: 'about', label: words.about } as const])],
    },
  ];
  return Menu.buildFromTemplate(template);
}
