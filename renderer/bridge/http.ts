import type { CoreEvent } from '../../app/contract/index.ts';
import type { Bridge, BridgeState, CallControl, ChosenFile, InputFor, OperationId, OutputFor, ProgressFor } from './bridge.ts';
import { encodeBase64url } from './base64url.ts';
import { readEventStream } from './event-stream.ts';
import { filesIn, folderOf, pickInBrowser, readFile, readStart } from './local-files.ts';
import { OPERATION_FACTS } from './operations.generated.ts';
import { makeProblem, problemFrom, ProblemError } from './problem.ts';

/** Forms from elsewhere cannot send a header of their own; the agent refuses what lacks it. */
const OURS = { 'X-Keywright': '1' } as const;
const RECONNECT_MS = [200, 500, 1000, 2000, 5000] as const;

/** The bridge in a browser: HTTP with server-sent events to the agent that serves this page. */
export function httpBridge(): Bridge {
  const listeners = new Set<(event: CoreEvent) => void>();
  const stateListeners = new Set<(state: BridgeState) => void>();
  let state: BridgeState = 'connected';
  let following = false;

  function setState(next: BridgeState): void {
    if (state === next) return;
    state = next;
    for (const listener of stateListeners) listener(next);
  }

  async function send(path: string, init: RequestInit): Promise<Response> {
    let response: Response;
    try {
      response = await fetch(path, { ...init, headers: { ...OURS, ...init.headers }, credentials: 'same-origin' });
    } catch {
      if (init.signal?.aborted) throw new ProblemError(makeProblem('CANCELLED', 'The call was cancelled.'));
      setState('interrupted');
      throw new ProblemError(makeProblem('BACKEND_UNAVAILABLE', 'Keywright’s agent did not answer.', 'If it was ended, start Keywright again.'));
    }
    // Only the session's end makes the agent answer so without a problem of an operation's own.
    if (response.status === 401) setState('signed-out');
    if (!response.ok) throw new ProblemError(problemFrom(await response.json().catch(() => undefined), `The agent answered with status ${response.status}.`));
    return response;
  }

  async function call<K extends OperationId>(operation: K, input: InputFor<K>, control: CallControl<ProgressFor<K>> = {}): Promise<OutputFor<K>> {
    const streams = OPERATION_FACTS[operation].streams && control.onProgress !== undefined;
    const response = await send(`/ipc/${operation}`, {
      method: 'POST',
      body: JSON.stringify(input),
      headers: { 'Content-Type': 'application/json', Accept: streams ? 'text/event-stream' : 'application/json' },
      ...(control.signal && { signal: control.signal }),
    });
    if (!streams || response.body === null) return (await response.json()) as OutputFor<K>;
    try {
      for await (const { event, data } of readEventStream(response.body)) {
        const record: unknown = JSON.parse(data);
        if (event === 'progress') control.onProgress?.(record as ProgressFor<K>);
        else if (event === 'result') return record as OutputFor<K>;
        else if (event === 'error') throw new ProblemError(problemFrom(record, 'The call failed.'));
      }
    } catch (thrown) {
      if (thrown instanceof ProblemError) throw thrown;
      if (control.signal?.aborted) throw new ProblemError(makeProblem('CANCELLED', 'The call was cancelled.'));
    }
    throw new ProblemError(makeProblem('BACKEND_UNAVAILABLE', 'The connection to the agent broke before an answer came.', 'Look at Activity whether it was done, then try again.'));
  }

  /** Follows the agent's events for as long as the page lives; after a break everything may be stale. */
  async function follow(): Promise<void> {
    for (let attempt = 0; ; attempt += 1) {
      try {
        const response = await send('/ipc/events', { headers: { Accept: 'text/event-stream' } });
        if (attempt > 0 && state !== 'connected') for (const listener of listeners) listener({ type: 'core.restarted' });
        attempt = 0;
        setState('connected');
        if (response.body !== null) {
          for await (const { data } of readEventStream(response.body)) for (const listener of listeners) listener(JSON.parse(data) as CoreEvent);
        }
      } catch {
        // The state has been told by send(); a stream that breaks is told here.
      }
      if (state === 'signed-out') return;
      setState('interrupted');
      await new Promise((resolve) => setTimeout(resolve, RECONNECT_MS[Math.min(attempt, RECONNECT_MS.length - 1)]));
    }
  }

  const chosen = (file: File): ChosenFile => ({
    name: file.name,
    size: file.size,
    toInput: ({ signal, onProgress } = {}) => upload(file, signal, onProgress),
    bytes: (max) => readFile(file, max),
    start: (length) => readStart(file, length),
  });

  function download(href: string, name: string): void {
    const link = document.createElement('a');
    link.href = href;
    link.download = name;
    link.click();
  }

  return {
    kind: 'browser',
    platform: navigator.platform.startsWith('Mac') ? 'darwin' : navigator.platform.startsWith('Win') ? 'win32' : 'linux',
    call,
    onEvent(listener) {
      listeners.add(listener);
      if (!following) {
        following = true;
        void follow();
      }
      return () => listeners.delete(listener);
    },
    onState(listener) {
      stateListeners.add(listener);
      listener(state);
      return () => stateListeners.delete(listener);
    },
    onCommand: () => () => undefined,
    onOpenedFiles: () => () => undefined,
    pickFiles: async (options) => (await pickInBrowser(options)).map(chosen),
    pickFolderOfFiles: async () => (await pickInBrowser({ multiple: true, folder: true })).map((file) => ({ ...chosen(file), folder: folderOf(file.webkitRelativePath) })),
    filesDropped: async (transfer) => (await filesIn(transfer)).map(({ file, folder }) => ({ ...chosen(file), folder })),
    fileFrom: chosen,
    download: (id, name) => download(`/ipc/downloads/${encodeURIComponent(id)}`, name),
    saveTarget: async (name) => ({
      out: { download: true },
      finish: async (written) => {
        if ('path' in written) return written.path;
        download(`/ipc/downloads/${encodeURIComponent(written.download)}`, name);
        return undefined;
      },
    }),
    saveFile: async (bytes, name) => {
      const address = URL.createObjectURL(new Blob([bytes.slice()], { type: 'application/octet-stream' }));
      download(address, name);
      setTimeout(() => URL.revokeObjectURL(address), 60_000);
      return name;
    },
    dragOut: ({ dataTransfer }, { name, type, bytes }) => {
      if (dataTransfer === null) return;
      dataTransfer.effectAllowed = 'copy';
      const address = `data:${type};base64,${encodeBase64url(bytes).replaceAll('-', '+').replaceAll('_', '/')}`;
      // Chromium makes a file of it; elsewhere it is a link that can be saved.
      dataTransfer.setData('DownloadURL', `${type}:${name}:${address}`);
      dataTransfer.setData('text/uri-list', address);
    },
    copyText: async (text, { clearAfter } = {}) => {
      await navigator.clipboard.writeText(text);
      // Browsers let a page write without asking but not read, so it is emptied whatever it holds by then.
      if (clearAfter !== undefined && clearAfter > 0) setTimeout(() => void navigator.clipboard.writeText('').catch(() => undefined), clearAfter * 1000);
    },
    openPromptSurface: ({ unlessOpen = false } = {}) => void openPromptPage(send, unlessOpen).catch(() => undefined),
  };
}

/** Uploads with progress, which fetch cannot tell. */
function upload(file: File, signal?: AbortSignal, onProgress?: (fraction: number) => void): Promise<{ upload: string }> {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    const cancel = (): void => request.abort();
    request.open('POST', `/ipc/uploads?name=${encodeURIComponent(file.name)}`);
    for (const [name, value] of Object.entries(OURS)) request.setRequestHeader(name, value);
    request.setRequestHeader('Content-Type', 'application/octet-stream');
    request.responseType = 'json';
    request.upload.onprogress = ({ loaded, total }) => onProgress?.(total === 0 ? 1 : loaded / total);
    request.onload = () => {
      const body: unknown = request.response;
      if (request.status >= 200 && request.status < 300) resolve({ upload: (body as { upload: string }).upload });
      else reject(new ProblemError(problemFrom(body, `The agent answered with status ${request.status}.`)));
    };
    request.onerror = () => reject(new ProblemError(makeProblem('BACKEND_UNAVAILABLE', 'The file could not be handed to the agent.')));
    request.onabort = () => reject(new ProblemError(makeProblem('CANCELLED', 'The call was cancelled.')));
    request.onloadend = () => signal?.removeEventListener('abort', cancel);
    signal?.addEventListener('abort', cancel, { once: true });
    request.send(file);
  });
}

/** The prompt page has an origin of its own, and no handle leads from one window to the other. */
async function openPromptPage(send: (path: string, init: RequestInit) => Promise<Response>, unlessOpen: boolean): Promise<void> {
  const { url, open } = (await (await send('/ipc/prompt-window', {})).json()) as { url: string; open: boolean };
  if (open && unlessOpen) return;
  const { theme = '' } = document.documentElement.dataset;
  const address = new URL(url, location.href);
  address.hash = new URLSearchParams({ theme, language: document.documentElement.lang }).toString();
  window.open(address, '_blank', 'noopener,popup,width=520,height=460');
}
