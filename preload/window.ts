/** The main window's bridge: passes messages on and decides nothing. Runs sandboxed, apart from the page's own world. */
import { contextBridge, ipcRenderer, webUtils } from 'electron';
import type { IpcRendererEvent } from 'electron';
import type { DesktopApi, DesktopFile, DesktopPlatform } from '../renderer/bridge/desktop-api.ts';
import { WINDOW } from './channels.ts';

let lastCall = 0;
const progressListeners = new Map<number, (event: unknown) => void>();
const callsByAbortId = new Map<string, number>();

ipcRenderer.on(WINDOW.progress, (_event, call: number, progress: unknown) => progressListeners.get(call)?.(progress));

function listen<T>(channel: string, listener: (value: T) => void): () => void {
  const forward = (_event: IpcRendererEvent, value: T) => listener(value);
  ipcRenderer.on(channel, forward);
  return () => void ipcRenderer.removeListener(channel, forward);
}

const api: DesktopApi = {
  async call(operation, input, onProgress, abortId) {
    const call = (lastCall += 1);
    if (onProgress !== undefined) progressListeners.set(call, onProgress);
    if (abortId !== undefined) callsByAbortId.set(abortId, call);
    try {
      return await ipcRenderer.invoke(WINDOW.call, call, operation, input, onProgress !== undefined);
    } finally {
      progressListeners.delete(call);
      if (abortId !== undefined) callsByAbortId.delete(abortId);
    }
  },
  cancel(abortId) {
    const call = callsByAbortId.get(abortId);
    if (call !== undefined) ipcRenderer.send(WINDOW.cancel, call);
  },
  onEvent: (listener) => listen(WINDOW.event, listener),
  onCommand: (listener) => listen<string>(WINDOW.command, listener),
  pathForFile(file) {
    const path = webUtils.getPathForFile(file);
    // A page cannot make up a file that has a path: a person chose this one.
    if (path !== '') ipcRenderer.send(WINDOW.chosen, path);
    return path;
  },
  pickFiles: (options) => ipcRenderer.invoke(WINDOW.pickFiles, options),
  pickSavePath: (options) => ipcRenderer.invoke(WINDOW.pickSavePath, options),
  saveFile: (bytes, options) => ipcRenderer.invoke(WINDOW.saveFile, bytes, options),
  dragOut: (bytes, name) => ipcRenderer.send(WINDOW.dragOut, bytes, name),
  copyText: (text, options) => ipcRenderer.invoke(WINDOW.copyText, text, options),
  onOpenedFiles(listener) {
    const take = (): void => void ipcRenderer.invoke(WINDOW.takeOpened).then((files: readonly DesktopFile[]) => {
      if (files.length > 0) listener(files);
    });
    take();
    return listen(WINDOW.opened, take);
  },
  openFile: (path) => ipcRenderer.invoke(WINDOW.openFile, path),
  showInFolder: (path) => ipcRenderer.invoke(WINDOW.showInFolder, path),
  readOpened: (path, length) => ipcRenderer.invoke(WINDOW.readOpened, path, length),
  showPrompts: () => ipcRenderer.send(WINDOW.showPrompts),
  openExternal: (url) => ipcRenderer.send(WINDOW.openExternal, url),
  platform: process.platform as DesktopPlatform,
  version: process.argv.find((argument) => argument.startsWith('--keywright-version='))?.slice('--keywright-version='.length) ?? '',
};

// Menus and the prompt window follow the language and the theme that the page shows.
function tellAppearance(): void {
  const { lang, dataset } = document.documentElement;
  ipcRenderer.send(WINDOW.appearance, lang, dataset['theme'] ?? '');
}
window.addEventListener('DOMContentLoaded', () => {
  tellAppearance();
  new MutationObserver(tellAppearance).observe(document.documentElement, { attributes: true, attributeFilter: ['lang', 'data-theme'] });
});

contextBridge.exposeInMainWorld('keywright', api);
