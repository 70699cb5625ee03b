import { useCallback, useEffect, useLayoutEffect, useRef, useState } from 'react';
import type { PendingPrompt, Problem, PromptAnswer } from '../../app/contract/index.ts';
import { asProblem } from '../bridge/problem.ts';
import { TextProvider, useText, type Language } from '../i18n/index.ts';
import { Notice, Saying } from '../ui/index.ts';
import type { PromptClient } from './client.ts';
import { PromptClientContext } from './client-context.ts';
import { Prompt } from './Prompt.tsx';

export function PromptApp({ client, language }: { client: PromptClient; language: Language }) {
  return (
    <TextProvider language={language}>
      <PromptClientContext value={client}><Queue client={client} /></PromptClientContext>
    </TextProvider>
  );
}

/** Prompts one after another, the oldest first. Esc cancels the one that is shown. */
function Queue({ client }: { client: PromptClient }) {
  const t = useText();
  useEffect(() => {
    document.title = t('prompt.title');
  }, [t]);
  const [prompts, setPrompts] = useState<readonly PendingPrompt[]>();
  const [busy, setBusy] = useState(false);
  const [failed, setFailed] = useState<Problem>();
  const box = useRef<HTMLDivElement>(null);
  const shown = prompts?.[0];
  const id = shown?.id;
  const none = prompts?.length === 0;

  const refresh = useCallback(async () => {
    try {
      setPrompts(await client.pending());
      setFailed(undefined);
    } catch (thrown) {
      setFailed(asProblem(thrown));
    }
  }, [client]);

  useEffect(() => {
    void refresh();
    return client.onChange(() => void refresh());
  }, [client, refresh]);

  const answer = useCallback(async (to: string, given: PromptAnswer) => {
    setBusy(true);
    try {
      await client.answer(to, given);
    } catch (thrown) {
      if (asProblem(thrown).code !== 'NOT_FOUND') setFailed(asProblem(thrown));
    }
    setBusy(false);
    await refresh();
  }, [client, refresh]);

  useEffect(() => {
    if (id === undefined) return;
    const press = (event: KeyboardEvent): void => {
      if (event.key === 'Escape' && !event.defaultPrevented) void answer(id, { kind: 'cancelled' });
    };
    window.addEventListener('keydown', press);
    return () => window.removeEventListener('keydown', press);
  }, [id, answer]);

  useEffect(() => {
    if (!none) return;
    const timer = setTimeout(() => client.close(), client.lingerMs);
    return () => clearTimeout(timer);
  }, [none, client]);

  useLayoutEffect(() => {
    const element = box.current;
    if (element === null) return;
    // What the content would take if it had all the room: the scrolling part tells it.
    const measure = (): void => {
      const scrolling = element.querySelector<HTMLElement>('form > div');
      if (scrolling === null) return;
      client.resize(Math.ceil(element.scrollHeight - scrolling.clientHeight + scrolling.scrollHeight));
    };
    const observer = new ResizeObserver(measure);
    const content = element.querySelector('form > div');
    for (const child of content?.children ?? []) observer.observe(child);
    measure();
    return () => observer.disconnect();
  }, [id, client]);

  return (
    <main ref={box} className="flex h-full flex-col bg-raised">
      {failed !== undefined && <div className="px-6 pt-5"><Notice tone="danger" live><Saying telling={failed} part="detail" /></Notice></div>}
      {prompts !== undefined && prompts.length > 1 && <p role="status" className="border-b border-border px-6 py-1.5 text-12 text-muted">{t('prompt.queue', { n: prompts.length - 1 })}</p>}
      {shown !== undefined && <Prompt key={shown.id} prompt={shown} busy={busy} onAnswer={(given) => void answer(shown.id, given)} />}
      {none && client.lingerMs > 0 && <p role="status" className="appear-late p-6 text-13 text-muted">{t('prompt.nothingAsked')}</p>}
    </main>
  );
}
