import { useId, type FormEvent, type ReactNode } from 'react';
import type { PendingPrompt, PromptAnswer } from '../../app/contract/index.ts';
import { useText, whoName } from '../i18n/index.ts';
import { Button, Notice } from '../ui/index.ts';
import { Countdown } from './Countdown.tsx';
import { say } from './wording.ts';

export type Asked<K extends PendingPrompt['request']['kind']> = Extract<PendingPrompt['request'], { kind: K }>;
export type OnAnswer = (answer: PromptAnswer) => void;

/** What is the same for all: the title, who asks, what went wrong before, Cancel and the action. */
export function PromptForm({ prompt, busy, action, destructive = false, ready, onSubmit, onCancel, children, aside }: {
  prompt: PendingPrompt; busy: boolean; action: string; destructive?: boolean; ready: boolean; onSubmit: () => void; onCancel?: () => void; children?: ReactNode; aside?: ReactNode;
}) {
  const t = useText();
  const heading = useId();
  const { title, subject, note } = prompt.request;
  const warns = prompt.request.kind === 'secret' && note !== undefined;
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    if (ready && !busy) onSubmit();
  };
  return (
    <form aria-labelledby={heading} noValidate onSubmit={submit} className="flex min-h-0 grow flex-col">
      <div className="flex min-h-0 grow flex-col gap-3 overflow-y-auto px-6 pt-5 pb-4">
        <div>
          <h1 id={heading} className="text-16 font-semibold break-words">{say(title, t)}</h1>
          {subject !== undefined && <p className="text-13 break-words text-muted">{subject}</p>}
          <p className="text-12 text-muted">{t('prompt.askedBy', { who: whoName(prompt.askedBy, t) })}</p>
        </div>
        {note !== undefined && (warns ? <Notice tone="warning" live>{say(note, t)}</Notice> : <p className="text-13">{say(note, t)}</p>)}
        {children}
      </div>
      <footer className="flex shrink-0 items-center gap-2 border-t border-border px-6 py-3">
        {aside}
        <Countdown since={prompt.askedAt} seconds={prompt.request.seconds} />
        <span className="grow" />
        {onCancel !== undefined && <Button onPress={onCancel}>{t('common.cancel')}</Button>}
        <Button kind={destructive ? 'destructive' : 'primary'} type="submit" pending={busy} isDisabled={!ready}>{action}</Button>
      </footer>
    </form>
  );
}
