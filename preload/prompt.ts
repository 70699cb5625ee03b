/** The prompt window's bridge: what is asked, and the answer. The main window has no part in it. */
import { contextBridge, ipcRenderer } from 'electron';
import type { DesktopPlatform, DesktopPromptApi } from '../renderer/bridge/desktop-api.ts';
import { PROMPT } from './channels.ts';

const api: DesktopPromptApi = {
  pending: () => ipcRenderer.invoke(PROMPT.pending),
  answer: (id, answer) => ipcRenderer.invoke(PROMPT.answer, id, answer),
  onChange(listener) {
    const forward = () => listener();
    ipcRenderer.on(PROMPT.changed, forward);
    return () => void ipcRenderer.removeListener(PROMPT.changed, forward);
  },
  close: () => ipcRenderer.send(PROMPT.close),
  resize: (height) => ipcRenderer.send(PROMPT.resize, height),
  copyText: (text, options) => ipcRenderer.invoke(PROMPT.copyText, text, options),
  platform: process.platform as DesktopPlatform,
};

contextBridge.exposeInMainWorld('keywrightPrompt', api);
