/** Names of the messages between the windows and Electron's main process. The bridge and the router share them, and nothing else. */
export const WINDOW = {
  call: 'keywright:call',
  cancel: 'keywright:cancel',
  progress: 'keywright:progress',
  event: 'keywright:event',
  command: 'keywright:command',
  appearance: 'keywright:appearance',
  pickFiles: 'keywright:pick-files',
  pickSavePath: 'keywright:pick-save-path',
  saveFile: 'keywright:save-file',
  dragOut: 'keywright:drag-out',
  copyText: 'keywright:copy-text',
  showPrompts: 'keywright:show-prompts',
  openExternal: 'keywright:open-external',
  opened: 'keywright:opened',
  takeOpened: 'keywright:take-opened',
  readOpened: 'keywright:read-opened',
  chosen: 'keywright:chosen',
  openFile: 'keywright:open-file',
  showInFolder: 'keywright:show-in-folder',
} as const;

export const PROMPT = {
  pending: 'keywright-prompt:pending',
  answer: 'keywright-prompt:answer',
  changed: 'keywright-prompt:changed',
  close: 'keywright-prompt:close',
  resize: 'keywright-prompt:resize',
  copyText: 'keywright-prompt:copy-text',
} as const;
