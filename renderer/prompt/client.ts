import type { PendingPrompt, PromptAnswer } from '../../app/contract/index.ts';
import type { DesktopPromptApi } from '../bridge/desktop-api.ts';
import { readEventStream } from '../bridge/event-stream.ts';
import { makeProblem, problemFrom, ProblemError } from '../bridge/problem.ts';

declare global {
  interface Window {
    readonly keywrightPrompt?: DesktopPromptApi;
  }
}

/** What the prompt surface has of the core: its prompts, and nothing else. */
export interface PromptClient {
  pending(): Promise<readonly PendingPrompt[]>;
  /** @throws ProblemError NOT_FOUND when its call has ended meanwhile. */
  answer(id: string, answer: PromptAnswer): Promise<void>;
  onChange(listener: () => void): () => void;
  /** Nothing is asked any more. */
  close(): void;
  /** How long to wait for the next prompt before closing: a window that browsers open only upon a press should not close too soon. */
  readonly lingerMs: number;
  resize(height: number): void;
  copyText(text: string, clearAfter: number): Promise<void>;
}

export function desktopPrompts(api: DesktopPromptApi): PromptClient {
  return {
    lingerMs: 0,
    pending: async () => (await api.pending()) as readonly PendingPrompt[],
    answer: async (id, answer) => {
      const result = await api.answer(id, answer);
      if (!result.ok) throw new ProblemError(problemFrom(result.problem, result.problem.detail));
    },
    onChange: (listener) => api.onChange(listener),
    close: () => api.close(),
    resize: (height) => api.resize?.(height),
    copyText: (text, clearAfter) => api.copyText(text, { clearAfter }),
  };
}

const OURS = { 'X-Keywright': '1' } as const;
const RECONNECT_MS = 1000;

export function httpPrompts(): PromptClient {
  async function call(operation: string, input: unknown): Promise<unknown> {
    const response = await fetch(`/ipc/${operation}`, { method: 'POST', headers: { ...OURS, 'Content-Type': 'application/json' }, body: JSON.stringify(input) })
      .catch(() => { throw new ProblemError(makeProblem('BACKEND_UNAVAILABLE', 'Keywright’s agent did not answer.')); });
    const body: unknown = await response.json().catch(() => undefined);
    if (!response.ok) throw new ProblemError(problemFrom(body, `The agent answered with status ${response.status}.`));
    return body;
  }

  async function follow(listener: () => void, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      try {
        const response = await fetch('/ipc/events', { headers: { ...OURS, Accept: 'text/event-stream' }, signal });
        listener();
        // Signed out: asking again and again would only be refused again and again.
        if (response.status === 401 || response.status === 403) return;
        if (response.ok && response.body !== null) for await (const _event of readEventStream(response.body)) listener();
      } catch {
        // Tried again below; what is asked meanwhile fails with a message of its own.
      }
      await new Promise((resolve) => setTimeout(resolve, RECONNECT_MS));
    }
  }

  return {
    lingerMs: 8000,
    pending: async () => ((await call('prompts.pending', {})) as { prompts: PendingPrompt[] }).prompts,
    answer: async (id, answer) => void (await call('prompts.answer', { id, answer })),
    onChange(listener) {
      const abort = new AbortController();
      void follow(listener, abort.signal);
      return () => abort.abort();
    },
    close: () => window.close(),
    resize: () => undefined,
    copyText: async (text, clearAfter) => {
      await navigator.clipboard.writeText(text);
      setTimeout(() => void navigator.clipboard.writeText('').catch(() => undefined), clearAfter * 1000);
    },
  };
}
