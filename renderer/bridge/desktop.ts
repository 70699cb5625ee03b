import type { CoreEvent, Problem } from '../../app/contract/index.ts';
import type { Bridge, CallControl, ChosenFile, InputFor, OperationId, OutputFor, ProgressFor } from './bridge.ts';
import type { DesktopApi, DesktopFile } from './desktop-api.ts';
import { pickInBrowser, readFile, readStart, tooLarge, unreadable } from './local-files.ts';
import { makeProblem, ProblemError } from './problem.ts';

declare global {
  interface Window {
    readonly keywright?: DesktopApi;
  }
}

/** The bridge in the desktop program: the preload's functions, with cancellation and files fitted to them. */
export function desktopBridge(api: DesktopApi): Bridge {
  let lastAbortId = 0;

  async function call<K extends OperationId>(operation: K, input: InputFor<K>, control: CallControl<ProgressFor<K>> = {}): Promise<OutputFor<K>> {
    const { signal, onProgress } = control;
    if (signal?.aborted) throw new ProblemError(makeProblem('CANCELLED', 'The call was cancelled.'));
    const abortId = `call-${++lastAbortId}`;
    const abort = (): void => api.cancel(abortId);
    signal?.addEventListener('abort', abort, { once: true });
    try {
      const result = await api.call(operation, input, onProgress && ((event) => onProgress(event as ProgressFor<K>)), abortId);
      if (!result.ok) throw new ProblemError(result.problem as Problem);
      return result.output as OutputFor<K>;
    } finally {
      signal?.removeEventListener('abort', abort);
    }
  }

  return {
    kind: 'desktop',
    platform: api.platform,
    call,
    onEvent: (listener) => api.onEvent((event) => listener(event as CoreEvent)),
    onState: (listener) => {
      listener('connected');
      return () => undefined;
    },
    onCommand: (listener) => api.onCommand?.(listener) ?? (() => undefined),
    onOpenedFiles: (listener) => api.onOpenedFiles?.((files) => listener(files.map((file) => openedFile(api, file)))) ?? (() => undefined),
    pickFiles: async (options) => (await pickInBrowser(options)).map((file) => fileWithPath(file, api.pathForFile(file))),
    fileFrom: (file) => fileWithPath(file, api.pathForFile(file)),
    pickFolderOfFiles: async (title) => (await api.pickFiles({ title, folder: true, multiple: true })).map(({ path, name }) => folderAt(name, () => path)),
    filesDropped: async (transfer) => {
      const folders = new Set([...transfer.items].flatMap((item) => (item.webkitGetAsEntry()?.isDirectory === true ? [item.getAsFile()?.name] : [])));
      return [...transfer.files].map((file) => (folders.has(file.name) ? folderAt(file.name, () => api.pathForFile(file)) : fileWithPath(file, api.pathForFile(file))));
    },
    ...(api.openFile && { openFile: (path: string) => api.openFile!(path) }),
    ...(api.showInFolder && { showInFolder: (path: string) => api.showInFolder!(path) }),
    pickFolder: async (title) => (await api.pickFiles({ title, folder: true }))[0]?.path,
    saveTarget: async (name) => {
      const path = await api.pickSavePath({ name });
      // The system's dialog has asked about overwriting.
      return path === undefined ? undefined : { out: { path, overwrite: true }, finish: async () => path };
    },
    saveFile: (bytes, name) => api.saveFile(bytes, { name }),
    dragOut: (event, { name, bytes }) => {
      event.preventDefault(); // the system's own drag, of a real file, takes its place
      api.dragOut?.(bytes, name);
    },
    copyText: (text, options) => api.copyText(text, options),
    openPromptSurface: () => api.showPrompts(),
  };
}

/** A folder, which operations walk to its depths. */
function folderAt(name: string, pathOf: () => string): ChosenFile {
  const path = pathOf();
  return { name, size: 0, isFolder: true, toInput: async () => ({ path }), bytes: async () => { throw unreadable(name); }, start: async () => new Uint8Array() };
}

function openedFile(api: DesktopApi, { path, name, size }: DesktopFile): ChosenFile {
  const read = async (length: number): Promise<Uint8Array> => (await api.readOpened?.(path, length)) ?? new Uint8Array();
  return {
    name,
    size,
    toInput: async () => ({ path }),
    bytes: async (max) => {
      if (size > max) throw tooLarge({ name, size }, max);
      return read(size).catch(() => { throw unreadable(name); });
    },
    start: (length) => read(length).catch(() => new Uint8Array()),
  };
}

function fileWithPath(file: File, path: string): ChosenFile {
  return {
    name: file.name,
    size: file.size,
    toInput: async () => {
      if (path === '') throw new ProblemError(makeProblem('INVALID_INPUT', `“${file.name}” is not a file on this computer.`, 'Save it first, or choose it with “Choose files…”.'));
      return { path };
    },
    bytes: (max) => readFile(file, max),
    start: (length) => readStart(file, length),
  };
}
